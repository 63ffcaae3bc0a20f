//! Our own vectors, kept in `testdata/`: what this version wrote, every later one must read.
//!
//! They have the form of the shared vectors, so that the same readers take them; a small reader in
//! Python (`tests/interop/statement.py`) judges them with other libraries. To write new ones for a
//! new version of a format: `DETENTE_WRITE_VECTORS=1 cargo test -p protocol --test vectors`.

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use protocol::{
    ledger::Checkpoint,
    merkle,
    statement::{Item, prove_item},
    terms::Digest,
};
use serde_json::{Value, json};

use crate::world::{World, agreement, now, stix};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

fn read(name: &str) -> Value {
    let text = fs::read(path(name)).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn ask(op: &str, mut request: Value) -> Value {
    request["op"] = json!(op);
    serde_json::from_str(&protocol::lines::answer(request.to_string().as_bytes())).unwrap()
}

/// One statement with an item of each kind, its opening, its key statement and a ledger's proofs.
fn write() -> Value {
    let mut world = World::new(31);
    let header = world.header(4);
    let items = vec![
        stix("{\"type\": \"mutex\",  \"id\":\"mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921\" }"),
        Item::text(Bytes::from_static("Lamp oil, é".as_bytes())),
        Item::Withheld(Digest([9; 32])),
        stix(&format!("{{\"text\":\"{}\"}}", "lamp ".repeat(4_000))),
    ];
    let envelope = world.envelope(header, items);
    let opened = world.read(&envelope).unwrap();
    let proof = prove_item(*opened.seed(), opened.item_commitments(), 0).unwrap();
    let keys = world.a.statement();
    let request = json!({
        "manifest": b64(&envelope.manifest), "slip": b64(&envelope.slip),
        "payload": b64(&envelope.payload), "me": world.me(),
        "identity": world.b.seal_identities()[0].to_secret().as_str(),
        "keys": { keys.node().as_str(): { "0": b64(keys.note()) } },
        "agreements": [agreement().to_string()],
    });
    let mut vector = request.clone();
    vector["why"] = json!("one item of each kind, one withheld, compressed");
    vector["expect"] = json!("accept");
    vector["opened"] = ask("read", request)["opened"].clone();
    vector["fingerprint"] = json!(keys.fingerprint().hex());
    vector["opening"] = json!({
        "index": 0, "salt": b64(proof.salt.0), "items_salt": b64(proof.items_salt.0),
        "proof": proof.path.iter().map(|hash| b64(hash.0)).collect::<Vec<_>>(),
        "count": proof.count,
    });
    vector["ledger"] = ledger(&world, &envelope.manifest);
    vector
}

/// A ledger of seven entries whose last is the statement: checkpoint, inclusion, consistency.
fn ledger(world: &World, manifest: &Bytes) -> Value {
    let entries: Vec<Vec<u8>> = (0..6u8).map(|n| vec![n]).chain([manifest.to_vec()]).collect();
    let leaves: Vec<_> = entries.iter().map(|entry| merkle::leaf_hash(entry)).collect();
    let checkpoint = Checkpoint { size: 7, root: merkle::root(&leaves) };
    let old = Checkpoint { size: 3, root: merkle::root(&leaves[..3]) };
    let hashes =
        |hashes: Vec<Digest>| -> Vec<String> { hashes.iter().map(Digest::base64).collect() };
    json!({
        "entries": entries.iter().map(b64).collect::<Vec<_>>(),
        "checkpoint": b64(checkpoint.sign(&world.a, now()).unwrap()),
        "index": 6,
        "inclusion": hashes(merkle::inclusion_proof(&leaves, 6).unwrap()),
        "old_size": 3, "old_root": old.root.base64(),
        "consistency": hashes(merkle::consistency_proof(&leaves, 3).unwrap()),
    })
}

#[test]
fn own_statement_vector_is_read_as_it_was_written() {
    if std::env::var_os("DETENTE_WRITE_VECTORS").is_some() {
        fs::create_dir_all(path("")).unwrap();
        let text = serde_json::to_string_pretty(&write()).unwrap() + "\n";
        fs::write(path("statement-v1.json"), text).unwrap();
    }
    let vector = read("statement-v1.json");
    let found = ask("read", vector.clone());
    assert_eq!(found["opened"], vector["opened"], "{found}");
    let note = &vector["keys"]["aldermoor.example/channel"]["0"];
    assert_eq!(ask("keys", json!({ "note": note }))["fingerprint"], vector["fingerprint"]);
    let mut opening = vector["opening"].clone();
    opening["manifest"] = vector["manifest"].clone();
    opening["keys"] = vector["keys"].clone();
    opening["kind"] = json!("stix");
    opening["data"] = vector["opened"]["items"][0]["data"].clone();
    assert_eq!(ask("item", opening)["valid"], true);
}

#[test]
fn own_ledger_vector_is_read_as_it_was_written() {
    let vector = read("statement-v1.json");
    let (ledger, bytes) =
        (&vector["ledger"], |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap());
    let hash = |value: &Value| Digest::from_slice(&bytes(value)).unwrap();
    let hashes = |value: &Value| value.as_array().unwrap().iter().map(hash).collect::<Vec<_>>();
    let note = bytes(&vector["keys"]["aldermoor.example/channel"]["0"]);
    let keys = protocol::keys::KeyStatement::parse(&note).unwrap();
    let checkpoint = Checkpoint::parse(&bytes(&ledger["checkpoint"]), &keys).unwrap();
    let entries = ledger["entries"].as_array().unwrap();
    let leaf = merkle::leaf_hash(&bytes(&entries[6]));
    let found = merkle::root_of_inclusion(leaf, 6, checkpoint.size, &hashes(&ledger["inclusion"]));
    assert_eq!(found, Some(checkpoint.root));
    let (old, new) = ((3, hash(&ledger["old_root"])), (checkpoint.size, checkpoint.root));
    assert!(merkle::is_consistent(old, new, &hashes(&ledger["consistency"])));
}
