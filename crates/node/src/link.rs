//! The link to a partner: one HTTPS client for each partner and lane, kept open between sends.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use exchange::{
    Service, gaps,
    relay::{CheckpointAnswer, Link, LinkError},
};
use protocol::{
    envelope::MEDIA_TYPE,
    terms::{AgreementId, Digest, NodeName},
};
use reqwest::{Client, StatusCode};
use store::{Lane, Partner};

use crate::tls::LinkKey;

/// A client, and the keys that it accepts on the other end.
type Pinned = (Vec<Digest>, Client);

/// Links to every partner.
pub struct Links {
    key: Arc<LinkKey>,
    service: Service,
    clients: Mutex<HashMap<(NodeName, Lane), Pinned>>,
}

impl Links {
    /// With this node's link key.
    pub fn new(key: Arc<LinkKey>, service: Service) -> Self {
        Self { key, service, clients: Mutex::default() }
    }

    /// A client whose other end must hold one of the partner's keys; a rotation makes a new one.
    async fn client(&self, partner: &NodeName, lane: Lane) -> Result<Client, LinkError> {
        let pins = pins(&self.service, partner).await;
        let key = (partner.clone(), lane);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((held, client)) = clients.get(&key)
            && *held == pins
        {
            return Ok(client.clone());
        }
        let allowed = pins.clone();
        let pinned = Arc::new(move |pin: &Digest| allowed.contains(pin));
        let tls = self.key.link(pinned).map_err(|_| LinkError::Unreachable)?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(120))
            .tcp_nodelay(true)
            .build()
            .map_err(|_| LinkError::Unreachable)?;
        clients.insert(key, (pins, client.clone()));
        Ok(client)
    }
}

/// The link keys that a partner's key statements name.
pub async fn pins(service: &Service, partner: &NodeName) -> Vec<Digest> {
    let held = service.key_statements(partner).await.unwrap_or_default();
    held.iter().flat_map(|keys| keys.tls().to_vec()).collect()
}

fn address(partner: &Partner, path: &str) -> Option<String> {
    Some(format!("{}{path}", partner.url.as_deref()?.trim_end_matches('/')))
}

impl Link for Links {
    async fn send(&self, to: &Partner, lane: Lane, envelope: Bytes) -> Result<(), LinkError> {
        let url = address(to, "/statements").ok_or(LinkError::Unreachable)?;
        let client = self.client(&to.name, lane).await?;
        let request = client.post(url).header("content-type", MEDIA_TYPE).body(envelope);
        let answer = request.send().await.map_err(|_| LinkError::Unreachable)?;
        match answer.status() {
            StatusCode::ACCEPTED => Ok(()),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Err(LinkError::Busy),
            status => Err(LinkError::NotAccepted { code: status.as_u16().to_string() }),
        }
    }

    async fn checkpoint(&self, to: &Partner, since: u64) -> Result<CheckpointAnswer, LinkError> {
        let url = address(to, &format!("/checkpoint?since={since}"));
        let client = self.client(&to.name, Lane::Bulk).await?;
        let answer = client.get(url.ok_or(LinkError::Unreachable)?).send().await;
        let answer = answer.map_err(|_| LinkError::Unreachable)?;
        if answer.status() != StatusCode::OK {
            return Err(LinkError::NotAccepted { code: answer.status().as_u16().to_string() });
        }
        answer.json().await.map_err(|_| LinkError::Malformed)
    }

    async fn missing(
        &self,
        to: &Partner,
        agreement: &AgreementId,
        after: u64,
    ) -> Result<Vec<Bytes>, LinkError> {
        let url = address(to, &format!("/statements/{agreement}?after={after}"));
        let client = self.client(&to.name, Lane::Bulk).await?;
        let answer = client.get(url.ok_or(LinkError::Unreachable)?).send().await;
        let answer = answer.map_err(|_| LinkError::Unreachable)?;
        if answer.status() != StatusCode::OK {
            return Err(LinkError::NotAccepted { code: answer.status().as_u16().to_string() });
        }
        let bytes = answer.bytes().await.map_err(|_| LinkError::Unreachable)?;
        gaps::parse(&bytes).ok_or(LinkError::Malformed)
    }
}
