//! What the bodies of marking schemes ask beyond their tables: forms of texts, and what must agree.

use super::{Marking, Told};
use crate::{Tlp, id::is_uuid, tree::Value};

fn text<'t>(value: Value<'t>, name: &str) -> Option<(Value<'t>, &'t str)> {
    let member = value.get(name)?;
    Some((member, member.as_str()?))
}

/// The texts of a list.
fn texts<'t>(value: Value<'t>, name: &str) -> impl Iterator<Item = (Value<'t>, &'t str)> {
    let items = value.get(name).into_iter().flat_map(Value::items);
    items.filter_map(|item| Some((item, item.as_str()?)))
}

/// ACS 3.0a: policy, authorities, organisations of Appendix A, and `ALL`, which stands alone.
pub(super) fn acs(marking: Marking<'_>, told: Told<'_>) {
    let body = marking.body;
    if let Some((at, policy)) = text(body, "policy_reference")
        && !is_policy(policy)
    {
        told(at, "urn:isa:policy:acs:ns:v3.0?privdefault=…&sharedefault=…, permit or deny each");
    }
    if let Some((at, name)) = text(body, "responsible_entity_custodian")
        && !is_custodian(name)
    {
        told(at, "a custodian as USA.DHS or USA.DOJ.FBI");
    }
    let originator = text(body, "responsible_entity_originator");
    let authorities = texts(body, "authority_reference");
    authorities.filter(|(_, urn)| !is_authority(urn)).for_each(|(at, _)| {
        told(at, "urn:isa:authority: and a name");
    });
    let controls = body.get("control_set").into_iter();
    let permitted = controls.flat_map(|controls| texts(controls, "permitted_organizations"));
    for (at, name) in originator.into_iter().chain(permitted) {
        if !is_organization(name) {
            told(at, "an organisation of Appendix A of ACS 3.0a");
        }
    }
    for rule in body.get("access_privilege").into_iter().flat_map(Value::items) {
        if let Some(scope) = rule.get("privilege_scope") {
            privilege_scope(scope, told);
        }
    }
    for rule in body.get("further_sharing").into_iter().flat_map(Value::items) {
        for (at, name) in texts(rule, "sharing_scope") {
            if !is_organization(name) && !matches!(name, "FOREIGNGOV" | "SECTOR") {
                told(at, "an organisation of Appendix A of ACS 3.0a, FOREIGNGOV or SECTOR");
            }
        }
    }
}

fn privilege_scope(scope: Value<'_>, told: Told<'_>) {
    for name in ["permitted_nationalities", "permitted_organizations", "shareability", "entity"] {
        let Some(list) = scope.get(name) else { continue };
        if list.len() > 1 && texts(scope, name).any(|(_, value)| value == "ALL") {
            told(list, "`ALL` alone, or others without it");
        }
    }
    for (at, name) in texts(scope, "permitted_organizations") {
        if !is_organization(name) && name != "ALL" {
            told(at, "an organisation of Appendix A of ACS 3.0a, or ALL");
        }
    }
}

/// `urn:isa:policy:acs:ns:v3.0?privdefault=…&sharedefault=…`, each permit or deny; more than one
/// may stand there with blanks between.
fn is_policy(text: &str) -> bool {
    let well_formed = |one: &str| {
        let defaults = one.strip_prefix("urn:isa:policy:acs:ns:v3.0?privdefault=");
        let both = defaults.and_then(|rest| rest.split_once("&sharedefault="));
        both.is_some_and(|(a, b)| [a, b].iter().all(|word| matches!(*word, "permit" | "deny")))
    };
    !text.trim().is_empty() && text.split_whitespace().all(well_formed)
}

