//! Numbers that are missing: which of a partner's we lack, and which of ours a partner asks for.

use protocol::terms::{AgreementId, NodeName};

use crate::{Error, OutboxRow, Store, inbox, outbox, params, rows, tx::Tx};

/// A gap in a partner's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The partner.
    pub partner: NodeName,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Up to which number nothing is missing.
    pub after: u64,
}

impl Store {
    /// Every gap below the highest number seen.
    pub async fn gaps(&self) -> Result<Vec<Gap>, Error> {
        self.read(|tx| {
            // By agreement, so that what went out, which shares the key, is not walked.
            let sql = "/* gaps */ SELECT p.partner, p.agreement
                       FROM (SELECT id FROM agreement UNION ALL SELECT ?) AS a
                       CROSS JOIN partner t CROSS JOIN pair p
                       WHERE p.partner = t.name AND p.agreement = a.id AND p.out = 0
                       GROUP BY p.partner, p.agreement HAVING max(p.number) > count(*)";
            let founding = AgreementId::FOUNDING.to_string();
            let open: Vec<(NodeName, AgreementId)> = tx.query(sql, params![founding], |row| {
                Ok((rows::term(row, "partner")?, rows::term(row, "agreement")?))
            })?;
            open.into_iter().map(|(partner, agreement)| gap(tx, partner, agreement)).collect()
        })
    }

    /// What went to a partner after a number and is still here sealed, oldest first.
    pub async fn sent_after(
        &self,
        partner: &NodeName,
        agreement: &AgreementId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, Error> {
        self.read(|tx| {
            let sql = "/* sent_after */ SELECT p.statement FROM pair p
                       JOIN payload b ON b.statement = p.statement
                       WHERE p.partner = ? AND p.agreement = ? AND p.out = 1 AND p.number > ?
                       ORDER BY p.number LIMIT ?";
            let ids = tx.query(
                sql,
                params![partner.as_str(), agreement.to_string(), after, limit],
                |row| rows::term(row, "statement"),
            )?;
            let mut found = Vec::new();
            for id in ids {
                found.extend(outbox::load(tx, &id, partner)?);
            }
            Ok(found)
        })
    }
}

fn gap(tx: &Tx<'_>, partner: NodeName, agreement: AgreementId) -> Result<Gap, Error> {
    let after = inbox::contiguous(tx, &partner, &agreement)?;
    Ok(Gap { partner, agreement, after })
}
