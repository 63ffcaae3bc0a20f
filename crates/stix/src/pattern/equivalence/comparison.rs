//! The inside of brackets in disjunctive form: a set of terms, each a set of comparisons, none of
//! which contains another.
//!
//! For expressions of AND and OR alone this form is unique, so two of them say the same when their
//! forms are equal. Terms that join unlike object types are dropped: nothing can match them.

use std::collections::BTreeMap;

use super::value::Atom;
use super::{EquivalenceError, TERMS_MAX};
use crate::pattern::syntax::{Comparison, Observation, Pattern, id};

/// The number of a disjunctive form in [`Comparisons`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct FormId(u32);

/// Comparisons by number, ascending, without doubles.
type Term = Vec<u32>;

/// Comparisons and forms that were met, each with a number.
#[derive(Debug, Default)]
pub(super) struct Comparisons {
    atoms: BTreeMap<Atom, u32>,
    types: Vec<String>,
    forms: BTreeMap<Vec<Term>, FormId>,
}

impl Comparisons {
    /// The form of each comparison expression that stands in brackets.
    pub(super) fn forms(
        &mut self,
        pattern: &Pattern<'_>,
    ) -> Result<Vec<Option<FormId>>, EquivalenceError> {
        let mut is_root = vec![false; pattern.comparisons.len()];
        for observation in &pattern.observations {
            if let Observation::Single(root) = observation
                && let Some(flag) = is_root.get_mut(*root as usize)
            {
                *flag = true;
            }
        }
        let mut terms: Vec<Vec<Term>> = Vec::with_capacity(pattern.comparisons.len());
        let mut forms = vec![None; pattern.comparisons.len()];
        for (at, node) in pattern.comparisons.iter().enumerate() {
            let mut take =
                |at: u32| terms.get_mut(at as usize).map(std::mem::take).unwrap_or_default();
            let mut found = match *node {
                Comparison::Test(test) => vec![vec![self.atom(Atom::of(pattern, &test))]],
                Comparison::Group(inner) => take(inner),
                Comparison::Or(a, b) => {
                    let (mut left, mut right) = (take(a), take(b));
                    left.append(&mut right);
                    left
                }
                Comparison::And(a, b) => self.product(absorb(take(a)), absorb(take(b)))?,
            };
            if is_root.get(at) == Some(&true)
                && let Some(form) = forms.get_mut(at)
            {
                *form = Some(self.form(absorb(std::mem::take(&mut found))));
            }
            terms.push(found);
        }
        Ok(forms)
    }

    fn atom(&mut self, atom: Atom) -> u32 {
        let next = id(self.atoms.len());
        match self.atoms.entry(atom) {
            std::collections::btree_map::Entry::Occupied(known) => *known.get(),
            std::collections::btree_map::Entry::Vacant(place) => {
                self.types.push(place.key().object_type.clone());
                *place.insert(next)
            }
        }
    }

    fn form(&mut self, terms: Vec<Term>) -> FormId {
        let next = FormId(id(self.forms.len()));
        *self.forms.entry(terms).or_insert(next)
    }

    fn product(&self, left: Vec<Term>, right: Vec<Term>) -> Result<Vec<Term>, EquivalenceError> {
        let count = left.len().saturating_mul(right.len());
        if count > TERMS_MAX.max(left.len()).max(right.len()) {
            return Err(EquivalenceError::TooLarge);
        }
        let type_of = |term: &Term| term.first().and_then(|atom| self.types.get(*atom as usize));
        let mut all = Vec::with_capacity(count);
        for a in &left {
            for b in right.iter().filter(|b| type_of(a) == type_of(b)) {
                let mut term: Term = a.iter().chain(b).copied().collect();
                term.sort_unstable();
                term.dedup();
                all.push(term);
            }
        }
        Ok(all)
    }
}

/// Sorts terms and drops those that contain another one: `a or (a and b)` is `a`.
fn absorb(mut terms: Vec<Term>) -> Vec<Term> {
    terms.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    terms.dedup();
    let mut kept: Vec<Term> = Vec::with_capacity(terms.len());
    // Kept terms by their first comparison: a term can only contain those that begin with one of
    // its own.
    let mut by_first: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for term in terms {
        let shorter = |other: &Term| other.len() < term.len();
        let contains = |other: &Term| other.iter().all(|atom| term.binary_search(atom).is_ok());
        let mut smaller = term.iter().filter_map(|atom| by_first.get(atom)).flat_map(|list| {
            list.iter().filter_map(|at| kept.get(*at)).take_while(|other| shorter(other))
        });
        if smaller.any(contains) {
            continue;
        }
        if let Some(first) = term.first() {
            by_first.entry(*first).or_default().push(kept.len());
        }
        kept.push(term);
    }
    kept.sort();
    kept
}
