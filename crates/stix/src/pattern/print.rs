//! The canonical print of a pattern: one blank around operators and after commas, numbers and
//! timestamps in shortest form, no comments, parentheses as they stood.
//!
//! `==` is `=`; `!=` and `<>` are `NOT =`, so that `NOT !=` is `=`. The quotes of a step are kept
//! in the first step and before an index, elsewhere where the grammar needs them. A walk with a
//! stack of its own, as everywhere in this room.

use std::fmt::{self, Write};

use super::lexer::is_plain_name;
use super::syntax::{
    Comparison, Constant, Moment, MomentLiteral, Negation, Observation, Path, Pattern, Predicate,
    Qualifier, Relation, Step, Test, Text,
};
use crate::time::version_key;

impl fmt::Display for Pattern<'_> {
    /// Prints the pattern in canonical form; reading that again gives an equal pattern.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut todo = vec![Todo::Observation(self.root())];
        while let Some(next) = todo.pop() {
            match next {
                Todo::Text(text) => f.write_str(text)?,
                Todo::Qualifier(qualifier) => print_qualifier(f, qualifier)?,
                Todo::Observation(at) => {
                    let Some(node) = self.observations.get(at as usize) else { continue };
                    push_observation(&mut todo, node);
                }
                Todo::Comparison(at) => match self.comparisons.get(at as usize) {
                    Some(Comparison::Test(test)) => print_test(f, self, test)?,
                    Some(node) => push_comparison(&mut todo, node),
                    None => {}
                },
            }
        }
        Ok(())
    }
}

/// What is still to be printed, last first.
enum Todo<'a> {
    Observation(u32),
    Comparison(u32),
    Qualifier(Qualifier<'a>),
    Text(&'static str),
}

fn push_observation<'a>(todo: &mut Vec<Todo<'a>>, node: &Observation<'a>) {
    match *node {
        Observation::Single(root) => {
            todo.extend([Todo::Text("]"), Todo::Comparison(root), Todo::Text("[")]);
        }
        Observation::And(a, b) => push_joined(todo, a, " AND ", b),
        Observation::Or(a, b) => push_joined(todo, a, " OR ", b),
        Observation::FollowedBy(a, b) => push_joined(todo, a, " FOLLOWEDBY ", b),
        Observation::Group(inner) => {
            todo.extend([Todo::Text(")"), Todo::Observation(inner), Todo::Text("(")]);
        }
        Observation::Qualified(inner, qualifier) => {
            todo.extend([Todo::Qualifier(qualifier), Todo::Text(" "), Todo::Observation(inner)]);
        }
    }
}

fn push_joined(todo: &mut Vec<Todo<'_>>, a: u32, operator: &'static str, b: u32) {
    todo.extend([Todo::Observation(b), Todo::Text(operator), Todo::Observation(a)]);
}

fn push_comparison(todo: &mut Vec<Todo<'_>>, node: &Comparison<'_>) {
    let mut joined = |a, operator, b| {
        todo.extend([Todo::Comparison(b), Todo::Text(operator), Todo::Comparison(a)]);
    };
    match *node {
        Comparison::Test(_) => {}
        Comparison::And(a, b) => joined(a, " AND ", b),
        Comparison::Or(a, b) => joined(a, " OR ", b),
        Comparison::Group(inner) => {
            todo.extend([Todo::Text(")"), Todo::Comparison(inner), Todo::Text("(")]);
        }
    }
}

pub(super) fn print_qualifier(out: &mut impl Write, qualifier: Qualifier<'_>) -> fmt::Result {
    match qualifier {
        Qualifier::Repeats(count) => write!(out, "REPEATS {count} TIMES"),
        Qualifier::Within(seconds) => {
            out.write_str("WITHIN ")?;
            print_number(out, seconds)?;
            out.write_str(" SECONDS")
        }
        Qualifier::StartStop(start, stop) => {
            out.write_str("START ")?;
            print_moment(out, start)?;
            out.write_str(" STOP ")?;
            print_moment(out, stop)
        }
    }
}

fn print_moment(out: &mut impl Write, moment: Moment<'_>) -> fmt::Result {
    let prefix = if moment.literal == MomentLiteral::Timestamp { "t" } else { "" };
    write!(out, "{prefix}'{}Z'", version_key(moment.text))
}

