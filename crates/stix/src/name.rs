//! Names of properties, told apart by a hash of 16 bits before their bytes are compared.
//!
//! It looks at three bytes and the length: names of one object or table rarely share them, and
//! nothing but time depends on it. The compiler makes it for names that stand in the source.

/// The hash of a name.
pub(crate) const fn hash(name: &[u8]) -> u16 {
    let (_, behind) = name.split_at(name.len() / 2);
    let (first, middle, last) = match (name, behind) {
        ([first, ..], [middle, .., last]) => (*first, *middle, *last),
        ([first, ..], [middle]) => (*first, *middle, *middle),
        _ => (0, 0, 0),
    };
    #[expect(clippy::cast_possible_truncation, reason = "of the length eight bits are enough")]
    let word = u32::from_le_bytes([first, middle, last, name.len() as u8]);
    // The golden ratio spreads every bit over those above it.
    (word.wrapping_mul(0x9e37_79b1) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model;

    #[test]
    fn names_of_one_type_mostly_have_hashes_of_their_own() {
        for type_ in model::types() {
            let names = type_.properties.iter().chain(type_.common).map(|property| property.name);
            let mut hashes: Vec<u16> = names.map(|name| hash(name.as_bytes())).collect();
            let all = hashes.len();
            hashes.sort_unstable();
            hashes.dedup();
            assert!(hashes.len() + 1 >= all, "{}: {} of {all}", type_.name, hashes.len());
        }
        assert_ne!(hash(b"a"), hash(b"b"));
        assert_ne!(hash(b""), hash(b"a"));
    }
}
