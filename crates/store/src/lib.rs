//! Everything the node keeps: all SQL, named transactions, outbox, inbox, leases.
//!
//! SQLite in a file, or PostgreSQL shared by several node processes, behind the same named
//! transactions. One writer thread commits what queued while the last commit was made as one
//! group; readers are a few connections used on the caller's own thread. Every method is a
//! transaction with a name, and may run twice. No policy, no cryptography, no HTTP.

mod access;
mod accounts;
mod acknowledgements;
mod agreements;
mod certificates;
mod error;
mod gaps;
mod inbox;
mod journal;
mod keys;
mod ledger;
mod objects;
mod outbox;
mod paging;
mod partners;
mod people;
mod postgres;
mod quarantine;
mod recalls;
mod releases;
mod rows;
mod sqlite;
mod standing;
mod statements;
mod store;
mod submissions;
mod tx;
mod views;
mod work;
mod writer;

pub use access::{Access, Bounds, Rights};
pub use accounts::{Account, SESSION_IDLE_MS, Session, Token};
pub use acknowledgements::{Acknowledged, Unseen};
pub use agreements::{AgreementRow, AgreementState, TopicSpec};
pub use certificates::Certificate;
pub use error::Error;
pub use gaps::Gap;
pub use inbox::{InEffect, InboxRow, Put, ReceiptLine, Received, Route, TakeIn};
pub use journal::Journal;
pub use keys::{Revocation, Rotation};
pub use ledger::{SeenCheckpoint, StatementAccount};
pub use objects::{
    AddObjects, Added, Audience, Awaiting, Class, Collection, CollectionChange, DeleteObject,
    Entry, Flow, Joined, Line, NewCollection, NewObject, Old, Page, Pages, Reread, Sight, Status,
    Versions, status_id,
};
pub use outbox::{Lane, OutboxRow};
pub use paging::ItemRow;
pub use partners::{Partner, PartnerState};
pub use people::{TokenRow, token_id};
pub use quarantine::{
    Accepted, HeldObject, QuarantineDecision, QuarantineRow, Source, SubmissionDecision,
};
pub use recalls::{AnswerRow, Recall, RecallTask, ReceivedRecall};
pub use releases::{Release, ReleaseDraft, ReleaseItem, ReleaseState};
pub use standing::StandingRow;
pub use statements::{Delivery, NewStatement, OutEffect, Signer, Statement, StatementState};
pub use store::{Options, Store};
pub use submissions::Kept;
pub(crate) use tx::params;
pub use views::{
    Clocks, Contradiction, Crossing, Evidence, Held, ItemHead, ObjectHead, Passage, Portrait,
    ReleaseKey, StatementKey, Tally, Traffic,
};
pub use work::Work;
