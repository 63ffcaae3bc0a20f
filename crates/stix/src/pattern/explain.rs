//! What a pattern says, in plain words, as a tree: for a person who has to decide about it.

use std::fmt;

use super::print::{print_constant, print_path};
use super::syntax::{
    Comparison, Constant, Negation, Observation, Pattern, Predicate, Qualifier, Relation, Test,
};

/// A pattern in words; printed as an indented tree.
///
/// Text of the pattern is shown escaped, so that it is safe on a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Explanation<'p, 'a>(&'p Pattern<'a>);

impl<'a> Pattern<'a> {
    /// The pattern in words.
    ///
    /// ```
    /// # use stix::{Spec, pattern};
    /// let text = "[url:value LIKE '%.example/' AND url:defanged = true] REPEATS 2 TIMES";
    /// let pattern = pattern::parse(text, Spec::V21).unwrap();
    /// assert_eq!(pattern.explain().to_string(), "\
    /// on 2 different observations:
    ///   one observation has an object for which all of these hold:
    ///     url: value is like '%.example/' (% any text, _ any one character)
    ///     url: defanged is true
    /// ");
    /// ```
    pub fn explain(&self) -> Explanation<'_, 'a> {
        Explanation(self)
    }
}

/// What is still to be printed, last first: a node and its indentation.
enum Todo {
    Observation(u32, usize),
    Comparison(u32, usize),
}

impl fmt::Display for Explanation<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut todo = vec![Todo::Observation(self.0.root(), 0)];
        while let Some(next) = todo.pop() {
            match next {
                Todo::Observation(at, depth) => self.observation(f, &mut todo, at, depth)?,
                Todo::Comparison(at, depth) => self.comparison(f, &mut todo, at, depth)?,
            }
        }
        Ok(())
    }
}

/// Deeper than this the tree no longer moves to the right.
const DEPTH_SHOWN_MAX: usize = 24;

fn line(f: &mut fmt::Formatter<'_>, depth: usize, text: &str) -> fmt::Result {
    writeln!(f, "{:indent$}{text}", "", indent = depth.min(DEPTH_SHOWN_MAX) * 2)
}

impl Explanation<'_, '_> {
    fn observation(
        &self,
        f: &mut fmt::Formatter<'_>,
        todo: &mut Vec<Todo>,
        at: u32,
        depth: usize,
    ) -> fmt::Result {
        let Some(node) = self.0.observations.get(at as usize) else { return Ok(()) };
        let heading = match *node {
            Observation::Group(inner) => {
                todo.push(Todo::Observation(inner, depth));
                return Ok(());
            }
            Observation::Single(root) => return self.single(f, todo, root, depth),
            Observation::Qualified(inner, qualifier) => {
                todo.push(Todo::Observation(inner, depth + 1));
                return line(f, depth, &in_words(qualifier));
            }
            Observation::And(..) => "all of these, on different observations:",
            Observation::Or(..) => "one of these:",
            Observation::FollowedBy(..) => {
                "these, each observed at the same time as those before or later:"
            }
        };
        line(f, depth, heading)?;
        let operands = chain(at, |at| self.joined_observations(at));
        todo.extend(operands.into_iter().rev().map(|at| Todo::Observation(at, depth + 1)));
        Ok(())
    }

    fn single(
        &self,
        f: &mut fmt::Formatter<'_>,
        todo: &mut Vec<Todo>,
        root: u32,
        depth: usize,
    ) -> fmt::Result {
        let heading = match self.comparison_node(root) {
            Some(Comparison::And(..)) => "all of these hold:",
            Some(Comparison::Or(..)) => "one of these holds:",
            _ => "this holds:",
        };
        let operands = chain(root, |at| self.joined_comparisons(at));
        todo.extend(operands.into_iter().rev().map(|at| Todo::Comparison(at, depth + 1)));
        line(f, depth, &format!("one observation has an object for which {heading}"))
    }

    fn comparison(
        &self,
        f: &mut fmt::Formatter<'_>,
        todo: &mut Vec<Todo>,
        at: u32,
        depth: usize,
    ) -> fmt::Result {
        let heading = match self.comparison_node(at) {
            Some(Comparison::Test(test)) => {
                let mut words = String::new();
                test_in_words(&mut words, self.0, &test)?;
                return line(f, depth, &safe(&words));
            }
            Some(Comparison::And(..)) => "all of these:",
            Some(Comparison::Or(..)) => "one of these:",
            _ => return Ok(()),
        };
        line(f, depth, heading)?;
        let operands = chain(at, |at| self.joined_comparisons(at));
        todo.extend(operands.into_iter().rev().map(|at| Todo::Comparison(at, depth + 1)));
        Ok(())
    }

