//! The typed head of an object: what every node needs to know of it, borrowed from its bytes.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Which edition of the standard an object is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spec {
    /// STIX 2.0.
    V20,
    /// STIX 2.1.
    V21,
}

impl Spec {
    /// `2.0` or `2.1`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V20 => "2.0",
            Self::V21 => "2.1",
        }
    }
}

/// Why no head could be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The bytes are no JSON object.
    #[error("not a JSON object")]
    NotObject,
    /// A property of the head stands twice.
    #[error("a property stands twice")]
    Doubled,
}

/// The head of an object. Properties of the wrong type are absent here and stand in the findings.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// `type`, empty when absent.
    pub type_: Cow<'a, str>,
    /// `id`, empty when absent.
    pub id: Cow<'a, str>,
    /// `spec_version` as written.
    pub spec_version: Option<Cow<'a, str>>,
    /// `created` as written.
    pub created: Option<Cow<'a, str>>,
    /// `modified` as written.
    pub modified: Option<Cow<'a, str>>,
    /// `revoked`, false when absent.
    pub revoked: bool,
    /// `created_by_ref`.
    pub created_by_ref: Option<Cow<'a, str>>,
    /// `object_marking_refs`.
    pub object_marking_refs: Vec<Cow<'a, str>>,
    /// `marking_ref` of each granular marking.
    pub granular_marking_refs: Vec<Cow<'a, str>>,
    pub(crate) raw: RawHead<'a>,
}

/// The head's properties as they stand, before anything is believed about their types.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RawHead<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) type_: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) spec_version: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) created: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) modified: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) revoked: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) created_by_ref: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) object_marking_refs: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) granular_markings: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) confidence: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) lang: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) labels: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) external_references: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Granular<'a> {
    #[serde(borrow)]
    marking_ref: Option<Cow<'a, str>>,
}

impl<'a> Head<'a> {
    /// Reads the head of one object's bytes.
    ///
    /// *Errors*: [`HeadError::NotObject`], [`HeadError::Doubled`] for a head property that stands
    /// twice.
    pub fn parse(object: &'a [u8]) -> Result<Self, HeadError> {
        let raw: RawHead<'a> = serde_json::from_slice(object).map_err(|error| {
            let doubled = error.is_data() && error.to_string().starts_with("duplicate field");
            if doubled { HeadError::Doubled } else { HeadError::NotObject }
        })?;
        Ok(Self {
            type_: raw.type_.and_then(string).unwrap_or_default(),
            id: raw.id.and_then(string).unwrap_or_default(),
            spec_version: raw.spec_version.and_then(string),
            created: raw.created.and_then(string),
            modified: raw.modified.and_then(string),
            revoked: raw.revoked.is_some_and(|value| value.get() == "true"),
            created_by_ref: raw.created_by_ref.and_then(string),
            object_marking_refs: raw.object_marking_refs.and_then(strings).unwrap_or_default(),
            granular_marking_refs: raw.granular_markings.map(granular).unwrap_or_default(),
            raw,
        })
    }

    /// `modified`, else `created`, as written; none for objects without versions.
    pub fn version(&self) -> Option<&str> {
        self.modified.as_deref().or(self.created.as_deref())
    }

    /// The edition: `spec_version`, else 2.0 when there is a `created`, else 2.1.
    pub fn spec(&self) -> Spec {
        match self.spec_version.as_deref() {
            Some("2.0") => Spec::V20,
            Some(_) => Spec::V21,
            None if self.created.is_some() => Spec::V20,
            None => Spec::V21,
        }
    }
}

/// A JSON string, borrowed where it has no escapes.
pub(crate) fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    let text = value.get();
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str::<String>(text).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A list of strings.
pub(crate) fn strings(value: &RawValue) -> Option<Vec<Cow<'_, str>>> {
    let texts: Vec<Text<'_>> = serde_json::from_str(value.get()).ok()?;
    Some(texts.into_iter().map(|text| text.0).collect())
}

fn granular(value: &RawValue) -> Vec<Cow<'_, str>> {
    let markings: Vec<Granular<'_>> = serde_json::from_str(value.get()).unwrap_or_default();
    markings.into_iter().filter_map(|marking| marking.marking_ref).collect()
}
