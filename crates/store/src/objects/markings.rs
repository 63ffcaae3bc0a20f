//! What marking definitions stand for. A definition that is here never changes its meaning, so what
//! was read once is kept until another comes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use stix::Marking;
use tokio::sync::watch;

use super::{NewObject, Outcome};
use crate::{Error, Store, Work, params, rows, store::lock, tx::Tx};

/// The markings that were read last.
pub(crate) struct KeptMarkings {
    /// Grows whenever the register changed, which markings are a part of.
    changes: watch::Receiver<u64>,
    read: Mutex<Option<Read>>,
}

/// What was read at one change.
struct Read {
    change: u64,
    all: Arc<HashMap<String, Marking>>,
}

impl KeptMarkings {
    pub(crate) fn new(changes: watch::Receiver<u64>) -> Self {
        Self { changes, read: Mutex::default() }
    }
}

impl Store {
    /// What every marking definition that is here stands for.
    pub async fn markings(&self) -> Result<Arc<HashMap<String, Marking>>, Error> {
        let kept = self.kept_markings();
        // Before any row is read: rows are never older than it says.
        let change = *kept.changes.borrow();
        let found = self.read(|tx| {
            tx.query("/* markings */ SELECT id, tlp, restricts FROM marking", &[], |row| {
                let marking = match rows::tlp(row, "tlp")? {
                    Some(tlp) => Marking::Tlp(tlp),
                    None if row.get("restricts")? => Marking::Other,
                    None => Marking::Statement,
                };
                Ok((row.get("id")?, marking))
            })
        })?;
        let all = Arc::new(found.into_iter().collect());
        *lock(&kept.read) = Some(Read { change, all: Arc::clone(&all) });
        Ok(all)
    }

    /// The same as it was known when the register last changed, for whoever is about to commit.
    /// What another process brings to a file is known here with that commit: an object that names
    /// such a definition waits for it, as one does that came before it.
    pub async fn known_markings(&self) -> Result<Arc<HashMap<String, Marking>>, Error> {
        let kept = self.kept_markings();
        let change = *kept.changes.borrow();
        let known = lock(&kept.read)
            .as_ref()
            .filter(|read| read.change == change)
            .map(|read| Arc::clone(&read.all));
        match known {
            Some(known) => Ok(known),
            None => self.markings().await,
        }
    }
}

/// Keeps what new marking definitions stand for.
pub(super) fn keep(tx: &Tx<'_>, objects: &[&NewObject], outcomes: &[Outcome]) -> Result<(), Error> {
    for (object, outcome) in objects.iter().zip(outcomes) {
        let (Some(marking), Outcome::New { .. }) = (object.marking, outcome) else { continue };
        let tlp = match marking {
            Marking::Tlp(tlp) => Some(tlp as u8),
            Marking::Statement | Marking::Other | Marking::Unknown => None,
        };
        let restricts = marking == Marking::Other;
        let sql = "/* markings::keep */ INSERT INTO marking (id, tlp, restricts)
                   VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
        tx.execute(sql, params![object.id, tlp, restricts])?;
        tx.leave(Work::Register);
        tx.leave(Work::Collections);
    }
    Ok(())
}