fn is_authority(urn: &str) -> bool {
    urn.strip_prefix("urn:isa:authority:").is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// Two or three parts of capitals and digits, as `USA.DHS`; the last may have hyphens.
fn is_custodian(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let part = |part: &str| !part.is_empty() && part.bytes().all(plain);
    match name.split('.').collect::<Vec<_>>().as_slice() {
        [country, body] => part(country) && part(body),
        [country, body, office] => {
            part(country)
                && part(body)
                && office.len() > 1
                && !office.starts_with('-')
                && office.bytes().all(|byte| plain(byte) || byte == b'-')
        }
        _ => false,
    }
}

fn is_organization(name: &str) -> bool {
    let groups = ["CDC", "CIKR", "DIB", "FIN", "ISAC", "NONFED", "PRIVATESECTOR"];
    is_custodian(name) || groups.contains(&name)
}

/// IEP 2.0: the id of a policy is a UUID, and the marking itself has a name and references.
pub(super) fn iep(marking: Marking<'_>, told: Told<'_>) {
    if let Some((at, id)) = text(marking.body, "iep_id")
        && !(is_uuid(id) && matches!(id.as_bytes().get(14), Some(b'4' | b'5')))
    {
        told(at, "a UUID of version 4 or 5");
    }
    for (name, expected) in [
        ("name", "`name` of the marking"),
        ("external_references", "`external_references` of the marking"),
    ] {
        if marking.definition.get(name).is_none() {
            told(marking.definition, expected);
        }
    }
}

/// TLP 2.0: a published marking says what its id says, under its published name.
pub(super) fn tlp_2(marking: Marking<'_>, told: Told<'_>) {
    let Some((_, id)) = text(marking.definition, "id") else { return };
    let published = Tlp::ALL.into_iter().find(|tlp| tlp.published_2() == id);
    let Some(published) = published else {
        return told(marking.body, "one of the five published markings, by its id");
    };
    if let Some((at, label)) = text(marking.body, "tlp_2_0")
        && label.parse() != Ok(published)
    {
        told(at, "the label of the published marking with this id");
    }
    if let Some((at, name)) = text(marking.definition, "name")
        && name != published.label()
    {
        told(at, "the name of the published marking with this id");
    }
}

#[cfg(test)]
mod tests {
    use crate::{Options, validate};

    /// What the validator tells of a marking definition with this extension: rule and pointer.
    fn told(id: &str, key: &str, more: &str, body: &str) -> Vec<(&'static str, String)> {
        let text = format!(
            r#"{{"type":"marking-definition","spec_version":"2.1","id":"{id}",
            "created":"2031-05-04T10:00:00.000Z"{more},"extensions":{{"extension-definition--{key}":
            {{"extension_type":"property-extension",{body}}}}}}}"#
        );
        let mut found = Vec::new();
        validate(text.as_bytes(), &Options::default(), &mut |finding| {
            let place =
                finding.pointer.replace(&format!("/extensions/extension-definition--{key}"), "");
            found.push((finding.rule, place));
        });
        found
    }

    const ID: &str = "marking-definition--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921";

    fn acs(body: &str) -> Vec<(&'static str, String)> {
        let head = r#""identifier":"isa:guide.1.ACS3-lamp","create_date_time":"2031-05-04T10:00:00Z",
            "responsible_entity_custodian":"USA.DHS""#;
        told(ID, "3a65884d-005a-4290-8335-cb2d778a83ce", "", &format!("{head},{body}"))
    }

    fn policy(privilege: &str, sharing: &str) -> String {
        format!(
            r#""policy_reference":"urn:isa:policy:acs:ns:v3.0?privdefault={privilege}&sharedefault={sharing}""#
        )
    }

    /// The five use cases that ACS 3.0a publishes, in our words, each with a neighbour that is wrong.
    #[test]
    fn acs_use_cases_are_sound_and_their_neighbours_are_not() {
        let all = r#""entity":["ALL"],"permitted_nationalities":["ALL"],
            "permitted_organizations":["ALL"],"shareability":["ALL"]"#;
        let rule = |action: &str| {
            format!(
                r#"{{"privilege_action":"{action}","rule_effect":"permit","privilege_scope":{{{all}}}}}"#
            )
        };
        let privileges = format!(
            r#""access_privilege":[{},{},{}]"#,
            rule("INTEL"),
            rule("DSPLY"),
            rule("REQUEST")
        );
        let controls = |controls: &str| format!(r#""control_set":{{"classification":{controls}}}"#);
        let cases = [
            // 1: cybersecurity data, for government, contractors and military alone.
            (
                policy("deny", "deny"),
                controls(r#""TS","entity":["GOV","CTR","MIL"]"#),
                ("\"TS\"", "\"X\"", "/control_set/classification"),
            ),
            // 2: privileges for everybody beside a denying default.
            (
                policy("deny", "permit"),
                controls(r#""U","formal_determination":["FOUO"]"#) + "," + &privileges,
                ("INTEL", "LOOK", "/access_privilege/0/privilege_action"),
            ),
            // 3: a released portion of a secret report.
            (
                policy("permit", "permit"),
                controls(r#""U","formal_determination":["PUBREL"]"#)
                    + r#","public_release":{"released_by":"an authority"}"#,
                ("released_by", "released", "/public_release"),
            ),
            // 4: a program that analyses.
            (
                policy("permit", "permit"),
                controls(
                    r#""U","permitted_organizations":["USA.USG"],
                    "entity":["MIL","CTR","GOV","SVR","SVC","DEV","NET"]"#,
                ),
                ("\"SVC\"", "\"svc\"", "/control_set/entity/4"),
            ),
            // 5: law enforcement data, kept from others.
            (
                policy("permit", "permit"),
                controls(
                    r#""U","sensitivity":["LES"],"entity":["MIL","CTR","GOV"],
                    "permitted_organizations":["USA.USG","USA.SLTT"]"#,
                ),
                ("USA.SLTT", "sltt", "/control_set/permitted_organizations/1"),
            ),
        ];
        for (policy, body, (right, wrong, place)) in cases {
            let body = format!("{policy},{body}");
            assert_eq!(acs(&body), [], "{body}");
            let found = acs(&body.replace(right, wrong));
            assert!(found.contains(&("ACS-3.0a", place.to_owned())), "{wrong}: {found:?}");
            assert!(found.iter().all(|(rule, _)| *rule == "ACS-3.0a"), "{wrong}: {found:?}");
        }
    }

    #[test]
    fn acs_forms_of_texts_are_checked() {
        let sound = format!(
            r#"{},"control_set":{{"classification":"U"}},"responsible_entity_originator":"NONFED",
            "authority_reference":["urn:isa:authority:lamps"],"further_sharing":[
            {{"rule_effect":"deny","sharing_scope":["FOREIGNGOV","USA.DOD.DC-3"]}}],
            "access_privilege":[{{"privilege_action":"ALL","rule_effect":"deny",
            "privilege_scope":{{"permitted_nationalities":["XAA","XBB"]}}}}],
            "declassification":{{"declass_period":25}},"original_classification":
            {{"classified_by":"a person"}},"resource_disposition":{{"disposition_date":
            "2041-01-01T00:00:00Z","disposition_process":"destroy"}}"#,
            policy("permit", "deny")
        );
        assert_eq!(acs(&sound), []);
        for (right, wrong, place) in [
            ("privdefault=permit", "privdefault=perhaps", "/policy_reference"),
            ("NONFED", "nobody", "/responsible_entity_originator"),
            ("authority:lamps", "authority:", "/authority_reference/0"),
            ("FOREIGNGOV", "ABROAD", "/further_sharing/0/sharing_scope/0"),
            ("DC-3", "-3", "/further_sharing/0/sharing_scope/1"),
            ("XBB", "ALL", "/access_privilege/0/privilege_scope/permitted_nationalities"),
            ("\"declass_period\":25", "", "/declassification"),
            ("classified_by", "classified", "/original_classification"),
            ("disposition_process", "process", "/resource_disposition"),
            ("\"classification\":\"U\"", "\"caveat\":[\"FISA\"]", "/control_set"),
        ] {
            let found = acs(&sound.replace(right, wrong));
            assert!(
                found.iter().any(|(_, pointer)| pointer.as_str() == place),
                "{wrong}: {found:?}"
            );
        }
    }

    #[test]
    fn iep_has_a_uuid_a_name_and_references() {
        let key = "762e2e97-ee51-43e5-a9ea-165fbb862c4a";
        let body = r#""encrypt_in_transit":"may","permitted_actions":"none","tlp":"amber",
            "affected_party_notifications":"may","provider_attribution":"must-not",
            "unmodified_resale":"must-not","iep_id":"0224bfdf-ea3a-49c3-96f6-66d908bb1845",
            "iep_version":2.0,"description":"x","start_date":"2031-05-04T10:00:00Z""#;
        let more = r#","name":"a policy","external_references":[
            {"source_name":"iep","description":"a policy"}]"#;
        assert_eq!(told(ID, key, more, body), []);
        for (right, wrong, place) in [
            ("-49c3-", "-19c3-", "/iep_id"),
            ("\"amber\"", "\"clear\"", "/tlp"),
            ("2.0", "1.0", "/iep_version"),
            ("\"none\"", "\"any\"", "/permitted_actions"),
            ("\"description\"", "\"remark\"", ""),
        ] {
            let found = told(ID, key, more, &body.replace(right, wrong));
            assert!(found.contains(&("IEP-2.0", place.to_owned())), "{wrong}: {found:?}");
        }
        assert_eq!(told(ID, key, "", body).len(), 2);
    }

    #[test]
    fn tlp_2_says_what_its_id_says() {
        let key = "60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
        let id = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003";
        let name = r#","name":"TLP:AMBER+STRICT""#;
        assert_eq!(told(id, key, name, r#""tlp_2_0":"amber+strict""#), []);
        let one = |rule: &'static str, place: &str| vec![(rule, place.to_owned())];
        assert_eq!(told(id, key, name, r#""tlp_2_0":"green""#), one("TLP-2.0", "/tlp_2_0"));
        assert_eq!(told(id, key, name, r#""tlp_2_0":"AMBER+STRICT""#), one("TLP-2.0", "/tlp_2_0"));
        assert_eq!(
            told(id, key, r#","name":"amber""#, r#""tlp_2_0":"amber+strict""#),
            one("TLP-2.0", "/name")
        );
        assert_eq!(told(ID, key, name, r#""tlp_2_0":"amber+strict""#), one("TLP-2.0", ""));
        assert!(told(id, key, name, r#""tlp":"red""#).len() > 1);
    }
}
