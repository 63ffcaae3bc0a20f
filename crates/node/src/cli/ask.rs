//! Each verb as a request of the HTTP API, and how its answer is shown.

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result};
use protocol::findings::FindingsChange;
use serde_json::{Value, json, value::RawValue};
use store::{ReleaseState, Rights};

use super::{
    Client, Command,
    client::encoded,
    exit::{Fault, Kind},
    read,
    show::{Out, View},
    verbs::{
        AccountCommand, AgreementCommand, CertificateCommand, ChangeArgs, CollectionCommand,
        CourierCommand, KeysCommand, LedgerCommand, PartnerCommand, PlaceArgs, PolicyArgs,
        QuarantineArgs, QuarantineCommand, ReleaseArgs, ReleaseCommand, TokenCommand,
    },
};
use crate::desk;

type Shown = Result<(View, Value)>;

/// Asks the node what a command wants and shows the answer.
pub(super) async fn ask(client: &Client, out: &Out, command: Command) -> Result<ExitCode> {
    let (view, answer) = match command {
        Command::Status => (View::Node, client.get("/api/node").await?),
        Command::LoginLink => (View::Login, client.post("/api/login-link", &json!({})).await?),
        Command::Keys { command: None, statement: true } => {
            let answer = client.get("/api/keys").await?;
            (View::Done(text(&answer, "/statement").to_owned()), answer)
        }
        Command::Keys { command, .. } => keys(client, command).await?,
        Command::Partner(command) => partner(client, command).await?,
        Command::Agreement(command) => agreement(client, command).await?,
        Command::Release(args) => release(client, args).await?,
        Command::Releases { state, limit } => releases(client, state, limit).await?,
        Command::Approve { id, precedence } => {
            let id = release_id(client, &id).await?;
            let precedence = precedence.map(|word| format!("?precedence={word}"));
            let path = format!("/api/releases/{id}/approve{}", precedence.unwrap_or_default());
            let answer = client.post(&path, &json!({})).await?;
            (View::Done(format!("released: {id}")), answer)
        }
        Command::Return { id, reason } => {
            let id = release_id(client, &id).await?;
            let path = format!("/api/releases/{id}/return");
            let answer = client.post(&path, &json!({ "reason": reason })).await?;
            (View::Done(format!("given back to its drafter: {id}")), answer)
        }
        Command::Recall { id, reason, item } => {
            let id = release_id(client, &id).await?;
            let items = (!item.is_empty()).then_some(item);
            let body = json!({ "reason": reason, "items": items });
            let answer = client.post(&format!("/api/releases/{id}/recall"), &body).await?;
            let next = "recalled; the partner's answer comes under `detente recalls`";
            (View::Done(next.to_owned()), answer)
        }
        Command::Recalls { received: true, limit } => {
            let path = "/api/recalls/received?";
            (View::ReceivedRecalls, client.list(path, "recalls", limit).await?)
        }
        Command::Recalls { received: false, limit } => {
            (View::Recalls, client.list("/api/recalls?", "recalls", limit).await?)
        }
        Command::Statements { limit } => {
            (View::Statements, client.list("/api/statements?", "statements", limit).await?)
        }
        Command::Acknowledge { id } => {
            let id = statement_id(client, &id).await?;
            let path = format!("/api/statements/{id}/acknowledge");
            let answer = client.post(&path, &json!({})).await?;
            (View::Done(format!("acknowledged: {id}")), answer)
        }
        Command::Clocks { days } => {
            (View::Clocks, client.get(&format!("/api/clocks?days={days}")).await?)
        }
        Command::Journal { limit } => {
            let path = format!("/api/journal?before={}&limit={limit}", i64::MAX);
            (View::Journal, client.get(&path).await?)
        }
        Command::Quarantine(command) => quarantine(client, command).await?,
        Command::Collection(command) => collection(client, command).await?,
        Command::Account(command) => account(client, command).await?,
        Command::Token(command) => token(client, command).await?,
        Command::Courier(command) => courier(client, command).await?,
        Command::Ledger(LedgerCommand::Export { partner }) => {
            let path = format!("/api/ledger/account?partner={}", encoded(partner.as_str()));
            (View::Raw, client.get(&path).await?)
        }
        _ => return Err(Fault::new(Kind::Failed, "", "this command needs no node", "").into()),
    };
    out.show(&view, &answer)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The whole id of the one row whose id begins like this.
async fn whole_id(client: &Client, list: &str, rows: &str, begin: &str) -> Result<String> {
    let all = client.get(list).await?;
    let rows = all.pointer(rows).and_then(Value::as_array).cloned().unwrap_or_default();
    let ids = rows.iter().map(|row| text(row, "/id").to_owned());
    let found: Vec<String> = ids.filter(|id| id.starts_with(begin)).collect();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Fault::new(
            Kind::NotFound,
            "CLI-7",
            "no id begins like that",
            "see the list, or give the whole id",
        )
        .into()),
        _ => Err(Fault::new(
            Kind::Malformed,
            "CLI-8",
            "several ids begin like that",
            "give more of it",
        )
        .into()),
    }
}

