use std::path::PathBuf;

use super::*;

/// The vectors of an independent writer, where they are at hand.
fn vectors() -> Vec<(String, Map<String, Value>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/vectors");
    let Ok(entries) = std::fs::read_dir(folder) else {
        println!("skipped: ../shared/data/vectors is absent");
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let json = paths.filter(|path| path.extension().is_some_and(|end| end == "json"));
    json.map(|path| {
        let value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        (path.file_stem().unwrap().to_string_lossy().into_owned(), value)
    })
    .collect()
}

fn ask(mut request: Map<String, Value>, op: &str) -> Value {
    request.insert("op".to_owned(), json!(op));
    serde_json::from_str(&answer(Value::Object(request).to_string().as_bytes())).unwrap()
}

#[test]
fn every_statement_vector_is_read_as_it_says() {
    for (name, vector) in vectors() {
        if name == "keys" {
            let found = ask(vector.clone(), "keys");
            assert_eq!(found["fingerprint"], vector["fingerprint"]);
            continue;
        }
        let found = ask(vector.clone(), "read");
        if vector["expect"] == "accept" {
            assert_eq!(found["opened"], vector["opened"], "{name}: {found}");
        } else {
            assert_eq!(found["refused"], vector["expect"], "{name}: {found}");
        }
    }
}

#[test]
fn every_opening_proves_its_item_and_nothing_else() {
    for (name, vector) in vectors() {
        let Some(opening) = vector.get("opening").and_then(Value::as_object) else { continue };
        let mut request = opening.clone();
        let place = opening["index"].as_u64().unwrap() as usize;
        let item = &vector["opened"]["items"][place];
        request.insert("manifest".to_owned(), vector["manifest"].clone());
        request.insert("keys".to_owned(), vector["keys"].clone());
        request.insert("kind".to_owned(), item["kind"].clone());
        request.insert("data".to_owned(), item["data"].clone());
        let found = ask(request.clone(), "item");
        assert_eq!(found, json!({ "valid": true, "id": vector["opened"]["id"] }), "{name}");
        for (field, other) in [
            ("data", json!(STANDARD.encode(b"other"))),
            ("kind", json!("file")),
            ("salt", json!(STANDARD.encode([0; 32]))),
            ("items_salt", json!(STANDARD.encode([0; 32]))),
            ("count", json!(opening["count"].as_u64().unwrap() + 1)),
            ("index", json!(place + 1)),
        ] {
            let mut altered = request.clone();
            altered.insert(field.to_owned(), other);
            assert_eq!(ask(altered, "item"), json!({ "valid": false }), "{name} {field}");
        }
    }
}

#[test]
fn requests_that_cannot_be_read_are_answered() {
    let text = |line: &[u8]| serde_json::from_str::<Value>(&answer(line)).unwrap();
    assert_eq!(text(b"nothing")["id"], Value::Null);
    assert_eq!(text(b"nothing")["error"]["kind"], "request");
    assert_eq!(text(br#"{"id":5}"#)["error"]["kind"], "request");
    assert_eq!(text(br#"{"id":5,"op":"read"}"#)["id"], 5);
    assert_eq!(text(br#"{"id":5,"op":"sing"}"#), json!({ "id": 5, "unsupported": "sing" }));
    let keys = text(br#"{"id":5,"op":"keys","note":"AAAA"}"#);
    assert_eq!((keys["id"].clone(), keys["refused"].clone()), (json!(5), json!("keys-unknown")));
}
