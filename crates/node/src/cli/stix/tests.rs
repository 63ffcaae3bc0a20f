use std::path::PathBuf;

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Command {
    #[command(subcommand)]
    stix: StixCommand,
}

const URL: &str = r#"{"type":"url","id":"url--eb20583f-73a1-5b19-a8da-89323ff5cc32",
    "value":"http://a.example/"}"#;
const TOOL: &str = r#"{"type":"tool","spec_version":"2.1","name":"kettle",
    "id":"tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921","created":"2031-05-04T10:00:00.000Z",
    "modified":"2031-05-04T10:00:00.000Z",
    "object_marking_refs":["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"]}"#;

/// A folder of files, gone at the end.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn bundle(objects: &[&str]) -> String {
    let id = "bundle--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921";
    format!(r#"{{"type":"bundle","id":"{id}","objects":[{}]}}"#, objects.join(","))
}

/// What a command prints, and how it ends.
fn ended(arguments: &[&str], json: bool) -> Result<(String, ExitCode)> {
    let command = Command::try_parse_from([&["stix"], arguments].concat()).unwrap();
    let mut out = Vec::new();
    let code = dispatch(command.stix, json, &mut out)?;
    Ok((String::from_utf8(out).unwrap(), code))
}

/// What a command prints, and whether its answer is yes.
fn run(arguments: &[&str], json: bool) -> Result<(String, bool)> {
    let (text, code) = ended(arguments, json)?;
    Ok((text, format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)))
}

#[test]
fn validate_goes_on_past_a_file_that_is_missing_and_closes_the_document() {
    let files = Files::new();
    let (a, b) = (files.with("a.json", URL), files.with("b.json", TOOL));
    let missing = files.0.path().join("missing.json");
    let [a, missing, b] = [&a, &missing, &b].map(|path| path.to_str().unwrap());
    let document = |format: &str| {
        let arguments = ["validate", "--format", format, a, missing, b];
        let (text, code) = ended(&arguments, false).unwrap();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(8)));
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let json = document("json");
    assert_eq!((&json["files"][0]["file"], &json["files"][1]["file"]), (&a.into(), &b.into()));
    assert_eq!(json["unread"][0]["file"], missing);
    let run = &document("sarif")["runs"][0]["invocations"][0];
    assert_eq!(run["executionSuccessful"], false);
    assert_eq!(run["toolExecutionNotifications"].as_array().unwrap().len(), 1);
    let (text, _) = ended(&["validate", a, missing, b], false).unwrap();
    assert!(text.contains("b.json: valid"), "{text}");
}

