//! Accounts and collections at the command line, against a node that runs: what is asked, what is
//! answered, and what helps where it goes wrong.

use std::{fs, path::Path};

use crate::{doors::said, process::Machine};

const LAMP: &str = "tool--00000000-0000-4000-8000-000000000001";

fn machine() -> Machine {
    let mut machine = Machine::new("aldermoor.example/channel");
    machine.start();
    machine
}

/// A failure: its exit status, and its line.
fn failed(machine: &Machine, arguments: &[&str]) -> (i32, String) {
    let output = machine.run(arguments);
    assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn failures_name_what_was_asked_for_and_what_helps() {
    let machine = machine();
    let (status, line) = failed(&machine, &["collection", "read", "local/nowhere"]);
    assert_eq!(status, 4, "{line}");
    assert!(line.starts_with("detente: TAXII-3.6: no such collection; see what"), "{line}");
    for arguments in [
        &["account", "show", "nobody"][..],
        &["account", "disable", "nobody"],
        &["account", "sight", "nobody"],
        &["account", "token", "nobody", "--label", "x"],
        &["account", "certificate", "list", "nobody"],
        &["account", "password", "nobody", "--password-file", &machine.path("passphrase")],
        &["collection", "grant", "local/workbench", "nobody", "--read"],
    ] {
        let (status, line) = failed(&machine, arguments);
        assert_eq!(status, 4, "{arguments:?}: {line}");
        assert!(line.contains("there is no account \"nobody\"; see the list"), "{line}");
    }
    let (status, line) = failed(&machine, &["account", "certificate", "remove", "reader", "00ff"]);
    assert!(status == 4 && line.contains("no certificate \"00ff\" stands for"), "{line}");
    let (status, line) = failed(&machine, &["token", "revoke", "00ff"]);
    assert!(status == 4 && line.contains("there is no token \"00ff\""), "{line}");
    said(&machine, &["collection", "add", "all", "--from", "local/workbench"]);
    for arguments in [
        &["collection", "add", "more", "--from", "local/all"][..],
        &["collection", "change", "local/all", "--from", "local/all"],
    ] {
        let (status, line) = failed(&machine, arguments);
        assert_eq!(status, 3, "{line}");
        assert!(line.contains("COL-11: local/all is an aggregate"), "{line}");
        assert!(line.contains("name the collections that feed that one"), "{line}");
    }
    let source = ["collection", "change", "local/workbench", "--from", "local/workbench"];
    assert!(failed(&machine, &source).1.contains("COL-12"));
}

#[test]
fn grant_holds_until_it_is_revoked_and_show_tells_of_both() {
    let machine = machine();
    let place = |name: &str| {
        let shown = machine.json(&["account", "show", name]);
        let all = shown["access"].as_array().unwrap().clone();
        let here = all.into_iter().find(|row| row["address"] == "local/workbench");
        here.map(|row| (row["read"] == true, row["write"] == true))
    };
    assert_eq!(place("feeder"), Some((false, true)), "as init makes it");
    let grant = ["collection", "grant", "local/workbench", "feeder"];
    said(&machine, &[&grant[..], &["--read"]].concat());
    assert_eq!(place("feeder"), Some((true, false)), "what is said takes the place of the old");
    said(&machine, &[&grant[..], &["--read", "--write"]].concat());
    assert_eq!(place("feeder"), Some((true, true)));
    said(&machine, &["collection", "revoke", "/local/workbench/", "feeder"]);
    assert_eq!(place("feeder"), None);
    said(&machine, &["account", "sight", "feeder", "--ceiling", "TLP:GREEN"]);
    let shown = machine.json(&["account", "show", "feeder"]);
    assert_eq!(shown["sight"], serde_json::json!({ "ceiling": "TLP:GREEN", "communities": null }));
    let text = String::from_utf8(said(&machine, &["account", "show", "feeder"])).unwrap();
    assert!(text.contains("TLP:GREEN") && text.contains("it may use no collection"), "{text}");
    said(&machine, &["collection", "revoke", "--every", "reader"]);
    assert_eq!(machine.json(&["account", "show", "reader"])["access"], serde_json::json!([]));
}

#[test]
fn certificate_is_added_listed_and_removed_by_the_id_that_is_listed() {
    let machine = machine();
    let key = rcgen::KeyPair::generate().unwrap();
    let pem = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap().pem();
    let file = machine.path("rack.pem");
    fs::write(&file, pem).unwrap();
    let certificate = |words: &[&str]| machine.json(&[&["account", "certificate"], words].concat());
    certificate(&["add", "reader", &file]);
    let listed = certificate(&["list", "reader"]);
    let one = &listed["certificates"][0];
    assert_eq!((&one["label"], &one["account"]), (&"rack.pem".into(), &"reader".into()));
    let id = one["id"].as_str().unwrap();
    assert_eq!(certificate(&["remove", "reader", id])["certificates"], serde_json::json!([]));
}

#[test]
fn collection_is_read_as_the_bytes_that_were_posted() {
    let machine = machine();
    // Keys in no order, a space, an escape that another writer would not use, a long number.
    let lamp = format!(
        "{{\"type\":\"tool\", \"name\":\"l\\u0061mp\",\"spec_version\":\"2.1\",\"id\":\"{LAMP}\",\
         \"modified\":\"2031-01-01T00:00:00.000Z\",\"created\":\"2031-01-01T00:00:00.000Z\",\
         \"x_lumen\":1.50}}"
    );
    let file = machine.path("lamps.json");
    fs::write(&file, format!("{{\"objects\":[{lamp}]}}")).unwrap();
    said(&machine, &["collection", "post", "local/workbench", &file]);
    let wanted = format!("{{\"objects\":[\n{lamp}\n]}}\n");
    for arguments in [
        &["collection", "read", "local/workbench"][..],
        &["--json", "collection", "read", "local/workbench"],
    ] {
        assert_eq!(String::from_utf8(said(&machine, arguments)).unwrap(), wanted);
    }
    // What was read can be posted again.
    let copy = machine.path("copy.json");
    fs::write(Path::new(&copy), wanted).unwrap();
    let again = machine.json(&["collection", "post", "local/workbench", &copy]);
    assert_eq!(again["success_count"], 1, "{again}");
}
