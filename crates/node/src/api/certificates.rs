//! Client certificates that stand for accounts.

use axum::{extract::State, http::StatusCode};
use protocol::terms::Role;
use serde::Deserialize;

use super::{
    Answer, Endpoint, absent,
    accounts::named,
    done,
    extract::{Json, Path},
    list, malformed,
};
use crate::{
    auth::Caller,
    desk::{Shared, now},
    problem::Problem,
    tls,
};

/// Characters of a label.
const LABEL_LEN_MAX: usize = 100;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/accounts/{name}/certificates", certificates)
            .by(&[Role::Administrator])
            .gives("Client certificates that stand for an account", "CertificateList"),
        Endpoint::post("/accounts/{name}/certificates", add)
            .by(&[Role::Administrator])
            .takes("NewCertificate")
            .gives("Let a client certificate stand for an account", "CertificateList"),
        Endpoint::delete("/accounts/{name}/certificates/{certificate}", remove)
            .by(&[Role::Administrator])
            .gives("Take a client certificate back at once", "CertificateList"),
    ]
}

async fn certificates(State(desk): State<Shared>, Path(name): Path<String>) -> Answer {
    named(&desk, &name).await?;
    done(list("certificates", desk.service.store().certificates(Some(&name)).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCertificate {
    /// As PEM.
    certificate: String,
    label: String,
}

async fn add(
    State(desk): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Json(new): Json<NewCertificate>,
) -> Answer {
    let actor = caller.account.name;
    keep(&desk, &name, (&new.certificate, new.label.trim()), actor).await?;
    certificates(State(desk), Path(name)).await
}

/// Lets a certificate, a PEM text with its label, stand for an account.
///
/// *Errors*: `COL-4` without a certificate, `CERT-1` without a label.
pub(crate) async fn keep(
    desk: &Shared,
    account: &str,
    (pem, label): (&str, &str),
    actor: String,
) -> Result<(), Problem> {
    if label.is_empty() || label.chars().count() > LABEL_LEN_MAX {
        return Err(malformed("CERT-1", "a label has 1 to 100 characters"));
    }
    named(desk, account).await?;
    let pin = tls::pin_of_pem(pem.as_bytes()).map_err(|_| {
        let title = "there is no X.509 certificate of version 3 in PEM there";
        let remedy = "hand in one that begins with BEGIN CERTIFICATE; `openssl x509 -req` makes \
                          version 1 unless -extfile gives extensions";
        Problem::new(StatusCode::BAD_REQUEST, "COL-4", title, remedy)
    })?;
    let (account, label) = (account.to_owned(), label.to_owned());
    Ok(desk.service.store().add_certificate(pin, account, label, actor, now()).await?)
}

async fn remove(
    State(desk): State<Shared>,
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> Answer {
    let actor = caller.account.name;
    let removed =
        desk.service.store().remove_certificate(name.clone(), id.clone(), actor, now()).await;
    removed.map_err(|error| match error {
        store::Error::NotFound => {
            let message = format!("no certificate {id:?} stands for an account {name:?}");
            absent(&message, "see the list of its certificates")
        }
        other => other.into(),
    })?;
    certificates(State(desk), Path(name)).await
}
