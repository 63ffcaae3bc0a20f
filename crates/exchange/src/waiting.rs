//! What waits for a person, by clock, loudest first.
//!
//! *Source*: domain, part 2 (clocks) and the four precedences: FLASH 10 minutes, IMMEDIATE 30,
//! PRIORITY 3 hours, ROUTINE 6 hours from the moment a person could act.

use protocol::terms::{
    AgreementId, NodeName, Precedence, RecallReason, Role, StatementId, Timestamp,
};
use store::{
    Account, AgreementState, Clocks, PartnerState, QuarantineRow, Release, ReleaseState, Statement,
    Unseen,
};
use uuid::Uuid;

use crate::{
    Failure, Service,
    rights::{self, View, Work},
};

/// Tasks of one kind that are looked up at most.
const TASKS_MAX: u32 = 50;
/// A loud release is asked about this long; after that the ledger is the place to look.
const LOUD_MS: i64 = 7 * DAY_MS;
/// A returned or refused draft is shown to its drafter this long.
const RETURNED_MS: u64 = 3 * DAY_MS as u64;
/// Keys are renewed within this time before they end.
const KEYS_MS: i64 = 30 * DAY_MS;
const DAY_MS: i64 = 24 * 3_600 * 1_000;
const MINUTE_MS: i64 = 60_000;

/// Something that a person must decide or do.
#[derive(Debug, Clone)]
pub struct Task {
    /// How loud it is.
    pub precedence: Precedence,
    /// What is to be done.
    pub act: Act,
    /// Since when it waits.
    pub since: Timestamp,
    /// Until when, where a clock runs.
    pub due: Option<Timestamp>,
    /// Whether this person may do it.
    pub mine: bool,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Act {
    /// Say that a loud release was seen.
    Acknowledge(Box<Statement>),
    /// Take in what is held apart, or refuse it.
    Decide(Box<QuarantineRow>),
    /// Release, as second person, or return.
    Release(Box<Release>),
    /// Correct a draft that was returned or refused.
    Correct(Box<Release>),
    /// Wait for a partner's answer to a recall, and ask when it is late.
    AwaitAnswer {
        /// The release that is recalled.
        release: Uuid,
        /// Its statement.
        target: StatementId,
        /// Why.
        reason: RecallReason,
    },
    /// Ask why nobody at a partner has said that a loud release of ours was seen: its clock has run
    /// out.
    AskWhetherSeen(Box<Unseen>),
    /// Compare a partner's fingerprint.
    Verify(NodeName),
    /// Read an agreement, and sign it or leave it.
    Sign {
        /// Which.
        id: AgreementId,
        /// Its title.
        title: String,
        /// Whether a partner has signed already.
        partner_signed: bool,
    },
    /// Renew this node's keys.
    Renew,
}

/// How long a person has, by precedence.
pub fn clock_ms(precedence: Precedence) -> i64 {
    match precedence {
        Precedence::Flash => 10 * MINUTE_MS,
        Precedence::Immediate => 30 * MINUTE_MS,
        Precedence::Priority => 180 * MINUTE_MS,
        Precedence::Routine => 360 * MINUTE_MS,
    }
}

/// How long a partner has to answer a recall.
pub fn recall_clock_ms(reason: RecallReason) -> i64 {
    match reason {
        RecallReason::SourceDanger => 10 * MINUTE_MS,
        _ => 720 * MINUTE_MS,
    }
}

/// How the clocks of a desk were kept, without a word of what was said.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Kept {
    /// Since when they are counted.
    pub since: Timestamp,
    /// From a draft to its second person's decision.
    pub decisions: Clocks,
    /// From a loud release that came in to a person's acknowledgement.
    pub acknowledgements: Clocks,
    /// From a loud release of ours to the acknowledgement of a person at each partner.
    pub seen_there: Clocks,
    /// From a recall of ours to each partner's answer.
    pub answers: Clocks,
}

/// How the clocks were kept since a moment.
pub async fn kept(service: &Service, since: Timestamp, now: Timestamp) -> Result<Kept, Failure> {
    let store = service.store();
    let recalls =
        (recall_clock_ms(RecallReason::SourceDanger), recall_clock_ms(RecallReason::Wrong));
    Ok(Kept {
        since,
        decisions: store.decisions_tally(since, clock_ms, now).await?,
        acknowledgements: store.acknowledgements_tally(since, clock_ms, now).await?,
        seen_there: store.seen_there_tally(since, clock_ms, now).await?,
        answers: store.answers_tally(since, recalls, now).await?,
    })
}

/// What waits, for this person first, then by precedence, then by clock.
pub async fn tasks(
    service: &Service,
    person: &Account,
    now: Timestamp,
) -> Result<Vec<Task>, Failure> {
    let mut found = Vec::new();
    let view = rights::view(service, person).await?;
    loud(service, (person, &view), now, &mut found).await?;
    releases(service, (person, &view), now, &mut found).await?;
    held_apart(service, (person, &view), &mut found).await?;
    unseen(service, (person, &view), now, &mut found).await?;
    recalls(service, &mut found).await?;
    administration(service, person, now, &mut found).await?;
    let end = Timestamp::from_ms(i64::MAX);
    found.sort_by_key(|task| (!task.mine, task.precedence, task.due.unwrap_or(end), task.since));
    Ok(found)
}

