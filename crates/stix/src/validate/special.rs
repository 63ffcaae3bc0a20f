//! What single types ask beyond their tables: properties that need or exclude one another.

use std::borrow::Cow;

use super::{format::is_plain_word, judge::Judge, object::Context};
use crate::{
    Spec,
    id::parts,
    model::{Family, Type, is_relationship_of, relationship_sources, type_of},
    registry,
    tree::{Kind, Value},
};

impl Judge<'_> {
    /// The rules of one object type.
    pub(super) fn special(&mut self, type_: &'static Type, ctx: &Context<'_>) {
        let root = ctx.root;
        match type_.name {
            "relationship" => self.relationship(root),
            "indicator" => self.indicator(root),
            "location" => self.location(root),
            "malware" => self.malware(root),
            "malware-analysis" => self.malware_analysis(root),
            "observed-data" => self.observed_data(root),
            "artifact" => self.artifact(root),
            "email-message" => self.email_message(root),
            "network-traffic" => self.network_traffic(root),
            "extension-definition" => self.extension_definition(root),
            "language-content" => self.language_content(root),
            "marking-definition" => self.marking_definition(ctx),
            _ => {}
        }
        if type_.family == Family::Sco {
            self.dictionary_keys(root, 0);
        }
        self.external_references(root, type_.name);
    }

    /// The rules of one embedded type or predefined extension.
    pub(super) fn embedded(&mut self, type_: &'static Type, value: Value<'_>, ctx: &Context<'_>) {
        match type_.name {
            "external-reference" => {
                if let (Some(url), None) = (value.get("url"), value.get("hashes")) {
                    self.warn(302, url, "hashes beside the url");
                }
            }
            "kill-chain-phase" => {
                for name in ["kill_chain_name", "phase_name"] {
                    if let Some(word) = value.get(name)
                        && !word.as_str().is_none_or(is_plain_word)
                    {
                        self.warn(121, word, "lower case, hyphens between words");
                    }
                }
            }
            "granular-marking" => self.granular_marking(value, ctx),
            "windows-process-ext" => {
                if let Some(priority) = value.get("priority")
                    && !priority.as_str().is_none_or(|text| {
                        text.strip_suffix("_CLASS").is_some_and(|start| !start.is_empty())
                    })
                {
                    self.warn(149, priority, "a text that ends in _CLASS");
                }
            }
            "http-request-ext" => {
                let keys = |key: &str| registry::HTTP_REQUEST_HEADERS.has(key);
                self.keys_of(value, "request_header", 274, keys, "an HTTP request header");
            }
            "socket-ext" => {
                let keys = |key: &str| registry::SOCKET_OPTIONS.has(key);
                self.keys_of(value, "options", 275, keys, "a socket option");
            }
            "pdf-ext" => {
                let keys = |key: &str| registry::PDF_DOCUMENT_INFO.contains(&key);
                let expected = "a key of the document information dictionary";
                self.keys_of(value, "document_info_dict", 276, keys, expected);
            }
            _ => {}
        }
    }

    fn keys_of(
        &mut self,
        value: Value<'_>,
        name: &str,
        number: u16,
        known: impl Fn(&str) -> bool,
        expected: &'static str,
    ) {
        for (key, entry) in value.get(name).into_iter().flat_map(Value::members) {
            if !known(key) {
                self.warn(number, entry, expected);
            }
        }
    }

    /// CAPEC and CVE ids have their source and their form.
    fn external_references(&mut self, root: Value<'_>, type_name: &str) {
        let (source, prefix, rules) = match type_name {
            "attack-pattern" => ("capec", "CAPEC-", ["STIX-4.1.1-02", "STIX-4.1.1-03"]),
            "vulnerability" => ("cve", "CVE-", ["STIX-4.19.1-02", "STIX-4.19.1-03"]),
            _ => return,
        };
        let [source_rule, id_rule] = rules;
        for reference in root.get("external_references").into_iter().flat_map(Value::items) {
            let name = reference.get("source_name").and_then(Value::as_str).unwrap_or_default();
            let id = reference.get("external_id");
            let text = id.and_then(Value::as_str).unwrap_or_default();
            let is_id = text.strip_prefix(prefix).is_some_and(|rest| match source {
                "cve" => is_cve_number(rest),
                _ => !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()),
            });
            if name == source && !is_id {
                self.error(id_rule, id.unwrap_or(reference), format!("{prefix} and its number"));
            } else if name != source && is_id {
                let at = reference.get("source_name").unwrap_or(reference);
                self.error(source_rule, at, format!("`{source}`, the source of {prefix} ids"));
            }
        }
    }

    fn relationship(&mut self, root: Value<'_>) {
        let text = |name| root.get(name).and_then(Value::as_str);
        let kind = root.get("relationship_type");
        let (Some(kind), Some(source), Some(target)) =
            (kind, text("source_ref"), text("target_ref"))
        else {
            return;
        };
        let Some(name) = kind.as_str() else { return };
        let (Some((source, _)), Some((target, _))) = (parts(source), parts(target)) else {
            return;
        };
        let judged = |type_| {
            let family = type_of(type_).map(|type_| type_.family);
            !matches!(family, Some(Family::Sro | Family::Meta | Family::Bundle))
        };
        if !judged(source) || !judged(target) || is_relationship_of(source, name, target) {
            return;
        }
        let expected = if relationship_sources().any(|known| known == source) {
            format!("a relationship of Appendix B between {source} and {target}")
        } else {
            format!("derived-from, duplicate-of or related-to from {source}")
        };
        self.warn(202, kind, expected);
    }

    fn indicator(&mut self, root: Value<'_>) {
        if root.get("name").is_none() || root.get("description").is_none() {
            self.warn(303, root, "both `name` and `description`");
        }
        self.pattern(root);
    }

    fn location(&mut self, root: Value<'_>) {
        let (latitude, longitude) = (root.get("latitude"), root.get("longitude"));
        if let (Some(at), None) = (latitude, longitude) {
            self.error("STIX-4.10.1-05", at, "`longitude` beside it");
        }
        if let (None, Some(at)) = (latitude, longitude) {
            self.error("STIX-4.10.1-03", at, "`latitude` beside it");
        }
        if let Some(at) = root.get("precision")
            && (latitude.is_none() || longitude.is_none())
        {
            self.error("STIX-4.10.1-06", at, "`latitude` and `longitude` beside it");
        }
        if let Some(country) = root.get("country")
            && !country.as_str().is_none_or(|code| {
                code.len() == 2 && registry::COUNTRIES.has(&code.to_ascii_uppercase())
            })
        {
            self.warn(277, country, "a code of two letters of ISO 3166-1");
        }
    }

    fn malware(&mut self, root: Value<'_>) {
        let is_family = root.get("is_family");
        if is_family.and_then(Value::as_bool) == Some(true) && root.get("name").is_none() {
            self.error("STIX-4.11.1-02", is_family.unwrap_or(root), "`name` of the family");
        }
    }

    fn malware_analysis(&mut self, root: Value<'_>) {
        if let Some(product) = root.get("product")
            && !product.as_str().is_none_or(|name| {
                let plain =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                !name.is_empty() && name.bytes().all(plain)
            })
        {
            self.warn(143, product, "lower case, words separated by a dash");
        }
    }

    fn observed_data(&mut self, root: Value<'_>) {
        if let Some(objects) = root.get("objects") {
            self.warn(304, objects, "`object_refs`: `objects` is deprecated");
            if root.get("object_refs").is_some() {
                self.error("STIX-4.14-02", objects, "either `objects` or `object_refs`");
            }
            for (key, object) in objects.members() {
                if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_digit()) {
                    self.warn(141, object, "a key that is a number from 0");
                }
            }
        }
        let Some(refs) = root.get("object_refs") else { return };
        let observable = |id: Value<'_>| {
            let type_ = id.as_str().and_then(parts);
            type_.is_none_or(|(name, _)| {
                type_of(name).is_none_or(|type_| type_.family == Family::Sco)
            })
        };
        if !refs.is_empty() && !refs.items().any(observable) {
            self.error("STIX-4.14.1-07", refs, "at least one observable object");
        }
    }

    fn artifact(&mut self, root: Value<'_>) {
        let (url, payload) = (root.get("url"), root.get("payload_bin"));
        if let (Some(url), Some(_)) = (url, payload) {
            self.error("STIX-6.1.1-04", url, "either `url` or `payload_bin`");
        }
        if let (Some(url), None) = (url, root.get("hashes")) {
            self.error("STIX-6.1.1-05", url, "`hashes` beside `url`");
        }
        if let (Some(key), None) = (root.get("decryption_key"), root.get("encryption_algorithm")) {
            self.error("STIX-6.1.1-08", key, "`encryption_algorithm` beside it");
        }
    }

    fn email_message(&mut self, root: Value<'_>) {
        let multipart = root.get("is_multipart").and_then(Value::as_bool);
        if let (Some(true), Some(body)) = (multipart, root.get("body")) {
            self.error("STIX-6.6.1-09", body, "`body_multipart`: the message has several parts");
        }
        if let (Some(false), Some(parts)) = (multipart, root.get("body_multipart")) {
            self.error("STIX-6.6.1-10", parts, "`body`: the message has one part");
        }
    }

    fn network_traffic(&mut self, root: Value<'_>) {
        let active = root.get("is_active").and_then(Value::as_bool) == Some(true);
        if let (true, Some(end)) = (active, root.get("end")) {
            self.error("STIX-6.12.1-04", end, "no `end` while `is_active` is true");
        }
        if root.get("src_port").is_none() || root.get("dst_port").is_none() {
            self.warn(301, root, "both `src_port` and `dst_port`");
        }
        for protocol in root.get("protocols").into_iter().flat_map(Value::items) {
            if !protocol.as_str().is_none_or(|name| registry::PROTOCOLS.has(name)) {
                self.warn(272, protocol, "a service name or protocol of the IANA registry");
            }
        }
        self.keys_of(root, "ipfix", 273, |key| registry::IPFIX.has(key), "an IPFIX element");
    }

    fn extension_definition(&mut self, root: Value<'_>) {
        if root.get("description").is_none() {
            self.warn(305, root, "a `description`");
        }
        let kinds = root.get("extension_types");
        let mut kinds = kinds.into_iter().flat_map(Value::items).filter_map(Value::as_str);
        let toplevel = kinds.any(|kind| kind == "toplevel-property-extension");
        match root.get("extension_properties") {
            Some(names) if !toplevel => {
                let expected = "only for a toplevel-property-extension";
                self.error("STIX-7.3.1-03", names, expected);
            }
            None if toplevel => {
                self.warn(306, root, "`extension_properties` of the toplevel-property-extension");
            }
            names => {
                for name in names.into_iter().flat_map(Value::items) {
                    if let Some(text) = name.as_str() {
                        self.extension_property_name(text, name);
                    }
                }
            }
        }
    }

    /// Keys of observable objects are lower case, but for dictionaries of other worlds' names.
    fn dictionary_keys(&mut self, value: Value<'_>, depth: usize) {
        // INVARIANT: nesting is at most 256, so this may recurse.
        for (key, member) in value.members() {
            if key.bytes().any(|byte| byte.is_ascii_uppercase()) {
                self.warn(142, member, "a key in lower case");
            } else if self.spec == Spec::V20 && key.len() > 30 {
                self.warn(142, member, "a key of at most 30 characters, in STIX 2.0");
            }
            let foreign = FOREIGN_KEYS.contains(&key) || (depth == 0 && key == "granular_markings");
            if member.kind() == Kind::Object && !foreign {
                self.dictionary_keys(member, depth + 1);
            }
        }
    }

    /// An encoding names a registered character set and what it encodes stands beside it.
    pub(super) fn encoding(&mut self, type_: &'static Type, key: &str, member: Value<'_>) {
        let is_known = matches!(type_.name, "file" | "directory");
        if !is_known && key.ends_with("_enc") {
            let named = member.as_str().is_some_and(|name| registry::CHARACTER_SETS.has(name));
            if !named {
                let expected: Cow<'static, str> = "a name of the IANA character sets".into();
                self.error("STIX-3.9.1-01", member, expected);
            }
        }
    }

    /// An encoding without what it encodes.
    pub(super) fn lone_encodings(&mut self, root: Value<'_>) {
        for (key, member) in root.members() {
            if let Some(of) = key.strip_suffix("_enc")
                && root.get(of).is_none()
            {
                self.error("STIX-3.1-12", member, format!("`{of}`, which it encodes"));
            }
        }
    }
}

/// Dictionaries whose keys are names of other standards, in their own case.
const FOREIGN_KEYS: [&str; 11] = [
    "hashes",
    "file_header_hashes",
    "request_header",
    "additional_header_fields",
    "document_info_dict",
    "exif_tags",
    "ipfix",
    "options",
    "environment_variables",
    "key",
    "startup_info",
];

/// Year of four digits, hyphen, at least four digits.
fn is_cve_number(text: &str) -> bool {
    text.split_once('-').is_some_and(|(year, number)| {
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        year.len() == 4 && number.len() >= 4 && digits(year) && digits(number)
    })
}
