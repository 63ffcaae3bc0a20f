use serde_json::Value as Json;

use super::*;

fn canonical(text: &str) -> String {
    canonicalize(text.as_bytes()).unwrap()
}

/// RFC 8785, section 3.2.3: the sample of sorting.
#[test]
fn keys_stand_in_the_order_of_their_utf16_units() {
    let sample = "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\
        \"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\",\
        \"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\",\
        \"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}";
    let expected = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
        \"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\
        \"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    assert_eq!(canonical(sample), expected);
}

/// RFC 8785, section 3.2.2: the sample of primitive values.
#[test]
fn values_print_as_the_sample_of_the_rfc() {
    let sample = r#"{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    let expected = "{\"literals\":[null,true,false],\
        \"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
        \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    assert_eq!(canonical(sample), expected);
}

/// RFC 8785, appendix B: bit patterns and what they print as.
#[test]
fn numbers_print_as_appendix_b_says() {
    let rows: [(u64, &str); 24] = [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ];
    for (bits, expected) in rows {
        let spelled = format!("{:e}", f64::from_bits(bits));
        assert_eq!(canonical(&spelled), expected, "{spelled}");
    }
}

#[test]
fn numbers_are_their_nearest_double_however_spelled() {
    for (spelled, expected) in [
        ("-0", "0"),
        ("-0.0", "0"),
        ("0e10", "0"),
        ("100", "100"),
        ("1e2", "100"),
        ("1.0", "1"),
        ("-123456789012345", "-123456789012345"),
        ("1234567890123456", "1234567890123456"),
        ("12345678901234567890", "12345678901234567000"),
        ("0.1", "0.1"),
        ("1e-400", "0"),
    ] {
        assert_eq!(canonical(spelled), expected, "{spelled}");
    }
}

#[test]
fn number_that_no_double_holds_is_known() {
    for (spelled, changes) in [
        ("1", false),
        ("1.50", false),
        ("150e-2", false),
        ("0.000", false),
        ("-0", false),
        ("9007199254740993", true),
        ("0.1", false),
        ("0.10000000000000000001", true),
        ("1e-400", true),
    ] {
        assert_eq!(changes_value(spelled), changes, "{spelled}");
    }
}

#[test]
fn text_without_canonical_form_is_refused_with_its_place() {
    let refused = |text: &[u8]| {
        let error = canonicalize(text).unwrap_err();
        (error.rule, error.offset)
    };
    assert_eq!(refused(b"[1, 1e400]"), ("JSON-6", 4));
    assert_eq!(refused(br#"["\ud800"]"#).0, "JSON-4");
    assert_eq!(refused(br#"{"a":1,"a":1}"#).0, "JSON-2");
    assert_eq!(refused(b"[1,]").0, "JSON-1");
    assert_eq!(refused(b"[\"\xff\"]"), ("JSON-3", 2));
    assert_eq!(refused(b"").0, "JSON-1");
}

/// A generator of its own, so that a failure can be repeated: xorshift.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn text(&mut self) -> String {
        const CHARS: [char; 18] = [
            'a', 'b', 'z', '_', '"', '\\', '/', '\n', '\t', '\0', '\u{1f}', '\u{7f}', '\u{80}',
            'é', '€', '\u{fb33}', '😀', '\u{e000}',
        ];
        (0..self.next(6)).map(|_| CHARS[self.next(18) as usize]).collect()
    }

    fn value(&mut self, depth: u32) -> Json {
        match self.next(if depth == 0 { 5 } else { 7 }) {
            0 => Json::Null,
            1 => Json::Bool(self.next(2) == 0),
            2 => Json::from(self.next(u64::MAX) as i64),
            3 => {
                let double = f64::from_bits(self.next(u64::MAX));
                Json::from(if double.is_finite() { double } else { 0.1 })
            }
            4 => Json::from(self.text()),
            5 => (0..self.next(4)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let members = (0..self.next(6)).map(|_| (self.text(), self.value(depth - 1)));
                Json::Object(members.collect())
            }
        }
    }
}

#[test]
fn output_equals_that_of_both_crates_on_random_values() {
    let mut seeded = Seeded(0x5eed_0001);
    for round in 0..5_000 {
        let value = seeded.value(3);
        let spelled = if round % 2 == 0 { value.to_string() } else { format!("{value:#}") };
        let ours = canonical(&spelled);
        assert_eq!(ours, serde_jcs::to_string(&value).unwrap(), "round {round}");
        assert_eq!(ours, serde_json_canonicalizer::to_string(&value).unwrap(), "round {round}");
        assert_eq!(canonical(&ours), ours, "round {round}");
    }
}
