//! Bech32 (BIP 173 checksum) without the length limit, which age's post-quantum keys exceed.

const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];

fn polymod(values: impl Iterator<Item = u8>) -> u32 {
    values.fold(1, |sum, value| {
        let top = sum >> 25;
        let next = ((sum & 0x1ff_ffff) << 5) ^ u32::from(value);
        (0..5).zip(GENERATOR).fold(
            next,
            |sum, (bit, term)| {
                if top >> bit & 1 == 1 { sum ^ term } else { sum }
            },
        )
    })
}

fn expanded(prefix: &str) -> impl Iterator<Item = u8> {
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    high.chain([0]).chain(low)
}

/// Regroups bits; `None` where padding bits are set or too many.
fn regroup(values: impl Iterator<Item = u8>, from: u32, to: u32, pad: bool) -> Option<Vec<u8>> {
    let (mut bits, mut held, mut out) = (0u32, 0u32, Vec::new());
    for value in values {
        held = (held << from) | u32::from(value);
        bits += from;
        while bits >= to {
            bits -= to;
            out.push(u8::try_from(held >> bits & ((1 << to) - 1)).ok()?);
        }
        held &= (1 << bits) - 1;
    }
    if pad && bits > 0 {
        out.push(u8::try_from(held << (to - bits) & ((1 << to) - 1)).ok()?);
    } else if !pad && (bits >= from || held != 0) {
        return None;
    }
    Some(out)
}

/// `prefix`, `1`, the data and six characters of checksum, in lower case.
pub(super) fn encode(prefix: &str, data: &[u8]) -> String {
    let groups = regroup(data.iter().copied(), 8, 5, true).unwrap_or_default();
    let checked = expanded(prefix).chain(groups.iter().copied()).chain([0; 6]);
    let checksum = polymod(checked) ^ 1;
    let checksum = (0..6).map(|place| (checksum >> (5 * (5 - place)) & 31) as usize);
    let characters = groups.iter().map(|group| usize::from(*group)).chain(checksum);
    let text = characters.filter_map(|value| CHARSET.get(value)).map(|byte| char::from(*byte));
    format!("{prefix}1{}", text.collect::<String>())
}

/// The data behind `prefix` and `1`, when the checksum is right.
pub(super) fn decode(prefix: &str, text: &str) -> Option<Vec<u8>> {
    let data = text.strip_prefix(prefix)?.strip_prefix('1')?;
    let values = data
        .bytes()
        .map(|byte| CHARSET.iter().position(|c| *c == byte).and_then(|at| u8::try_from(at).ok()))
        .collect::<Option<Vec<_>>>()?;
    if polymod(expanded(prefix).chain(values.iter().copied())) != 1 {
        return None;
    }
    let (payload, _) = values.split_at_checked(values.len().checked_sub(6)?)?;
    regroup(payload.iter().copied(), 5, 8, false)
}
