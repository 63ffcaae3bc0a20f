//! The form of a policy for findings: what becomes of objects in which the standard's rules find
//! something. Partners and collections have one each; both say only in what they differ from the
//! node's own.

use axum::http::StatusCode;
use protocol::{
    findings::{FindingsChange, FindingsPolicy},
    terms::Treatment,
};

use crate::problem::Problem;

/// A policy as its form shows it.
pub(super) struct PolicyForm {
    pub(super) levels: Vec<LevelRow>,
    /// Exceptions by rule, one a line.
    pub(super) rules: String,
}

/// What becomes of objects with findings of one level.
pub(super) struct LevelRow {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) options: Vec<Choice>,
}

/// One way of treating them.
pub(super) struct Choice {
    pub(super) value: &'static str,
    pub(super) label: String,
    pub(super) chosen: bool,
}

const LEVELS: [(&str, &str); 3] = [
    ("error", "An object breaks a MUST"),
    ("warning", "An object breaks only a SHOULD"),
    ("note", "Something else is noted"),
];

fn words(treatment: Treatment) -> &'static str {
    match treatment {
        Treatment::Accept => "take in",
        Treatment::AcceptWithFindings => "take in with findings",
        Treatment::Quarantine => "hold apart",
        Treatment::Refuse => "refuse",
    }
}

impl PolicyForm {
    /// What is held, over what holds where it says nothing.
    pub(super) fn of(held: Option<&FindingsChange>, otherwise: &FindingsPolicy) -> Self {
        let none = FindingsChange::default();
        let held = held.unwrap_or(&none);
        let levels = [
            (held.error, otherwise.error),
            (held.warning, otherwise.warning),
            (held.note, otherwise.note),
        ];
        let level = |((name, label), (held, otherwise))| LevelRow {
            name,
            label,
            options: options(held, otherwise),
        };
        let line = |(rule, treatment): (&protocol::findings::Rule, &Option<Treatment>)| {
            let word = treatment.map_or("default", Treatment::word);
            format!("{}={word}", rule.as_str())
        };
        Self {
            levels: LEVELS.into_iter().zip(levels).map(level).collect(),
            rules: held.rules.iter().map(line).collect::<Vec<_>>().join("\n"),
        }
    }

    /// The form again, as it was filled in.
    pub(super) fn typed(typed: &Typed, otherwise: &FindingsPolicy) -> Self {
        let level = |word: &str| Treatment::ALL.iter().copied().find(|one| one.word() == word);
        let held = FindingsChange {
            error: level(&typed.error),
            warning: level(&typed.warning),
            note: level(&typed.note),
            ..FindingsChange::default()
        };
        Self { rules: typed.rules.clone(), ..Self::of(Some(&held), otherwise) }
    }
}

fn options(held: Option<Treatment>, otherwise: Treatment) -> Vec<Choice> {
    let default = Choice {
        value: "",
        label: format!("default: {}", words(otherwise)),
        chosen: held.is_none(),
    };
    let choice = |treatment: &Treatment| Choice {
        value: treatment.word(),
        label: words(*treatment).to_owned(),
        chosen: held == Some(*treatment),
    };
    std::iter::once(default).chain(Treatment::ALL.iter().map(choice)).collect()
}

/// What a person filled in.
#[derive(serde::Deserialize)]
pub(super) struct Typed {
    pub(super) csrf: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warning: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    rules: String,
}

impl Typed {
    /// What is kept: nothing where the node's own policy holds throughout.
    ///
    /// *Errors*: `FND-1` where a treatment or a rule is none.
    pub(super) fn change(&self) -> Result<Option<FindingsChange>, Problem> {
        let levels = [("error", &self.error), ("warning", &self.warning), ("note", &self.note)];
        let named = levels.into_iter().filter(|(_, treatment)| !treatment.is_empty());
        let mut words: Vec<String> =
            named.map(|(level, treatment)| format!("{level}={treatment}")).collect();
        words.extend(self.rules.split_whitespace().map(str::to_owned));
        let change: FindingsChange = words.join(" ").parse().map_err(|error| {
            let message = format!("the policy cannot be kept: {error}");
            let remedy = "write one exception a line, such as 103=accept or STIX-3.2-10=refuse";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "FND-1", &message, remedy)
        })?;
        Ok(Some(change).filter(|change| *change != FindingsChange::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(error: &str, rules: &str) -> Typed {
        let [csrf, warning, note] = [String::new(), String::new(), String::new()];
        Typed { csrf, error: error.to_owned(), warning, note, rules: rules.to_owned() }
    }

    #[test]
    fn form_shows_what_is_held_and_reads_back_as_the_same() {
        let held: FindingsChange =
            "error=refuse 103=accept STIX-2.9-06=quarantine".parse().unwrap();
        let form = PolicyForm::of(Some(&held), &FindingsPolicy::at_intake());
        assert_eq!(form.rules, "103=accept\nSTIX-2.9-06=quarantine");
        let chosen = |level: &LevelRow| {
            let mut chosen = level.options.iter().filter(|option| option.chosen);
            (chosen.next().unwrap().value, chosen.next().is_none())
        };
        let all: Vec<_> = form.levels.iter().map(chosen).collect();
        assert_eq!(all, [("refuse", true), ("", true), ("", true)]);
        assert_eq!(typed("refuse", &form.rules).change().unwrap(), Some(held));
        assert_eq!(typed("", " \r\n").change().unwrap(), None, "the node's own again");
    }

    #[test]
    fn form_that_cannot_be_meant_is_refused_and_kept_as_typed() {
        for (error, rules) in [("drop", ""), ("", "104=accept"), ("", "accept"), ("", "103=x")] {
            let problem = typed(error, rules).change().unwrap_err();
            assert_eq!(problem.rule(), "FND-1", "{error} {rules}");
        }
        let form = PolicyForm::typed(&typed("refuse", "104=acc"), &FindingsPolicy::at_submit());
        assert_eq!(form.rules, "104=acc");
        assert!(form.levels[0].options.iter().any(|one| one.chosen && one.value == "refuse"));
    }
}
