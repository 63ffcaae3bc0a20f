//! What the query of a page's address says. A page that cannot read it says so, and guesses nothing.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use percent_encoding::percent_decode_str;

use super::frame::Failed;

/// The query, read parameter by parameter.
pub(super) struct Query(String);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.uri.query().unwrap_or_default().to_owned()))
    }
}

impl Query {
    /// A parameter, where it is there. Others are ignored: programs that pass links on add theirs.
    ///
    /// *Errors*: 400 that names the parameter, where it stands twice or `read` makes nothing of it.
    pub(super) fn get<T>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Failed> {
        let decoded = |raw| percent_decode_str(raw).decode_utf8();
        let pairs = self.0.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut values = pairs.filter(|(named, _)| decoded(named).is_ok_and(|named| named == name));
        let Some((_, value)) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(unread(name, &format!("the address says `{name}=` twice")));
        }
        let value = decoded(value).ok().and_then(|value| read(&value));
        let title = || format!("what the address says after `{name}=` cannot be read");
        value.map(Some).ok_or_else(|| unread(name, &title()))
    }
}

fn unread(name: &str, title: &str) -> Failed {
    Failed::unread(title, &format!("go on from the desk, or take `{name}=` out of the address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(query: &str) -> Result<Option<u32>, Failed> {
        Query(query.to_owned()).get("from", |text| text.parse().ok())
    }

    #[test]
    fn parameter_is_read_wherever_it_stands() {
        for (query, found) in [
            ("", None),
            ("before=7", None),
            ("from=7", Some(7)),
            ("utm=%ff&from=7&&x", Some(7)),
            ("%66rom=%37", Some(7)),
        ] {
            assert_eq!(number(query).ok(), Some(found), "{query}");
        }
    }

    #[test]
    fn parameter_that_cannot_be_read_is_named() {
        for query in
            ["from", "from=", "from=-1", "from=seven", "from=%ff", "from=%3", "from=1&from=1"]
        {
            assert!(number(query).is_err(), "{query}");
        }
    }
}
