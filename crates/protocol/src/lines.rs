//! `detente statement lines`: one JSON request in, one JSON answer out, for programs in any
//! language.
//!
//! *Source*: the lines specification, section `detente statement lines`.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    envelope::Envelope,
    keys::KeyStatement,
    manifest::{self, Manifest},
    seal::Identity,
    statement::{self, Item, ItemProof, Opened, Refusal, RefusalCode},
    terms::{AgreementId, Digest, NodeName, limits},
};

/// Base64 of any length, canonical or not: the tool reads what the caller encoded.
#[derive(Clone, Default)]
struct B64(Bytes);

impl<'de> Deserialize<'de> for B64 {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        Ok(Self(Bytes::from(bytes)))
    }
}

/// Answers one line: never an error, never a panic.
pub fn answer(line: &[u8]) -> String {
    let Ok(Value::Object(request)) = serde_json::from_slice(line) else {
        return failed(&Value::Null, "request", "a JSON object is expected").to_string();
    };
    let id = request.get("id").cloned().unwrap_or(Value::Null);
    let Some(op) = request.get("op").and_then(Value::as_str).map(str::to_owned) else {
        return failed(&id, "request", "`op` is missing").to_string();
    };
    let result = match op.as_str() {
        "read" => parameters(request).map(read),
        "keys" => parameters(request).map(keys),
        "item" => parameters(request).map(item),
        _ => Ok(json!({ "unsupported": op })),
    };
    match result {
        Ok(answer) => with_id(&id, answer).to_string(),
        Err(message) => failed(&id, "request", &message).to_string(),
    }
}

/// The answer with the request's id in front. An item's answer names the statement that it proves:
/// as `id` where the request has none, else as `statement`, so that neither hides the other.
fn with_id(id: &Value, answer: Value) -> Value {
    let Value::Object(mut inner) = answer else { return answer };
    let mut fields = Map::new();
    if !id.is_null() {
        fields.insert("id".to_owned(), id.clone());
        if let Some(statement) = inner.remove("id") {
            inner.insert("statement".to_owned(), statement);
        }
    }
    fields.extend(inner);
    Value::Object(fields)
}

fn failed(id: &Value, kind: &str, message: &str) -> Value {
    json!({ "id": id, "error": { "kind": kind, "message": message } })
}

