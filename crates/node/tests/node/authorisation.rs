//! Who may ask what: every endpoint is asked by every role, and the table is kept in the tree.

use std::path::Path;

use axum::{
    body::Body,
    http::{Request, header},
};
use protocol::terms::Role;

use crate::desk::{Client, desks};

/// An id that no release and no agreement has.
const ABSENT: [(&str, &str); 5] = [
    ("{id}", "00000000-0000-4000-8000-00000000dead"),
    ("{node}", "nobody.example%2Fchannel"),
    ("{name}", "nobody"),
    ("{token}", "0000"),
    ("{certificate}", "0000"),
];

/// What a role alone does not give; the tests `role_2_…` of `access` hold it.
const TOPICS: &str = "
## Under a topic

Topics are compartments: beyond the role, whoever acts under one has access to its collections
(`detente collection grant`), else `ROLE-2`. The use cases ask, so the API, the command line and the
console answer alike. An account whose sight ends below an item's marking, or that is not of an item's community,
does not decide on it (`ROLE-3`); it may still stop it.

| endpoint | access to the topic | sight of every item |
| --- | --- | --- |
| POST /api/releases | writing, outgoing | |
| GET /api/releases/{id}/items | reading, outgoing | lists what is seen |
| POST /api/releases/{id}/again | writing, outgoing | yes |
| POST /api/releases/{id}/approve | reading, outgoing | yes |
| POST /api/releases/{id}/return | reading, outgoing | |
| POST /api/releases/{id}/recall | reading, outgoing | |
| POST /api/quarantine/{id}/accept | reading, incoming | yes |
| POST /api/quarantine/{id}/refuse | reading, incoming | |
| POST /api/statements/{id}/acknowledge | reading, incoming | |
";

async fn verdict(client: &Client, token: Option<&str>, method: &str, path: &str) -> &'static str {
    let url = ABSENT.iter().fold(format!("/api{path}"), |url, (name, id)| url.replace(name, id));
    let mut request = Request::builder().method(method).uri(url);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    // No body: whoever is let in gets no further than the form of the request.
    match client.send(request.body(Body::empty()).unwrap()).await.status {
        401 => "–",
        403 => "no",
        _ => "yes",
    }
}

#[tokio::test]
async fn table_of_who_may_ask_what_is_the_one_that_is_kept() {
    let desks = desks(15).await;
    let a = &desks.a;
    let mut callers = vec![("nobody", None), ("no role", Some(a.account("plain", &[]).await))];
    for role in Role::ALL {
        callers.push((role.word(), Some(a.account(role.word(), &[*role]).await)));
    }
    let names: Vec<_> = callers.iter().map(|(name, _)| *name).collect();
    let mut table = format!(
        "# Who may ask what\n\nMade by the test `authorisation` of crates/node, which asks each \
         endpoint as each role; `–` asks for an account. `DETENTE_BLESS=1 cargo test -p node` writes it anew.\n\n\
         | endpoint | {} |\n| --- |{}\n",
        names.join(" | "),
        " --- |".repeat(names.len())
    );
    for endpoint in node::api::endpoints() {
        let (method, path) = (endpoint.method.as_str(), endpoint.path);
        let mut cells = Vec::new();
        for (_, token) in &callers {
            cells.push(verdict(a, token.as_deref(), method, path).await);
        }
        table.push_str(&format!("| {method} /api{path} | {} |\n", cells.join(" | ")));
    }
    table.push_str(TOPICS);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/authorisation.md");
    if std::env::var_os("DETENTE_BLESS").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, table, "docs/authorisation.md is not what the node does");
}
