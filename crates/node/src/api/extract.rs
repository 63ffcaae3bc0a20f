//! What handlers take from a request; whatever is wrong with it becomes a problem document.

use axum::{
    extract::{FromRequest, FromRequestParts, Path as AnyPath, Request, rejection::BytesRejection},
    http::{StatusCode, header, request::Parts},
    response::IntoResponse,
};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::malformed;
use crate::problem::{Problem, clipped};

/// A JSON body.
pub(super) struct Json<T>(pub(super) T);

/// A body as it is, whole.
pub(super) struct Whole(pub(super) Bytes);

/// The query.
pub(super) struct Query<T>(pub(super) T);

/// The parameters of the path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let essence = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "API-415",
                "the body must be JSON",
                "send it with `Content-Type: application/json`",
            ));
        }
        let Whole(bytes) = Whole::from_request(request, state).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| not_json(&error))
    }
}

fn not_json(error: &serde_json::Error) -> Problem {
    use serde_json::error::Category;
    let words = clipped(&error.to_string());
    match error.classify() {
        Category::Data => malformed("API-400", &words),
        Category::Syntax | Category::Eof | Category::Io => malformed("JSON-1", &words),
    }
}

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Bytes::from_request(request, state).await.map(Self).map_err(not_whole)
    }
}

fn not_whole(rejection: BytesRejection) -> Problem {
    match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "API-413",
            &format!("the body is longer than {} bytes", super::BODY_LEN_MAX),
            "send it in several pieces",
        ),
        _ => malformed("API-408", "the body broke off or came too slowly"),
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(read)) => Ok(Self(read)),
            Err(rejection) => Err(malformed("API-400", &clipped(&rejection.body_text()))),
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match AnyPath::from_request_parts(parts, state).await {
            Ok(AnyPath(read)) => Ok(Self(read)),
            Err(_) => Err(malformed("API-400", "an id in the path is malformed")),
        }
    }
}
