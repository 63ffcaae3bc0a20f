//! What every page stands in: the person, the menu, the form token, the headers, and refusals that
//! teach.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{FromRequestParts, Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};
use exchange::rights::View;
use protocol::{secrets, terms::Role};
use serde::de::DeserializeOwned;

use super::assets;
use crate::{
    auth::{Caller, Origin},
    desk::{Shared, now},
    problem::Problem,
};

/// What a handler of the console gives.
pub(super) type Answer = Result<Response, Failed>;

/// A password given this recently need not be given again.
const CONFIRMED_MS: u64 = 5 * 60 * 1_000;

/// Somebody with a console session; others are sent to the login page.
pub(super) struct Person(pub(super) Caller, Origin);

/// What the address of a page names, such as the id of a release.
pub(super) struct At<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for At<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, desk: &Shared) -> Result<Self, Failed> {
        let found = Path::<T>::from_request_parts(parts, desk).await;
        found.map(|Path(named)| Self(named)).map_err(|_| Failed::nowhere())
    }
}

impl FromRequestParts<Shared> for Person {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, desk: &Shared) -> Result<Self, Redirect> {
        match Caller::from_request_parts(parts, desk).await {
            Ok(caller) if caller.csrf.is_some() => {
                let Ok(origin) = Origin::from_request_parts(parts, desk).await;
                Ok(Self(caller, origin))
            }
            _ => Err(Redirect::to("/login")),
        }
    }
}

impl Person {
    pub(super) fn name(&self) -> &str {
        &self.0.account.name
    }

    pub(super) fn is(&self, role: Role) -> bool {
        self.0.account.roles.contains(&role)
    }

    /// What this person sees of the collections, and of their objects.
    pub(super) async fn view(&self, desk: &Shared) -> Result<Arc<View>, Problem> {
        Ok(desk.register.view(desk.service.store(), &self.0.account).await?)
    }

    /// The page around what this person sees.
    pub(super) fn frame(&self, desk: &Shared, at: Menu) -> Frame {
        let roles: Vec<_> = self.0.account.roles.iter().map(|role| role.word()).collect();
        Frame {
            node: desk.config.name.short(),
            version: assets::VERSION.as_str(),
            person: Some(Known {
                officer: self.0.account.pseudonym.clone(),
                account: self.0.account.name.clone(),
                roles: roles.join(", "),
                administers: self.is(Role::Administrator),
                drafts: self.is(Role::Drafter),
            }),
            csrf: self.0.csrf.clone().unwrap_or_default(),
            at,
        }
    }

    /// Checks the token that every form carries.
    pub(super) fn check(&self, token: &str) -> Result<(), Problem> {
        let csrf = self.0.csrf.as_deref().unwrap_or_default();
        if !csrf.is_empty() && secrets::is_equal(csrf.as_bytes(), token.as_bytes()) {
            return Ok(());
        }
        let remedy = "go back, load the page again, and send the form once more";
        Err(Problem::new(StatusCode::FORBIDDEN, "AUTH-2", "the form is stale", remedy))
    }

    /// Whether the password was given within the last minutes.
    pub(super) fn is_confirmed(&self) -> bool {
        self.0.confirmed.is_some_and(|at| now().since_ms(at) < CONFIRMED_MS)
    }

    /// Who acts must still be the one who logged in: the password was given lately, or is now.
    pub(super) async fn confirm(&self, desk: &Shared, password: &str) -> Result<(), Problem> {
        if self.is_confirmed() {
            return Ok(());
        }
        let Origin(address) = self.1;
        let known = desk.auth.confirm(desk, &self.0.account, password, address).await;
        if known? {
            if let Some(session) = self.0.session {
                desk.service.store().touch_session(session, true, now()).await?;
            }
            return Ok(());
        }
        let remedy = match self.0.account.password_hash {
            Some(_) => "give your password once more",
            None => "this account has no password: log in again by a link, then act within minutes",
        };
        let message = "the password is missing or wrong; nothing was done";
        Err(Problem::new(StatusCode::FORBIDDEN, "AUTH-3", message, remedy))
    }
}

/// The entries of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Menu {
    Desk,
    Releases,
    Compose,
    Partners,
    Collections,
    Accounts,
    Oversight,
    Settings,
    None,
}

/// The person, as the frame shows them.
pub(super) struct Known {
    pub(super) officer: String,
    pub(super) account: String,
    pub(super) roles: String,
    pub(super) administers: bool,
    pub(super) drafts: bool,
}

/// What the layout needs.
pub(super) struct Frame {
    pub(super) node: String,
    pub(super) version: &'static str,
    pub(super) person: Option<Known>,
    pub(super) csrf: String,
    pub(super) at: Menu,
}

/// One entry: name, address, its key after `g`, whether this is the page.
pub(super) struct Entry {
    pub(super) word: &'static str,
    pub(super) path: &'static str,
    pub(super) key: &'static str,
    pub(super) here: bool,
}