    /// A comparison, parentheses aside.
    fn comparison_node(&self, mut at: u32) -> Option<Comparison<'_>> {
        loop {
            match self.0.comparisons.get(at as usize)? {
                Comparison::Group(inner) => at = *inner,
                node => return Some(*node),
            }
        }
    }

    /// What a comparison joins, parentheses aside.
    fn joined_comparisons(&self, at: u32) -> Option<(Operator, u32, u32)> {
        match self.comparison_node(at)? {
            Comparison::And(a, b) => Some((Operator::And, a, b)),
            Comparison::Or(a, b) => Some((Operator::Or, a, b)),
            Comparison::Test(_) | Comparison::Group(_) => None,
        }
    }

    /// What an observation expression joins; parentheses hold it together.
    fn joined_observations(&self, at: u32) -> Option<(Operator, u32, u32)> {
        match *self.0.observations.get(at as usize)? {
            Observation::And(a, b) => Some((Operator::And, a, b)),
            Observation::Or(a, b) => Some((Operator::Or, a, b)),
            Observation::FollowedBy(a, b) => Some((Operator::FollowedBy, a, b)),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    And,
    Or,
    FollowedBy,
}

/// The operands of a chain of one operator, in order; `joined` takes an operation apart.
fn chain(at: u32, joined: impl Fn(u32) -> Option<(Operator, u32, u32)>) -> Vec<u32> {
    let chained = joined(at).map(|(operator, ..)| operator);
    let (mut out, mut todo) = (Vec::new(), vec![at]);
    while let Some(at) = todo.pop() {
        match joined(at) {
            Some((operator, a, b)) if Some(operator) == chained => todo.extend([b, a]),
            _ => out.push(at),
        }
    }
    out
}

fn in_words(qualifier: Qualifier<'_>) -> String {
    match qualifier {
        Qualifier::Repeats(count) => format!("on {count} different observations:"),
        Qualifier::Within(seconds) => format!("all within less than {seconds} seconds:"),
        Qualifier::StartStop(start, stop) => {
            format!("all from {} on and before {}:", start.text, stop.text)
        }
    }
}

fn test_in_words(out: &mut String, pattern: &Pattern<'_>, test: &Test<'_>) -> fmt::Result {
    use fmt::Write;
    let mut path = String::new();
    print_path(&mut path, pattern, &test.path)?;
    let (object_type, steps) = path.split_once(':').unwrap_or((&path, ""));
    write!(out, "{object_type}: {steps} ")?;
    let not = test.negation == Negation::Not;
    let is = |plain: &'static str, negated: &'static str| if not { negated } else { plain };
    match test.predicate {
        Predicate::Compare(relation, constant) => {
            out.push_str(match relation {
                Relation::Equal => is("is ", "is not "),
                Relation::NotEqual => is("is not ", "is "),
                Relation::Less => is("is less than ", "is not less than "),
                Relation::LessEqual => is("is at most ", "is not at most "),
                Relation::Greater => is("is greater than ", "is not greater than "),
                Relation::GreaterEqual => is("is at least ", "is not at least "),
            });
            print_constant(out, constant)
        }
        Predicate::In(span) => {
            out.push_str(is("is one of ", "is none of "));
            for (place, member) in pattern.members(span).iter().enumerate() {
                out.push_str(if place == 0 { "" } else { ", " });
                print_constant(out, *member)?;
            }
            Ok(())
        }
        Predicate::Like(text) => {
            out.push_str(is("is like ", "is not like "));
            print_constant(out, Constant::String(text))?;
            out.write_str(" (% any text, _ any one character)")
        }
        Predicate::Matches(text) => {
            out.push_str(is("contains a match of ", "contains no match of "));
            print_constant(out, Constant::String(text))
        }
        Predicate::IsSubset(text) => {
            out.push_str(is("lies in the network ", "does not lie in the network "));
            print_constant(out, Constant::String(text))
        }
        Predicate::IsSuperset(text) => {
            out.push_str(is("is a network that holds ", "is no network that holds "));
            print_constant(out, Constant::String(text))
        }
        Predicate::Exists => out.write_str(is("is there", "is not there")),
    }
}

/// Control characters and direction marks escaped, nothing cut.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.extend(c.escape_unicode());
            }
            c if c.is_control() => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use crate::Spec;

    fn explained(text: &str) -> String {
        parse(text, Spec::V21).unwrap().explain().to_string()
    }

    #[test]
    fn explanation_is_a_tree_in_plain_words() {
        let text = "([mutex:name = 'a\u{202e}' OR (file:size > 7 AND file:name NOT IN ('x', 'y'))] \
            FOLLOWEDBY [EXISTS file:name] FOLLOWEDBY [ipv4-addr:value ISSUBSET '10.0.0.0/8']) \
            WITHIN 5 SECONDS OR [file:name MATCHES 'x']";
        let expected = "\
one of these:
  all within less than 5 seconds:
    these, each observed at the same time as those before or later:
      one observation has an object for which one of these holds:
        mutex: name is 'a\\u{202e}'
        all of these:
          file: size is greater than 7
          file: name is none of 'x', 'y'
      one observation has an object for which this holds:
        file: name is there
      one observation has an object for which this holds:
        ipv4-addr: value lies in the network '10.0.0.0/8'
  one observation has an object for which this holds:
    file: name contains a match of 'x'
";
        assert_eq!(explained(text), expected);
    }

    #[test]
    fn explanation_of_a_long_or_deep_pattern_is_bounded() {
        let long = format!("[a:b=1{}]", " OR a:b=1".repeat(50_000));
        assert_eq!(explained(&long).lines().count(), 50_002);
        let chained = format!("[a:b=1]{}", " REPEATS 2 TIMES".repeat(10_000));
        assert!(explained(&chained).len() < 10_000 * 100);
    }
}
