//! The grammar of section 9, by operator precedence with stacks of its own: no recursion.
//!
//! Between observations FOLLOWEDBY binds weakest, then OR, then AND, then qualifiers (section
//! 9.5.3); inside brackets OR binds weaker than AND. All of them associate to the left.

use super::Error;
use super::lexer::{Kind, Lexer, Token};
use super::literal;
use super::syntax::{
    Comparison, Constant, Moment, MomentLiteral, Negation, Observation, Path, Pattern, Predicate,
    Qualifier, Relation, Span, Step, Test, Text, id,
};
use crate::{Spec, limits};

/// Reads a pattern by the grammar of a version.
///
/// *Shape*: 2.1 as the OASIS grammar has it; 2.0 knows no EXISTS and allows strings behind START
/// and STOP.
///
/// *Errors*: the first place that is against the grammar, or a constant that is none. Rules that
/// need no second reading of the text (`REPEATS 0`, a qualifier twice) are left to
/// [`findings`](super::findings()).
///
/// *Source*: STIX 2.1 section 9; STIX 2.0 part 5.
pub fn parse(text: &str, spec: Spec) -> Result<Pattern<'_>, Error> {
    if text.len() > limits::PATTERN_LEN_MAX {
        return Err(Error::at(text, "LIMIT-7", (0, 0), "at most 1 MiB"));
    }
    let mut lexer = Lexer::new(text, spec == Spec::V21);
    let token = lexer.next();
    let pattern = Pattern {
        text,
        spec,
        observations: Vec::with_capacity(4),
        comparisons: Vec::with_capacity(8),
        steps: Vec::with_capacity(16),
        members: Vec::new(),
    };
    let mut parser = Parser { lexer, token, out: pattern, depth: 0 };
    parser.observations()?;
    Ok(parser.out)
}

/// An operator that waits for its right side, or a parenthesis that waits for its other half.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pending {
    Paren,
    FollowedBy,
    Or,
    And,
}

/// Operands, and the operators between them that wait for their right side.
#[derive(Default)]
struct Waiting {
    operators: Vec<Pending>,
    operands: Vec<u32>,
}

impl Waiting {
    /// Joins what binds at least as strongly as `floor`; `join` makes the node.
    fn reduce(&mut self, floor: Pending, mut join: impl FnMut(Pending, u32, u32) -> u32) {
        while let Some(operator) = self.operators.pop_if(|operator| *operator >= floor) {
            let right = self.operands.pop().unwrap_or_default();
            let left = self.operands.pop().unwrap_or_default();
            self.operands.push(join(operator, left, right));
        }
    }

    /// An operator behind an operand: what binds as strongly before it is joined.
    fn operator(&mut self, operator: Pending, join: impl FnMut(Pending, u32, u32) -> u32) {
        self.reduce(operator, join);
        self.operators.push(operator);
    }

    /// Everything since the last parenthesis that is open is one operand; whether one was open.
    fn close(&mut self, join: impl FnMut(Pending, u32, u32) -> u32) -> bool {
        self.reduce(Pending::FollowedBy, join);
        self.operators.pop().is_some()
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    out: Pattern<'a>,
    depth: usize,
}

type Parsed<T> = Result<T, Error>;

impl<'a> Parser<'a> {
    fn advance(&mut self) {
        self.token = self.lexer.next();
    }

    fn text(&self, token: Token) -> &'a str {
        self.out.text.get(token.start..token.end).unwrap_or_default()
    }