impl Frame {
    /// For pages before anybody is known.
    pub(super) fn outside(desk: &Shared) -> Self {
        Self {
            node: desk.config.name.short(),
            version: assets::VERSION.as_str(),
            person: None,
            csrf: String::new(),
            at: Menu::None,
        }
    }

    /// The menu, at most seven entries.
    pub(super) fn menu(&self) -> Vec<Entry> {
        let Some(person) = &self.person else { return Vec::new() };
        let all = [
            (Menu::Desk, "Desk", "/desk", "d"),
            (Menu::Releases, "Releases", "/releases", "r"),
            (Menu::Compose, "Compose", "/compose", "c"),
            (Menu::Partners, "Partners", "/partners", "p"),
            (Menu::Collections, "Collections", "/collections", "o"),
            (Menu::Accounts, "Accounts", "/accounts", "a"),
            (Menu::Oversight, "Oversight", "/oversight", "v"),
            (Menu::Settings, "Settings", "/settings", "s"),
        ];
        // What a person cannot use is not there; who drafts and administers finds the clocks from
        // the desk.
        let may = |menu: &Menu| match menu {
            Menu::Accounts => person.administers,
            Menu::Compose => person.drafts,
            Menu::Oversight => !(person.administers && person.drafts),
            _ => true,
        };
        all.into_iter()
            .filter(|(menu, ..)| may(menu))
            .map(|(menu, word, path, key)| Entry { word, path, key, here: menu == self.at })
            .collect()
    }
}

/// What was refused, for a summary above a form that keeps what was typed.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    pub(super) rule: String,
    pub(super) message: String,
    pub(super) remedy: String,
}

impl From<&Problem> for Trouble {
    fn from(problem: &Problem) -> Self {
        Self {
            rule: problem.rule().to_owned(),
            message: problem.title().to_owned(),
            remedy: problem.remedy().to_owned(),
        }
    }
}

/// A page of what went wrong, where there is no form to return to.
#[derive(Clone)]
pub(super) struct Failed {
    heading: &'static str,
    problem: Problem,
}

impl<E: Into<Problem>> From<E> for Failed {
    fn from(error: E) -> Self {
        let problem = error.into();
        let heading = match problem.status() {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "There is no such page",
            _ => "This was not done",
        };
        Self { heading, problem }
    }
}

impl Failed {
    /// An address that no page has.
    pub(super) fn nowhere() -> Self {
        let title = "there is nothing at this address";
        let remedy = "see whether it was copied whole, or go on from the desk";
        Problem::new(StatusCode::NOT_FOUND, "API-404", title, remedy).into()
    }

    /// An address with a query that its page cannot read.
    pub(super) fn unread(title: &str, remedy: &str) -> Self {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "API-400", title, remedy);
        Self { heading: "This address cannot be read", problem }
    }

    /// A form that cannot be read, and why not.
    pub(super) fn unread_form(status: StatusCode, why: &str) -> Self {
        let title = format!("nothing was done: {why}");
        let remedy = "open the page that the form is on again, and fill it in there";
        let problem = Problem::new(status, "API-400", &title, remedy);
        Self { heading: "This form cannot be read", problem }
    }

    /// The page in its frame.
    pub(super) fn within(&self, frame: Frame) -> Response {
        let (status, trouble) = (self.problem.status(), Trouble::from(&self.problem));
        let failed = FailedPage { frame, heading: self.heading, status: status.as_u16(), trouble };
        (status, page(&failed)).into_response()
    }
}

/// Puts the menu of whoever asked on a page of what went wrong.
pub(super) async fn with_menu(
    State(desk): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut asked = parts.clone();
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let Some(failed) = response.extensions_mut().remove::<Failed>() else { return response };
    match Person::from_request_parts(&mut asked, &desk).await {
        Ok(person) => failed.within(person.frame(&desk, Menu::None)),
        Err(_) => response,
    }
}

#[derive(Template)]
#[template(path = "failed.html")]
struct FailedPage {
    frame: Frame,
    heading: &'static str,
    status: u16,
    trouble: Trouble,
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let mut response = self.within(Frame {
            node: "Détente".to_owned(),
            version: assets::VERSION.as_str(),
            person: None,
            csrf: String::new(),
            at: Menu::None,
        });
        response.extensions_mut().insert(self);
        response
    }
}

/// Renders a page with the headers that hold for all of them.
pub(super) fn page(template: &impl Template) -> Response {
    let mut response = match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(event = "page.failed", %error);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    guard(response.headers_mut());
    response
}

/// The same with a status that is not 200.
pub(super) fn page_as(status: StatusCode, template: &impl Template) -> Response {
    let mut response = page(template);
    if response.status().is_success() {
        *response.status_mut() = status;
    }
    response
}

/// Nothing from elsewhere, nothing inline, nothing framed, nothing kept.
pub(super) fn guard(headers: &mut HeaderMap) {
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                  img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let all = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in all {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
}
