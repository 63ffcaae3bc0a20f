//! Partners: met, verified, moved.

use axum::{extract::State, http::StatusCode};
use bytes::Bytes;
use exchange::partner;
use protocol::{
    findings::{FindingsChange, FindingsPolicy},
    keys,
    terms::{Digest, NodeName, Role},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Partner;

use super::{
    Answer, Endpoint, done,
    extract::{Json, Path},
    findings::{changed, present},
    found, list, malformed, parse,
};
use crate::{
    auth::Caller,
    desk::{Shared, now},
    problem::Problem,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/partners", partners).gives("Every partner", "PartnerList"),
        Endpoint::post("/partners", meet)
            .by(&[Role::Administrator])
            .takes("NewPartner")
            .gives("Keep a partner's first key statement; nothing is trusted yet", "PartnerView"),
        Endpoint::post("/partners/verify", verify)
            .by(&[Role::Administrator])
            .takes("Verify")
            .gives("Confirm that two people have compared a partner's fingerprint", "Verified"),
        Endpoint::get("/partners/{node}", partner).gives("One partner", "PartnerView"),
        Endpoint::patch("/partners/{node}", change)
            .by(&[Role::Administrator])
            .takes("PartnerChange")
            .gives(
                "Say where a partner's door is now, or what is done with its findings",
                "PartnerView",
            ),
    ]
}

/// A partner with the policy that holds for its objects.
#[derive(Serialize)]
struct Described<'a> {
    #[serde(flatten)]
    partner: &'a Partner,
    findings: &'a FindingsPolicy,
}

async fn view(desk: &Shared, partner: Partner) -> Result<Value, Problem> {
    let store = desk.service.store();
    let (waiting, open) = store.outbox_counts(&partner.name).await?;
    let missing = store.missing(&partner.name).await?;
    let seen = store.last_seen_checkpoint(&partner.name).await?;
    let policy = desk.service.intake_policy(partner.policy.as_ref());
    Ok(json!({
        "partner": Described { partner: &partner, findings: &policy },
        "spoken": keys::spoken(&partner.fingerprint),
        "waiting_for_link": waiting,
        "waiting_for_receipt": open,
        "missing": missing,
        "ledger_seen": seen.map(|seen| seen.size),
    }))
}

async fn partners(State(desk): State<Shared>) -> Answer {
    let mut all = Vec::new();
    for partner in desk.service.store().partners().await? {
        all.push(view(&desk, partner).await?);
    }
    done(list("partners", all))
}

async fn partner(State(desk): State<Shared>, Path(name): Path<String>) -> Answer {
    let name: NodeName = parse(&name, "node")?;
    let row = found(desk.service.store().partner(&name).await?)?;
    done(view(&desk, row).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Meet {
    statement: String,
    url: Option<String>,
}

async fn meet(State(desk): State<Shared>, Json(meet): Json<Meet>) -> Answer {
    let note = Bytes::from(meet.statement);
    let url = meet.url.map(|url| address(&url)).transpose()?;
    let met = partner::meet(&desk.service, note, url, now()).await?;
    done(view(&desk, met).await?)
}

/// The address of a partner door: `https`, a host, no more than a port.
fn address(text: &str) -> Result<String, Problem> {
    let wrong = || {
        malformed("LINK-2", "an address is `https://` with host and port, and nothing after them")
    };
    let uri: axum::http::Uri = text.trim().parse().map_err(|_| wrong())?;
    let plain = uri.scheme_str() == Some("https")
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        && uri.path_and_query().is_none_or(|rest| rest.as_str() == "/");
    if plain { Ok(text.trim().trim_end_matches('/').to_owned()) } else { Err(wrong()) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// Absent: as it was; null: none.
    #[serde(default, deserialize_with = "present")]
    url: Option<Option<String>>,
    /// Absent: as it was; null: the node's own policy again.
    #[serde(default, deserialize_with = "present")]
    findings: Option<Option<FindingsChange>>,
}

async fn change(
    State(desk): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Json(change): Json<Change>,
) -> Answer {
    let name: NodeName = parse(&name, "node")?;
    let store = desk.service.store();
    let partner = found(store.partner(&name).await?)?;
    let url = match change.url {
        Some(Some(url)) => Some(Some(address(&url)?)),
        other => other.map(|_| None),
    };
    let policy = changed(partner.policy, change.findings)?;
    store.change_partner(name.clone(), url, policy, caller.account.name, now()).await?;
    done(view(&desk, found(store.partner(&name).await?)?).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify {
    name: String,
    fingerprint: String,
}

/// A fingerprint as people write it down: in groups or in one piece.
///
/// *Errors*: `KEY-5`.
pub(crate) fn fingerprint(words: &str) -> Result<Digest, Problem> {
    let plain = |c: &char| !c.is_whitespace() && *c != '-';
    let hex: String = words.chars().filter(plain).collect::<String>().to_ascii_lowercase();
    Digest::from_hex(&hex).map_err(|_| {
        let message = "a fingerprint has 16 groups of 4 digits, 0 to 9 and a to f";
        let remedy = "type every group as it was read out to you";
        Problem::new(StatusCode::BAD_REQUEST, "KEY-5", message, remedy)
    })
}

async fn verify(State(desk): State<Shared>, caller: Caller, Json(verify): Json<Verify>) -> Answer {
    let name: NodeName = parse(&verify.name, "name")?;
    let fingerprint = fingerprint(&verify.fingerprint)?;
    partner::verify(&desk.service, &name, fingerprint, &caller.account.name, now()).await?;
    done(json!({ "verified": name }))
}
