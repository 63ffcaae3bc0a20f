//! Who comes to the desk: passwords, tokens, certificates, sessions, and what their roles allow.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use protocol::{
    secrets,
    terms::{Digest, Role, Timestamp},
};
use store::{Account, SESSION_IDLE_MS, Store};

use crate::{
    desk::{Desk, Shared, now, rng},
    listen::Remote,
    problem::Problem,
    window::Window,
};

mod attempts;

use attempts::{Attempts, Requests};
pub use attempts::{Bound, TooMany};

/// Name of the console's cookie.
pub const COOKIE: &str = "detente";
/// The schemes that are spoken here, for `WWW-Authenticate`.
pub const CHALLENGE: &str = "Basic realm=\"detente\", charset=\"UTF-8\", Bearer realm=\"detente\"";
/// How long a verified password is remembered.
const REMEMBER_MS: i64 = 10 * 60 * 1_000;
/// Verified passwords remembered at most.
const REMEMBERED_MAX: usize = 10_000;
/// Bytes of a password; the slow hash is not fed more.
const PASSWORD_LEN_MAX: usize = 1_024;
/// Lock-outs that are written down within a minute; beyond it they are counted alone.
const TOLD_MAX: u32 = 60;
/// Slow hashes at once.
const LANES: usize = 8;

type Tag = [u8; 16];

/// Verified credentials, so that the slow hash runs once per credential and period.
pub struct Auth {
    key: [u8; 32],
    verified: Mutex<HashMap<Tag, Timestamp>>,
    /// Equal credentials meet in one lane: the second finds the first one's outcome.
    lanes: [tokio::sync::Mutex<()>; LANES],
    nobody: OnceLock<Option<String>>,
    /// How often the slow hash ran.
    hashed: AtomicU64,
    attempts: Attempts,
    requests: Requests,
    told: Window<()>,
}

/// Somebody who is known.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account.
    pub account: Account,
    /// The form token, for console sessions.
    pub csrf: Option<String>,
    /// The session's digest.
    pub session: Option<Digest>,
    /// When the password was last given.
    pub confirmed: Option<Timestamp>,
}

impl Caller {
    /// Checks a role.
    pub fn must_be(&self, role: Role) -> Result<(), Problem> {
        if self.account.roles.contains(&role) {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "ROLE-1",
            &format!("this asks for the role {role}"),
            "ask an administrator for the role",
        ))
    }
}

/// Why somebody is not let in.
#[derive(Debug)]
pub enum Refusal {
    /// No credentials, or wrong ones.
    Unknown,
    /// Too many wrong ones, or too many requests.
    TooMany(TooMany),
    /// The store could not say.
    Store(store::Error),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<TooMany> for Refusal {
    fn from(too_many: TooMany) -> Self {
        Self::TooMany(too_many)
    }
}

impl Auth {
    /// With a random key for what is remembered, and limits of requests a minute.
    pub fn new(key: [u8; 32], of_account: Option<u32>, of_address: Option<u32>) -> Self {
        Self {
            key,
            verified: Mutex::default(),
            lanes: Default::default(),
            nobody: OnceLock::new(),
            hashed: AtomicU64::new(0),
            attempts: Attempts::new(),
            requests: Requests::new(of_account, of_address),
            told: Window::new(),
        }
    }

    /// Whether a password is the account's.
    async fn is_password(&self, account: &Account, password: &str) -> bool {
        let Some(hash) = &account.password_hash else { return false };
        if password.len() > PASSWORD_LEN_MAX {
            return false;
        }
        let tag = self.tag(account, password, hash);
        if self.is_remembered(&tag) {
            return true;
        }
        let _turn = self.lane(&tag).lock().await;
        if self.is_remembered(&tag) {
            return true;
        }
        let ok = self.hash(password.to_owned(), hash.clone()).await;
        if ok {
            self.remember(tag);
        }
        ok
    }

    /// Holds a password against a hash, off the threads that serve.
    async fn hash(&self, password: String, hash: String) -> bool {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        let check = move || secrets::is_password(&password, &hash);
        tokio::task::spawn_blocking(check).await.unwrap_or(false)
    }

    /// How often the slow hash ran in this process.
    pub fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }

    /// The hash is part of the tag: a changed password forgets the old one at once.
    fn tag(&self, account: &Account, password: &str, hash: &str) -> Tag {
        let message = format!("{}\0{password}\0{hash}", account.name);
        secrets::tag(&self.key, message.as_bytes())
    }

    fn lane(&self, tag: &Tag) -> &tokio::sync::Mutex<()> {
        let [first, ..] = tag;
        let [head, rest @ ..] = &self.lanes;
        rest.get(usize::from(*first) % LANES).unwrap_or(head)
    }

