//! Who comes to the desk: passwords, tokens, certificates, sessions, and what their roles allow.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::IpAddr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
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
};

mod attempts;

pub(crate) use attempts::TooMany;
use attempts::{Attempts, Requests};

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
    TooMany {
        /// Seconds until it is worth another try.
        retry_after_s: u64,
    },
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
        Self::TooMany { retry_after_s: too_many.retry_after_s }
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
        self.requests.count_address(address, now())?;
        let mut shown = parts.headers.get_all(header::AUTHORIZATION).iter();
        let account = match (shown.next(), shown.next()) {
            (Some(value), None) => self.by_header(desk, value.as_bytes(), address).await?,
            // Two could be read as one here and as the other by a proxy in front.
            (_, Some(_)) => return Err(Refusal::Unknown),
            (None, None) => by_certificate(desk, parts).await?.ok_or(Refusal::Unknown)?,
        };
        self.requests.count_account(&account.name, now())?;
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
        self.attempts.wrong("", address, now());
        Err(Refusal::Unknown)
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
        match found.filter(|_| is_known) {
            Some(account) => Ok(account),
            None => {
                self.attempts.wrong(name, address, now());
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
            Err(Refusal::TooMany { retry_after_s }) => Err(TooMany { retry_after_s }),
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
        .and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    let remote = parts.extensions.get::<Remote>();
    noted.or_else(|| remote.map(|remote| remote.address)).unwrap_or(IpAddr::from([127, 0, 0, 1]))
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
        let more = match self {
            Self::Unknown => Some((header::WWW_AUTHENTICATE, CHALLENGE.to_owned())),
            Self::TooMany { retry_after_s } => {
                Some((header::RETRY_AFTER, retry_after_s.to_string()))
            }
            Self::Store(_) => None,
        };
        let problem = Problem::from(self);
        match more {
            Some(field) => ([field], problem).into_response(),
            None => problem.into_response(),
        }
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
