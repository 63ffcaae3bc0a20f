//! The OpenAPI 3.1 document: paths from the endpoints' declarations, schemas from one kept file.
//!
//! The schemas are kept by hand because the types behind them live in rooms that know nothing of
//! HTTP; a test holds each answer of a running desk against them (decision 0006).

use serde_json::{Map, Value, json};

use super::{Access, Content, Endpoint};

const SCHEMAS: &str = include_str!("../../assets/api-schemas.json");

/// The whole document.
pub(super) fn document(endpoints: &[Endpoint]) -> Value {
    let mut paths = Map::new();
    for endpoint in endpoints {
        let path = paths.entry(format!("/api{}", endpoint.path)).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(endpoint.method.as_str().to_ascii_lowercase(), operation(endpoint));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Détente, the desk's API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Whatever the console and the command line can do. What is refused is \
                answered by a problem document (RFC 9457) with the rule's id and a remedy.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "password": [] }],
        "paths": paths,
        "components": {
            "schemas": serde_json::from_str::<Value>(SCHEMAS).unwrap_or_default(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "password": { "type": "http", "scheme": "basic" },
            },
        },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut parameters: Vec<Value> = path_parameters(endpoint.path);
    parameters.extend(endpoint.query.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": "query",
            "required": parameter.required,
            "description": parameter.about,
            "schema": reference(parameter.schema),
        })
    }));
    let mut operation = json!({
        "operationId": operation_id(endpoint),
        "summary": endpoint.summary,
        "description": access_words(endpoint.access),
        "tags": [endpoint.tag],
        "parameters": parameters,
        "responses": {
            "200": { "description": "done", "content": content(endpoint.answer) },
            "default": {
                "description": "what is wrong, by which rule, and what can be done",
                "content": { "application/problem+json": { "schema": reference("Problem") } },
            },
        },
    });
    let Some(fields) = operation.as_object_mut() else { return operation };
    if endpoint.body != Content::Empty {
        let body = json!({ "required": true, "content": content(endpoint.body) });
        fields.insert("requestBody".to_owned(), body);
    }
    if endpoint.access == Access::Anyone {
        fields.insert("security".to_owned(), json!([]));
    }
    operation
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn content(content: Content) -> Value {
    match content {
        Content::Empty => json!({}),
        Content::Json(schema) => json!({ "application/json": { "schema": reference(schema) } }),
        Content::Bytes(kind) => json!({ kind: { "schema": { "type": "string" } } }),
    }
}

/// The words in braces of a path; each names the schema of its kind.
fn path_parameters(path: &str) -> Vec<Value> {
    let words = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    words
        .map(|name| {
            let schema = match (name, path.split('/').nth(1)) {
                ("id", Some("releases")) => "Uuid",
                ("token" | "certificate", _) => "Text",
                ("id", Some("collections")) => "Text",
                ("id", _) => "Digest",
                ("node", _) => "NodeName",
                _ => "Name",
            };
            json!({ "name": name, "in": "path", "required": true, "schema": reference(schema) })
        })
        .collect()
}

fn access_words(access: Access) -> String {
    match access {
        Access::Anyone => "Open to whoever reaches the desk.".to_owned(),
        Access::Known => "For every account.".to_owned(),
        Access::OneOf(roles) => {
            let words: Vec<_> = roles.iter().map(|role| role.word()).collect();
            format!("For accounts with the role {}.", words.join(" or "))
        }
    }
}

/// `get_releases_by_id`: stable as long as method and path are.
fn operation_id(endpoint: &Endpoint) -> String {
    let words = endpoint.path.split('/').filter(|part| !part.is_empty()).map(|part| {
        let plain = part.trim_matches(['{', '}']).replace(['-', '.'], "_");
        if part.starts_with('{') { format!("by_{plain}") } else { plain }
    });
    let method = endpoint.method.as_str().to_ascii_lowercase();
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}
