//! Who takes which observation: a search with a trail, guided by what can be reached when.
//!
//! Goals are solved in order; where there is a choice, the one that ends first is tried first, and
//! without competition it is right. Choices come back when a later goal fails. Two facts keep them
//! few: of a leaf no more candidates are worth trying than the whole pattern demands observations,
//! for one of those that end earliest is left over by all others; and FOLLOWEDBY tells its left
//! side where it must have ended for the right side to be possible.

use super::MatchError;
use super::assign::{self, Candidates};
use super::observations::Observations;
use super::plan::{Demand, Plan};
use super::timeline::{NEVER, Reach, Timeline};
use crate::pattern::syntax::id;

/// Goals that are solved before the search gives up: about a second.
pub(super) const STEPS_MAX: u64 = 10_000_000;

/// The first binding of a plan; `matched` are the places that each expression holds for.
pub(super) fn first(
    plan: &Plan,
    observations: &Observations<'_>,
    matched: &[Vec<u32>],
) -> Result<Option<Vec<usize>>, MatchError> {
    let members = plan.leaves.iter().map(|leaf| {
        let matched = matched.get(leaf.expression).map(Vec::as_slice).unwrap_or_default();
        let admitted = |place: &&u32| {
            let entry = observations.entries.get(**place as usize);
            entry.is_some_and(|entry| leaf.admits(entry.first, entry.last))
        };
        matched.iter().filter(admitted).copied().collect::<Vec<u32>>()
    });
    let members: Vec<Vec<u32>> = members.collect();
    let total = observations.entries.iter().fold(0_u64, |sum, e| sum.saturating_add(e.number));
    if demanded(plan) > total {
        return Ok(None);
    }
    let timeline = Timeline::new(observations);
    let reach = Reach::new(plan, observations, &timeline, &members);
    if reach.least(plan.root(), 0) == NEVER {
        return Ok(None);
    }
    let candidates = members.iter().map(|members| Candidates::new(&timeline, members)).collect();
    let left = observations.entries.iter().map(|entry| entry.number).collect();
    let mut search = Search {
        plan,
        timeline: &timeline,
        reach: &reach,
        candidates,
        left,
        worth_trying: usize::try_from(most_demanded(plan)).unwrap_or(usize::MAX),
        goals: Vec::new(),
        trail: Vec::new(),
        choices: Vec::new(),
        steps: 0,
    };
    Ok(search.run()?.then(|| search.places()))
}

/// The fewest observations that a plan needs.
fn demanded(plan: &Plan) -> u64 {
    count(plan, |counts| counts.iter().min().copied().unwrap_or_default())
}

/// The most observations that a plan can take.
fn most_demanded(plan: &Plan) -> u64 {
    count(plan, |counts| counts.iter().max().copied().unwrap_or_default())
}

fn count(plan: &Plan, of_any: fn(&[u64]) -> u64) -> u64 {
    let mut counts: Vec<u64> = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        let at = |place: &u32| counts.get(*place as usize).copied().unwrap_or_default();
        let count = match node {
            Demand::Leaf { count, .. } => *count,
            Demand::All(operands) => {
                operands.iter().map(at).fold(0, |sum: u64, count| sum.saturating_add(count))
            }
            Demand::Any(operands) => of_any(&operands.iter().map(at).collect::<Vec<_>>()),
            Demand::Then(a, b) => at(a).saturating_add(at(b)),
            Demand::Within(inner, _) => at(inner),
            Demand::Repeat(inner, times) => at(inner).saturating_mul(*times),
        };
        counts.push(count);
    }
    counts.last().copied().unwrap_or_default()
}

/// The times that a demand may use: begins from a rank on, ends below one.
#[derive(Clone, Copy)]
struct Range {
    begin: u32,
    end: u32,
}

#[derive(Clone, Copy)]
enum Goal {
    Solve(u32, Range),
    /// The right side, once the left one has used the trail from a place on.
    Then {
        right: u32,
        range: Range,
        from: usize,
    },
    /// So many copies more; the last one has used the trail from a place on.
    Copies {
        inner: u32,
        left: u64,
        range: Range,
        from: usize,
    },
    /// So many observations more of a leaf, from a candidate on.
    Pick {
        leaf: usize,
        left: u64,
        range: Range,
        from: usize,
        tried: usize,
    },
}

/// Goals in a list that shares its tails: `NONE` is the end.
type Link = u32;
const NONE: Link = u32::MAX;

/// What was done, to be undone.
enum Step {
    Used {
        place: u32,
        count: u64,
    },
    /// The begin that a WITHIN was tried from.
    From(u32),
}

/// A place to come back to, with the alternative to be tried then.
struct Choice {
    goals: Link,
    goal_count: usize,
    trail_len: usize,
    next: Alternative,
}

#[derive(Clone, Copy)]
enum Alternative {
    /// WITHIN from a later begin.
    Begin { at: u32, inner: u32, range: Range },
    /// The next operand of OR.
    Operand { at: u32, place: usize, range: Range },
    /// Fewer of a candidate, or a later candidate.
    Pick { leaf: usize, left: u64, range: Range, place: usize, tried: usize, take: u64 },
    /// The operands of AND one by one, after they were assigned together.
    OneByOne { at: u32, range: Range },
}

