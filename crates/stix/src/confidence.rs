//! Confidence: 0 to 100, and the five scales of Appendix A both ways.

use std::str::FromStr;

/// A scale of words for confidence.
///
/// *Source*: STIX 2.1 section 3.2 and Appendix A.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// None, Low, Med, High.
    NoneLowMedHigh,
    /// 0 to 10.
    ZeroTen,
    /// Admiralty credibility, 6 to 1.
    Admiralty,
    /// Words of estimative probability.
    Wep,
    /// The scale of the Director of National Intelligence (ICD 203).
    Dni,
}

/// Not a name of a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of: none-low-med-high zero-ten admiralty-credibility wep dni")]
pub struct UnknownScale;

/// Label, the value it stands for, the highest value that has it.
type Row = (&'static str, u8, u8);

const NONE_LOW_MED_HIGH: &[Row] =
    &[("None", 0, 0), ("Low", 15, 29), ("Med", 50, 69), ("High", 85, 100)];
const ZERO_TEN: &[Row] = &[
    ("0", 0, 4),
    ("1", 10, 14),
    ("2", 20, 24),
    ("3", 30, 34),
    ("4", 40, 44),
    ("5", 50, 54),
    ("6", 60, 64),
    ("7", 70, 74),
    ("8", 80, 84),
    ("9", 90, 94),
    ("10", 100, 100),
];
/// `6 - Truth cannot be judged` has no value: the property is then left out.
const ADMIRALTY: &[Row] = &[
    ("5 - Improbable", 10, 19),
    ("4 - Doubtful", 30, 39),
    ("3 - Possibly True", 50, 59),
    ("2 - Probably True", 70, 79),
    ("1 - Confirmed by other sources", 90, 100),
];
const WEP: &[Row] = &[
    ("Impossible", 0, 0),
    ("Highly Unlikely/Almost Certainly Not", 10, 19),
    ("Unlikely/Probably Not", 30, 39),
    ("Even Chance", 50, 59),
    ("Likely/Probable", 70, 79),
    ("Highly likely/Almost Certain", 90, 99),
    ("Certain", 100, 100),
];
const DNI: &[Row] = &[
    ("Almost No Chance / Remote", 5, 9),
    ("Very Unlikely / Highly Improbable", 15, 19),
    ("Unlikely / Improbable", 30, 39),
    ("Roughly Even Chance / Roughly Even Odds", 50, 59),
    ("Likely / Probable", 70, 79),
    ("Very Likely / Highly Probable", 85, 89),
    ("Almost Certain / Nearly Certain", 95, 100),
];

impl Scale {
    /// Every scale.
    pub const ALL: [Self; 5] =
        [Self::NoneLowMedHigh, Self::ZeroTen, Self::Admiralty, Self::Wep, Self::Dni];

    fn rows(self) -> &'static [Row] {
        match self {
            Self::NoneLowMedHigh => NONE_LOW_MED_HIGH,
            Self::ZeroTen => ZERO_TEN,
            Self::Admiralty => ADMIRALTY,
            Self::Wep => WEP,
            Self::Dni => DNI,
        }
    }

    /// Its name, such as `wep`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoneLowMedHigh => "none-low-med-high",
            Self::ZeroTen => "zero-ten",
            Self::Admiralty => "admiralty-credibility",
            Self::Wep => "wep",
            Self::Dni => "dni",
        }
    }

    /// The label of a value; none outside 0 to 100, or between the ranges of two labels.
    ///
    /// ```
    /// assert_eq!(stix::Scale::Wep.label(64.0), Some("Likely/Probable"));
    /// assert_eq!(stix::Scale::Wep.label(101.0), None);
    /// ```
    pub fn label(self, value: f64) -> Option<&'static str> {
        let mut from = 0;
        for (label, _, to) in self.rows() {
            if (f64::from(from)..=f64::from(*to)).contains(&value) {
                return Some(label);
            }
            from = to + 1;
        }
        None
    }

    /// The value of a label, spelled as Appendix A spells it; none for a label that has no value.
    pub fn value(self, label: &str) -> Option<u8> {
        self.rows().iter().find(|(known, _, _)| *known == label).map(|(_, value, _)| *value)
    }
}

impl FromStr for Scale {
    type Err = UnknownScale;

    fn from_str(text: &str) -> Result<Self, UnknownScale> {
        Self::ALL.into_iter().find(|scale| scale.name() == text).ok_or(UnknownScale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_reads_back_into_its_own_range() {
        for scale in Scale::ALL {
            for (label, value, _) in scale.rows() {
                assert_eq!(scale.label(f64::from(*value)), Some(*label), "{}", scale.name());
                assert_eq!(scale.value(label), Some(*value));
            }
        }
    }

    #[test]
    fn ranges_leave_no_value_without_label() {
        for scale in Scale::ALL {
            assert!((0..=100).all(|value| scale.label(f64::from(value)).is_some()));
            assert!([-1.0, 100.5, 101.0, f64::NAN].iter().all(|v| scale.label(*v).is_none()));
        }
        assert_eq!(Scale::ZeroTen.label(95.0), Some("10"));
        assert_eq!((Scale::Wep.label(25.5), Scale::Wep.label(19.5)).1, None);
        assert_eq!(Scale::Dni.label(79.0), Some("Likely / Probable"));
        assert_eq!(Scale::Admiralty.value("6 - Truth cannot be judged"), None);
    }
}
