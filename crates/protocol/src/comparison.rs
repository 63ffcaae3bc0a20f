//! Whether two ledgers agree: every statement of one has its receipt in the other, or an open gap
//! that both show. Needs headers and salts, never an item.
//!
//! *Source*: statement format, section 6.3.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    commitment,
    header::Header,
    keys::KeyStatement,
    ledger::Checkpoint,
    manifest, merkle,
    terms::{Digest, NodeName, StatementId},
};

/// One side's account of what it sent to the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Whose ledger.
    pub node: NodeName,
    /// The other side.
    pub partner: NodeName,
    /// Its key statement.
    pub keys: String,
    /// Its checkpoint.
    pub checkpoint: String,
    /// The hash of every entry, base64.
    pub leaves: Vec<String>,
    /// The other side's checkpoint that it saw last.
    pub seen: Option<String>,
    /// Its statements to the other side.
    pub sent: Vec<Sent>,
}

/// One statement: what the ledger holds of it, and its header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its id.
    pub id: StatementId,
    /// Place in the ledger.
    pub index: u64,
    /// Number in the pair.
    pub number: u64,
    /// The signed manifest.
    pub manifest: String,
    /// The header's bytes, base64.
    pub header: String,
    /// The salt of the header's commitment, base64.
    pub header_salt: String,
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Whether nothing contradicts.
    pub agree: bool,
    /// Statements compared, both ways, receipts counted.
    pub statements: usize,
    /// Statements with their receipt on the other side.
    pub receipted: usize,
    /// Statements that wait for their receipt: a gap, not a contradiction.
    pub open: Vec<StatementId>,
    /// What contradicts, in words.
    pub contradictions: Vec<String>,
}

/// A side whose ledger was recomputed and whose headers were checked against it.
struct Side<'a> {
    account: &'a Account,
    leaves: Vec<Digest>,
    headers: HashMap<StatementId, Header>,
}

/// Compares two accounts.
pub fn compare(a: &Account, b: &Account) -> Comparison {
    let mut found = Comparison::default();
    if a.node != b.partner || b.node != a.partner {
        found.contradictions.push("the two accounts are not of one pair".to_owned());
        return found;
    }
    let sides = [read(a, &mut found), read(b, &mut found)];
    if let [Some(a), Some(b)] = &sides {
        for (one, other) in [(a, b), (b, a)] {
            check_receipts(one, other, &mut found);
            check_seen(one, other, &mut found);
        }
    }
    found.agree = found.contradictions.is_empty();
    found
}

fn read<'a>(account: &'a Account, found: &mut Comparison) -> Option<Side<'a>> {
    match try_read(account) {
        Ok(side) => Some(side),
        Err(problem) => {
            found.contradictions.push(format!("{}: {problem}", account.node));
            None
        }
    }
}

fn digest(text: &str) -> Option<Digest> {
    manifest::digest(text)
}

fn try_read(account: &Account) -> Result<Side<'_>, String> {
    let keys = KeyStatement::parse(account.keys.as_bytes()).map_err(|error| error.to_string())?;
    if *keys.node() != account.node {
        return Err("the key statement is another node's".to_owned());
    }
    let checkpoint = Checkpoint::parse(account.checkpoint.as_bytes(), &keys)
        .map_err(|error| error.to_string())?;
    let leaves = account.leaves.iter().map(|leaf| digest(leaf)).collect::<Option<Vec<_>>>();
    let leaves = leaves.ok_or("a leaf is malformed")?;
    if leaves.len() as u64 != checkpoint.size || merkle::root(&leaves) != checkpoint.root {
        return Err("the entries do not give the checkpoint's root".to_owned());
    }
    let mut headers = HashMap::new();
    for sent in &account.sent {
        let header = check_sent(sent, &leaves)
            .ok_or_else(|| format!("statement {} is not as logged", sent.id))?;
        headers.insert(sent.id, header);
    }
    Ok(Side { account, leaves, headers })
}

/// The header of a statement that stands in the ledger and commits to it.
fn check_sent(sent: &Sent, leaves: &[Digest]) -> Option<Header> {
    let index = usize::try_from(sent.index).ok()?;
    let entry = merkle::leaf_hash(sent.manifest.as_bytes());
    let (manifest, note) = manifest::read(sent.manifest.as_bytes()).ok()?;
    let header = STANDARD.decode(&sent.header).ok()?;
    let salt = digest(&sent.header_salt)?;
    let logged = leaves.get(index) == Some(&entry) && manifest::id_of(note.text()) == sent.id;
    let committed = commitment::commit(commitment::HEADER, &salt, &[&header]) == manifest.header;
    if logged && committed { serde_json::from_slice(&header).ok() } else { None }
}

/// Every statement but receipts has its receipt on the other side, or is open; no receipt names a
/// statement that was never sent.
fn check_receipts(one: &Side<'_>, other: &Side<'_>, found: &mut Comparison) {
    let receipts: Vec<&Header> =
        other.headers.values().filter(|header| header.kind == "receipt").collect();
    for sent in &one.account.sent {
        found.statements += 1;
        let Some(header) = one.headers.get(&sent.id) else { continue };
        if header.kind == "receipt" {
            continue;
        }
        if receipts.iter().any(|receipt| receipt.re.contains(&sent.id)) {
            found.receipted += 1;
        } else {
            found.open.push(sent.id);
        }
    }
    for id in receipts.iter().flat_map(|receipt| &receipt.re) {
        if !one.headers.contains_key(id) {
            let problem = format!(
                "{} receipted {id}, which {} never logged",
                other.account.node, one.account.node
            );
            found.contradictions.push(problem);
        }
    }
}

/// The checkpoint that one saw of the other lies in the other's ledger.
fn check_seen(one: &Side<'_>, other: &Side<'_>, found: &mut Comparison) {
    let Some(seen) = &one.account.seen else { return };
    let keys = KeyStatement::parse(other.account.keys.as_bytes()).ok();
    let checkpoint = keys.and_then(|keys| Checkpoint::parse(seen.as_bytes(), &keys).ok());
    let lies_within = checkpoint.is_some_and(|checkpoint| {
        let size = usize::try_from(checkpoint.size).unwrap_or(usize::MAX);
        other.leaves.get(..size).is_some_and(|part| merkle::root(part) == checkpoint.root)
    });
    if !lies_within {
        let problem = format!(
            "the checkpoint that {} saw of {} is not part of its ledger",
            one.account.node, other.account.node
        );
        found.contradictions.push(problem);
    }
}
