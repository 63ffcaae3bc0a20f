//! People: accounts with roles, tokens, sessions, one-time login links, and what expires.

use protocol::terms::{Digest, Role, Timestamp};

use crate::{Error, Store, Work, journal, objects, params, rows, tx::Row};

/// An account.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Account {
    /// The name it logs in with.
    pub name: String,
    /// The officer id under which partners see it.
    pub pseudonym: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// Argon2id hash of its password.
    #[serde(skip)]
    pub password_hash: Option<String>,
    /// Whether it is shut.
    pub disabled: bool,
    /// Since when it is there.
    pub created: Timestamp,
}

/// A bearer token, as it is kept.
#[derive(Debug, Clone)]
pub struct Token {
    /// Whose.
    pub account: Account,
    /// Until when.
    pub expires: Option<Timestamp>,
}

/// A console session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whose.
    pub account: Account,
    /// The token that every form carries.
    pub csrf: String,
    /// When it was last used.
    pub seen: Timestamp,
    /// When the password was last given.
    pub confirmed: Timestamp,
}

pub(crate) fn read(row: &Row<'_>) -> Result<Account, Error> {
    let roles: String = row.get("roles")?;
    let roles = roles.split_whitespace().map(str::parse).collect::<Result<_, _>>();
    Ok(Account {
        name: row.get("name")?,
        pseudonym: row.get("pseudonym")?,
        roles: roles.map_err(|_| Error::Corrupt("roles"))?,
        password_hash: row.get("password_hash")?,
        disabled: row.get("disabled")?,
        created: rows::time(row, "created")?,
    })
}

