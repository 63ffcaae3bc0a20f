//! The index of a courier file: a text that its sender signs, so that half a disk is noticed.
//!
//! *Shape*: `detente/courier/v1`, then `from`, `to`, `time` and `keys <epoch>`, then a line
//! `statement <id> <bytes of manifest> <of slip> <of payload>` for each statement, as a signed note.
//!
//! *Source*: statement format, section 2.6.

use crate::terms::{NodeName, StatementId, Timestamp};

const VERSION: &str = "detente/courier/v1";

/// What a courier file says that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Whose statements they are.
    pub from: NodeName,
    /// For whom.
    pub to: NodeName,
    /// When it was made.
    pub time: Timestamp,
    /// Epoch of the keys that signed it.
    pub keys: u32,
    /// The statements with the sizes of manifest, slip and payload.
    pub statements: Vec<(StatementId, [usize; 3])>,
}

impl Index {
    /// Reads the text of a note; its signatures are checked by the sender's keys afterwards. `None`
    /// for anything that [`Self::text`] would write in another way.
    pub fn parse(note: &[u8]) -> Option<Self> {
        let (text, _) = std::str::from_utf8(note).ok()?.split_once("\n\n")?;
        let mut lines = text.split('\n');
        if lines.next()? != VERSION {
            return None;
        }
        let mut field = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
        let index = Self {
            from: field("from")?.parse().ok()?,
            to: field("to")?.parse().ok()?,
            time: field("time")?.parse().ok()?,
            keys: field("keys")?.parse().ok()?,
            statements: lines.map(statement).collect::<Option<Vec<_>>>()?,
        };
        (index.text().strip_suffix('\n') == Some(text)).then_some(index)
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        let Self { from, to, time, keys, statements } = self;
        let mut text = format!("{VERSION}\nfrom {from}\nto {to}\ntime {time}\nkeys {keys}\n");
        for (id, [manifest, slip, payload]) in statements {
            text.push_str(&format!("statement {id} {manifest} {slip} {payload}\n"));
        }
        text
    }
}

fn statement(line: &str) -> Option<(StatementId, [usize; 3])> {
    let mut words = line.strip_prefix("statement ")?.split(' ');
    let id = words.next()?.parse().ok()?;
    let mut size = || words.next()?.parse().ok();
    let sizes = [size()?, size()?, size()?];
    words.next().is_none().then_some((id, sizes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        Index {
            from: "aldermoor.example/channel".parse().unwrap(),
            to: "brevia.example/channel".parse().unwrap(),
            time: Timestamp::from_ms(1_790_000_000_000),
            keys: 3,
            statements: vec![(StatementId(crate::terms::Digest([7; 32])), [10, 20, 30])],
        }
    }

    #[test]
    fn index_reads_back_as_it_was_written() {
        let note = format!("{}\nsignatures follow", index().text());
        assert_eq!(Index::parse(note.as_bytes()), Some(index()));
    }

    #[test]
    fn index_that_is_written_in_another_way_is_none() {
        let text = index().text();
        for (from, to) in [
            ("courier/v1", "courier/v2"),
            ("keys 3", "keys 03"),
            ("keys 3", "keys +3"),
            ("10 20 30", "10 20"),
            ("10 20 30", "10 20 30 40"),
            ("10 20 30", "10  20 30"),
            ("\nto ", "\nfor "),
        ] {
            let other = format!("{}\n", text.replace(from, to));
            assert_eq!(Index::parse(other.as_bytes()), None, "{to}");
        }
        assert_eq!(Index::parse(text.as_bytes()), None, "no end, no signatures");
        assert_eq!(Index::parse(b"\xff\n\n"), None);
    }
}