    fn is_remembered(&self, tag: &Tag) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.get(tag).is_some_and(|until| now() < *until)
    }

    fn remember(&self, tag: Tag) {
        let time = now();
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= REMEMBERED_MAX {
            verified.retain(|_, until| time < *until);
        }
        if verified.len() >= REMEMBERED_MAX {
            verified.clear();
        }
        verified.insert(tag, time.plus_ms(REMEMBER_MS));
    }

    /// Whoever asks: a person with a console session, or a tool.
    pub(crate) async fn identify(&self, desk: &Desk, parts: &Parts) -> Result<Caller, Refusal> {
        if !parts.headers.contains_key(header::AUTHORIZATION)
            && let Some(caller) = by_session(desk.service.store(), &parts.headers).await
        {
            return Ok(caller);
        }
        let account = Account::clone(&*self.tool(desk, parts).await?);
        Ok(Caller { account, csrf: None, session: None, confirmed: None })
    }

    /// The account that a tool shows: in `Authorization`, else by its certificate.
    pub(crate) async fn tool(&self, desk: &Desk, parts: &Parts) -> Result<Arc<Account>, Refusal> {
        let address = address(desk, parts);
        let counted = self.requests.count_address(address, now());
        counted.inspect_err(|too_many| limited(desk, too_many, None, address))?;
        let mut shown = parts.headers.get_all(header::AUTHORIZATION).iter();
        let account = match (shown.next(), shown.next()) {
            (Some(value), None) => self.by_header(desk, value.as_bytes(), address).await?,
            // Two could be read as one here and as the other by a proxy in front.
            (_, Some(_)) => return Err(Refusal::Unknown),
            (None, None) => by_certificate(desk, parts).await?.ok_or(Refusal::Unknown)?,
        };
        let counted = self.requests.count_account(&account.name, now());
        counted.inspect_err(|too_many| limited(desk, too_many, Some(&account), address))?;
        Ok(account)
    }

    async fn by_header(
        &self,
        desk: &Desk,
        value: &[u8],
        address: IpAddr,
    ) -> Result<Arc<Account>, Refusal> {
        let value = std::str::from_utf8(value).map_err(|_| Refusal::Unknown)?;
        let (scheme, credentials) = value.trim().split_once(' ').ok_or(Refusal::Unknown)?;
        let credentials = credentials.trim();
        if scheme.eq_ignore_ascii_case("basic") {
            return self.by_password(desk, credentials, address).await;
        }
        // `Token` is what taxii2-client's TokenAuth says for a bearer token.
        if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token") {
            return self.by_token(desk, credentials, address).await;
        }
        Err(Refusal::Unknown)
    }

    async fn by_token(
        &self,
        desk: &Desk,
        token: &str,
        address: IpAddr,
    ) -> Result<Arc<Account>, Refusal> {
        let found = desk.register.token(desk.service.store(), secrets::token_digest(token)).await?;
        if let Some(account) = found {
            return Ok(account);
        }
        self.attempts.check("", address, now())?;
        self.wrong(desk, "", None, address).await;
        Err(Refusal::Unknown)
    }

    /// Counts a wrong credential. What locks an address out is written down: in the log for whoever
    /// runs the node, in the journal for whoever asks later why somebody was not let in.
    async fn wrong(&self, desk: &Desk, name: &str, account: Option<&Account>, address: IpAddr) {
        desk.metrics.wrong_credential();
        let Some(locked) = self.attempts.wrong(name, address, now()) else { return };
        desk.metrics.locked();
        if self.told.count((), 1, now()) > TOLD_MAX {
            return;
        }
        // A name that no account has may be a password in the wrong field: it is not repeated.
        let account = account.map(|account| account.name.as_str());
        let whose = match (locked.bound, account) {
            (Bound::Passwords, Some(name)) => format!(" for `{name}`"),
            (Bound::Passwords, None) => " for a name that no account has".to_owned(),
            _ => String::new(),
        };
        let (what, seconds) = (locked.what(), locked.retry_after_s);
        tracing::warn!(event = "auth.locked", what, account, %address, seconds);
        let detail =
            format!("{what}{whose} from {address} within a minute; none is tried for {seconds} s");
        let told = desk.service.store().log(now(), "node".to_owned(), "auth.locked", detail).await;
        if let Err(error) = told {
            tracing::warn!(event = "auth.locked", %error, "the journal does not tell of it");
        }
    }

    async fn by_password(
        &self,
        desk: &Desk,
        credentials: &str,
        address: IpAddr,
    ) -> Result<Arc<Account>, Refusal> {
        let decoded = STANDARD.decode(credentials).map_err(|_| Refusal::Unknown)?;
        let decoded = std::str::from_utf8(&decoded).map_err(|_| Refusal::Unknown)?;
        let (name, password) = decoded.split_once(':').ok_or(Refusal::Unknown)?;
        self.log_in(desk, name, password, address).await
    }

    /// The account of a name and a password.
    ///
    /// *Errors*: [`Refusal::TooMany`] after too many wrong ones for this name from this address.
    /// A password that was verified lately is let in without asking how many others were wrong.
    pub(crate) async fn log_in(
        &self,
        desk: &Desk,
        name: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<Arc<Account>, Refusal> {
        let found = desk.register.account(desk.service.store(), name).await?;
        if let Some(account) = &found
            && let Some(hash) = &account.password_hash
            && self.is_remembered(&self.tag(account, password, hash))
        {
            return Ok(Arc::clone(account));
        }
        self.attempts.check(name, address, now())?;
        let is_known = match &found {
            Some(account) if account.password_hash.is_some() => {
                self.is_password(account, password).await
            }
            _ => self.is_nobody(password).await,
        };
        match found {
            Some(account) if is_known => Ok(account),
            found => {
                self.wrong(desk, name, found.as_deref(), address).await;
                Err(Refusal::Unknown)
            }
        }
    }

    /// Whether somebody who is logged in still knows the password; tries are limited as at login.
    pub(crate) async fn confirm(
        &self,
        desk: &Desk,
        account: &Account,
        password: &str,
        address: IpAddr,
    ) -> Result<bool, TooMany> {
        match self.log_in(desk, &account.name, password, address).await {
            Ok(_) => Ok(true),
            Err(Refusal::TooMany(too_many)) => Err(too_many),
            Err(Refusal::Unknown | Refusal::Store(_)) => Ok(false),
        }
    }

    /// Takes as long as a wrong password: the time does not tell which names there are.
    async fn is_nobody(&self, password: &str) -> bool {
        let tag = secrets::tag(&self.key, password.as_bytes());
        let _turn = self.lane(&tag).lock().await;
        let hash = self.nobody.get_or_init(|| secrets::hash_password("nobody", &mut rng()));
        let (hash, password) = (hash.clone().unwrap_or_default(), password.to_owned());
        self.hash(password, hash).await;
        false
    }
}

