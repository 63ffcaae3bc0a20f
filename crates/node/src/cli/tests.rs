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
