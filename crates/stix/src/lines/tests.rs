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
    let line = br#"{"id":6e6666667,"op":"sing"}"#;
    assert_eq!(answer(line, &String::new), br#"{"id":6e6666667,"unsupported":"sing"}"#);
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

#[test]
fn patterns_are_judged_with_place_and_rule() {
    let judged = ask(json!({ "op": "pattern", "pattern": "[url:value = 'http://a.example/' AND ]",
        "version": "2.1" }));
    assert_eq!(judged["valid"], false);
    assert_eq!(judged["errors"][0]["code"], "STIX-9.6-01");
    assert_eq!(
        (&judged["errors"][0]["line"], &judged["errors"][0]["column"]),
        (&json!(1), &json!(37))
    );
    assert_eq!(judged["warnings"], json!([]));
    let doubtful = ask(json!({ "op": "pattern", "pattern": "[x-lamp:hue = 'red']" }));
    assert_eq!(
        (&doubtful["valid"], &doubtful["warnings"][0]["code"]),
        (&json!(true), &json!("401"))
    );
    let exists = json!({ "op": "pattern", "pattern": "[EXISTS mutex:name]", "version": "2.0" });
    assert_eq!(ask(exists)["valid"], false);
    let wrong = json!({ "op": "pattern", "pattern": "[mutex:name = 'a']", "version": "1.0" });
    assert_eq!(ask(wrong)["error"]["kind"], "request");
    let brackets = ask(json!({ "op": "pattern-brackets", "pattern": " ( [lamp" }));
    assert_eq!(brackets, json!({ "id": null, "brackets": true }));
}

#[test]
fn patterns_are_inspected_printed_and_compared() {
    let text = "[file:name NOT LIKE 'l%' OR file:x[*].y = 1] REPEATS 3 TIMES";
    let inspected = ask(json!({ "op": "inspect", "pattern": text }));
    let expected = json!({ "id": null, "qualifiers": ["REPEATS 3 TIMES"], "observation_ops": [],
        "comparisons": { "file": [[["name"], "NOT LIKE", "'l%'"],
            [["x", { "index": "*" }, "y"], "=", "1"]] } });
    assert_eq!(inspected, expected);
    assert_eq!(ask(json!({ "op": "inspect", "pattern": "x" }))["error"]["kind"], "parse");
    let normal = ask(json!({ "op": "pattern-normal", "pattern": "[file:size!=7.50 /* odd */]" }));
    assert_eq!(normal, json!({ "id": null, "pattern": "[file:size NOT = 7.5]" }));
    let mixed = "[file:size = 1 AND mutex:name = 'a']";
    for op in [
        json!({ "op": "pattern-normal", "pattern": mixed }),
        json!({ "op": "pattern-normal", "pattern": "x" }),
        json!({ "op": "pattern-equivalent", "a": mixed, "b": mixed }),
        json!({ "op": "pattern-equivalent", "pattern": "[file:size = 1]", "patterns": ["x"] }),
    ] {
        assert_eq!(ask(op.clone())["error"]["kind"], "refused", "{op}");
    }
    let (a, b) = ("[mutex:name='a' OR mutex:name='b']", "[mutex:name='b' OR mutex:name='a']");
    let equivalent = ask(json!({ "op": "pattern-equivalent", "a": a, "b": b }));
    assert_eq!(equivalent, json!({ "id": null, "equivalent": true }));
    let many =
        json!({ "op": "pattern-equivalent", "pattern": a, "patterns": ["[file:size = 1]", b] });
    assert_eq!(ask(many), json!({ "id": null, "found": [b] }));
}

#[test]
fn patterns_are_matched_in_both_forms() {
    let observed = json!({ "type": "observed-data", "first_observed": "2031-05-04T10:00:00Z",
        "last_observed": "2031-05-04T10:00:00Z", "number_observed": 1,
        "objects": { "0": { "type": "mutex", "name": "lamp" } } });
    let request = |version: &str, observations: Value| {
        ask(json!({ "op": "match", "pattern": "[mutex:name = 'lamp']", "version": version,
            "observations": observations }))
    };
    let place = json!({ "id": null, "matched": true, "observations": [0] });
    assert_eq!(request("2.0", json!([observed])), place);
    assert_eq!(request("2.1", json!([observed])), place);
    let none = json!({ "id": null, "matched": false, "observations": [] });
    assert_eq!(request("2.1", json!([])), none);
    let mut of_2_1 = observed.clone();
    of_2_1["id"] = json!("observed-data--1");
    of_2_1["object_refs"] = json!(["mutex--1"]);
    of_2_1.as_object_mut().unwrap().remove("objects");
    let mutex = json!({ "type": "mutex", "id": "mutex--1", "name": "lamp" });
    let bundle = json!({ "type": "bundle", "objects": [of_2_1, mutex] });
    let by_id = json!({ "id": null, "matched": true, "observations": ["observed-data--1"] });
    assert_eq!(request("2.1", json!([bundle])), by_id);
    assert_eq!(request("2.0", json!([bundle]))["error"]["kind"], "match");
    assert_eq!(request("2.1", json!([bundle, observed]))["error"]["kind"], "match");
    let mut zero = observed.clone();
    zero["number_observed"] = json!(0);
    assert_eq!(request("2.1", json!([zero]))["error"]["kind"], "match");
    assert_eq!(request("2.1", json!({}))["error"]["kind"], "request");
    let repeats = json!({ "op": "match", "pattern": "[mutex:name = 'lamp'] REPEATS 0 TIMES",
        "observations": [] });
    assert_eq!(ask(repeats)["error"]["kind"], "match");
    let broken = json!({ "op": "match", "pattern": "[mutex:name", "observations": [] });
    assert_eq!(ask(broken)["error"]["kind"], "parse");
}