/// Counts a request beyond a limit, and says so with the first of its minute.
fn limited(desk: &Desk, too_many: &TooMany, account: Option<&Account>, address: IpAddr) {
    desk.metrics.limited(too_many.bound.word());
    if too_many.is_news {
        let account = account.map(|account| account.name.as_str());
        tracing::warn!(event = "requests.limited", what = too_many.title(), account, %address);
    }
}

async fn by_session(store: &Store, headers: &HeaderMap) -> Option<Caller> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    let token =
        cookies.split(';').find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    let digest = secrets::token_digest(token);
    let session = store.session(&digest).await.ok()??;
    let time = now();
    if session.account.disabled || time > session.seen.plus_ms(SESSION_IDLE_MS) {
        return None;
    }
    if time.since_ms(session.seen) > 60_000 {
        store.touch_session(digest, false, time).await.ok()?;
    }
    Some(Caller {
        account: session.account,
        csrf: Some(session.csrf),
        session: Some(digest),
        confirmed: Some(session.confirmed),
    })
}

async fn by_certificate(desk: &Desk, parts: &Parts) -> Result<Option<Arc<Account>>, store::Error> {
    let remote = parts.extensions.get::<Remote>();
    match remote.and_then(|remote| remote.certificate) {
        Some(pin) => desk.register.certificate(desk.service.store(), pin).await,
        None => Ok(None),
    }
}

/// The address that a request comes from: the last one that the proxy in front has noted, where
/// one is declared.
fn address(desk: &Desk, parts: &Parts) -> IpAddr {
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
    let noted = forwarded
        .filter(|_| desk.config.behind_proxy)
        .and_then(|value| noted_address(value.to_str().ok()?.rsplit(',').next()?.trim()));
    let remote = parts.extensions.get::<Remote>();
    noted.or_else(|| remote.map(|remote| remote.address)).unwrap_or(IpAddr::from([127, 0, 0, 1]))
}

/// An address as proxies note it: some add the port.
fn noted_address(text: &str) -> Option<IpAddr> {
    let bare = || text.parse().ok();
    text.parse::<SocketAddr>().ok().map(|whole| whole.ip()).or_else(bare)
}

/// The address that a request comes from.
pub(crate) struct Origin(pub(crate) IpAddr);

impl FromRequestParts<Shared> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, desk: &Shared) -> Result<Self, Infallible> {
        Ok(Self(address(desk, parts)))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let is_unknown = matches!(self, Self::Unknown);
        let mut response = Problem::from(self).into_response();
        if is_unknown {
            let challenge = HeaderValue::from_static(CHALLENGE);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, desk: &Shared) -> Result<Self, Refusal> {
        // The guard in front of an API endpoint has found out already.
        match parts.extensions.get::<Self>() {
            Some(known) => Ok(known.clone()),
            None => desk.auth.identify(desk, parts).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_read_as_proxies_write_it() {
        let known: IpAddr = "192.0.2.7".parse().unwrap();
        assert_eq!(noted_address("192.0.2.7"), Some(known));
        assert_eq!(noted_address("192.0.2.7:51234"), Some(known));
        assert_eq!(noted_address("2001:db8::7"), "2001:db8::7".parse().ok());
        assert_eq!(noted_address("[2001:db8::7]:51234"), "2001:db8::7".parse().ok());
        for other in ["", "unknown", "_hidden", "192.0.2.7, 192.0.2.8"] {
            assert_eq!(noted_address(other), None, "{other}");
        }
    }
}