impl Store {
    /// Makes an account; the pseudonym is `officer-<n>`. It may use its roles in every collection
    /// until [`Store::grant`] says otherwise.
    pub async fn create_account(
        &self,
        name: String,
        roles: Vec<Role>,
        password_hash: Option<String>,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let words: Vec<_> = roles.iter().map(|role| role.word()).collect();
            let added = tx.execute(
                "/* create_account */ INSERT INTO account
                 SELECT ?1, 'officer-' || (1 + count(*)), ?2, ?3, 0, ?4 FROM account WHERE true
                 ON CONFLICT DO NOTHING",
                params![name, words.join(" "), password_hash, now.as_ms()],
            )?;
            if added == 0 {
                return Err(Error::State(
                    "there is an account of that name",
                    "take another name, or change that account",
                ));
            }
            let sql = "/* create_account */ INSERT INTO access VALUES (?, 0, 1, 1)
                       ON CONFLICT DO NOTHING";
            tx.execute(sql, params![name])?;
            tx.leave(Work::Register);
            let line = journal::Line {
                detail: &name,
                ..journal::Line::new(now, &actor, "account.created")
            };
            journal::write(tx, &line)
        })
        .await
    }

    /// Sets an account's password.
    pub async fn set_password(
        &self,
        name: String,
        hash: String,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let sql = "/* set_password */ UPDATE account SET password_hash = ? WHERE name = ?";
            if tx.execute(sql, params![hash, name])? == 0 {
                return Err(Error::NotFound);
            }
            tx.leave(Work::Register);
            let line = journal::Line {
                detail: &name,
                ..journal::Line::new(now, &actor, "account.password")
            };
            journal::write(tx, &line)
        })
        .await
    }

    /// One account.
    pub async fn account(&self, name: &str) -> Result<Option<Account>, Error> {
        self.read(|tx| {
            let sql = "/* account */ SELECT * FROM account WHERE name = ?";
            tx.query_opt(sql, params![name], read)
        })
    }

    /// Every account, by name.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.read(|tx| {
            let sql = "/* accounts */ SELECT * FROM account ORDER BY name";
            tx.query(sql, &[], read)
        })
    }

    /// Keeps the digest of a bearer token.
    pub async fn add_token(
        &self,
        digest: Digest,
        account: String,
        label: String,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            tx.execute(
                "/* add_token */ INSERT INTO token VALUES (?, ?, ?, ?, ?)",
                params![digest.0, account, label, now.as_ms(), expires.map(Timestamp::as_ms)],
            )?;
            tx.leave(Work::Register);
            let line = journal::Line {
                detail: &label,
                ..journal::Line::new(now, &account, "token.created")
            };
            journal::write(tx, &line)
        })
        .await
    }

    /// The account behind a bearer token.
    pub async fn token(&self, digest: &Digest) -> Result<Option<Token>, Error> {
        self.read(|tx| {
            let sql = "/* token */ SELECT a.*, t.expires FROM token t
                       JOIN account a ON a.name = t.account WHERE t.digest = ?";
            tx.query_opt(sql, params![digest.0], |row| {
                Ok(Token { account: read(row)?, expires: rows::time_opt(row, "expires")? })
            })
        })
    }

    /// Opens a console session.
    pub async fn add_session(
        &self,
        digest: Digest,
        account: String,
        csrf: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            tx.execute(
                "/* add_session */ INSERT INTO session VALUES (?1, ?2, ?3, ?4, ?4, ?4)",
                params![digest.0, account, csrf, now.as_ms()],
            )?;
            journal::write(tx, &journal::Line::new(now, &account, "session.opened"))
        })
        .await
    }

    /// A console session.
    pub async fn session(&self, digest: &Digest) -> Result<Option<Session>, Error> {
        self.read(|tx| {
            let sql = "/* session */ SELECT a.*, s.csrf, s.seen, s.confirmed FROM session s
                       JOIN account a ON a.name = s.account WHERE s.digest = ?";
            tx.query_opt(sql, params![digest.0], |row| {
                Ok(Session {
                    account: read(row)?,
                    csrf: row.get("csrf")?,
                    seen: rows::time(row, "seen")?,
                    confirmed: rows::time(row, "confirmed")?,
                })
            })
        })
    }

    /// Notes that a session was used, or that its password was given again.
    pub async fn touch_session(
        &self,
        digest: Digest,
        confirmed: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            tx.execute(
                "/* touch_session */ UPDATE session SET seen = ?2,
                 confirmed = coalesce(?3, confirmed) WHERE digest = ?1",
                params![digest.0, now.as_ms(), confirmed.then_some(now.as_ms())],
            )?;
            Ok(())
        })
        .await
    }

    /// Ends a session.
    pub async fn end_session(&self, digest: Digest) -> Result<(), Error> {
        self.write(move |tx| {
            tx.execute(
                "/* end_session */ DELETE FROM session WHERE digest = ?",
                params![digest.0],
            )?;
            Ok(())
        })
        .await
    }

    /// Keeps a one-time login link.
    pub async fn add_login_link(
        &self,
        digest: Digest,
        account: String,
        expires: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            tx.execute(
                "/* add_login_link */ INSERT INTO login_link VALUES (?, ?, ?)",
                params![digest.0, account, expires.as_ms()],
            )?;
            Ok(())
        })
        .await
    }

    /// Uses a login link up: the account it stands for, once.
    pub async fn use_login_link(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        self.write(move |tx| {
            let sql = "/* use_login_link */ DELETE FROM login_link WHERE digest = ? AND expires > ?
                       RETURNING account";
            tx.query_opt(sql, params![digest.0, now.as_ms()], |row| row.get(0))
        })
        .await
    }

    /// Removes what has expired; how many rows went.
    ///
    /// *Atomicity*: one transaction; may run twice.
    pub async fn sweep(&self, now: Timestamp) -> Result<usize, Error> {
        let idle = now.plus_ms(-SESSION_IDLE_MS).as_ms();
        let old = now.plus_ms(-STATUS_KEPT_MS);
        self.write(move |tx| {
            let now = now.as_ms();
            let mut gone =
                tx.execute("/* sweep */ DELETE FROM session WHERE seen < ?", params![idle])?;
            gone +=
                tx.execute("/* sweep */ DELETE FROM login_link WHERE expires < ?", params![now])?;
            gone += tx.execute("/* sweep */ DELETE FROM token WHERE expires < ?", params![now])?;
            gone += objects::forget_statuses(tx, old)?;
            Ok(gone)
        })
        .await
    }
}

/// A session ends when idle this long.
pub const SESSION_IDLE_MS: i64 = 30 * 60 * 1_000;
/// A status is kept this long (TAXII 2.1 section 4.3 asks for 24 hours).
const STATUS_KEPT_MS: i64 = 30 * 24 * 3_600 * 1_000;
