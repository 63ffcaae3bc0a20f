//! The declaration of one endpoint: route, access, what it takes and gives.

use axum::{
    handler::Handler,
    http::Method,
    routing::{MethodFilter, MethodRouter, on},
};
use protocol::terms::Role;

use crate::desk::Shared;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches the desk.
    Anyone,
    /// Every account.
    Known,
    /// Accounts with one of these roles.
    OneOf(&'static [Role]),
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Empty,
    /// JSON of a named schema.
    Json(&'static str),
    /// Bytes of a media type.
    Bytes(&'static str),
}

/// A parameter of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Name of its schema.
    pub schema: &'static str,
    /// Whether it must stand there.
    pub required: bool,
    /// What it is for.
    pub about: &'static str,
}

/// One endpoint.
pub struct Endpoint {
    /// Its method.
    pub method: Method,
    /// Its path below `/api`.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// The group that it stands in.
    pub tag: &'static str,
    /// Parameters of the query.
    pub query: Vec<Parameter>,
    /// What it takes.
    pub body: Content,
    /// What it gives.
    pub answer: Content,
    pub(super) handler: MethodRouter<Shared>,
}

impl Endpoint {
    /// A GET of JSON.
    pub(super) fn get<T: 'static>(path: &'static str, handler: impl Handler<T, Shared>) -> Self {
        Self::new(Method::GET, path, on(MethodFilter::GET, handler))
    }

    /// A POST.
    pub(super) fn post<T: 'static>(path: &'static str, handler: impl Handler<T, Shared>) -> Self {
        Self::new(Method::POST, path, on(MethodFilter::POST, handler))
    }

    /// A PATCH.
    pub(super) fn patch<T: 'static>(path: &'static str, handler: impl Handler<T, Shared>) -> Self {
        Self::new(Method::PATCH, path, on(MethodFilter::PATCH, handler))
    }

    /// A DELETE.
    pub(super) fn delete<T: 'static>(path: &'static str, handler: impl Handler<T, Shared>) -> Self {
        Self::new(Method::DELETE, path, on(MethodFilter::DELETE, handler))
    }

    fn new(method: Method, path: &'static str, handler: MethodRouter<Shared>) -> Self {
        Self {
            method,
            path,
            access: Access::Known,
            summary: "",
            tag: path.split('/').nth(1).unwrap_or_default(),
            query: Vec::new(),
            body: Content::Empty,
            answer: Content::Empty,
            handler,
        }
    }

    /// What it does and what it gives.
    pub(super) fn gives(mut self, summary: &'static str, schema: &'static str) -> Self {
        self.summary = summary;
        self.answer = Content::Json(schema);
        self
    }

    /// Bytes instead of JSON.
    pub(super) fn gives_bytes(mut self, summary: &'static str, media_type: &'static str) -> Self {
        self.summary = summary;
        self.answer = Content::Bytes(media_type);
        self
    }

    /// Who may ask; every account where nobody is named.
    pub(super) fn by(mut self, roles: &'static [Role]) -> Self {
        self.access = Access::OneOf(roles);
        self
    }

    /// Open to whoever reaches the desk.
    pub(super) fn open(mut self) -> Self {
        self.access = Access::Anyone;
        self
    }

    /// Takes JSON.
    pub(super) fn takes(mut self, schema: &'static str) -> Self {
        self.body = Content::Json(schema);
        self
    }

    /// Takes bytes.
    pub(super) fn takes_bytes(mut self, media_type: &'static str) -> Self {
        self.body = Content::Bytes(media_type);
        self
    }

    /// Knows a parameter that may be left out.
    pub(super) fn with(
        mut self,
        name: &'static str,
        schema: &'static str,
        about: &'static str,
    ) -> Self {
        self.query.push(Parameter { name, schema, required: false, about });
        self
    }

    /// Needs a parameter.
    pub(super) fn needs(
        mut self,
        name: &'static str,
        schema: &'static str,
        about: &'static str,
    ) -> Self {
        self.query.push(Parameter { name, schema, required: true, about });
        self
    }
}
