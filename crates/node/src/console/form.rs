//! Forms as they come. One that cannot be read leads to a page that says why, as a person who goes on
//! in a page of yesterday or writes to an address by hand meets it.

use std::error::Error;

use axum::{
    extract::{FromRequest, Multipart, Request, rejection::FormRejection},
    http::StatusCode,
};
use serde::de::DeserializeOwned;

use super::frame::Failed;
use crate::{desk::Shared, problem::clipped};

/// The fields of a form.
pub(super) struct Form<T>(pub(super) T);

/// A form with a document.
pub(super) struct Upload(pub(super) Multipart);

impl<T: DeserializeOwned> FromRequest<Shared> for Form<T> {
    type Rejection = Failed;

    async fn from_request(request: Request, desk: &Shared) -> Result<Self, Failed> {
        match axum::Form::from_request(request, desk).await {
            Ok(axum::Form(form)) => Ok(Self(form)),
            Err(rejection) => Err(unread(&rejection)),
        }
    }
}

impl FromRequest<Shared> for Upload {
    type Rejection = Failed;

    async fn from_request(request: Request, desk: &Shared) -> Result<Self, Failed> {
        let form = Multipart::from_request(request, desk).await;
        form.map(Self).map_err(|rejection| {
            Failed::unread_form(StatusCode::BAD_REQUEST, &clipped(&rejection.body_text()))
        })
    }
}

fn unread(rejection: &FormRejection) -> Failed {
    let status = match rejection.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    // The innermost cause names the field.
    let mut cause: &dyn Error = rejection;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Failed::unread_form(status, &clipped(&cause.to_string()))
}
