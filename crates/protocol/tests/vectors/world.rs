//! Two invented nodes, an agreement, and one statement between them.

use bytes::Bytes;
use protocol::{
    envelope::Envelope,
    header::{Header, Items, Policy, To},
    keys::{KeyStatement, NodeKeys},
    statement::{self, Address, Draft, Item, Opened, Refusal, RefusalCode, compose, sign},
    terms::{AgreementId, Digest, NodeName, Precedence, Status, Timestamp},
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// 2031-05-04T10:00:00Z.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_ms(1_935_741_600_000)
}

pub(crate) struct World {
    pub(crate) rng: ChaCha20Rng,
    pub(crate) a: NodeKeys,
    pub(crate) b: NodeKeys,
}

impl World {
    pub(crate) fn new(seed: u8) -> Self {
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let until = now().plus_ms(90 * 24 * 3_600 * 1_000);
        let mut keys = |name: &str, tls: u8| {
            let name: NodeName = name.parse().unwrap();
            NodeKeys::generate(&name, &[Digest([tls; 32])], now(), until, &mut rng).unwrap()
        };
        let (a, b) = (keys("aldermoor.example/channel", 1), keys("brevia.example/channel", 2));
        Self { rng, a, b }
    }

    pub(crate) fn me(&self) -> NodeName {
        self.b.statement().node().clone()
    }

    pub(crate) fn header(&self, count: usize) -> Header {
        Header {
            from: self.a.statement().node().clone(),
            kind: "release".to_owned(),
            status: Status::Test,
            agreement: agreement(),
            topic: Some("lamps".parse().unwrap()),
            precedence: Precedence::Routine,
            to: To::Names(vec![self.me()]),
            re: Vec::new(),
            items: Items { count },
            policy: Policy::default(),
            signed_by: None,
            released_by: None,
            seen: None,
            body: None,
        }
    }

    pub(crate) fn envelope(&mut self, header: Header, items: Vec<Item>) -> Envelope {
        let recipient = self.b.statement().clone();
        self.envelope_to(header, items, &recipient)
    }

    /// A statement that is addressed to B and sealed to whoever is named.
    pub(crate) fn envelope_to(
        &mut self,
        header: Header,
        items: Vec<Item>,
        recipient: &KeyStatement,
    ) -> Envelope {
        let sealed = compose(Draft { header, items }, &[recipient], &mut self.rng).unwrap();
        let address =
            Address { to: self.me(), agreement: agreement(), number: 17, prev: Digest([5; 32]) };
        let signed = sign(&sealed, &[address], &self.a, now(), &mut self.rng).unwrap();
        Envelope {
            manifest: signed.manifest().clone(),
            slip: signed.slips()[0].1.clone(),
            payload: sealed.payload().clone(),
            proof: None,
        }
    }

    pub(crate) fn read(&self, envelope: &Envelope) -> Result<Opened, Refusal> {
        // As it comes over the wire: the framing is part of what is read.
        self.read_bytes(&envelope.to_bytes())
    }

    pub(crate) fn read_bytes(&self, bytes: &Bytes) -> Result<Opened, Refusal> {
        let envelope = Envelope::parse(bytes)?;
        let held = |node: &NodeName, epoch: u32| match self.a.statement() {
            keys if keys.node() != node => Err(RefusalCode::SenderUnknown),
            keys if keys.epoch() != epoch => Err(RefusalCode::KeysUnknown),
            keys => Ok(keys),
        };
        let verified = statement::verify(&envelope, &self.me(), held, |id| *id == agreement())?;
        statement::open(verified, self.b.seal_identities())
    }
}

pub(crate) fn agreement() -> AgreementId {
    AgreementId(Digest([3; 32]))
}

pub(crate) fn stix(text: &str) -> Item {
    Item::stix(Bytes::from(text.to_owned()))
}
