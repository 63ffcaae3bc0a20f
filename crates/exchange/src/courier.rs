//! The courier: the same sealed bytes on a disk, when no link is left.
//!
//! A courier file is a tar: `index` first, a note signed by the sender that lists every statement
//! and the sizes of its parts, then the sender's key statements as `keys/<epoch>`, then
//! `<id>/manifest`, `<id>/slip` and `<id>/payload`. Nobody is
//! trusted for carrying it: only signatures count, and the index tells when half of it is missing.
//!
//! *Source*: statement format, section 2.6.

use std::{
    collections::{BTreeMap, HashMap},
    io::Read as _,
    sync::Arc,
};

use bytes::Bytes;
use protocol::{
    courier::Index,
    envelope::Envelope,
    keys::{KeyStatement, NodeKeys},
    statement::RefusalCode,
    terms::{NodeName, StatementId, Timestamp, limits},
};
use rand_core::CryptoRng;
use serde::Serialize;
use store::{Lane, OutboxRow, Put, Route};

use crate::{
    Failure, Service, Step,
    intake::{self, AcceptError},
};

/// Why a courier file was not taken. Nothing of it is taken in then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Not a tar, or cut off.
    #[error("CUR-1: the file is no courier file, or it is cut off")]
    Malformed,
    /// The index is missing or does not read.
    #[error("CUR-2: the index is missing or malformed")]
    Index,
    /// The index is not signed by a partner that we know.
    #[error("CUR-3: the index is not signed by a partner that this node knows")]
    Signature,
    /// It is addressed to another node.
    #[error("CUR-4: the file is addressed to another node")]
    NotForUs,
    /// Parts that the index lists are missing or have another size.
    #[error("CUR-5: the file is not whole: {missing} of {listed} statements are missing or cut")]
    NotWhole {
        /// Statements that are missing or cut.
        missing: usize,
        /// Statements that the index lists.
        listed: usize,
    },
    /// The rest.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// What a courier file came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// From whom it came.
    pub from: NodeName,
    /// Statements in it.
    pub listed: usize,
    /// Statements that were new.
    pub new: usize,
    /// Statements that were here already.
    pub known: usize,
    /// Statements that were not accepted, with the refusal's code.
    pub refused: Vec<(StatementId, String)>,
}

/// Writes what a partner has not receipted yet into one courier file.
///
/// *Atomicity*: reads only; a statement that also goes over the link is taken in once.
pub async fn export(
    service: &Service,
    partner: &NodeName,
    now: Timestamp,
) -> Result<Vec<u8>, Failure> {
    service.store().partner(partner).await?.ok_or(Failure::Unknown("partner"))?;
    let rows = service.store().pending_for(partner).await?;
    let index = index(service.name(), partner, &rows, &service.keys(), now)?;
    // The partner may hold an earlier epoch of ours than the one that signs the index.
    let keys = service.store().key_statements(service.name()).await?;
    pack(&index, &keys, &rows).map_err(|error| Failure::Statement(Box::new(error)))
}

fn index(
    from: &NodeName,
    to: &NodeName,
    rows: &[OutboxRow],
    keys: &NodeKeys,
    now: Timestamp,
) -> Result<Vec<u8>, Failure> {
    let sizes =
        |row: &OutboxRow| (row.statement, [row.manifest.len(), row.slip.len(), row.payload.len()]);
    let index = Index {
        from: from.clone(),
        to: to.clone(),
        time: now,
        keys: keys.statement().epoch(),
        statements: rows.iter().map(sizes).collect(),
    };
    keys.sign_note(&index.text()).map_err(|error| Failure::Statement(Box::new(error)))
}

fn pack(index: &[u8], keys: &[(u32, Bytes)], rows: &[OutboxRow]) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, path, bytes)
    };
    add("index", index)?;
    for (epoch, note) in keys.iter().filter(|(epoch, _)| *epoch > 0) {
        add(&format!("keys/{epoch}"), note)?;
    }
    for row in rows {
        add(&format!("{}/manifest", row.statement), &row.manifest)?;
        add(&format!("{}/slip", row.statement), &row.slip)?;
        add(&format!("{}/payload", row.statement), &row.payload)?;
    }
    tar.into_inner()
}