async fn release_id(client: &Client, id: &str) -> Result<String> {
    if id.len() == 36 {
        return Ok(id.to_owned());
    }
    whole_id(client, "/api/releases?limit=200", "/releases", id).await
}

async fn statement_id(client: &Client, id: &str) -> Result<String> {
    if id.len() == 64 {
        return Ok(id.to_owned());
    }
    whole_id(client, "/api/statements?limit=200", "/statements", id).await
}

async fn held_id(client: &Client, id: &str) -> Result<String> {
    if matches!(id.len(), 36 | 64) {
        return Ok(id.to_owned());
    }
    whole_id(client, "/api/quarantine", "/quarantine", id).await
}

async fn agreement_id(client: &Client, id: &str) -> Result<String> {
    if id.len() == 64 {
        return Ok(id.to_owned());
    }
    whole_id(client, "/api/agreements", "/agreements", id).await
}

async fn keys(client: &Client, command: Option<KeysCommand>) -> Shown {
    let Some(KeysCommand::Rotate { days, compromised_after }) = command else {
        return Ok((View::Keys, client.get("/api/keys").await?));
    };
    let body = json!({ "days": days, "compromised_after": compromised_after });
    Ok((View::Keys, client.post("/api/keys/rotate", &body).await?))
}

async fn partner(client: &Client, command: PartnerCommand) -> Shown {
    Ok(match command {
        PartnerCommand::Add { statement, url } => {
            let note = String::from_utf8_lossy(&read(&statement)?).into_owned();
            let body = json!({ "statement": note, "url": url });
            (View::Partner, client.post("/api/partners", &body).await?)
        }
        PartnerCommand::Verify { name, fingerprint } => {
            let body = json!({ "name": name, "fingerprint": fingerprint.join(" ") });
            let answer = client.post("/api/partners/verify", &body).await?;
            (View::Done(format!("{name} is verified; agreements may be signed with it")), answer)
        }
        PartnerCommand::Move { name, url } => {
            let path = format!("/api/partners/{}", encoded(name.as_str()));
            (View::Partner, client.patch(&path, &json!({ "url": url })).await?)
        }
        PartnerCommand::Findings { name, policy } => {
            let path = format!("/api/partners/{}", encoded(name.as_str()));
            (View::Partner, client.patch(&path, &change(policy)?).await?)
        }
        PartnerCommand::List => (View::Partners, client.get("/api/partners").await?),
        PartnerCommand::Show { name } => {
            let path = format!("/api/partners/{}", encoded(name.as_str()));
            (View::Partner, client.get(&path).await?)
        }
    })
}

