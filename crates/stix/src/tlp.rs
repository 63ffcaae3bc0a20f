//! TLP 1.0 and 2.0: recognised by id, by extension, by definition, and never taken for unmarked.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A Traffic Light Protocol label, least restrictive first. TLP 1.0 white is clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tlp {
    /// TLP:CLEAR, in version 1.0 TLP:WHITE.
    Clear,
    /// TLP:GREEN.
    Green,
    /// TLP:AMBER.
    Amber,
    /// TLP:AMBER+STRICT.
    AmberStrict,
    /// TLP:RED.
    Red,
}

/// Not a TLP label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of: TLP:CLEAR TLP:GREEN TLP:AMBER TLP:AMBER+STRICT TLP:RED")]
pub struct UnknownTlp;

/// UUID of each published marking definition: TLP 1.0, then TLP 2.0.
const PUBLISHED: [(&str, Tlp); 9] = [
    ("613f2e26-407d-48c7-9eca-b8e91df99dc9", Tlp::Clear),
    ("34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp::Green),
    ("f88d31f6-486f-44da-b317-01333bde0b82", Tlp::Amber),
    ("5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp::Red),
    ("94868c89-83c2-464b-929b-a1a8aa3c8487", Tlp::Clear),
    ("bab4a63c-aed9-4cf5-a766-dfca5abac2bb", Tlp::Green),
    ("55d920b0-5e8b-4f79-9ee9-91f868d9b421", Tlp::Amber),
    ("939a9414-2ddd-4d32-a0cd-375ea402b003", Tlp::AmberStrict),
    ("e828b379-4e03-4974-9ac4-e53a884c97c1", Tlp::Red),
];

impl Tlp {
    /// Key of the extension that holds a label of TLP 2.0.
    pub(crate) const EXTENSION_2: &str =
        "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

    /// Every label, least restrictive first.
    pub const ALL: [Self; 5] =
        [Self::Clear, Self::Green, Self::Amber, Self::AmberStrict, Self::Red];

    /// The label as FIRST writes it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Clear => "TLP:CLEAR",
            Self::Green => "TLP:GREEN",
            Self::Amber => "TLP:AMBER",
            Self::AmberStrict => "TLP:AMBER+STRICT",
            Self::Red => "TLP:RED",
        }
    }

    /// The label of a published marking definition, though the definition is absent.
    ///
    /// *Source*: STIX 2.1 section 7.2.1.4; the TLP 2.0 extension definition.
    pub fn of_marking_id(id: &str) -> Option<Self> {
        let uuid = id.strip_prefix("marking-definition--")?;
        PUBLISHED.iter().find(|(known, _)| uuid.eq_ignore_ascii_case(known)).map(|(_, tlp)| *tlp)
    }

    /// Id of the marking definition of TLP 2.0 of a label.
    ///
    /// *Source*: the TLP 2.0 extension definition.
    pub fn published_2(self) -> &'static str {
        match self {
            Self::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
            Self::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
            Self::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
            Self::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
            Self::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
        }
    }

    /// Ids of every published marking definition of a label, that of TLP 1.0 first.
    pub fn published(self) -> impl Iterator<Item = &'static str> {
        let of_1 = match self {
            Self::Clear => Self::published_1("white"),
            Self::Green => Self::published_1("green"),
            Self::Amber => Self::published_1("amber"),
            Self::AmberStrict => None,
            Self::Red => Self::published_1("red"),
        };
        of_1.into_iter().chain([self.published_2()])
    }

    /// Id of the marking definition of TLP 1.0 with a value such as `white`.
    ///
    /// *Source*: STIX 2.1 section 7.2.1.4.
    pub fn published_1(value: &str) -> Option<&'static str> {
        Some(match value {
            "white" => "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
            "green" => "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
            "amber" => "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
            "red" => "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
            _ => return None,
        })
    }

    /// The label of a marking definition's bytes; none when it is no TLP marking. A TLP value that
    /// is not known counts as the most restrictive.
    pub fn of_marking_definition(object: &[u8]) -> Option<Self> {
        let definition: MarkingDefinition = serde_json::from_slice(object).ok()?;
        if let Some(tlp) = definition.id.as_deref().and_then(Self::of_marking_id) {
            return Some(tlp);
        }
        let by_extension = definition.extensions.and_then(|mut all| all.remove(Self::EXTENSION_2));
        if let Some(extension) = by_extension {
            return Some(Self::of_value(extension.get("tlp_2_0")));
        }
        let kind = definition.definition_type?;
        if !kind.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("tlp")) {
            return None;
        }
        Some(Self::of_value(definition.definition.as_ref().and_then(|value| value.get("tlp"))))
    }

    fn of_value(value: Option<&serde_json::Value>) -> Self {
        value
            .and_then(|value| value.as_str())
            .and_then(|text| text.parse().ok())
            .unwrap_or(Self::Red)
    }
}

#[derive(Deserialize)]
struct MarkingDefinition {
    id: Option<String>,
    definition_type: Option<String>,
    definition: Option<serde_json::Value>,
    extensions: Option<std::collections::HashMap<String, serde_json::Value>>,
}

impl fmt::Display for Tlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl FromStr for Tlp {
    type Err = UnknownTlp;

    /// With or without `TLP:`, in any case; `white` is clear.
    fn from_str(text: &str) -> Result<Self, UnknownTlp> {
        let text = text.to_ascii_lowercase();
        match text.strip_prefix("tlp:").unwrap_or(&text) {
            "clear" | "white" => Ok(Self::Clear),
            "green" => Ok(Self::Green),
            "amber" => Ok(Self::Amber),
            "amber+strict" => Ok(Self::AmberStrict),
            "red" => Ok(Self::Red),
            _ => Err(UnknownTlp),
        }
    }
}

impl Serialize for Tlp {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.label())
    }
}

impl<'de> Deserialize<'de> for Tlp {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tlp_is_recognised_by_id_in_both_versions() {
        let red = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed";
        assert_eq!(Tlp::of_marking_id(red), Some(Tlp::Red));
        let strict = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003";
        assert_eq!(Tlp::of_marking_id(strict), Some(Tlp::AmberStrict));
        assert_eq!(Tlp::of_marking_id("marking-definition--0"), None);
    }

    #[test]
    fn tlp_is_recognised_by_extension_and_by_definition() {
        let extension_2 = Tlp::EXTENSION_2;
        let extension = format!(
            r#"{{"type":"marking-definition","extensions":{{"{extension_2}":{{"tlp_2_0":"amber+strict"}}}}}}"#
        );
        assert_eq!(Tlp::of_marking_definition(extension.as_bytes()), Some(Tlp::AmberStrict));
        let legacy = br#"{"definition_type":"tlp","definition":{"tlp":"green"}}"#;
        assert_eq!(Tlp::of_marking_definition(legacy), Some(Tlp::Green));
    }

    #[test]
    fn tlp_with_an_unknown_value_is_the_most_restrictive() {
        let odd = br#"{"definition_type":"tlp","definition":{"tlp":"purple"}}"#;
        assert_eq!(Tlp::of_marking_definition(odd), Some(Tlp::Red));
        let statement = br#"{"definition_type":"statement","definition":{"statement":"x"}}"#;
        assert_eq!(Tlp::of_marking_definition(statement), None);
    }
}
