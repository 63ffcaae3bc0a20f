use super::*;

const TEXT: &str = r#"# Tea and lamps

Prose.

+++
version = 1
title = "Tea and lamps"
parties = ["aldermoor.example/channel", "brevia.example/channel"]
from = "2026-01-01T00:00:00.000Z"
until = "2027-01-01T00:00:00.000Z"

[[topic]]
name = "lamps"
direction = "both"
ceiling = "TLP:AMBER"
release = "on-submit"

[[topic]]
name = "tea"
direction = "first-to-second"
ceiling = "TLP:GREEN"
precedence = ["ROUTINE"]
+++
"#;

fn name(text: &str) -> NodeName {
    text.parse().unwrap()
}

struct Case {
    sender: NodeName,
    recipient: NodeName,
    topic: Topic,
    precedence: Precedence,
    highest: Option<(usize, Tlp)>,
    drafted_by: &'static str,
    released_by: Option<&'static str>,
    standing: Standing,
    now: &'static str,
}

impl Case {
    fn new(topic: &str) -> Self {
        Self {
            sender: name("aldermoor.example/channel"),
            recipient: name("brevia.example/channel"),
            topic: topic.parse().unwrap(),
            precedence: Precedence::Routine,
            highest: None,
            drafted_by: "officer-1",
            released_by: None,
            standing: Standing::InForce,
            now: "2026-06-01T00:00:00.000Z",
        }
    }

    fn decide(&self) -> Decision {
        let facts = Facts {
            kind: StatementType::Release,
            sender: &self.sender,
            recipients: std::slice::from_ref(&self.recipient),
            topic: Some(&self.topic),
            precedence: self.precedence,
            status: Status::Actual,
            highest: self.highest,
            drafted_by: Some(self.drafted_by),
            released_by: self.released_by,
            standing: self.standing,
            now: self.now.parse().unwrap(),
        };
        decide(&Agreement::parse(TEXT.as_bytes()).unwrap(), &facts)
    }

    fn refused_by(&self) -> String {
        match self.decide() {
            Decision::Refuse(refusal) => refusal.rule,
            other => panic!("not refused: {other:?}"),
        }
    }
}

#[test]
fn release_within_the_terms_is_permitted_and_names_its_articles() {
    let Decision::Permit(permit) = Case::new("lamps").decide() else { panic!("no permit") };
    assert_eq!(permit.rules(), ["ART-1", "ART-2", "ART-3.1", "ART-4", "ART-5", "ART-6"]);
    assert_eq!(permit.agreement(), Agreement::parse(TEXT.as_bytes()).unwrap().id());
}

#[test]
fn art_1_stranger_is_refused() {
    let mut case = Case::new("lamps");
    case.recipient = name("corvane.example/channel");
    assert_eq!(case.refused_by(), "ART-1");
}

#[test]
fn art_2_before_and_after_the_term_is_refused() {
    let mut case = Case::new("lamps");
    case.now = "2025-12-31T23:59:59.999Z";
    assert_eq!(case.refused_by(), "ART-2");
    case.now = "2027-01-01T00:00:00.000Z";
    assert_eq!(case.refused_by(), "ART-2");
}

#[test]
fn art_3_unknown_topic_and_wrong_direction_are_refused() {
    assert_eq!(Case::new("ships").refused_by(), "ART-3");
    let mut case = Case::new("tea");
    std::mem::swap(&mut case.sender, &mut case.recipient);
    assert_eq!(case.refused_by(), "ART-3.2");
}

#[test]
fn art_4_marking_above_the_ceiling_is_refused_with_its_place() {
    let mut case = Case::new("lamps");
    case.highest = Some((3, Tlp::AmberStrict));
    let Decision::Refuse(refusal) = case.decide() else { panic!("not refused") };
    assert_eq!((refusal.rule.as_str(), refusal.item), ("ART-4", Some(3)));
    case.highest = Some((3, Tlp::Amber));
    assert!(matches!(case.decide(), Decision::Permit(_)));
}

#[test]
fn art_5_precedence_not_named_is_refused() {
    let mut case = Case::new("tea");
    case.precedence = Precedence::Flash;
    assert_eq!(case.refused_by(), "ART-5");
}

#[test]
fn art_6_the_drafter_is_never_the_second_person() {
    let mut case = Case::new("tea");
    assert!(matches!(case.decide(), Decision::NeedsSecondPerson { rule } if rule == "ART-6.2"));
    case.released_by = Some("officer-1");
    assert!(matches!(case.decide(), Decision::NeedsSecondPerson { .. }));
    case.released_by = Some("officer-2");
    assert!(matches!(case.decide(), Decision::Permit(_)));
}

#[test]
fn founding_rules_carry_keys_and_agreements_of_verified_partners_only() {
    assert!(matches!(decide_founding(StatementType::Keys, true), Decision::Permit(_)));
    let rule = |decision| match decision {
        Decision::Refuse(refusal) => refusal.rule,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(rule(decide_founding(StatementType::Release, true)), "FND-1");
    assert_eq!(rule(decide_founding(StatementType::Agreement, false)), "FND-2");
}

#[test]
fn agreement_with_a_wrong_parameter_names_its_line() {
    let text = TEXT.replace("direction = \"both\"", "direction = \"sideways\"");
    let error = Agreement::parse(text.as_bytes()).unwrap_err();
    assert!(matches!(error, Error::Parameter { line: 14, .. }), "{error}");
}

#[test]
fn agreement_without_parameters_or_with_contradictions_is_refused() {
    assert_eq!(Agreement::parse(b"prose only").unwrap_err(), Error::NoParameters);
    assert_eq!(Agreement::parse(b"\xff").unwrap_err(), Error::Encoding);
    let alone = TEXT.replace(", \"brevia.example/channel\"", "");
    assert!(matches!(Agreement::parse(alone.as_bytes()).unwrap_err(), Error::Contradiction(_)));
}

#[test]
fn drafted_text_reads_back_as_drafted() {
    let agreement = Agreement::parse(TEXT.as_bytes()).unwrap();
    let (from, until) = agreement.term();
    let draft = DraftText {
        title: agreement.title(),
        parties: agreement.parties(),
        from,
        until,
        topics: agreement.topics(),
    };
    let again = Agreement::parse(draft_text(&draft).as_bytes()).unwrap();
    assert_eq!(again.rules_text(), agreement.rules_text());
    assert_ne!(again.id(), agreement.id());
}

#[test]
fn release_under_an_agreement_that_is_stopped_is_refused_and_duties_go_on() {
    let since: Timestamp = "2026-05-01T00:00:00.000Z".parse().unwrap();
    for standing in [Standing::Suspended, Standing::Ended, Standing::Superseded { since }] {
        let case = Case { standing, ..Case::new("lamps") };
        let Decision::Refuse(refusal) = case.decide() else { panic!("{standing:?} permits") };
        assert_eq!(refusal.rule, "ART-2");
    }
    let later = since.plus_ms(365 * 24 * 3_600_000);
    let before = Standing::Superseded { since: later };
    let case = Case { standing: before, ..Case::new("lamps") };
    assert!(!matches!(case.decide(), Decision::Refuse(_)), "signed before it was superseded");
}