/// Takes a courier file in: everything is checked to be there first, then each statement passes
/// the same checks as at the door.
pub async fn import<R: CryptoRng>(
    service: &Service,
    file: &[u8],
    now: Timestamp,
    rng: &mut R,
) -> Result<ImportReport, ImportError> {
    let mut parts = unpack(file)?;
    let note = parts.remove("index").ok_or(ImportError::Index)?;
    let index = Index::parse(&note).ok_or(ImportError::Index)?;
    check_signature(service, &index, &note, &parts).await?;
    if index.to != *service.name() {
        return Err(ImportError::NotForUs);
    }
    let envelopes = whole(&index, &mut parts)?;
    let mut report = ImportReport {
        from: index.from,
        listed: envelopes.len(),
        new: 0,
        known: 0,
        refused: Vec::new(),
    };
    for (id, envelope) in envelopes {
        let from = Some(&report.from);
        let mut put = intake::accept(service, envelope.clone(), Route::Courier, from, now).await;
        if let Err(AcceptError::Refused(refusal)) = &put
            && matches!(refusal.code, RefusalCode::KeysUnknown | RefusalCode::AgreementUnknown)
        {
            // The keys or the agreement that it rests on came before it on the same disk.
            for lane in [Lane::Urgent, Lane::Bulk] {
                while intake::step(service, lane, now, rng).await? != Step::Idle {}
            }
            put = intake::accept(service, envelope, Route::Courier, from, now).await;
        }
        match put {
            Ok(Put::New) => report.new += 1,
            Ok(Put::SameAgain) => report.known += 1,
            Err(AcceptError::Refused(refusal)) => {
                report.refused.push((id, refusal.code.code().to_owned()));
            }
            Err(AcceptError::WrongPeer) => report.refused.push((id, "wrong-peer".to_owned())),
            Err(AcceptError::Failure(failure)) => return Err(failure.into()),
        }
    }
    Ok(report)
}

/// The parts up to where the file ends or breaks off: once the index is whole, it tells what is
/// missing behind it.
fn unpack(file: &[u8]) -> Result<HashMap<String, Vec<u8>>, ImportError> {
    let mut parts = HashMap::new();
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries().map_err(|_| ImportError::Malformed)? {
        match entry.ok().and_then(read_part) {
            Some((path, bytes)) => parts.insert(path, bytes),
            None if parts.contains_key("index") => break,
            None => return Err(ImportError::Malformed),
        };
    }
    Ok(parts)
}

/// One part, whole and within the limit.
fn read_part(mut entry: tar::Entry<'_, &[u8]>) -> Option<(String, Vec<u8>)> {
    let size = entry.size();
    if size > limits::ENVELOPE_LEN_MAX as u64 {
        return None;
    }
    let path = entry.path().ok()?.to_string_lossy().into_owned();
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == size).then_some((path, bytes))
}

async fn check_signature(
    service: &Service,
    index: &Index,
    note: &[u8],
    parts: &HashMap<String, Vec<u8>>,
) -> Result<(), ImportError> {
    let held = service.key_statements(&index.from).await?;
    let mut statement = held
        .into_iter()
        .filter(|statement| statement.epoch() <= index.keys)
        .max_by_key(|statement| statement.epoch())
        .ok_or(ImportError::Signature)?;
    // From the epoch that we hold to the one that signed: each next one on the disk must follow.
    while statement.epoch() < index.keys {
        let note = parts.get(&format!("keys/{}", statement.epoch() + 1));
        let next = note.and_then(|note| KeyStatement::parse(note).ok());
        let next = next.filter(|next| next.check_successor(&statement).is_ok());
        statement = Arc::new(next.ok_or(ImportError::Signature)?);
    }
    statement.verify_note(note).map_err(|_| ImportError::Signature)
}

/// All envelopes that the index lists, or how many of them are missing or cut.
fn whole(
    index: &Index,
    parts: &mut HashMap<String, Vec<u8>>,
) -> Result<Vec<(StatementId, Bytes)>, ImportError> {
    let mut envelopes = Vec::with_capacity(index.statements.len());
    for (id, sizes) in &index.statements {
        let mut found = BTreeMap::new();
        for (name, size) in ["manifest", "slip", "payload"].into_iter().zip(sizes) {
            if let Some(bytes) = parts.remove(&format!("{id}/{name}"))
                && bytes.len() == *size
            {
                found.insert(name, Bytes::from(bytes));
            }
        }
        let mut part = |name| found.remove(name);
        if let (Some(manifest), Some(slip), Some(payload)) =
            (part("manifest"), part("slip"), part("payload"))
        {
            let envelope = Envelope { manifest, slip, payload, proof: None };
            envelopes.push((*id, envelope.to_bytes()));
        }
    }
    let listed = index.statements.len();
    if envelopes.len() < listed {
        return Err(ImportError::NotWhole { missing: listed - envelopes.len(), listed });
    }
    Ok(envelopes)
}
