//! Data markings: definitions, references, selectors, translations.

use super::{judge::Judge, object::Context};
use crate::{
    Level, Spec, Tlp,
    markings::scheme::{Body, Marking},
    model::Type,
    registry,
    tree::{Kind, Value},
};

impl Judge<'_> {
    /// What object and granular markings ask of the object as a whole.
    pub(super) fn markings(&mut self, ctx: &Context<'_>) {
        // Files and directories have encodings in their tables; of custom objects it was not noted.
        let has_none = |type_: &Type| !matches!(type_.name, "file" | "directory");
        let is_plain = self.spec == Spec::V21 && ctx.type_.is_some_and(has_none);
        if !is_plain || ctx.encodes.get() {
            self.lone_encodings(ctx.root);
        }
        if ctx.type_name != "marking-definition" {
            return;
        }
        let own = self.id().to_owned();
        for id in ctx.root.get("object_marking_refs").into_iter().flat_map(Value::items) {
            if id.as_str() == Some(&own) {
                self.error("STIX-3.2-13", id, "another marking-definition");
            }
        }
        for marking in ctx.root.get("granular_markings").into_iter().flat_map(Value::items) {
            if let Some(id) = marking.get("marking_ref")
                && id.as_str() == Some(&own)
            {
                self.error("STIX-3.2-14", id, "another marking-definition");
            }
        }
    }

    /// One granular marking: a language or a marking, and selectors that are there.
    pub(super) fn granular_marking(&mut self, value: Value<'_>, ctx: &Context<'_>) {
        match (value.get("lang"), value.get("marking_ref")) {
            (None, None) => {
                self.error("STIX-7.2.3-01", value, "either `marking_ref` or `lang`");
            }
            (Some(lang), Some(_)) => {
                self.error("STIX-7.2.3-04", lang, "either `marking_ref` or `lang`");
            }
            _ => {}
        }
        for selector in value.get("selectors").into_iter().flat_map(Value::items) {
            if let Some(text) = selector.as_str() {
                self.selector(text, selector, ctx.root);
            }
        }
    }

    fn selector(&mut self, text: &str, at: Value<'_>, root: Value<'_>) {
        let mut value = root;
        for (place, component) in text.split('.').enumerate() {
            let index = component.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let digits =
                |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let well_formed = match index {
                Some(index) => place > 0 && digits(index),
                None => is_selector_name(component),
            };
            if !well_formed {
                let rule = if component.is_empty() { "STIX-7.2.3-08" } else { "STIX-7.2.3-09" };
                return self.error(rule, at, "names and [n], separated by dots");
            }
            let next = match index {
                Some(index) if value.kind() == Kind::List => {
                    index.parse().ok().and_then(|index: usize| value.items().nth(index))
                }
                Some(_) => None,
                None => value.get(component),
            };
            match next {
                Some(inner) => value = inner,
                None => {
                    let expected = format!("something that is there: `{component}` is not");
                    return self.error("STIX-7.2.3-10", at, expected);
                }
            }
        }
    }

    /// The body of a marking definition.
    pub(super) fn marking_definition(&mut self, ctx: &Context<'_>) {
        let root = ctx.root;
        let (kind, body) = (root.get("definition_type"), root.get("definition"));
        if root.get("extensions").is_none() {
            if kind.is_none() {
                self.error("STIX-7.2.1-02", root, "`definition_type`, or `extensions`");
            }
            if body.is_none() {
                self.error("STIX-7.2.1-03", root, "`definition`, or `extensions`");
            }
        }
        let Some(kind) = kind else { return };
        match kind.as_str() {
            Some("statement") => self.statement(body),
            Some("tlp") => self.tlp_definition(root, kind, body),
            Some(_) => {
                self.warn(201, kind, "`statement` or `tlp`");
                if root.get("extensions").is_none() {
                    let expected = "an extension: other definition types are deprecated";
                    self.warn_custom("definition_type", kind, expected);
                }
            }
            None => {}
        }
    }

    /// The extension of a published scheme, as the scheme's own text has it.
    pub(super) fn scheme_body(
        &mut self,
        scheme: &'static Body,
        body: Value<'_>,
        ctx: &Context<'_>,
    ) {
        self.scheme = Some(scheme);
        self.members(scheme.table(), body, ctx);
        scheme.check(Marking { definition: ctx.root, body }, &mut |at, expected| {
            self.error(scheme.rule, at, expected);
        });
        self.scheme = None;
    }

    fn statement(&mut self, body: Option<Value<'_>>) {
        let Some(body) = body.filter(|body| body.kind() == Kind::Object) else { return };
        match body.get("statement") {
            None => self.missing("statement", body, "7.2.1.3"),
            Some(text) => {
                self.text(text);
            }
        }
        if body.get("tlp").is_some() {
            self.error("STIX-7.2.1-05", body, "`definition_type` tlp, or no `tlp`");
        }
    }

    /// The four TLP 1.0 markings are fixed to the letter; no other one may be made.
    fn tlp_definition(&mut self, root: Value<'_>, kind: Value<'_>, body: Option<Value<'_>>) {
        let Some(label) = body.and_then(|body| body.get("tlp")) else {
            if let Some(body) = body.filter(|body| body.kind() == Kind::Object) {
                if body.get("statement").is_some() {
                    self.error("STIX-7.2.1-04", kind, "`statement`");
                }
                self.missing("tlp", body, "7.2.1.4");
            }
            return;
        };
        let text = |name| root.get(name).and_then(Value::as_str);
        let known = Tlp::of_marking_id(self.id()).filter(|_| is_tlp_1(self.id()));
        let Some(known) = known else {
            let expected = "one of the four published TLP 1.0 markings";
            return self.error("STIX-7.2.1-07", label, expected);
        };
        let name = match known {
            Tlp::Clear => "white",
            Tlp::Green => "green",
            Tlp::Amber | Tlp::AmberStrict => "amber",
            Tlp::Red => "red",
        };
        let upper = format!("TLP:{}", name.to_ascii_uppercase());
        let same = label.as_str() == Some(name)
            && text("created") == Some("2017-01-20T00:00:00.000Z")
            && (self.spec == Spec::V20
                || (text("name") == Some(&upper)
                    && root.members().all(|(key, _)| TLP_KEYS.contains(&key))));
        if !same {
            self.error("STIX-7.2.1-06", label, format!("the published {upper} to the letter"));
        }
    }

    /// Translations: keys are language tags, and names of properties inside.
    pub(super) fn language_content(&mut self, root: Value<'_>) {
        let Some(contents) = root.get("contents") else { return };
        for (tag, translations) in contents.members() {
            if !registry::is_language_tag(tag) {
                let expected = "a language tag of RFC 5646";
                self.inside(("STIX-7.1.1-04", Level::Error), translations, tag, expected);
            }
            if translations.kind() != Kind::Object {
                self.mistyped("7.1.1", translations, "an object of translations");
            }
            for (name, translation) in translations.members() {
                self.extension_property_name(name, translation);
                if !matches!(translation.kind(), Kind::String | Kind::List | Kind::Object) {
                    let expected = "text, or a list or an object of it";
                    self.error("STIX-7.1.1-05", translation, expected);
                }
            }
        }
    }

    /// Translations against the object they translate.
    pub(super) fn translations(&mut self, content: Value<'_>, object: Value<'_>) {
        let modified = object.get("modified").and_then(Value::as_str);
        if let (Some(time), Some(then)) = (content.get("object_modified"), modified)
            && time.as_str().is_some_and(|time| crate::compare_timestamps(time, then).is_ne())
        {
            return self.error("STIX-7.1.1-03", time, format!("`modified` of the object: {then}"));
        }
        let languages = content.get("contents").into_iter().flat_map(Value::members);
        for (name, translation) in languages.flat_map(|(_, inner)| inner.members()) {
            match object.get(name) {
                None => {
                    let expected = "a property that the object has; this one is ignored";
                    self.remark("STIX-7.1.1-08", Level::Note, translation, expected);
                }
                Some(original) => self.translation(translation, original),
            }
        }
    }

    fn translation(&mut self, translation: Value<'_>, original: Value<'_>) {
        // INVARIANT: nesting is at most 256, so this may recurse.
        match (original.kind(), translation.kind()) {
            (Kind::String, Kind::String) => {}
            (Kind::String, _) => {
                self.error("STIX-7.1.1-05", translation, "a string, as the original");
            }
            (Kind::List, Kind::List) if original.len() != translation.len() => {
                let expected = format!("{} items, as the original", original.len());
                self.error("STIX-7.1.1-06", translation, expected);
            }
            (Kind::List, Kind::List) => {
                for (inner, original) in translation.items().zip(original.items()) {
                    if inner.kind() == Kind::Null {
                        self.error("STIX-7.1.1-07", inner, "\"\" where nothing is translated");
                    } else {
                        self.translation(inner, original);
                    }
                }
            }
            (Kind::Object, Kind::Object) => {
                for (key, inner) in translation.members() {
                    if let Some(original) = original.get(key) {
                        self.translation(inner, original);
                    }
                }
            }
            _ => {
                let expected = "text of a property that can be translated; this one is ignored";
                self.remark("STIX-7.1.1-08", Level::Note, translation, expected);
            }
        }
    }
}

const TLP_KEYS: [&str; 7] =
    ["type", "spec_version", "id", "created", "definition_type", "name", "definition"];

fn is_tlp_1(id: &str) -> bool {
    ["613f2e26", "34098fce", "f88d31f6", "5e57c739"].iter().any(|start| {
        id.strip_prefix("marking-definition--").is_some_and(|id| id.starts_with(start))
    })
}

/// A component that names a property or a key of a dictionary.
fn is_selector_name(component: &str) -> bool {
    !component.is_empty()
        && component.len() <= 250
        && component.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