    /// The inside of a literal whose quote stands `prefix` bytes behind its start.
    fn inside(&self, token: Token, prefix: usize) -> &'a str {
        self.out.text.get(token.start + prefix + 1..token.end - 1).unwrap_or_default()
    }

    #[cold]
    fn fail<T>(&self, rule: &'static str, expected: &'static str) -> Parsed<T> {
        let place = (self.token.start, self.token.end);
        let (rule, expected, place) = match self.token.kind {
            Kind::BadEscape => {
                let at = self.token.end;
                ("STIX-9.4-04", "`'` or `\\` after a backslash in a string", (at, at + 1))
            }
            Kind::Unclosed => ("STIX-9.4-04", "an apostrophe that closes the string", place),
            Kind::Signed if self.text(self.token).contains('.') => {
                ("STIX-9.2-07", "a number without a plus sign", place)
            }
            Kind::Signed => ("STIX-9.2-05", "a number without a plus sign", place),
            Kind::End => (rule, expected, (self.out.text.len(), self.out.text.len())),
            _ => (rule, expected, place),
        };
        Err(Error::at(self.out.text, rule, place, expected))
    }

    fn expect(&mut self, kind: Kind, rule: &'static str, expected: &'static str) -> Parsed<Token> {
        let token = self.token;
        if token.kind != kind {
            return self.fail(rule, expected);
        }
        self.advance();
        Ok(token)
    }

    fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > limits::OBJECT_DEPTH_MAX {
            return self.fail("LIMIT-3", "at most 256 parentheses in each other");
        }
        self.advance();
        Ok(())
    }

    // ---- between observations ----

    fn observations(&mut self) -> Parsed<()> {
        let mut waiting = Waiting::default();
        let mut rule = "STIX-9.5-01";
        loop {
            match self.token.kind {
                Kind::LeftParen => {
                    self.enter()?;
                    waiting.operators.push(Pending::Paren);
                    continue;
                }
                Kind::LeftBracket => {
                    self.advance();
                    let root = self.comparisons()?;
                    waiting.operands.push(self.observation(Observation::Single(root)));
                }
                _ => return self.fail(rule, "`[` or `(`, where an observation expression begins"),
            }
            self.qualifiers(&mut waiting.operands)?;
            while self.token.kind == Kind::RightParen {
                if !waiting.close(|operator, a, b| self.join_observations(operator, a, b)) {
                    return self.fail("STIX-9.4-04", "no `)` without its `(`");
                }
                self.depth -= 1;
                self.advance();
                let inner = waiting.operands.pop().unwrap_or_default();
                waiting.operands.push(self.observation(Observation::Group(inner)));
                self.qualifiers(&mut waiting.operands)?;
            }
            let operator;
            (operator, rule) = match self.token.kind {
                Kind::And => (Pending::And, "STIX-9.5.2-01"),
                Kind::Or => (Pending::Or, "STIX-9.5.2-03"),
                Kind::FollowedBy => (Pending::FollowedBy, "STIX-9.5.2-05"),
                _ => break,
            };
            waiting.operator(operator, |operator, a, b| self.join_observations(operator, a, b));
            self.advance();
        }
        if waiting.close(|operator, a, b| self.join_observations(operator, a, b)) {
            return self.fail("STIX-9.4-04", "`)`, an operator or a qualifier");
        }
        if self.token.kind != Kind::End {
            return self.fail("STIX-9.4-04", "AND, OR, FOLLOWEDBY, a qualifier, or the end");
        }
        Ok(())
    }

    fn observation(&mut self, observation: Observation<'a>) -> u32 {
        self.out.observations.push(observation);
        self.out.root()
    }

    fn join_observations(&mut self, operator: Pending, left: u32, right: u32) -> u32 {
        self.observation(match operator {
            Pending::And => Observation::And(left, right),
            Pending::Or => Observation::Or(left, right),
            Pending::FollowedBy | Pending::Paren => Observation::FollowedBy(left, right),
        })
    }

    fn qualifiers(&mut self, operands: &mut [u32]) -> Parsed<()> {
        loop {
            let qualifier = match self.token.kind {
                Kind::Repeats => self.repeats()?,
                Kind::Within => self.within()?,
                Kind::Start => self.start_stop()?,
                _ => return Ok(()),
            };
            if let Some(operand) = operands.last_mut() {
                *operand = self.observation(Observation::Qualified(*operand, qualifier));
            }
        }
    }

    fn repeats(&mut self) -> Parsed<Qualifier<'a>> {
        self.advance();
        let count = self.positive(&[Kind::Integer], "STIX-9.5.1-04", "a positive integer")?;
        self.expect(Kind::Times, "STIX-9.4-04", "TIMES")?;
        Ok(Qualifier::Repeats(count))
    }

    fn within(&mut self) -> Parsed<Qualifier<'a>> {
        self.advance();
        let kinds = [Kind::Integer, Kind::Float];
        let seconds = self.positive(&kinds, "STIX-9.5.1-07", "a positive number")?;
        self.expect(Kind::Seconds, "STIX-9.4-04", "SECONDS")?;
        Ok(Qualifier::Within(seconds))
    }

    fn positive(
        &mut self,
        kinds: &[Kind],
        rule: &'static str,
        expected: &'static str,
    ) -> Parsed<&'a str> {
        let text = self.text(self.token);
        if !kinds.contains(&self.token.kind) || text.starts_with('-') {
            return self.fail(rule, expected);
        }
        self.advance();
        Ok(text)
    }

    fn start_stop(&mut self) -> Parsed<Qualifier<'a>> {
        self.advance();
        let start = self.moment()?;
        self.expect(Kind::Stop, "STIX-9.4-04", "STOP")?;
        let token = self.token;
        let stop = self.moment()?;
        if stop.literal != start.literal {
            self.token = token;
            return self.fail("STIX-9.5.1-11", "both moments spelled alike");
        }
        Ok(Qualifier::StartStop(start, stop))
    }

    fn moment(&mut self) -> Parsed<Moment<'a>> {
        let token = self.token;
        let (text, literal) = match token.kind {
            Kind::Timestamp => (self.inside(token, 1), MomentLiteral::Timestamp),
            Kind::String if self.out.spec == Spec::V20 => {
                (self.inside(token, 0), MomentLiteral::String)
            }
            _ => return self.fail("STIX-9.5.1-11", "a timestamp such as t'2031-05-04T10:00:00Z'"),
        };
        if !crate::is_timestamp(text) {
            return self.fail("STIX-9.5.1-11", literal::TIMESTAMP);
        }
        self.advance();
        Ok(Moment { text, literal })
    }

    // ---- inside brackets ----

    fn comparisons(&mut self) -> Parsed<u32> {
        let mut waiting = Waiting::default();
        let mut rule = "STIX-9.6.1-01";
        loop {
            if self.token.kind == Kind::LeftParen {
                self.enter()?;
                waiting.operators.push(Pending::Paren);
                continue;
            }
            let test = self.test(rule)?;
            waiting.operands.push(self.comparison(Comparison::Test(test)));
            while self.token.kind == Kind::RightParen {
                if !waiting.close(|operator, a, b| self.join_comparisons(operator, a, b)) {
                    return self.fail("STIX-9.5-01", "`]`, AND or OR");
                }
                self.depth -= 1;
                self.advance();
                let inner = waiting.operands.pop().unwrap_or_default();
                waiting.operands.push(self.comparison(Comparison::Group(inner)));
            }
            let operator;
            (operator, rule) = match self.token.kind {
                Kind::And => (Pending::And, "STIX-9.6-01"),
                Kind::Or => (Pending::Or, "STIX-9.6-03"),
                _ => break,
            };
            waiting.operator(operator, |operator, a, b| self.join_comparisons(operator, a, b));
            self.advance();
        }
        if waiting.close(|operator, a, b| self.join_comparisons(operator, a, b)) {
            return self.fail("STIX-9.4-04", "`)`, AND or OR");
        }
        self.expect(Kind::RightBracket, "STIX-9.5-01", "`]`, AND or OR")?;
        Ok(waiting.operands.pop().unwrap_or_default())
    }

    fn comparison(&mut self, comparison: Comparison<'a>) -> u32 {
        self.out.comparisons.push(comparison);
        id(self.out.comparisons.len()) - 1
    }

    fn join_comparisons(&mut self, operator: Pending, left: u32, right: u32) -> u32 {
        self.comparison(match operator {
            Pending::And => Comparison::And(left, right),
            _ => Comparison::Or(left, right),
        })
    }

    fn test(&mut self, rule: &'static str) -> Parsed<Test<'a>> {
        let start = id(self.token.start);
        let before = match self.token.kind {
            Kind::Not => {
                self.advance();
                if self.token.kind != Kind::Exists {
                    return self.fail("STIX-9.6.1-01", "EXISTS; elsewhere NOT follows the path");
                }
                Negation::Not
            }
            _ => Negation::Plain,
        };
        if self.token.kind == Kind::Exists {
            self.advance();
            let operand = id(self.token.start);
            let path = self.path("STIX-9.6.1-35")?;
            let predicate = Predicate::Exists;
            let operator = start;
            return Ok(Test { path, negation: before, predicate, start, operator, operand });
        }
        let path = self.path(rule)?;
        let mut negation = Negation::Plain;
        if self.token.kind == Kind::Not {
            negation = Negation::Not;
            self.advance();
        }
        let Token { kind, start: operator, .. } = self.token;
        self.advance_over_operator()?;
        let operand = id(self.token.start);
        let predicate = self.predicate(kind)?;
        Ok(Test { path, negation, predicate, start, operator: id(operator), operand })
    }

    fn advance_over_operator(&mut self) -> Parsed<()> {
        match self.token.kind {
            Kind::Equal
            | Kind::NotEqual
            | Kind::Less
            | Kind::LessEqual
            | Kind::Greater
            | Kind::GreaterEqual
            | Kind::In
            | Kind::Like
            | Kind::Matches
            | Kind::IsSubset
            | Kind::IsSuperset => {
                self.advance();
                Ok(())
            }
            Kind::HyphenName => self.fail("STIX-9.7-03", "a comparison operator"),
            _ => self.fail("STIX-9.6.1-01", "a comparison operator, or a further step of the path"),
        }
    }

    fn predicate(&mut self, operator: Kind) -> Parsed<Predicate<'a>> {
        let relation = match operator {
            Kind::Equal => Relation::Equal,
            Kind::NotEqual => Relation::NotEqual,
            Kind::Less => Relation::Less,
            Kind::LessEqual => Relation::LessEqual,
            Kind::Greater => Relation::Greater,
            Kind::GreaterEqual => Relation::GreaterEqual,
            Kind::In => return self.set(),
            Kind::Like => return Ok(Predicate::Like(self.string("STIX-9.6.1-22")?)),
            Kind::Matches => return Ok(Predicate::Matches(self.string("STIX-9.6.1-25")?)),
            Kind::IsSubset => return Ok(Predicate::IsSubset(self.string("STIX-9.6.1-32")?)),
            _ => return Ok(Predicate::IsSuperset(self.string("STIX-9.6.1-34")?)),
        };
        let ordered = !matches!(relation, Relation::Equal | Relation::NotEqual);
        if ordered && matches!(self.token.kind, Kind::True | Kind::False) {
            return self.fail("STIX-9.6.1-02", "a constant that has an order");
        }
        Ok(Predicate::Compare(relation, self.constant("STIX-9.6.1-02")?))
    }

    fn string(&mut self, rule: &'static str) -> Parsed<Text<'a>> {
        let token = self.expect(Kind::String, rule, "a string")?;
        Ok(Text(self.inside(token, 0)))
    }

    fn set(&mut self) -> Parsed<Predicate<'a>> {
        let rule = "STIX-9.6.1-19";
        self.expect(Kind::LeftParen, rule, "`(`, where a set begins")?;
        let from = id(self.out.members.len());
        if self.token.kind == Kind::RightParen {
            self.advance();
            return Ok(Predicate::In(Span(from, from)));
        }
        loop {
            let member = self.constant(rule)?;
            self.out.members.push(member);
            if self.token.kind != Kind::Comma {
                break;
            }
            self.advance();
        }
        self.expect(Kind::RightParen, rule, "`,` or `)`")?;
        Ok(Predicate::In(Span(from, id(self.out.members.len()))))
    }

    fn constant(&mut self, rule: &'static str) -> Parsed<Constant<'a>> {
        let token = self.token;
        let constant = match token.kind {
            Kind::String => Constant::String(Text(self.inside(token, 0))),
            Kind::Integer => Constant::Integer(self.text(token)),
            Kind::Float => Constant::Float(self.text(token)),
            Kind::True => Constant::Boolean(true),
            Kind::False => Constant::Boolean(false),
            Kind::Binary => Constant::Binary(self.inside(token, 1)),
            Kind::Hex => Constant::Hex(self.inside(token, 1)),
            Kind::Timestamp => Constant::Timestamp(self.inside(token, 1)),
            _ => return self.fail(rule, "a constant: a string, a number, true, false, b, h or t"),
        };
        if let Err((rule, expected)) = literal::check(constant) {
            return self.fail(rule, expected);
        }
        self.advance();
        Ok(constant)
    }

    // ---- paths ----

    fn path(&mut self, rule: &'static str) -> Parsed<Path<'a>> {
        let token = self.token;
        if !matches!(token.kind, Kind::Name | Kind::HyphenName) {
            return self.fail(rule, "an object path such as file:name");
        }
        self.advance();
        self.expect(Kind::Colon, "STIX-9.6.1-01", "`:` after the object type")?;
        let from = id(self.out.steps.len());
        let first = self.step()?;
        self.out.steps.push(first);
        loop {
            let step = match self.token.kind {
                Kind::Dot => {
                    self.advance();
                    self.step()?
                }
                Kind::LeftBracket => {
                    self.advance();
                    self.index()?
                }
                _ => break,
            };
            self.out.steps.push(step);
        }
        let steps = Span(from, id(self.out.steps.len()));
        Ok(Path { object_type: self.text(token), steps })
    }

    fn step(&mut self) -> Parsed<Step<'a>> {
        let token = self.token;
        let step = match token.kind {
            Kind::Name => Step::Name(self.text(token)),
            Kind::String => Step::Quoted(Text(self.inside(token, 0))),
            Kind::HyphenName => {
                return self.fail("STIX-9.7-03", "apostrophes around a name with a hyphen");
            }
            _ => return self.fail("STIX-9.7-02", "a property name; a keyword needs apostrophes"),
        };
        self.advance();
        Ok(step)
    }

    fn index(&mut self) -> Parsed<Step<'a>> {
        let text = self.text(self.token);
        let step = match self.token.kind {
            Kind::Star => Step::Any,
            Kind::Integer if !text.starts_with('-') => Step::Index(text),
            _ => return self.fail("STIX-9.7.2-02", "an index from 0, or `*`"),
        };
        self.advance();
        self.expect(Kind::RightBracket, "STIX-9.7.2-02", "`]` after the index")?;
        Ok(step)
    }
}
