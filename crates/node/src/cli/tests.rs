//! The command line's own shape: every command has help, examples and stable options.

use super::*;

fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
    let subcommands: Vec<_> = command.get_subcommands().filter(|sub| !sub.is_hide_set()).collect();
    let runs = subcommands.is_empty() || !command.is_subcommand_required_set();
    if runs && !path.is_empty() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        found.push((path.to_owned(), help));
    }
    for sub in subcommands {
        leaves(sub, format!("{path} {}", sub.get_name()).trim(), found);
    }
}

#[test]
fn every_command_has_an_example_of_itself() {
    let mut found = Vec::new();
    leaves(&command(), "", &mut found);
    assert!(found.len() > 50, "{}", found.len());
    // The verbs on STIX objects keep their examples in one place of their own.
    for (path, help) in found.iter().filter(|(path, _)| !path.starts_with("stix")) {
        let shown = help.lines().any(|line| line.contains("detente ") && line.contains(path));
        assert!(shown, "`detente {path}` has no example: {help}");
    }
}

#[test]
fn command_line_holds_together() {
    command().debug_assert();
}

#[test]
fn collection_verbs_say_what_for_and_nothing_that_is_ignored() {
    let holds = |words: &str| {
        let words = ["detente", "collection"].into_iter().chain(words.split(' '));
        Cli::try_parse_from(words).is_ok()
    };
    for right in [
        "grant local/lamps siem --read",
        "grant local/lamps siem --read --write",
        "grant --every siem --write",
        "revoke local/lamps siem",
        "revoke --every siem",
        "change local/lamps --keep 0",
        "change local/lamps --title Lamps --from local/kettles",
    ] {
        assert!(holds(right), "{right}");
    }
    for wrong in [
        "grant local/lamps siem",
        "grant --every siem",
        "grant --read",
        "revoke local/lamps siem --read",
        "revoke local/lamps siem --write",
        "revoke",
        "change local/lamps",
        "change --keep 3",
    ] {
        assert!(!holds(wrong), "{wrong}");
    }
}

#[test]
fn token_holds_for_1_to_36500_days_or_for_good() {
    for verb in [&["account", "token", "siem"][..], &["token", "create"]] {
        let holds = |days: &[&str]| {
            let words = [&["detente"], verb, &["--label", "x"], days].concat();
            Cli::try_parse_from(words).is_ok()
        };
        assert!(holds(&[]) && holds(&["--days", "1"]) && holds(&["--days", "36500"]));
        for days in ["0", "36501", "-1", "a", "1.5"] {
            assert!(!holds(&["--days", days]), "{days}");
        }
    }
}

#[test]
fn release_is_a_file_or_a_verb() {
    let parsed = |words: &[&str]| Cli::try_parse_from(words).map(|cli| cli.command);
    let file = parsed(&["detente", "release", "b.json", "--topic", "lamps"]).unwrap();
    assert!(matches!(file, Command::Release(ReleaseArgs { command: None, file: Some(_), .. })));
    let again = parsed(&["detente", "release", "again", "88a7"]).unwrap();
    assert!(matches!(again, Command::Release(ReleaseArgs { command: Some(_), .. })));
    assert!(parsed(&["detente", "release", "b.json"]).is_err());
}

#[test]
fn stix_takes_the_options_that_name_a_node_and_shows_none_of_them() {
    let help = |words: &[&str]| {
        let error = command().try_get_matches_from([words, &["--help"]].concat()).unwrap_err();
        error.to_string()
    };
    for words in [&["detente", "stix"][..], &["detente", "stix", "pattern", "check"]] {
        let text = help(words);
        assert!(!text.contains("--profile") && !text.contains("Which node"), "{text}");
        assert!(text.contains("Print one JSON document") && !text.contains("API"), "{text}");
    }
    assert!(help(&["detente", "status"]).contains("Which node"));
    let words = ["detente", "stix", "summary", "--json", "--dir", "node", "a.json"];
    let cli = Cli::from_arg_matches(&command().try_get_matches_from(words).unwrap()).unwrap();
    assert!(cli.json && cli.target.dir.is_some());
}
