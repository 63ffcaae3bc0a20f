//! What administrators see and change of accounts: tokens, roles, the shut door.

use protocol::terms::{Digest, Role, Timestamp};

use crate::{
    Error, Store, Work, journal, params, rows,
    tx::{Row, Tx},
};

/// A token, as an administrator sees it: never what it is made of.
#[derive(Debug, Clone, serde::Serialize)]
pub struct TokenRow {
    /// The first digits of its digest: enough to name it.
    pub id: String,
    /// What it is kept under.
    #[serde(skip)]
    digest: Digest,
    /// Whose.
    pub account: String,
    /// What it is for.
    pub label: String,
    /// Since when.
    pub created: Timestamp,
    /// Until when.
    pub expires: Option<Timestamp>,
}

/// Digits of a digest that name a token.
const TOKEN_ID_LEN: usize = 16;

/// The name of a token among its owner's.
pub fn token_id(digest: &Digest) -> String {
    digest.hex().chars().take(TOKEN_ID_LEN).collect()
}

/// An id is the beginning of a digest, so it is found among its neighbours in the table.
fn named(tx: &Tx<'_>, id: &str) -> Result<Option<TokenRow>, Error> {
    let Ok(begin) = u64::from_str_radix(id, 16) else { return Ok(None) };
    let bound = |rest| [&begin.to_be_bytes()[..], &[rest; 24]].concat();
    let sql = "/* token_row */ SELECT * FROM token WHERE digest BETWEEN ? AND ?";
    let found = tx.query_opt(sql, params![bound(0x00), bound(0xff)], read)?;
    Ok(found.filter(|row| row.id == id))
}

fn read(row: &Row<'_>) -> Result<TokenRow, Error> {
    let digest = rows::digest(row, "digest")?;
    Ok(TokenRow {
        id: token_id(&digest),
        digest,
        account: row.get("account")?,
        label: row.get("label")?,
        created: rows::time(row, "created")?,
        expires: rows::time_opt(row, "expires")?,
    })
}

impl Store {
    /// Every token, by account and age.
    pub async fn token_rows(&self) -> Result<Vec<TokenRow>, Error> {
        self.read(|tx| {
            let sql = "/* token_rows */ SELECT * FROM token ORDER BY account, created";
            tx.query(sql, &[], read)
        })
    }

    /// The token of an id.
    pub async fn token_row(&self, id: &str) -> Result<Option<TokenRow>, Error> {
        self.read(|tx| named(tx, id))
    }

    /// Ends a token.
    ///
    /// *Errors*: [`Error::NotFound`].
    pub async fn end_token(&self, id: String, actor: String, now: Timestamp) -> Result<(), Error> {
        self.write(move |tx| {
            let row = named(tx, &id)?.ok_or(Error::NotFound)?;
            let sql = "/* end_token */ DELETE FROM token WHERE digest = ?";
            tx.execute(sql, params![row.digest.0])?;
            tx.leave(Work::Register);
            let line = journal::Line {
                detail: &row.label,
                ..journal::Line::new(now, &actor, "token.ended")
            };
            journal::write(tx, &line)
        })
        .await
    }

    /// Shuts an account, with its sessions, or opens it again; and gives it these roles.
    ///
    /// *Errors*: [`Error::NotFound`]; [`Error::State`] when no administrator would be left.
    pub async fn change_account(
        &self,
        name: String,
        roles: Vec<Role>,
        disabled: bool,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let words: Vec<_> = roles.iter().map(|role| role.word()).collect();
            let sql =
                "/* change_account */ UPDATE account SET roles = ?, disabled = ? WHERE name = ?";
            if tx.execute(sql, params![words.join(" "), disabled, name])? == 0 {
                return Err(Error::NotFound);
            }
            let sql = "/* change_account */ SELECT count(*) FROM account
                       WHERE disabled = 0 AND roles LIKE '%administrator%'";
            let left: u64 = tx.query_one(sql, &[], |row| row.get(0))?;
            if left == 0 {
                return Err(Error::State(
                    "one administrator must be left",
                    "make another account an administrator first",
                ));
            }
            if disabled {
                let sql = "/* change_account */ DELETE FROM session WHERE account = ?";
                tx.execute(sql, params![name])?;
            }
            tx.leave(Work::Register);
            let event = if disabled { "account.shut" } else { "account.changed" };
            let line = journal::Line { detail: &name, ..journal::Line::new(now, &actor, event) };
            journal::write(tx, &line)
        })
        .await
    }
}
