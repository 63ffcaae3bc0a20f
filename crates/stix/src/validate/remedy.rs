//! What can be done about a finding, where the rule alone does not say it.

use crate::Finding;

impl Finding {
    /// What can be done about it, if the rule alone does not say so.
    pub fn remedy(&self) -> Option<&'static str> {
        if self.rule == "103" && self.expected.ends_with("4") {
            return Some("make a random UUID; nothing is wrong with the object beside it");
        }
        if self.rule == "101" && self.pointer.ends_with("/spec_version") {
            return Some("leave it out: objects of STIX 2.0 have none");
        }
        if self.rule == "401" && self.expected.starts_with("an extension of type new-") {
            return Some("publish an extension-definition of the type and name it in `extensions`");
        }
        let remedies = REMEDIES.iter();
        remedies.filter(|(rule, _)| *rule == self.rule).map(|(_, remedy)| *remedy).next()
    }
}

static REMEDIES: [(&str, &str); 34] = [
    ("103", "`detente stix id` shows the id that section 2.9 makes"),
    ("111", "write it in lower case with hyphens, or use a value of the vocabulary"),
    ("202", "use related-to, or the relationship that the specification has for the pair"),
    ("203", "give a new version a later `modified`; drop the copy"),
    ("302", "hash what the url leads to and add SHA-256 to `hashes`"),
    ("304", "give each object an id, list it in `object_refs`"),
    ("401", "publish an extension-definition and put the property under its id in `extensions`"),
    ("JSON-2", "keep one of the two values"),
    ("JSON-3", "save the file as UTF-8"),
    ("JSON-4", "write the character itself, or both halves of the pair"),
    ("JSON-5", "save the file without a byte order mark"),
    ("JSON-6", "write the number as text, or one that fits an IEEE 754 double"),
    ("JSON-7", "leave the character out"),
    ("LIMIT-1", "split the bundle into several"),
    ("LIMIT-2", "store large payloads elsewhere and refer to them by url and hashes"),
    ("STIX-2.12-03", "leave the property out"),
    ("STIX-2.12-05", "add what belongs there"),
    ("STIX-2.3-04", "leave the property out"),
    ("STIX-2.3-07", "leave the property out"),
    ("STIX-2.8-01", "write the digits in lower case, two for each byte"),
    ("STIX-2.9-01", "write type--UUID, the type that of the object"),
    ("STIX-2.9-04", "make a new random UUID for one of the two"),
    ("STIX-2.16.1-03", "convert the time to UTC and end it with Z"),
    ("STIX-2.16.1-04", "end the time with Z"),
    ("STIX-3.2-02", "declare the edition that the object is written in"),
    ("STIX-3.2-03", "write milliseconds: .000 where nothing is known"),
    ("STIX-3.2-05", "write milliseconds: .000 where nothing is known"),
    ("STIX-3.2-18", "add `extension_type` with the type that the extension-definition names"),
    ("STIX-3.8-01", "choose another name"),
    ("STIX-4.14-02", "move the objects of `objects` to the bundle and name them in `object_refs`"),
    ("STIX-6.6.1-08", "write a list, though it has one value"),
    ("STIX-7.2.1-06", "refer to the published marking by its id and leave the definition out"),
    ("STIX-7.2.1-07", "use the extension of TLP 2.0, or a published marking"),
    ("STIX-7.2.3-10", "name what is there, lists by [n] from 0"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_fit_what_is_wrong() {
        let remedy = |rule, pointer: &str, expected| {
            Finding::error(rule, "7.3", pointer, "", expected).remedy().unwrap_or_default()
        };
        assert!(remedy("101", "/objects/0/spec_version", "x_SOURCE_").starts_with("leave it out"));
        assert_eq!(remedy("101", "/lamp", "x_SOURCE_"), "");
        let of_type = remedy("401", "/type", "an extension of type new-sdo, new-sco or new-sro");
        assert!(of_type.contains("of the type"), "{of_type}");
        assert!(remedy("401", "/lamp", "an extension").contains("put the property"));
    }
}
