//! Client certificates that stand for accounts: kept by the digest of their key, taken back at once.

use protocol::terms::{Digest, Timestamp};

use crate::{
    Account, Error, Store, Work,
    access::must_exist,
    accounts, journal, params, rows, token_id,
    tx::{Row, Tx},
};

/// A certificate that stands for an account.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Certificate {
    /// The first digits of its pin: enough to name it among its account's.
    pub id: String,
    /// The digest of its key.
    #[serde(serialize_with = "as_hex")]
    pub pin: Digest,
    /// Whose.
    pub account: String,
    /// What it is for.
    pub label: String,
    /// Since when it stands.
    pub created: Timestamp,
}

impl Store {
    /// Keeps the key of a certificate that stands for an account.
    ///
    /// *Errors*: [`Error::NotFound`] without the account; [`Error::State`] where the key stands for
    /// another one: it is taken from that one first, so that nobody's way in is moved unseen.
    pub async fn add_certificate(
        &self,
        pin: Digest,
        account: String,
        label: String,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            must_exist(tx, &account)?;
            let sql = "/* add_certificate */ SELECT 1 FROM certificate
                       WHERE pin = ? AND account <> ?";
            if tx.exists(sql, params![pin.0, account])? {
                return Err(Error::State(
                    "that certificate stands for another account",
                    "take it back from that account first, or make one for this account",
                ));
            }
            tx.execute(
                "/* add_certificate */ INSERT INTO certificate VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (pin) DO UPDATE SET label = ?3",
                params![pin.0, account, label, now.as_ms()],
            )?;
            tx.leave(Work::Register);
            let certificate = (token_id(&pin), account.as_str(), label.as_str());
            note(tx, "certificate.added", certificate, &actor, now)
        })
        .await
    }

    /// The certificates that stand for accounts, of one or of every one, oldest first.
    pub async fn certificates(&self, account: Option<&str>) -> Result<Vec<Certificate>, Error> {
        self.read(|tx| {
            let sql = "/* certificates */ SELECT * FROM certificate
                       WHERE account = coalesce(?, account) ORDER BY account, created, pin";
            tx.query(sql, params![account], read)
        })
    }

    /// Takes a certificate back: it stands for the account no longer.
    ///
    /// *Errors*: [`Error::NotFound`] where none of that id stands for the account.
    pub async fn remove_certificate(
        &self,
        account: String,
        id: String,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let sql = "/* remove_certificate */ SELECT * FROM certificate WHERE account = ?";
            let all = tx.query(sql, params![account], read)?;
            let found = all.into_iter().find(|one| one.id == id).ok_or(Error::NotFound)?;
            let sql = "/* remove_certificate */ DELETE FROM certificate WHERE pin = ?";
            tx.execute(sql, params![found.pin.0])?;
            tx.leave(Work::Register);
            let certificate = (id.clone(), account.as_str(), found.label.as_str());
            note(tx, "certificate.removed", certificate, &actor, now)
        })
        .await
    }

    /// The account that the key of a certificate stands for.
    pub async fn certificate(&self, pin: &Digest) -> Result<Option<Account>, Error> {
        self.read(|tx| {
            let sql = "/* certificate */ SELECT a.* FROM certificate c
                       JOIN account a ON a.name = c.account WHERE c.pin = ?";
            tx.query_opt(sql, params![pin.0], accounts::read)
        })
    }
}

fn as_hex<S: serde::Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&digest.hex())
}

fn read(row: &Row<'_>) -> Result<Certificate, Error> {
    let pin = rows::digest(row, "pin")?;
    Ok(Certificate {
        id: token_id(&pin),
        pin,
        account: row.get("account")?,
        label: row.get("label")?,
        created: rows::time(row, "created")?,
    })
}

fn note(
    tx: &Tx<'_>,
    event: &str,
    (id, account, label): (String, &str, &str),
    actor: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let detail = format!("{id} of {account}: {label}");
    journal::write(tx, &journal::Line { detail: &detail, ..journal::Line::new(now, actor, event) })
}