async fn loud(
    service: &Service,
    (person, view): (&Account, &View),
    now: Timestamp,
    found: &mut Vec<Task>,
) -> Result<(), Failure> {
    let mine = [Role::Releaser, Role::Reader].iter().any(|role| person.roles.contains(role));
    for statement in service.store().unacknowledged(now.plus_ms(-LOUD_MS), TASKS_MAX).await? {
        found.push(Task {
            precedence: statement.precedence,
            since: statement.at,
            due: Some(statement.at.plus_ms(clock_ms(statement.precedence))),
            mine: mine && may(view, Work::Receive, &statement),
            act: Act::Acknowledge(Box::new(statement)),
        });
    }
    Ok(())
}

fn may(view: &View, work: Work, statement: &Statement) -> bool {
    statement.topic.as_ref().is_some_and(|topic| view.may(work, &statement.agreement, topic))
}

/// What came in and is held apart until a person decides.
async fn held_apart(
    service: &Service,
    (person, view): (&Account, &View),
    found: &mut Vec<Task>,
) -> Result<(), Failure> {
    let releaser = person.roles.contains(&Role::Releaser);
    for row in service.store().quarantined(TASKS_MAX).await? {
        found.push(Task {
            precedence: row.precedence,
            since: row.at,
            due: Some(row.at.plus_ms(clock_ms(row.precedence))),
            mine: releaser && view.reads(&row.collection),
            act: Act::Decide(Box::new(row)),
        });
    }
    Ok(())
}

async fn releases(
    service: &Service,
    (person, view): (&Account, &View),
    now: Timestamp,
    found: &mut Vec<Task>,
) -> Result<(), Failure> {
    let releaser = person.roles.contains(&Role::Releaser);
    for release in service.store().awaiting_release(TASKS_MAX).await? {
        found.push(Task {
            precedence: release.precedence,
            since: release.created,
            due: Some(release.created.plus_ms(clock_ms(release.precedence))),
            mine: releaser
                && release.drafted_by != person.name
                && view.may(Work::Send, &release.agreement, &release.topic),
            act: Act::Release(Box::new(release)),
        });
    }
    let back = [ReleaseState::Returned, ReleaseState::Refused];
    let newest = store::ReleaseKey::newest();
    for release in service.store().release_page(&back, newest, TASKS_MAX).await? {
        if release.drafted_by == person.name && now.since_ms(release.changed) < RETURNED_MS {
            found.push(Task {
                precedence: release.precedence,
                since: release.changed,
                due: None,
                mine: true,
                act: Act::Correct(Box::new(release)),
            });
        }
    }
    Ok(())
}

/// What no person at a partner has acknowledged in time. As long as the clock runs it is the
/// partner's to do; then somebody who releases here asks, by another way.
async fn unseen(
    service: &Service,
    (person, view): (&Account, &View),
    now: Timestamp,
    found: &mut Vec<Task>,
) -> Result<(), Failure> {
    let releaser = person.roles.contains(&Role::Releaser);
    for unseen in service.store().unseen_there(now.plus_ms(-LOUD_MS), TASKS_MAX).await? {
        let due = unseen.delivered.plus_ms(clock_ms(unseen.precedence));
        if due > now {
            continue;
        }
        found.push(Task {
            precedence: unseen.precedence,
            since: unseen.delivered,
            due: Some(due),
            mine: releaser && view.may(Work::Send, &unseen.agreement, &unseen.topic),
            act: Act::AskWhetherSeen(Box::new(unseen)),
        });
    }
    Ok(())
}

async fn recalls(service: &Service, found: &mut Vec<Task>) -> Result<(), Failure> {
    for recall in service.store().recalls(TASKS_MAX).await? {
        if recall.answer.is_some() {
            continue;
        }
        let precedence = match recall.reason {
            RecallReason::SourceDanger => Precedence::Flash,
            _ => Precedence::Priority,
        };
        found.push(Task {
            precedence,
            since: recall.at,
            due: Some(recall.at.plus_ms(recall_clock_ms(recall.reason))),
            mine: false,
            act: Act::AwaitAnswer {
                release: recall.release,
                target: recall.target,
                reason: recall.reason,
            },
        });
    }
    Ok(())
}

async fn administration(
    service: &Service,
    person: &Account,
    now: Timestamp,
    found: &mut Vec<Task>,
) -> Result<(), Failure> {
    let task = |act: Act, since: Timestamp, due: Option<Timestamp>| Task {
        precedence: Precedence::Routine,
        act,
        since,
        due,
        mine: person.roles.contains(&Role::Administrator),
    };
    for partner in service.store().partners().await? {
        if partner.state == PartnerState::Met {
            found.push(task(Act::Verify(partner.name), partner.added, None));
        }
    }
    for row in service.store().agreements().await? {
        let open = matches!(row.state, AgreementState::Drafted | AgreementState::Signed);
        let ours = row.signatures.iter().any(|(by, ..)| by == service.name());
        if open && !ours {
            let partner_signed = !row.signatures.is_empty();
            let act = Act::Sign { id: row.id, title: row.title, partner_signed };
            found.push(task(act, row.created, None));
        }
    }
    let until = service.keys().statement().until();
    if until.plus_ms(-KEYS_MS) <= now {
        found.push(task(Act::Renew, until.plus_ms(-KEYS_MS), Some(until)));
    }
    Ok(())
}