async fn agreement(client: &Client, command: AgreementCommand) -> Shown {
    let standing = async |id: &str, verb: &str, reason: String| -> Shown {
        let id = agreement_id(client, id).await?;
        let path = format!("/api/agreements/{id}/{verb}");
        Ok((View::Agreement, client.post(&path, &json!({ "reason": reason })).await?))
    };
    match command {
        AgreementCommand::Sign { text: path } => {
            let drafted = client.post_bytes("/api/agreements", read(&path)?).await?;
            let path = format!("/api/agreements/{}/sign", text(&drafted, "/id"));
            Ok((View::Agreement, client.post(&path, &json!({})).await?))
        }
        AgreementCommand::Show { id } => {
            let id = agreement_id(client, &id).await?;
            Ok((View::Agreement, client.get(&format!("/api/agreements/{id}")).await?))
        }
        AgreementCommand::List | AgreementCommand::Draft { .. } => {
            Ok((View::Agreements, client.get("/api/agreements").await?))
        }
        AgreementCommand::Suspend { id, reason } => standing(&id, "suspend", reason).await,
        AgreementCommand::Resume { id, reason } => standing(&id, "resume", reason).await,
        AgreementCommand::End { id, reason } => standing(&id, "end", reason).await,
    }
}

async fn release(client: &Client, args: ReleaseArgs) -> Shown {
    match args.command {
        Some(ReleaseCommand::Show { id }) => {
            let id = release_id(client, &id).await?;
            return Ok((View::Release, client.get(&format!("/api/releases/{id}")).await?));
        }
        Some(ReleaseCommand::Items { id }) => {
            let id = release_id(client, &id).await?;
            return Ok((View::Items, client.get(&format!("/api/releases/{id}/items")).await?));
        }
        Some(ReleaseCommand::Again { id }) => {
            let id = release_id(client, &id).await?;
            let path = format!("/api/releases/{id}/again");
            return Ok((View::Drafted, client.post(&path, &json!({})).await?));
        }
        None => {}
    }
    // clap asks for both where no verb stands.
    let (Some(file), Some(topic)) = (args.file, args.topic) else {
        return Err(Fault::new(Kind::Malformed, "CLI-9", "no file and topic", "give both").into());
    };
    let mut path = format!("/api/releases?topic={topic}");
    let parameters = [
        ("agreement", args.agreement.map(|id| id.to_string())),
        ("precedence", args.precedence.map(|word| word.to_string())),
        ("status", args.status.map(|word| word.to_string())),
        ("note", args.note),
    ];
    for (name, value) in parameters {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", encoded(&value)));
        }
    }
    Ok((View::Drafted, client.post_bytes(&path, read(&file)?).await?))
}

async fn releases(client: &Client, state: Option<ReleaseState>, limit: u32) -> Shown {
    let state = state.map(|state| format!("state={state}&")).unwrap_or_default();
    let path = format!("/api/releases?{state}");
    Ok((View::Releases, client.list(&path, "releases", limit).await?))
}

async fn quarantine(client: &Client, command: QuarantineCommand) -> Shown {
    let decide = async |args: QuarantineArgs, verb: &str| -> Shown {
        let id = held_id(client, &args.id).await?;
        let objects = (!args.object.is_empty()).then_some(args.object);
        let path = format!("/api/quarantine/{id}/{verb}");
        let answer =
            client.post(&path, &json!({ "objects": objects, "reason": args.reason })).await?;
        Ok((View::Done("decided; a partner gets another receipt".to_owned()), answer))
    };
    match command {
        QuarantineCommand::List => Ok((View::Quarantine, client.get("/api/quarantine").await?)),
        QuarantineCommand::Show { id } => {
            let id = held_id(client, &id).await?;
            Ok((View::Held, client.get(&format!("/api/quarantine/{id}")).await?))
        }
        QuarantineCommand::Accept(args) => decide(args, "accept").await,
        QuarantineCommand::Refuse(args) => decide(args, "refuse").await,
    }
}

/// A change of a policy as the API takes it; null is the node's own policy again.
fn change(args: PolicyArgs) -> Result<Value> {
    if args.default {
        return Ok(json!({ "findings": null }));
    }
    let mut all = FindingsChange::default();
    for change in args.changes {
        all = all.then(change)?;
    }
    Ok(json!({ "findings": all }))
}

