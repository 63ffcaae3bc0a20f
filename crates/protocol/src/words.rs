//! Numbers as people read them, wherever they are told: pages, answers, the journal, the command line.

/// A count with groups of three: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 object`, `2 objects`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_people_write_them() {
        for (number, said) in [
            (0, "0 objects"),
            (1, "1 object"),
            (2, "2 objects"),
            (999, "999 objects"),
            (1_000, "1,000 objects"),
            (1_234_567, "1,234,567 objects"),
        ] {
            assert_eq!(plural(number, "object", "objects"), said);
        }
    }
}
