//! Which version of an object is its first, its last, or one that is asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::{classes::id_hash, put::set_states};
use crate::{Error, params, tx::Tx};

/// No older version within its class.
pub(super) const FIRST: i64 = 1;
/// No newer version within its class.
pub(super) const LAST: i64 = 2;
/// Another class holds versions of the object too: whoever sees both must look.
pub(super) const MIXED: i64 = 4;

/// Which versions of each object a page shows, among all that its reader may see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Versions {
    /// The latest here.
    #[default]
    Last,
    /// The first here.
    First,
    /// Every one.
    All,
    /// First, last, and those with these keys.
    Some {
        /// The first too.
        first: bool,
        /// The last too.
        last: bool,
        /// Keys in byte order.
        keys: Vec<String>,
        /// Those of them that may be the time of a request, as [`Versions::some`] writes it: by
        /// that an object without a version of its own is told.
        told: Vec<String>,
    },
}

/// The version that an object without one of its own is told by, as a key.
pub(super) fn told(key: &str, version: Option<&str>) -> Option<String> {
    version.filter(|_| key.is_empty()).map(stix::version_key)
}

/// The time of a request that a key stands for: three digits of a second and `Z`.
fn as_time(key: &str) -> Option<String> {
    let (second, fraction) = key.split_once('.').unwrap_or((key, ""));
    (fraction.len() <= 3).then(|| format!("{second}.{fraction:0<3}Z"))
}

impl Versions {
    /// First, last, and those with these keys.
    pub fn some(first: bool, last: bool, keys: Vec<String>) -> Self {
        let told = keys.iter().filter_map(|key| as_time(key)).collect();
        Self::Some { first, last, keys, told }
    }

    pub(super) fn first(&self) -> bool {
        matches!(self, Self::First | Self::Some { first: true, .. })
    }

    pub(super) fn last(&self) -> bool {
        matches!(self, Self::Last | Self::Some { last: true, .. })
    }

    pub(super) fn all(&self) -> bool {
        matches!(self, Self::All)
    }

    pub(super) fn keys(&self) -> &[String] {
        if let Self::Some { keys, .. } = self { keys } else { &[] }
    }

    pub(super) fn told(&self) -> &[String] {
        if let Self::Some { told, .. } = self { told } else { &[] }
    }

    /// The states among which these versions are, where not every entry has to be looked at.
    pub(super) fn states(&self) -> Option<i64> {
        match self {
            Self::Last => Some(LAST),
            Self::First => Some(FIRST),
            Self::All | Self::Some { .. } => None,
        }
    }

    /// Whether an entry in this state is shown, where its state tells the whole truth.
    pub(super) fn wants(&self, state: i64) -> bool {
        self.all() || (self.first() && state & FIRST != 0) || (self.last() && state & LAST != 0)
    }
}

/// One version of an object, for choosing.
pub(super) struct Version<'a> {
    pub(super) spec: &'a str,
    pub(super) key: &'a str,
    /// What it is told by, where it has no version of its own.
    pub(super) told: Option<&'a str>,
}

/// Which of an object's visible versions are shown: first the edition, then the versions.
///
/// Without a wish the latest edition that the object has here counts, with one all that are
/// wished for.
pub(super) fn chosen(versions: &[Version<'_>], specs: &[String], wanted: &Versions) -> Vec<bool> {
    let latest = versions.iter().map(|version| version.spec).max().unwrap_or_default();
    let fits = |version: &Version<'_>| match specs {
        [] => version.spec == latest,
        specs => specs.iter().any(|spec| spec == version.spec),
    };
    let keys = || versions.iter().filter(|version| fits(version)).map(|version| version.key);
    let (first, last) = (keys().min(), keys().max());
    let shows = |version: &Version<'_>| {
        let key = Some(version.key);
        wanted.all()
            || (wanted.first() && key == first)
            || (wanted.last() && key == last)
            || wanted
                .keys()
                .iter()
                .any(|wanted| wanted == version.key || Some(wanted.as_str()) == version.told)
    };
    versions.iter().map(|version| fits(version) && shows(version)).collect()
}

