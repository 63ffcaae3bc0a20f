use serde_json::{Value, json};

use super::*;

fn ask(request: Value) -> Value {
    let line = request.to_string();
    let now = || "2031-05-04T10:00:01.000000Z".to_owned();
    serde_json::from_slice(&answer(line.as_bytes(), &now)).unwrap()
}

#[test]
fn request_that_cannot_be_read_is_answered() {
    let text = |line: &[u8]| serde_json::from_slice::<Value>(&answer(line, &String::new)).unwrap();
    for line in [&b"nothing"[..], b"[]", b"{\"id\":5", b"\xff", b"{}x"] {
        let found = text(line);
        assert_eq!(found["id"], Value::Null);
        assert_eq!(found["error"]["kind"], "request");
    }
    assert_eq!(text(br#"{"id":5}"#)["error"]["kind"], "request");
    assert_eq!(text(br#"{"id":5,"op":null}"#)["error"]["kind"], "request");
    assert_eq!(text(br#"{"id":5,"op":7}"#)["id"], 5);
    assert_eq!(text(br#"{"id":"a","op":"sing"}"#), json!({ "id": "a", "unsupported": "sing" }));
}

#[test]
fn id_comes_back_as_it_was_written() {
    let line = br#"{"id":{"a" :1.50e0},"op":"sing","more":[1]}"#;
    assert_eq!(answer(line, &String::new), br#"{"id":{"a" :1.50e0},"unsupported":"sing"}"#);
}

#[test]
fn confidence_goes_both_ways() {
    let value = ask(json!({ "op": "confidence", "scale": "wep", "value": 64 }));
    assert_eq!(value, json!({ "id": null, "label": "Likely/Probable" }));
    let label = ask(json!({ "op": "confidence", "scale": "dni", "label": "Likely / Probable" }));
    assert_eq!(label, json!({ "id": null, "value": 70 }));
    for wrong in [
        json!({ "op": "confidence", "scale": "wep", "value": 101 }),
        json!({ "op": "confidence", "scale": "wep", "label": "likely" }),
        json!({ "op": "confidence", "scale": "lamp", "value": 1 }),
    ] {
        assert_eq!(ask(wrong)["error"]["kind"], "refused");
    }
    assert_eq!(ask(json!({ "op": "confidence", "value": 1 }))["error"]["kind"], "request");
}
