//! STIX 2.0 objects, as they occur in bundles of 2.1.
//!
//! Their tables differ from those of 2.1 in which properties stand and must stand; where both
//! editions state the same MUST, its id is that of 2.1. What only 2.0 asks has ids `STIX20-…`
//! by part and section of the 2.0 specification.

use super::{judge::Judge, object::Context};
use crate::{
    model::{Property, Type, old_custom_common, old_type_of},
    tree::{Kind, Value},
};

impl Judge<'_> {
    /// One object of 2.0.
    pub(super) fn old_object(&mut self, ctx: &Context<'_>) {
        match old_type_of(ctx.type_name) {
            Some(type_) => {
                self.members(type_, ctx.root, ctx);
                self.orders(type_, ctx.root);
                self.old_special(type_, ctx);
            }
            None => self.old_custom(ctx),
        }
        self.identity(ctx);
        self.markings(ctx);
    }

    fn old_special(&mut self, type_: &'static Type, ctx: &Context<'_>) {
        match type_.name {
            "indicator" => self.pattern(ctx.root),
            "relationship" | "marking-definition" | "attack-pattern" | "vulnerability" => {
                self.special(type_, ctx);
            }
            "bundle" => {
                let version = ctx.root.get("spec_version");
                if version.is_some_and(|version| version.as_str() != Some("2.0")) {
                    self.error("STIX20-1-5.1-01", version.unwrap_or(ctx.root), "2.0");
                }
            }
            "observed-data" => {
                for (key, object) in ctx.root.get("objects").into_iter().flat_map(Value::members) {
                    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_digit()) {
                        self.warn(141, object, "a key that is a number from 0");
                    }
                }
            }
            _ => {}
        }
    }

    /// A property that 2.0 has on an observable object, and 2.1 no longer.
    pub(super) fn old_property(
        &mut self,
        property: &'static Property,
        member: Value<'_>,
        ctx: &Context<'_>,
    ) {
        if property.name == "encryption_algorithm"
            && !member.as_str().is_none_or(|name| OLD_ENCRYPTION.contains(&name))
        {
            self.warn(242, member, "one of encryption-algo-ov of STIX 2.0");
        }
        self.property(property, member, ctx);
    }

    /// A file of 2.0 that is not encrypted has no algorithm and no key.
    pub(super) fn old_encryption(&mut self, object: Value<'_>) {
        let is_file = object.get("type").and_then(Value::as_str) == Some("file");
        let encrypted = object.get("is_encrypted").and_then(Value::as_bool) == Some(true);
        for name in ["encryption_algorithm", "decryption_key"] {
            if let Some(value) = object.get(name).filter(|_| is_file && !encrypted) {
                self.error("STIX20-4-2.7-01", value, "only where `is_encrypted` is true");
            }
        }
    }

    fn old_custom(&mut self, ctx: &Context<'_>) {
        self.type_name(ctx);
        for property in old_custom_common() {
            match ctx.root.get(property.name) {
                None if property.required => self.missing(property.name, ctx.root, "3.2"),
                None => {}
                Some(value) if value.kind() == Kind::Null => {
                    self.mistyped("2", value, "a value, or no property");
                }
                Some(value) => self.property(property, value, ctx),
            }
        }
        self.order(ctx.root, "created", "modified", false, "STIX-3.2-06");
    }
}

/// `encryption-algo-ov` of STIX 2.0.
const OLD_ENCRYPTION: [&str; 20] = [
    "AES128-ECB",
    "AES128-CBC",
    "AES128-CFB",
    "AES128-COFB",
    "AES128-CTR",
    "AES128-XTS",
    "AES128-GCM",
    "Salsa20",
    "Salsa12",
    "Salsa8",
    "ChaCha20-Poly1305",
    "ChaCha20",
    "DES-CBC",
    "3DES-CBC",
    "DES-ECB",
    "3DES-ECB",
    "CAST128-CBC",
    "CAST256-CBC",
    "RSA",
    "DSA",
];
