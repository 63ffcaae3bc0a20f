//! Patterns of indicators: read by [`crate::pattern`], judged here.

use super::judge::Judge;
use crate::{Level, Spec, pattern, tree::Value};

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
        if let Err(error) = pattern::parse(pattern, spec) {
            let place = format!("line {}, column {} of the pattern", error.line, error.column);
            let expected = format!("{} at {place}", error.expected);
            self.inside((error.rule, Level::Error), value, &error.found, expected);
        }
    }
}
