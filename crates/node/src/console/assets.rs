//! Style, script and mark: embedded, named by their digest, kept by browsers for good.

use std::sync::LazyLock;

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use protocol::secrets::sha256;

const CSS: &str = include_str!("../../assets/console.css");
const JS: &str = include_str!("../../assets/console.js");
const MARK: &str = include_str!("../../assets/mark.svg");

/// Changes whenever one of the assets does: the query of their addresses.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let digest = sha256([CSS, JS, MARK].concat().as_bytes());
    digest.hex().chars().take(12).collect()
});

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, text).into_response()
}

pub(super) async fn css() -> Response {
    asset("text/css; charset=utf-8", CSS)
}

pub(super) async fn js() -> Response {
    asset("text/javascript; charset=utf-8", JS)
}

pub(super) async fn mark() -> Response {
    asset("image/svg+xml", MARK)
}