/// Null means absent.
fn parameters<T: DeserializeOwned>(request: Map<String, Value>) -> Result<T, String> {
    let present = request.into_iter().filter(|(_, value)| !value.is_null()).collect();
    serde_json::from_value(Value::Object(present)).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct Read {
    manifest: B64,
    slip: B64,
    payload: B64,
    me: NodeName,
    identity: String,
    keys: HashMap<String, HashMap<String, B64>>,
    agreements: Vec<String>,
}

fn refused(refusal: Refusal) -> Value {
    json!({ "refused": refusal.code.code(), "detail": refusal.detail })
}

fn read(request: Read) -> Value {
    match try_read(&request) {
        Ok(opened) => json!({ "accepted": true, "opened": opened_json(&opened) }),
        Err(refusal) => refused(refusal),
    }
}

fn try_read(request: &Read) -> Result<Opened, Refusal> {
    let held = Held::of(&request.keys);
    let envelope = Envelope {
        manifest: request.manifest.0.clone(),
        slip: request.slip.0.clone(),
        payload: request.payload.0.clone(),
        proof: None,
    };
    if envelope.payload.len() > limits::ENVELOPE_LEN_MAX {
        return Err(RefusalCode::TooLarge.because("the payload is above the limit"));
    }
    let in_force = |agreement: &AgreementId| {
        *agreement == AgreementId::FOUNDING
            || request.agreements.iter().any(|held| *held == agreement.to_string())
    };
    let verified =
        statement::verify(&envelope, &request.me, |node, epoch| held.get(node, epoch), in_force)?;
    let identity = Identity::parse(&request.identity)
        .map_err(|_| RefusalCode::NotSealedToMe.because("the identity is malformed"))?;
    statement::open(verified, &[identity])
}

/// The key statements that the caller holds.
struct Held(HashMap<String, HashMap<u32, Option<KeyStatement>>>);

impl Held {
    fn of(keys: &HashMap<String, HashMap<String, B64>>) -> Self {
        let epochs = |notes: &HashMap<String, B64>| {
            let read = |(epoch, note): (&String, &B64)| {
                Some((epoch.parse().ok()?, KeyStatement::parse(&note.0).ok()))
            };
            notes.iter().filter_map(read).collect()
        };
        Self(keys.iter().map(|(node, notes)| (node.clone(), epochs(notes))).collect())
    }

    fn get(&self, node: &NodeName, epoch: u32) -> Result<&KeyStatement, RefusalCode> {
        let epochs = self.0.get(node.as_str()).ok_or(RefusalCode::SenderUnknown)?;
        let held = epochs.get(&epoch).and_then(Option::as_ref);
        let fits = |keys: &&KeyStatement| keys.node() == node && keys.epoch() == epoch;
        held.filter(fits).ok_or(RefusalCode::KeysUnknown)
    }
}

fn opened_json(opened: &Opened) -> Value {
    let item = |item: &Item| match item {
        Item::Data { kind, data } => json!({ "kind": kind.word(), "data": STANDARD.encode(data) }),
        Item::Withheld(commitment) => json!({ "withheld": commitment.base64() }),
    };
    let address = opened.verified().address();
    json!({
        "id": opened.verified().id().to_string(),
        "number": address.number,
        "prev": address.prev.hex(),
        "header": STANDARD.encode(opened.header_bytes()),
        "seed": STANDARD.encode(opened.seed()),
        "items": opened.items().iter().map(item).collect::<Vec<_>>(),
        "commitments": opened.item_commitments().iter().map(Digest::base64).collect::<Vec<_>>(),
    })
}

#[derive(Deserialize)]
struct Keys {
    note: B64,
}

fn keys(request: Keys) -> Value {
    match KeyStatement::parse(&request.note.0) {
        Ok(keys) => json!({
            "node": keys.node(),
            "epoch": keys.epoch(),
            "from": keys.from(),
            "until": keys.until(),
            "fingerprint": keys.fingerprint().hex(),
        }),
        Err(error) => json!({ "refused": "keys-unknown", "detail": error.to_string() }),
    }
}

#[derive(Deserialize)]
struct ItemRequest {
    manifest: B64,
    keys: HashMap<String, HashMap<String, B64>>,
    index: usize,
    kind: String,
    data: B64,
    salt: B64,
    #[serde(default)]
    proof: Vec<B64>,
    items_salt: B64,
    count: usize,
}

fn item(request: ItemRequest) -> Value {
    match try_item(&request) {
        Some(id) => json!({ "valid": true, "id": id }),
        None => json!({ "valid": false }),
    }
}

fn try_item(request: &ItemRequest) -> Option<String> {
    let (manifest, note): (Manifest, _) = manifest::read(&request.manifest.0).ok()?;
    let held = Held::of(&request.keys);
    let keys = held.get(&manifest.from, manifest.keys).ok()?;
    manifest::check_signatures(&note, keys.sign()).ok()?;
    let digest = |bytes: &B64| Digest::from_slice(&bytes.0).ok();
    let proof = ItemProof {
        salt: digest(&request.salt)?,
        path: request.proof.iter().map(digest).collect::<Option<Vec<_>>>()?,
        items_salt: digest(&request.items_salt)?,
        count: request.count,
    };
    let valid =
        statement::proves_item(&manifest, request.index, &request.kind, &request.data.0, &proof);
    valid.then(|| manifest::id_of(note.text()).to_string())
}

#[cfg(test)]
mod tests;
