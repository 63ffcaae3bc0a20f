//! What a pattern speaks about: its qualifiers, operators and comparisons, as they are written.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::lexer::Lexer;
use super::syntax::{
    Constant, MomentLiteral, Negation, Observation, Pattern, Predicate, Qualifier, Step, Test,
};

/// The parts of a pattern.
///
/// *Shape*: serialises as `{"qualifiers": […], "observation_ops": […], "comparisons": {type:
/// [[path, operator, constant], …]}}`; a step is a name, a number or `{"index": "*"}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection<'a> {
    /// Qualifiers, sorted, without doubles.
    pub qualifiers: Vec<String>,
    /// Operators between observations, sorted, without doubles.
    #[serde(rename = "observation_ops")]
    pub observation_operators: Vec<&'static str>,
    /// Comparisons by object type; EXISTS is left out.
    pub comparisons: InspectedTypes<'a>,
}

/// Comparisons by object type, in the order in which types appear.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InspectedTypes<'a>(pub Vec<(&'a str, Vec<InspectedTest>)>);

impl Serialize for InspectedTypes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, tests)| (name, tests)))
    }
}

/// One comparison, as it is written: path, operator, constant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InspectedTest(pub Vec<InspectedStep>, pub String, pub String);

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum InspectedStep {
    /// The name of a property, without quotes.
    Name(String),
    /// A place in a list.
    Index(u64),
    /// Any place in a list.
    Any,
}

impl Serialize for InspectedStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => serializer.serialize_str(name),
            Self::Index(place) => serializer.serialize_u64(*place),
            Self::Any => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("index", "*")?;
                map.end()
            }
        }
    }
}

impl<'a> Pattern<'a> {
    /// What the pattern speaks about.
    pub fn inspect(&self) -> Inspection<'a> {
        let mut qualifiers = Vec::new();
        let mut operators = Vec::new();
        for node in &self.observations {
            match node {
                Observation::And(..) => operators.push("AND"),
                Observation::Or(..) => operators.push("OR"),
                Observation::FollowedBy(..) => operators.push("FOLLOWEDBY"),
                Observation::Qualified(_, qualifier) => qualifiers.push(as_written(*qualifier)),
                Observation::Single(_) | Observation::Group(_) => {}
            }
        }
        qualifiers.sort();
        qualifiers.dedup();
        operators.sort_unstable();
        operators.dedup();
        let mut places = std::collections::HashMap::new();
        let mut comparisons = InspectedTypes::default();
        for test in self.tests().filter(|test| !matches!(test.predicate, Predicate::Exists)) {
            let object_type = test.path.object_type;
            let place = *places.entry(object_type).or_insert_with(|| {
                comparisons.0.push((object_type, Vec::new()));
                comparisons.0.len() - 1
            });
            if let Some((_, list)) = comparisons.0.get_mut(place) {
                let steps = self.steps(&test.path).iter().map(InspectedStep::of).collect();
                let (operator, operand) =
                    (self.operator_as_written(test), self.operand_as_written(test));
                list.push(InspectedTest(steps, operator, operand));
            }
        }
        Inspection { qualifiers, observation_operators: operators, comparisons }
    }

    fn operator_as_written(&self, test: &Test<'_>) -> String {
        let rest = self.text.get(test.operator as usize..).unwrap_or_default();
        let token = Lexer::new(rest, true).next();
        let operator = rest.get(token.start..token.end).unwrap_or_default();
        let not = if test.negation == Negation::Not { "NOT " } else { "" };
        format!("{not}{operator}")
    }

    /// A set without the blanks between its tokens.
    fn operand_as_written(&self, test: &Test<'_>) -> String {
        match test.predicate {
            Predicate::Compare(_, constant) => constant_as_written(constant),
            Predicate::Like(text)
            | Predicate::Matches(text)
            | Predicate::IsSubset(text)
            | Predicate::IsSuperset(text) => constant_as_written(Constant::String(text)),
            Predicate::In(span) => {
                let members = self.members(span).iter();
                let members: Vec<_> = members.map(|member| constant_as_written(*member)).collect();
                format!("({})", members.join(","))
            }
            Predicate::Exists => String::new(),
        }
    }
}

impl InspectedStep {
    fn of(step: &Step<'_>) -> Self {
        match step {
            Step::Any => Self::Any,
            Step::Index(text) => Self::Index(text.parse().unwrap_or(u64::MAX)),
            Step::Name(_) | Step::Quoted(_) => {
                Self::Name(step.name().unwrap_or_default().into_owned())
            }
        }
    }
}

fn as_written(qualifier: Qualifier<'_>) -> String {
    match qualifier {
        Qualifier::Repeats(count) => format!("REPEATS {count} TIMES"),
        Qualifier::Within(seconds) => format!("WITHIN {seconds} SECONDS"),
        Qualifier::StartStop(start, stop) => {
            let t = |literal| if literal == MomentLiteral::Timestamp { "t" } else { "" };
            let (start_t, stop_t) = (t(start.literal), t(stop.literal));
            format!("START {start_t}'{}' STOP {stop_t}'{}'", start.text, stop.text)
        }
    }
}

fn constant_as_written(constant: Constant<'_>) -> String {
    match constant {
        Constant::String(text) => format!("'{}'", text.0),
        Constant::Integer(text) | Constant::Float(text) => text.to_owned(),
        Constant::Boolean(value) => value.to_string(),
        Constant::Binary(text) => format!("b'{text}'"),
        Constant::Hex(text) => format!("h'{text}'"),
        Constant::Timestamp(text) => format!("t'{text}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use crate::Spec;

    #[test]
    fn inspection_has_texts_as_written_sorted_and_without_doubles() {
        let text = "[file:name NOT LIKE 'l%' OR file:x[*].'y'[7] == 1 AND EXISTS a:b] REPEATS 3 \
            TIMES AND [a:c IN ( 'x' , h'fF' )] REPEATS 3 TIMES WITHIN 5.0 SECONDS";
        let found = serde_json::to_value(parse(text, Spec::V21).unwrap().inspect()).unwrap();
        let expected = serde_json::json!({
            "qualifiers": ["REPEATS 3 TIMES", "WITHIN 5.0 SECONDS"],
            "observation_ops": ["AND"],
            "comparisons": {
                "file": [
                    [["name"], "NOT LIKE", "'l%'"],
                    [["x", { "index": "*" }, "y", 7], "==", "1"],
                ],
                "a": [[["c"], "IN", "('x',h'fF')"]],
            },
        });
        assert_eq!(found, expected);
    }
}
