//! ATT&CK as often as it is wanted: each replica with ids of its own, references inside it.

use crate::corpus;

/// Length of a UUID as it is written.
const UUID_LEN: usize = 36;

/// The objects of the bundle, or invented ones where it is not there.
pub(super) fn objects() -> anyhow::Result<Vec<Vec<u8>>> {
    match corpus::read(corpus::ATTACK)? {
        Some(bundle) => Ok(stix::split(&bundle)?.into_iter().map(<[u8]>::to_vec).collect()),
        None => Ok((0..24_771).map(|n| crate::nodes::lamp(n).into_bytes()).collect()),
    }
}

/// One object of the `n`th replica: the first eight digits of every UUID are others.
pub(super) fn of(object: &[u8], n: u32) -> Vec<u8> {
    let mask = n.wrapping_mul(0x9e37_79b9);
    let mut out = object.to_vec();
    let mut place = 0;
    while let Some(at) = out.get(place..).and_then(|rest| find(rest, b"--")) {
        place += at + 2;
        if let Some(uuid) = out.get_mut(place..place + UUID_LEN).filter(|text| is_uuid(text)) {
            let digits = uuid.get(..8).and_then(|text| std::str::from_utf8(text).ok());
            let number = digits.and_then(|text| u32::from_str_radix(text, 16).ok());
            if let (Some(number), Some(first)) = (number, uuid.get_mut(..8)) {
                first.copy_from_slice(format!("{:08x}", number ^ mask).as_bytes());
            }
            place += UUID_LEN;
        }
    }
    out
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn is_uuid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn replica_has_other_ids_and_the_same_everything_else() {
        let object = br#"{"id":"tool--0dd1a4b5-0000-4000-8000-000000000001","name":"a -- b"}"#;
        let other = of(object, 1);
        assert_eq!(other.len(), object.len());
        assert_ne!(other, object);
        assert_eq!(of(&other, 1), object, "the mask undoes itself");
        assert_eq!(of(object, 0), object);
    }
}