async fn collection(client: &Client, command: CollectionCommand) -> Shown {
    let objects = |address: &str| {
        let (root, alias) = address.trim_matches('/').split_once('/').unwrap_or((address, ""));
        format!("/{}/collections/{}/objects/", encoded(root), encoded(alias))
    };
    let at = |address: &str| format!("/api/collections/{}", encoded(address.trim_matches('/')));
    Ok(match command {
        CollectionCommand::List => (View::Collections, client.get("/api/collections").await?),
        CollectionCommand::Add { alias, title, keep, from } => {
            let from: Vec<_> = from.iter().map(|address| address.trim_matches('/')).collect();
            let body = json!({
                "alias": alias, "title": title, "retention_days": keep, "sources": from,
            });
            (View::Collections, client.post("/api/collections", &body).await?)
        }
        CollectionCommand::Change { address, change, delete_older } => {
            let ChangeArgs { title, description, keep, from } = change;
            let from: Vec<_> = from.iter().map(|address| address.trim_matches('/')).collect();
            let body = json!({
                "title": title, "description": description, "retention_days": keep,
                "delete_older": delete_older, "sources": (!from.is_empty()).then_some(from),
            });
            (View::Collection, client.patch(&at(&address), &body).await?)
        }
        CollectionCommand::Findings { address, policy } => {
            (View::Collection, client.patch(&at(&address), &change(policy)?).await?)
        }
        CollectionCommand::Show { address } => (View::Collection, client.get(&at(&address)).await?),
        CollectionCommand::Grant { place, may } => {
            grant(client, &place, Rights { read: may.read, write: may.write }).await?
        }
        CollectionCommand::Revoke(place) => grant(client, &place, Rights::NONE).await?,
        CollectionCommand::Read { address } => {
            (View::Envelope(read_collection(client, &objects(&address)).await?), Value::Null)
        }
        CollectionCommand::Post { address, file } => {
            (View::Posted, client.taxii_post(&objects(&address), read(&file)?).await?)
        }
    })
}

async fn grant(client: &Client, args: &PlaceArgs, may: Rights) -> Shown {
    let (place, account) = match (args.place.as_slice(), args.every) {
        ([address, account], false) => (Some(address.trim_matches('/')), account),
        ([account], true) => (None, account),
        _ => {
            let remedy = "name a collection and an account, or `--every` and an account";
            return Err(Fault::new(Kind::Malformed, "COL-5", "no place is named", remedy).into());
        }
    };
    let Rights { read, write } = may;
    let body = json!({ "account": account, "collection": place, "read": read, "write": write });
    let answer = client.post("/api/collections/grant", &body).await?;
    let place = place.unwrap_or("every collection");
    let line = format!("{account} in {place}: read {read}, write {write}");
    Ok((View::Done(line), answer))
}

/// One page: its objects as they were posted, byte for byte.
#[derive(serde::Deserialize)]
struct Envelope {
    #[serde(default)]
    objects: Vec<Box<RawValue>>,
    next: Option<String>,
}

/// Every page of a collection as one envelope, an object a line.
async fn read_collection(client: &Client, path: &str) -> Result<String> {
    let (mut objects, mut next) = (Vec::new(), String::new());
    loop {
        let page = client.taxii_get(&format!("{path}?limit=1000{next}")).await?;
        let page: Envelope = serde_json::from_slice(&page).context("that is no envelope")?;
        objects.extend(page.objects);
        match page.next {
            Some(cursor) => next = format!("&next={}", encoded(&cursor)),
            None => break,
        }
    }
    let lines: Vec<_> = objects.iter().map(|object| object.get()).collect();
    Ok(format!("{{\"objects\":[\n{}\n]}}", lines.join(",\n")))
}

/// A password: the first line of a file, or what a person types twice.
fn password(file: Option<&Path>) -> Result<String> {
    if let Some(path) = file {
        let words = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        return Ok(words.trim_end_matches(['\r', '\n']).to_owned());
    }
    let first = rpassword::prompt_password("New password: ").context("no password can be asked")?;
    if first != rpassword::prompt_password("The same again: ")? {
        let remedy = "type it again";
        return Err(Fault::new(Kind::Malformed, "ACC-3", "the two differ", remedy).into());
    }
    Ok(first)
}

