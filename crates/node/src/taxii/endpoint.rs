//! Paths: which endpoint of the standard is meant.

use percent_encoding::percent_decode_str;

use super::{RESERVED_ROOTS, negotiate::Named};

/// An endpoint, with what its path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// 4.1
    Discovery,
    /// 4.2
    Root {
        /// The root.
        name: String,
    },
    /// 4.3
    Status {
        /// The root.
        root: String,
        /// The status.
        id: String,
    },
    /// Ours (cti-taxii2 #119): which markings the account may see.
    Markings {
        /// The root.
        root: String,
    },
    /// 5.1
    Collections {
        /// The root.
        root: String,
    },
    /// 5.2
    Collection {
        /// The root.
        root: String,
        /// The collection, by id or alias.
        id: String,
    },
    /// 5.3 to 5.8
    Content {
        /// The root.
        root: String,
        /// The collection, by id or alias.
        id: String,
        /// What of it.
        content: Content,
    },
}

/// What of a collection is meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// 5.3
    Manifest,
    /// 5.4, 5.5
    Objects,
    /// 5.6, 5.7
    Object(String),
    /// 5.8
    Versions(String),
}

impl Endpoint {
    /// Reads a path. A missing last slash is supplied, segments are decoded once; NUL, `.`, `..`,
    /// `//` and wrong UTF-8 lead nowhere.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments = path.split('/').map(segment).collect::<Option<Vec<_>>>()?;
        let texts: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let own = |text: &&str| (*text).to_owned();
        Some(match texts.as_slice() {
            ["taxii2"] => Self::Discovery,
            [name] => Self::Root { name: own(name) },
            [root, "status", id] => Self::Status { root: own(root), id: own(id) },
            [root, "markings"] => Self::Markings { root: own(root) },
            [root, "collections"] => Self::Collections { root: own(root) },
            [root, "collections", id] => Self::Collection { root: own(root), id: own(id) },
            [root, "collections", id, rest @ ..] => {
                Self::Content { root: own(root), id: own(id), content: Content::parse(rest)? }
            }
            _ => return None,
        })
    }

    /// Whether a path is spelt as the standard spells its own (3.1): with its last slash, below a
    /// name that a root may have. What it names need not be there.
    pub(super) fn is_spelt(path: &str) -> bool {
        let root = path.split('/').nth(1).unwrap_or_default();
        match Self::parse(path) {
            None => false,
            Some(Self::Discovery) => true,
            Some(_) => path.ends_with('/') && !RESERVED_ROOTS.contains(&root),
        }
    }

    /// What its definition has in Accept (5.3).
    pub(super) fn named(&self) -> Named {
        match self {
            Self::Content { content: Content::Manifest, .. } => Named::TaxiiAndStix,
            _ => Named::Taxii,
        }
    }

    /// The methods that it knows, for `Allow`.
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Self::Content { content: Content::Objects, .. } => "GET, HEAD, OPTIONS, POST",
            Self::Content { content: Content::Object(_), .. } => "DELETE, GET, HEAD, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        }
    }
}

impl Content {
    fn parse(rest: &[&str]) -> Option<Self> {
        Some(match rest {
            ["manifest"] => Self::Manifest,
            ["objects"] => Self::Objects,
            ["objects", id] => Self::Object((*id).to_owned()),
            ["objects", id, "versions"] => Self::Versions((*id).to_owned()),
            _ => return None,
        })
    }
}

fn segment(raw: &str) -> Option<std::borrow::Cow<'_, str>> {
    let text = percent_decode_str(raw).decode_utf8().ok()?;
    let leads = !text.is_empty() && text != "." && text != ".." && !text.contains('\0');
    leads.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_and_without_the_last_slash_are_the_same() {
        for (path, meant) in [
            ("/taxii2", Endpoint::Discovery),
            ("/local", Endpoint::Root { name: "local".into() }),
            ("/local/status/7", Endpoint::Status { root: "local".into(), id: "7".into() }),
            ("/local/collections", Endpoint::Collections { root: "local".into() }),
            ("/local/markings", Endpoint::Markings { root: "local".into() }),
            ("/local/collections/a", Endpoint::Collection { root: "local".into(), id: "a".into() }),
        ] {
            assert_eq!(Endpoint::parse(path).as_ref(), Some(&meant));
            assert_eq!(Endpoint::parse(&format!("{path}/")), Some(meant));
        }
    }

    #[test]
    fn paths_are_decoded_once() {
        let Some(Endpoint::Content { content: Content::Object(id), .. }) =
            Endpoint::parse("/local/collections/a/objects/tool--%2531%2e/")
        else {
            panic!("an object is meant");
        };
        assert_eq!(id, "tool--%31.");
    }

    #[test]
    fn paths_are_the_standards_by_their_spelling() {
        for path in ["/taxii2/", "/taxii2", "/local/", "/nowhere/", "/local/collections/a/"] {
            assert!(Endpoint::is_spelt(path), "{path}");
        }
        for path in [
            "/local",
            "/local/collections/a",
            "/collections/",
            "/releases/collections/a/",
            "/local/nothing/",
            "/",
            "//",
            "*",
        ] {
            assert!(!Endpoint::is_spelt(path), "{path}");
        }
    }

    #[test]
    fn paths_that_lead_nowhere_are_told() {
        for path in [
            "",
            "*",
            "//",
            "/a//",
            "/a//b/",
            "/a/../b/",
            "/a/%2e%2e/",
            "/a/./",
            "/a/%00/",
            "/a/%ff/",
            "/local/collections/a/nothing/",
            "/local/collections/a/objects/b/c/",
            "/taxii2/x/",
        ] {
            assert_eq!(Endpoint::parse(path), None, "{path}");
        }
    }
}