#[test]
fn canonicalize_prints_the_canonical_form_or_names_the_place() {
    let files = Files::new();
    let file = files.with("a.json", r#"{"b": 1e2, "a": "x"}"#);
    let (text, _) = run(&["canonicalize", file.to_str().unwrap()], false).unwrap();
    assert_eq!(text, "{\"a\":\"x\",\"b\":100}\n");
    let file = files.with("b.json", "{\"a\":1,\n\"a\":2}");
    let error = run(&["canonicalize", file.to_str().unwrap()], false).unwrap_err().to_string();
    assert!(error.contains("JSON-2") && error.contains("line 2"), "{error}");
}

#[test]
fn id_says_no_when_a_deterministic_id_is_not_the_objects_own() {
    let files = Files::new();
    let file = files.with("a.json", &bundle(&[URL, TOOL]));
    let (text, yes) = run(&["id", file.to_str().unwrap()], false).unwrap();
    assert!(yes && text.starts_with("agrees "), "{text}");
    let file = files.with("b.json", &URL.replace("a.example", "b.example"));
    let (text, yes) = run(&["id", file.to_str().unwrap()], true).unwrap();
    assert!(!yes && text.contains(r#""verdict":"differs""#), "{text}");
}

#[test]
fn new_version_changes_the_named_object_and_nothing_else() {
    let files = Files::new();
    let file = files.with("a.json", &bundle(&[URL, TOOL]));
    let id = "tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921";
    let path = file.to_str().unwrap();
    let set =
        ["new-version", path, "--id", id, "--set", "name=pot", "--remove", "object_marking_refs"];
    let (text, _) = run(&set, false).unwrap();
    assert!(text.contains(r#""name":"pot""#) && !text.contains("marking"), "{text}");
    assert!(run(&["new-version", path, "--set", "name=pot"], false).is_err());
    let refused = run(&["new-version", path, "--id", id, "--set", "id=x"], false).unwrap_err();
    assert!(refused.to_string().contains("3.6"), "{refused}");
    let (text, _) = run(&["revoke", path, "--id", id], false).unwrap();
    assert!(text.contains(r#""revoked":true"#));
}

#[test]
fn markings_are_shown_in_words_and_changed_by_label() {
    let files = Files::new();
    let file = files.with("a.json", &bundle(&[URL, TOOL]));
    let (text, _) = run(&["markings", file.to_str().unwrap()], false).unwrap();
    assert!(text.contains("    unmarked\n") && text.contains("    TLP:RED\n"), "{text}");
    let absent = ["markings", file.to_str().unwrap(), "--id", "tool--1"];
    assert!(run(&absent, false).unwrap_err().to_string().contains("no object has the id"));
    let file = files.with("b.json", TOOL);
    let add = ["markings", file.to_str().unwrap(), "--add", "TLP:GREEN", "--selector", "name"];
    let (text, _) = run(&add, false).unwrap();
    assert!(text.contains("marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"), "{text}");
}

#[test]
fn diff_help_explains_every_sign() {
    let Err(help) = Command::try_parse_from(["stix", "diff", "--help"]) else { panic!("no help") };
    for sign in ["`+`", "`-`", "`>`", "`<`", "`!`"] {
        assert!(help.to_string().contains(sign), "{sign}");
    }
}

#[test]
fn diff_says_no_when_something_differs() {
    let files = Files::new();
    let a = files.with("a.json", &bundle(&[URL, TOOL]));
    let b = files.with("b.json", &bundle(&[&TOOL.replace("kettle", "pot")]));
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    assert_eq!(run(&["diff", a, a], false).unwrap(), (String::new(), true));
    let (text, yes) = run(&["diff", a, b], false).unwrap();
    assert!(!yes && text.contains("! tool--") && text.contains(": name"), "{text}");
    assert!(text.contains("- url--"), "{text}");
}

#[test]
fn summary_of_what_is_no_json_names_the_place_once() {
    let files = Files::new();
    let file = files.with("a.json", "{\"type\":\n lamp}");
    let error = run(&["summary", file.to_str().unwrap()], false).unwrap_err().to_string();
    assert!(error.contains("a.json, line 2, column 2"), "{error}");
    assert_eq!(error.matches("JSON-1").count(), 1, "{error}");
}

#[test]
fn refusal_names_its_section_once_and_a_remedy() {
    let files = Files::new();
    let path = files.with("a.json", TOOL);
    let path = path.to_str().unwrap();
    let refused = |arguments: &[&str]| run(arguments, false).unwrap_err().to_string();
    assert_eq!(
        refused(&["new-version", path, "--set", "type=lamp"]),
        "`type` is the same in all versions (3.6); change other properties, or write a new object"
    );
    assert_eq!(
        refused(&["markings", path, "--remove", "TLP:GREEN"]),
        "the object does not have these markings; `detente stix markings` lists those that it has"
    );
    assert_eq!(
        refused(&["markings", path, "--add", "TLP:GREEN", "--selector", "hue"]),
        "the selector `hue` selects nothing of the object (7.2.3.1); name a property, such as \
        `name` or `labels.[0]`"
    );
    let observed = files.with("b.json", r#"{"type":"observed-data"}"#);
    let observed = observed.to_str().unwrap();
    let pattern = ["pattern", "match", "[file:size = 1] REPEATS 0 TIMES", observed];
    assert!(refused(&pattern).ends_with("; `detente stix pattern check` shows the place"));
}

#[test]
fn what_is_no_marking_is_not_written_as_one() {
    let files = Files::new();
    let path = files.with("a.json", &TOOL.replace("marking-definition--e8", "lamp--e8"));
    let path = path.to_str().unwrap();
    let marked = |change: &[&str]| run(&[&["markings", path], change].concat(), false);
    for change in [["--add", "kettle"], ["--set", "tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921"]] {
        let error = marked(&change).unwrap_err().to_string();
        assert!(error.contains("is no marking; name the id"), "{error}");
    }
    assert!(marked(&["--add", "kettle", "--selector", "name"]).is_err());
    let error = marked(&["--add", "en"]).unwrap_err().to_string();
    assert!(error.ends_with("(7.2.3); name the part with --selector"), "{error}");
    let (text, _) = marked(&["--add", "en", "--selector", "name"]).unwrap();
    assert!(text.contains(r#""lang":"en""#), "{text}");
    let wrong = "lamp--e828b379-4e03-4974-9ac4-e53a884c97c1";
    let (text, _) = marked(&["--remove", wrong]).unwrap();
    assert!(!text.contains("object_marking_refs"), "{text}");
}

#[test]
fn new_version_that_no_longer_reads_as_its_type_is_refused() {
    let files = Files::new();
    let path = files.with("a.json", TOOL);
    let path = path.to_str().unwrap();
    let made = |changes: &[&str]| run(&[&["new-version", path], changes].concat(), false);
    for (changes, problem) in [
        (&["--remove", "name"][..], "would be no tool: at ``: `name` is missing"),
        (&["--set", "aliases=5"], "would be no tool: at `/aliases`"),
        (&["--set", "hue=red"], "--allow-custom"),
        (&["--remove", "spec_version"], "another edition of STIX"),
        (&["--remove", "nope"], "the object has no `nope`"),
        (&["--set", "name=pot", "--remove", "name"], "`name` is to change twice"),
        (&["--set", "name=pot", "--set", "name=pan"], "`name` is to change twice"),
    ] {
        let error = made(changes).unwrap_err().to_string();
        assert!(error.contains(problem), "{changes:?}: {error}");
    }
    let (text, _) = made(&["--set", "hue=red", "--allow-custom"]).unwrap();
    assert!(text.contains(r#""hue":"red""#), "{text}");
    // What is no object of its type as it is, is not held to it.
    let path = files.with("b.json", &TOOL.replace(r#""name":"kettle","#, ""));
    assert!(run(&["new-version", path.to_str().unwrap(), "--set", "aliases=5"], false).is_ok());
}

#[test]
fn checks_are_listed_and_an_unknown_one_is_refused() {
    let files = Files::new();
    let path = files.with("a.json", URL);
    for option in ["--disable", "--enable"] {
        let validate = ["validate", option, "302,999", path.to_str().unwrap()];
        let error = run(&validate, false).unwrap_err().to_string();
        assert_eq!(error, "no such check: `999`; `detente stix checks` lists them all");
    }
    let (text, _) = run(&["checks"], false).unwrap();
    let line = text.lines().find(|line| line.starts_with("302 ")).unwrap();
    assert!(line.contains("extref-hashes") && line.contains("warning  2.0 2.1 "), "{line}");
    let (json, _) = run(&["checks"], true).unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(rows.len(), text.lines().count());
    let names = rows.iter().map(|row| row["name"].as_str().unwrap());
    // Each name that is listed is one that can be asked for.
    assert!(names.clone().all(stix::validate::Checks::is_known));
    let number = rows.iter().find(|row| row["name"] == "custom-prefix").unwrap();
    assert_eq!(
        (&number["number"], number["editions"].to_string().as_str()),
        (&"101".into(), "[\"2.0\"]")
    );
}
