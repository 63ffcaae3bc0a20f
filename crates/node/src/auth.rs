//! Who comes to the desk: passwords, tokens, sessions, and what their roles allow.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
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
    desk::{Shared, now},
    problem::Problem,
};

/// Name of the console's cookie.
pub const COOKIE: &str = "detente";
/// How long a verified password is remembered.
const REMEMBER_MS: i64 = 10 * 60 * 1_000;
/// Verified passwords remembered at most.
const REMEMBERED_MAX: usize = 10_000;
/// Wrong passwords of an account within a minute before it must wait.
const WRONG_MAX: u32 = 60;

/// Verified credentials, so that the slow hash runs once per credential and period.
pub struct Auth {
    key: [u8; 32],
    verified: Mutex<HashMap<[u8; 16], Timestamp>>,
    wrong: Mutex<HashMap<String, (i64, u32)>>,
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

impl Auth {
    /// With a random key for what is remembered.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, verified: Mutex::default(), wrong: Mutex::default() }
    }

    /// Whether a password is the account's.
    pub async fn is_password(&self, account: &Account, password: &str) -> bool {
        let Some(hash) = account.password_hash.clone() else { return false };
        // The hash is part of the tag: a changed password forgets the old one at once.
        let message = format!("{}\0{password}\0{hash}", account.name);
        let tag = secrets::tag(&self.key, message.as_bytes());
        let time = now();
        {
            let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
            if verified.get(&tag).is_some_and(|until| time < *until) {
                return true;
            }
        }
        let password = password.to_owned();
        let check = move || secrets::is_password(&password, &hash);
        let ok = tokio::task::spawn_blocking(check).await.unwrap_or(false);
        if ok {
            let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
            if verified.len() >= REMEMBERED_MAX {
                verified.clear();
            }
            verified.insert(tag, time.plus_ms(REMEMBER_MS));
        }
        ok
    }

    /// Counts a wrong password; `true` when there were too many within this minute.
    fn too_many(&self, name: &str, wrong_now: bool) -> bool {
        let minute = now().as_ms() / 60_000;
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() > REMEMBERED_MAX {
            wrong.clear();
        }
        let entry = wrong.entry(name.to_owned()).or_insert((minute, 0));
        if entry.0 != minute {
            *entry = (minute, 0);
        }
        entry.1 += u32::from(wrong_now);
        entry.1 > WRONG_MAX
    }

    /// Finds out who sends these headers.
    pub(crate) async fn identify(&self, store: &Store, headers: &HeaderMap) -> Option<Caller> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let (scheme, credentials) = value.to_str().ok()?.trim().split_once(' ')?;
            let account = match scheme.to_ascii_lowercase().as_str() {
                "bearer" | "token" => self.by_token(store, credentials.trim()).await?,
                "basic" => self.by_password(store, credentials.trim()).await?,
                _ => return None,
            };
            return Some(Caller { account, csrf: None, session: None, confirmed: None });
        }
        self.by_session(store, headers).await
    }

    async fn by_token(&self, store: &Store, token: &str) -> Option<Account> {
        let found = store.token(&secrets::token_digest(token)).await.ok()??;
        let expired = found.expires.is_some_and(|expires| expires <= now());
        (!expired && !found.account.disabled).then_some(found.account)
    }

    async fn by_password(&self, store: &Store, credentials: &str) -> Option<Account> {
        let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
        let (name, password) = decoded.split_once(':')?;
        if self.too_many(name, false) {
            return None;
        }
        let account = store.account(name).await.ok()?.filter(|account| !account.disabled);
        let known = match &account {
            Some(account) => self.is_password(account, password).await,
            None => false,
        };
        if !known {
            self.too_many(name, true);
        }
        account.filter(|_| known)
    }

    async fn by_session(&self, store: &Store, headers: &HeaderMap) -> Option<Caller> {
        let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
        let token = cookies
            .split(';')
            .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
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
}

/// Nobody that is known.
pub struct Unknown;

impl IntoResponse for Unknown {
    fn into_response(self) -> Response {
        let problem = Problem::new(
            StatusCode::UNAUTHORIZED,
            "AUTH-1",
            "credentials are missing or wrong",
            "send an account's password or token",
        );
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"detente\", Bearer")];
        (challenge, problem).into_response()
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Unknown;

    async fn from_request_parts(parts: &mut Parts, desk: &Shared) -> Result<Self, Unknown> {
        // The guard in front of an API endpoint has found out already.
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let found = desk.auth.identify(desk.service.store(), &parts.headers).await;
        found.ok_or(Unknown)
    }
}