fn print_test(out: &mut impl Write, pattern: &Pattern<'_>, test: &Test<'_>) -> fmt::Result {
    if matches!(test.predicate, Predicate::Exists) {
        out.write_str(if test.negation == Negation::Not { "NOT EXISTS " } else { "EXISTS " })?;
        return print_path(out, pattern, &test.path);
    }
    print_path(out, pattern, &test.path)?;
    let differs = matches!(test.predicate, Predicate::Compare(Relation::NotEqual, _));
    if differs != (test.negation == Negation::Not) {
        out.write_str(" NOT")?;
    }
    write!(out, " {} ", operator(test.predicate))?;
    match test.predicate {
        Predicate::Compare(_, constant) => print_constant(out, constant),
        Predicate::In(span) => {
            out.write_str("(")?;
            for (place, member) in pattern.members(span).iter().enumerate() {
                out.write_str(if place == 0 { "" } else { ", " })?;
                print_constant(out, *member)?;
            }
            out.write_str(")")
        }
        Predicate::Like(text)
        | Predicate::Matches(text)
        | Predicate::IsSubset(text)
        | Predicate::IsSuperset(text) => write!(out, "'{}'", text.0),
        Predicate::Exists => Ok(()),
    }
}

/// The operator without its NOT; `!=` is told by its NOT alone.
pub(super) fn operator(predicate: Predicate<'_>) -> &'static str {
    match predicate {
        Predicate::Compare(Relation::Equal | Relation::NotEqual, _) => "=",
        Predicate::Compare(Relation::Less, _) => "<",
        Predicate::Compare(Relation::LessEqual, _) => "<=",
        Predicate::Compare(Relation::Greater, _) => ">",
        Predicate::Compare(Relation::GreaterEqual, _) => ">=",
        Predicate::In(_) => "IN",
        Predicate::Like(_) => "LIKE",
        Predicate::Matches(_) => "MATCHES",
        Predicate::IsSubset(_) => "ISSUBSET",
        Predicate::IsSuperset(_) => "ISSUPERSET",
        Predicate::Exists => "EXISTS",
    }
}

pub(super) fn print_constant(out: &mut impl Write, constant: Constant<'_>) -> fmt::Result {
    match constant {
        Constant::String(text) => write!(out, "'{}'", text.0),
        Constant::Integer(text) | Constant::Float(text) => print_number(out, text),
        Constant::Boolean(value) => write!(out, "{value}"),
        Constant::Binary(text) => {
            out.write_str("b'")?;
            for line in text.split(['\n', '\r']) {
                out.write_str(line)?;
            }
            out.write_str("'")
        }
        Constant::Hex(text) => write!(out, "h'{text}'"),
        Constant::Timestamp(text) => write!(out, "t'{}Z'", version_key(text)),
    }
}

/// A float keeps a point, so that it stays one: `7.50` is `7.5`, `.0` is `0.0`.
///
/// The digits are cut as text and never read as a double, which would change the longer ones.
fn print_number(out: &mut impl Write, text: &str) -> fmt::Result {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let Some((whole, fraction)) = digits.split_once('.') else {
        return out.write_str(if digits == "0" { digits } else { text });
    };
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    out.write_str(sign)?;
    out.write_str(if whole.is_empty() { "0" } else { whole })?;
    out.write_str(".")?;
    out.write_str(if fraction.is_empty() { "0" } else { fraction })
}

pub(super) fn print_path(
    out: &mut impl Write,
    pattern: &Pattern<'_>,
    path: &Path<'_>,
) -> fmt::Result {
    write!(out, "{}:", path.object_type)?;
    let steps = pattern.steps(path);
    for (place, step) in steps.iter().enumerate() {
        let next = steps.get(place + 1);
        let keep_quotes = place == 0 || matches!(next, Some(Step::Index(_) | Step::Any));
        match *step {
            Step::Any => out.write_str("[*]")?,
            Step::Index(text) => write!(out, "[{text}]")?,
            Step::Name(name) => write!(out, "{}{name}", dot(place))?,
            Step::Quoted(Text(name)) if !keep_quotes && is_plain_name(name) => {
                write!(out, "{}{name}", dot(place))?;
            }
            Step::Quoted(Text(name)) => write!(out, "{}'{name}'", dot(place))?,
        }
    }
    Ok(())
}

fn dot(place: usize) -> &'static str {
    if place == 0 { "" } else { "." }
}