/// Looks at every version of an object and sets all states right.
pub(super) fn reflag(tx: &Tx<'_>, collection: i64, id: &str) -> Result<(), Error> {
    let sql = "/* reflag */ SELECT date_added, class, state FROM entry INDEXED BY entry_object
               WHERE id_hash = ? AND collection = ? AND id = ? ORDER BY version_key";
    let found = tx.query(sql, params![id_hash(id), collection, id], |row| {
        Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?))
    })?;
    let classes: BTreeSet<i64> = found.iter().map(|(_, class, _)| *class).collect();
    let mixed = if classes.len() > 1 { MIXED } else { 0 };
    let mut states: BTreeMap<i64, i64> = found.iter().map(|(date, ..)| (*date, mixed)).collect();
    for class in classes {
        let mut dates = found.iter().filter(|(_, of, _)| *of == class).map(|(date, ..)| *date);
        let first = dates.next();
        let last = dates.next_back().or(first);
        for (date, flag) in [(first, FIRST), (last, LAST)] {
            if let Some(state) = date.and_then(|date| states.get_mut(&date)) {
                *state |= flag;
            }
        }
    }
    let changed: Vec<_> = found
        .iter()
        .filter_map(|(date, _, state)| {
            let right = *states.get(date)?;
            (right != *state).then_some((*date, right))
        })
        .collect();
    set_states(tx, collection, &changed)
}

#[cfg(test)]
mod tests {
    use super::{Version, Versions, chosen, told};

    const HELD: [Version<'_>; 4] = [
        Version { spec: "2.0", key: "1", told: None },
        Version { spec: "2.0", key: "4", told: None },
        Version { spec: "2.1", key: "2", told: None },
        Version { spec: "2.1", key: "3", told: None },
    ];

    fn keys(specs: &[&str], wanted: &Versions) -> Vec<&'static str> {
        let specs: Vec<String> = specs.iter().map(|spec| (*spec).to_owned()).collect();
        let shown = chosen(&HELD, &specs, wanted);
        HELD.iter().zip(shown).filter(|(_, shown)| *shown).map(|(held, _)| held.key).collect()
    }

    #[test]
    fn latest_edition_comes_before_the_version() {
        assert_eq!(keys(&[], &Versions::Last), ["3"]);
        assert_eq!(keys(&[], &Versions::First), ["2"]);
        assert_eq!(keys(&[], &Versions::All), ["2", "3"]);
    }

    #[test]
    fn edition_that_is_asked_for_counts_alone() {
        assert_eq!(keys(&["2.0"], &Versions::Last), ["4"]);
        assert_eq!(keys(&["2.0", "2.1"], &Versions::First), ["1"]);
        assert_eq!(keys(&["2.2"], &Versions::All), [""; 0]);
    }

    #[test]
    fn what_has_no_version_of_its_own_is_told_by_the_time_of_its_request() {
        for time in ["2031-01-01T00:00:00.000Z", "2031-01-01T00:00:00.120Z"] {
            let key = told("", Some(time)).unwrap();
            let wanted = Versions::some(false, false, vec![key.clone()]);
            assert_eq!(wanted.told(), [time]);
            let held = [Version { spec: "2.1", key: "", told: Some(&key) }];
            assert_eq!(chosen(&held, &[], &wanted), [true]);
        }
        let finer = Versions::some(false, false, vec!["2031-01-01T00:00:00.1234".to_owned()]);
        assert!(finer.told().is_empty() && finer.keys().len() == 1);
        assert_eq!(told("2031-01-01T00:00:00", Some("2031-01-01T00:00:00.000Z")), None);
    }

    #[test]
    fn versions_by_key_join_first_and_last() {
        let keys_of = vec!["2".to_owned(), "4".to_owned()];
        let wanted = Versions::some(false, true, keys_of);
        assert_eq!(keys(&["2.0", "2.1"], &wanted), ["4", "2"]);
        assert_eq!(keys(&[], &wanted), ["2", "3"]);
    }
}
