//! Patterns of indicators: read by [`crate::pattern`], judged here.

use super::judge::Judge;
use crate::{
    Level, Spec,
    pattern::{self, CustomCheck},
    tree::Value,
};

impl Judge<'_> {
    /// The pattern of an indicator, if it is a STIX pattern.
    pub(super) fn pattern(&mut self, root: Value<'_>) {
        let text = |name| root.get(name).and_then(Value::as_str);
        let Some(value) = root.get("pattern") else { return };
        let Some(pattern) = value.as_str() else { return };
        if self.spec == Spec::V21 && text("pattern_type") != Some("stix") {
            return;
        }
        let version = text("pattern_version").or_else(|| text("spec_version"));
        let spec = match version {
            Some("2.0") => Spec::V20,
            None if self.spec == Spec::V20 => Spec::V20,
            _ => Spec::V21,
        };
        let key = self.pattern_key(pattern, spec);
        if self.is_sound_pattern(key) {
            return;
        }
        match pattern::parse(pattern, spec) {
            Err(error) => {
                let place = format!("line {}, column {} of the pattern", error.line, error.column);
                let expected = format!("{} at {place}", error.expected);
                self.inside((error.rule, Level::Error), value, &error.found, expected);
            }
            Ok(pattern) => {
                let findings = pattern::findings(&pattern, self.custom_check());
                if findings.is_empty() {
                    self.remember_sound_pattern(key);
                }
                for found in findings {
                    let place = format!("line {}, column {}", found.line, found.column);
                    let expected = format!("{} at {place} of the pattern", found.expected);
                    // A name that no type and no property can have is certainly not one.
                    let is_name = matches!(found.rule, "STIX-9.7-01" | "STIX-9.7-02");
                    let level = if is_name { Level::Error } else { found.level };
                    self.inside((found.rule, level), value, &found.found, expected);
                }
            }
        }
    }

    /// Which check looks at custom types and properties in patterns.
    fn custom_check(&self) -> CustomCheck {
        let has = |number| self.options.checks.has(number, self.spec);
        if has(401) {
            CustomCheck::ExtensionsUse
        } else if has(101) {
            CustomCheck::Prefix
        } else if has(102) {
            CustomCheck::PrefixLax
        } else {
            CustomCheck::Off
        }
    }
}