struct Search<'a> {
    plan: &'a Plan,
    timeline: &'a Timeline,
    reach: &'a Reach,
    candidates: Vec<Candidates>,
    /// Observations of each observed-data that are not used.
    left: Vec<u64>,
    worth_trying: usize,
    goals: Vec<(Goal, Link)>,
    trail: Vec<Step>,
    choices: Vec<Choice>,
    steps: u64,
}

impl Search<'_> {
    fn run(&mut self) -> Result<bool, MatchError> {
        let all = Range { begin: 0, end: self.timeline.end_count };
        let mut next = Some(self.push(Goal::Solve(self.plan.root(), all), NONE));
        loop {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return Err(MatchError::Undecided);
            }
            next = match next {
                Some(NONE) => return Ok(true),
                Some(link) => {
                    let (goal, rest) = match self.goals.get(link as usize) {
                        Some(entry) => *entry,
                        None => return Ok(false),
                    };
                    self.solve(goal, rest)
                }
                None => {
                    let Some(choice) = self.choices.pop() else { return Ok(false) };
                    self.undo(choice.trail_len);
                    self.goals.truncate(choice.goal_count);
                    self.resume(choice.next, choice.goals)
                }
            };
        }
    }

    fn push(&mut self, goal: Goal, rest: Link) -> Link {
        self.goals.push((goal, rest));
        id(self.goals.len()) - 1
    }

    fn choose(&mut self, next: Alternative, goals: Link) {
        let goal_count = self.goals.len();
        self.choices.push(Choice { goals, goal_count, trail_len: self.trail.len(), next });
    }

    fn use_up(&mut self, place: u32, count: u64) {
        if let Some(left) = self.left.get_mut(place as usize) {
            *left = left.saturating_sub(count);
        }
        self.trail.push(Step::Used { place, count });
    }

    fn undo(&mut self, trail_len: usize) {
        while self.trail.len() > trail_len {
            if let Some(Step::Used { place, count }) = self.trail.pop()
                && let Some(left) = self.left.get_mut(place as usize)
            {
                *left += count;
            }
        }
    }

    /// One goal: the goals that remain, or none when it fails.
    fn solve(&mut self, goal: Goal, rest: Link) -> Option<Link> {
        match goal {
            Goal::Solve(at, range) => self.demand(at, range, rest),
            Goal::Then { right, range, from } => {
                let begin = self.timeline.begin_after(self.end_since(from));
                let range = Range { begin: range.begin.max(begin), ..range };
                Some(self.push(Goal::Solve(right, range), rest))
            }
            Goal::Copies { left: 0, .. } => Some(rest),
            Goal::Copies { inner, left, range, from } => {
                // Copies are alike: a WITHIN may begin where its predecessor did, not before.
                let begin = match (self.plan.node(inner), self.trail.get(from)) {
                    (Some(Demand::Within(..)), Some(Step::From(begin))) => *begin,
                    _ => range.begin,
                };
                let range = Range { begin, ..range };
                let from = self.trail.len();
                let more = Goal::Copies { inner, left: left - 1, range, from };
                let rest = self.push(more, rest);
                Some(self.push(Goal::Solve(inner, range), rest))
            }
            Goal::Pick { left: 0, .. } => Some(rest),
            Goal::Pick { leaf, left, range, from, tried } => {
                self.pick(leaf, left, range, from, tried, rest)
            }
        }
    }

    /// The latest end of what was used since a place on the trail.
    fn end_since(&self, from: usize) -> u32 {
        let used = self.trail.get(from..).unwrap_or_default().iter();
        let ends = used.filter_map(|step| match step {
            Step::Used { place, .. } => self.timeline.ends.get(*place as usize).copied(),
            Step::From(_) => None,
        });
        ends.max().unwrap_or_default()
    }

    fn demand(&mut self, at: u32, range: Range, rest: Link) -> Option<Link> {
        if self.reach.least(at, range.begin) >= range.end {
            return None;
        }
        match self.plan.node(at)? {
            Demand::Leaf { leaf, count } => {
                let (leaf, left) = (*leaf, *count);
                Some(self.push(Goal::Pick { leaf, left, range, from: 0, tried: 0 }, rest))
            }
            Demand::All(operands) => self.all(at, operands, range, rest),
            Demand::Any(_) => self.resume(Alternative::Operand { at, place: 0, range }, rest),
            Demand::Then(left, right) => {
                let from = self.trail.len();
                let end = self.end_for(*right, range);
                let rest = self.push(Goal::Then { right: *right, range, from }, rest);
                Some(self.push(Goal::Solve(*left, Range { end, ..range }), rest))
            }
            Demand::Within(inner, _) => {
                self.resume(Alternative::Begin { at, inner: *inner, range }, rest)
            }
            Demand::Repeat(inner, times) => {
                let from = self.trail.len();
                let copies = Goal::Copies { inner: *inner, left: *times, range, from };
                Some(self.push(copies, rest))
            }
        }
    }

    /// Below which end the left side of FOLLOWEDBY must stay, so that the right can still follow.
    fn end_for(&self, right: u32, range: Range) -> u32 {
        let follows = |end: u32| {
            let begin = range.begin.max(self.timeline.begin_after(end));
            self.reach.least(right, begin) < range.end
        };
        let (mut low, mut high) = (0, range.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if follows(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Leaves under one AND are assigned together first, which decides at once whether they can be.
    fn all(&mut self, at: u32, operands: &[u32], range: Range, rest: Link) -> Option<Link> {
        let mut leaves = Vec::with_capacity(operands.len());
        let mut others = Vec::new();
        for operand in operands {
            match self.plan.node(*operand)? {
                Demand::Leaf { leaf, count } => leaves.push((*leaf, *count)),
                _ => others.push(*operand),
            }
        }
        if leaves.len() < 2 {
            return self.one_by_one(operands, range, rest);
        }
        let lists: Vec<_> =
            leaves.iter().filter_map(|(leaf, _)| self.candidates.get(*leaf)).collect();
        let counts: Vec<u64> = leaves.iter().map(|(_, count)| *count).collect();
        let window = (range.begin, range.end);
        let taken = assign::assign(self.timeline, &lists, &counts, &self.left, window)?;
        self.choose(Alternative::OneByOne { at, range }, rest);
        for (place, count) in taken {
            self.use_up(place, count);
        }
        self.one_by_one(&others, range, rest)
    }

    fn one_by_one(&mut self, operands: &[u32], range: Range, rest: Link) -> Option<Link> {
        let goals = operands.iter().rev();
        Some(goals.fold(rest, |rest, operand| self.push(Goal::Solve(*operand, range), rest)))
    }

    /// The next candidate of a leaf, as many of its observations as are asked for.
    fn pick(
        &mut self,
        leaf: usize,
        left: u64,
        range: Range,
        from: usize,
        tried: usize,
        rest: Link,
    ) -> Option<Link> {
        let candidates = self.candidates.get(leaf)?;
        let mut from = from;
        loop {
            let (place, observed) = candidates.next(from, range.begin)?;
            let end = self.timeline.ends.get(observed as usize).copied()?;
            if end >= range.end || tried >= self.worth_trying {
                return None;
            }
            let available = self.left.get(observed as usize).copied().unwrap_or_default();
            if available > 0 {
                let take = available.min(left);
                let next = Alternative::Pick { leaf, left, range, place, tried, take: take - 1 };
                self.choose(next, rest);
                self.use_up(observed, take);
                let goal = Goal::Pick {
                    leaf,
                    left: left - take,
                    range,
                    from: place + 1,
                    tried: tried + 1,
                };
                return Some(self.push(goal, rest));
            }
            from = place + 1;
        }
    }

    /// An alternative that was kept, or the first of its kind.
    fn resume(&mut self, next: Alternative, rest: Link) -> Option<Link> {
        match next {
            Alternative::Begin { at, inner, range } => self.begin(at, inner, range, rest),
            Alternative::Operand { at, place, range } => {
                let Demand::Any(operands) = self.plan.node(at)? else { return None };
                let operand = *operands.get(place)?;
                self.choose(Alternative::Operand { at, place: place + 1, range }, rest);
                Some(self.push(Goal::Solve(operand, range), rest))
            }
            Alternative::OneByOne { at, range } => {
                let Demand::All(operands) = self.plan.node(at)? else { return None };
                self.one_by_one(operands, range, rest)
            }
            Alternative::Pick { leaf, left, range, place, tried, take } => {
                let from = place + 1;
                let tried = tried + 1;
                if take == 0 {
                    return Some(self.push(Goal::Pick { leaf, left, range, from, tried }, rest));
                }
                let observed = self.candidates.get(leaf)?.at(place)?;
                let fewer = Alternative::Pick {
                    leaf,
                    left,
                    range,
                    place,
                    tried: tried - 1,
                    take: take - 1,
                };
                self.choose(fewer, rest);
                self.use_up(observed, take);
                let left = left - take;
                Some(self.push(Goal::Pick { leaf, left, range, from, tried }, rest))
            }
        }
    }

    /// WITHIN from the first begin that may do; the next one is kept.
    fn begin(&mut self, at: u32, inner: u32, range: Range, rest: Link) -> Option<Link> {
        for begin in range.begin..self.timeline.begin_count {
            let end = range.end.min(self.reach.bound(at, begin));
            let least = self.reach.least(inner, begin);
            if least == NEVER {
                return None;
            }
            if least < end {
                let later = Range { begin: begin + 1, ..range };
                self.choose(Alternative::Begin { at, inner, range: later }, rest);
                self.trail.push(Step::From(begin));
                return Some(self.push(Goal::Solve(inner, Range { begin, end }), rest));
            }
        }
        None
    }

    /// The observed-data that were used, ascending.
    fn places(&self) -> Vec<usize> {
        let used = self.trail.iter().filter_map(|step| match step {
            Step::Used { place, .. } => Some(*place as usize),
            Step::From(_) => None,
        });
        let mut places: Vec<usize> = used.collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}