async fn account(client: &Client, command: AccountCommand) -> Shown {
    let at = |name: &str| format!("/api/accounts/{}", encoded(name));
    Ok(match command {
        AccountCommand::List => (View::Accounts, client.get("/api/accounts").await?),
        AccountCommand::Show { name } => (View::Account, client.get(&at(&name)).await?),
        AccountCommand::Add { name, role, password_file } => {
            let password = password_file.as_deref().map(|file| password(Some(file))).transpose()?;
            let body = json!({ "name": name, "roles": role, "password": password });
            let answer = client.post("/api/accounts", &body).await?;
            (View::Done(format!("account {name} is there")), answer)
        }
        AccountCommand::Roles { name, role } => {
            (View::Account, client.patch(&at(&name), &json!({ "roles": role })).await?)
        }
        AccountCommand::Disable { name } => {
            (View::Account, client.patch(&at(&name), &json!({ "disabled": true })).await?)
        }
        AccountCommand::Enable { name } => {
            (View::Account, client.patch(&at(&name), &json!({ "disabled": false })).await?)
        }
        AccountCommand::Sight { name, ceiling, community } => {
            let communities = (!community.is_empty()).then_some(community);
            let body = json!({ "ceiling": ceiling, "communities": communities });
            let answer = client.post(&format!("{}/sight", at(&name)), &body).await?;
            let line = format!(
                "{name} sees up to {ceiling}; where that is more than before, its tools meet the rest \
                 when they poll from the start"
            );
            (View::Done(line), answer)
        }
        AccountCommand::Token { name, label, days } => {
            let command = TokenCommand::Create { label, days, account: Some(name) };
            return token(client, command).await;
        }
        AccountCommand::Certificate(command) => {
            (View::Certificates, certificate(client, command).await?)
        }
        AccountCommand::Password { name, password_file } => {
            let body = json!({ "password": password(password_file.as_deref())? });
            let answer = client.post(&format!("{}/password", at(&name)), &body).await?;
            (View::Done(format!("the password of {name} is changed")), answer)
        }
    })
}

async fn certificate(client: &Client, command: CertificateCommand) -> Result<Value> {
    let at = |name: &str| format!("/api/accounts/{}/certificates", encoded(name));
    match command {
        CertificateCommand::List { name } => client.get(&at(&name)).await,
        CertificateCommand::Add { name, file, label } => {
            let text = String::from_utf8_lossy(&read(&file)?).into_owned();
            let of_file = || file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let body = json!({ "certificate": text, "label": label.unwrap_or_else(of_file) });
            client.post(&at(&name), &body).await
        }
        CertificateCommand::Remove { name, id } => {
            client.delete(&format!("{}/{}", at(&name), encoded(&id))).await
        }
    }
}

async fn token(client: &Client, command: TokenCommand) -> Shown {
    Ok(match command {
        TokenCommand::List { all } => {
            let path = if all { "/api/tokens?all=true" } else { "/api/tokens" };
            (View::Tokens, client.get(path).await?)
        }
        TokenCommand::Create { label, days, account } => {
            let expires = days.map(|days| desk::now().plus_ms(i64::from(days) * 86_400_000));
            let body = json!({ "label": label, "expires": expires, "account": account });
            (View::Token, client.post("/api/tokens", &body).await?)
        }
        TokenCommand::Revoke { id } => {
            let answer = client.delete(&format!("/api/tokens/{}", encoded(&id))).await?;
            (View::Done(format!("token {id} opens nothing any more")), answer)
        }
    })
}

async fn courier(client: &Client, command: CourierCommand) -> Shown {
    Ok(match command {
        CourierCommand::Export { partner, file } => {
            let path = format!("/api/courier/export?partner={}", encoded(partner.as_str()));
            let bytes = client.get_bytes(&path).await?;
            std::fs::write(&file, &bytes)
                .with_context(|| format!("{} cannot be written", file.display()))?;
            let line = format!("{} bytes in {}; hand it to {partner}", bytes.len(), file.display());
            (View::Done(line), json!({ "file": file, "bytes": bytes.len() }))
        }
        CourierCommand::Import { file } => {
            (View::Import, client.post_bytes("/api/courier/import", read(&file)?).await?)
        }
    })
}
