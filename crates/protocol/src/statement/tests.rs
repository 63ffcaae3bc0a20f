use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::{
    header::{Items, Policy, To},
    terms::{Precedence, Status},
};

struct World {
    rng: ChaCha20Rng,
    a: NodeKeys,
    b: NodeKeys,
}

impl World {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::from_seed([11; 32]);
        let time = Timestamp::from_ms(0);
        let mut keys = |name: &str| {
            NodeKeys::generate(&name.parse().unwrap(), &[], time, time, &mut rng).unwrap()
        };
        let (a, b) = (keys("aldermoor.example/channel"), keys("brevia.example/channel"));
        Self { rng, a, b }
    }

    fn header(&self) -> Header {
        Header {
            from: self.a.statement().node().clone(),
            kind: "release".to_owned(),
            status: Status::Test,
            agreement: agreement(),
            topic: Some("lamps".parse().unwrap()),
            precedence: Precedence::Routine,
            to: To::Names(vec![self.me()]),
            re: Vec::new(),
            items: Items { count: 0 },
            policy: Policy::default(),
            signed_by: None,
            released_by: None,
            seen: None,
            body: None,
        }
    }

    fn me(&self) -> NodeName {
        self.b.statement().node().clone()
    }

    fn envelope(&mut self, header: Header, items: Vec<Item>) -> Envelope {
        let draft = Draft { header, items };
        let sealed = compose(draft, &[self.b.statement()], &mut self.rng).unwrap();
        let address =
            Address { to: self.me(), agreement: agreement(), number: 1, prev: Digest::ZERO };
        let now = Timestamp::from_ms(5);
        let signed = sign(&sealed, &[address], &self.a, now, &mut self.rng).unwrap();
        Envelope {
            manifest: signed.manifest().clone(),
            slip: signed.slips()[0].1.clone(),
            payload: sealed.payload().clone(),
            proof: None,
        }
    }

    fn read(&self, envelope: &Envelope) -> Result<Opened, Refusal> {
        let keys = |_: &NodeName, _| Ok(self.a.statement());
        let verified = verify(envelope, &self.me(), keys, |id| *id == agreement())?;
        open(verified, self.b.seal_identities())
    }
}

fn agreement() -> AgreementId {
    AgreementId(Digest([3; 32]))
}

fn items(count: usize) -> Vec<Item> {
    (0..count).map(|n| Item::stix(Bytes::from(format!("{{\"n\": {n} }}")))).collect()
}

#[test]
fn statement_comes_back_byte_for_byte_and_each_item_can_be_proven() {
    let mut world = World::new();
    for count in [0, 1, 2, 5, 3_000] {
        let (header, sent) = (world.header(), items(count));
        let envelope = world.envelope(header, sent.clone());
        let opened = world.read(&envelope).unwrap();
        assert_eq!(opened.items(), sent);
        let manifest = Manifest::parse(&envelope.manifest).unwrap();
        for index in [0, count / 2, count.saturating_sub(1)] {
            let Some(Item::Data { kind, data }) = sent.get(index) else { continue };
            let proof = prove_item(*opened.seed(), opened.item_commitments(), index).unwrap();
            assert!(proves_item(&manifest, index, kind.word(), data, &proof));
            assert!(!proves_item(&manifest, index, kind.word(), b"other", &proof));
        }
    }
}

#[test]
fn each_check_refuses_with_its_own_code() {
    let mut world = World::new();
    let header = world.header();
    let sound = world.envelope(header, items(1));
    let code = |envelope: &Envelope| world.read(envelope).unwrap_err().code;

    let mut altered = sound.clone();
    altered.payload = Bytes::from([&sound.payload[..], b"x"].concat());
    assert_eq!(code(&altered), RefusalCode::PayloadAltered);

    let manifest = String::from_utf8(sound.manifest.to_vec()).unwrap();
    let mut altered = sound.clone();
    altered.manifest = Bytes::from(manifest.replace("time 1970", "time 1971"));
    assert_eq!(code(&altered), RefusalCode::SignatureEd25519);

    let mut altered = sound.clone();
    let without: Vec<_> = manifest.lines().take(manifest.lines().count() - 1).collect();
    altered.manifest = Bytes::from(without.join("\n") + "\n");
    assert_eq!(code(&altered), RefusalCode::SignatureMlDsa);

    let slip = String::from_utf8(sound.slip.to_vec()).unwrap();
    let mut altered = sound.clone();
    altered.slip = Bytes::from(slip.replace("number 1\n", "number 2\n"));
    assert_eq!(code(&altered), RefusalCode::NotAddressed);

    let stranger = verify(&sound, &world.me(), |_, _| Err(RefusalCode::SenderUnknown), |_| true);
    assert_eq!(stranger.unwrap_err().code, RefusalCode::SenderUnknown);
    let keys = |_: &NodeName, _| Ok(world.a.statement());
    let ended = verify(&sound, &world.me(), keys, |_| false);
    assert_eq!(ended.unwrap_err().code, RefusalCode::AgreementUnknown);
    let verified = verify(&sound, &world.me(), keys, |_| true).unwrap();
    let other = open(verified, world.a.seal_identities());
    assert_eq!(other.unwrap_err().code, RefusalCode::NotSealedToMe);
}

#[test]
fn header_that_contradicts_its_statement_is_refused() {
    let mut world = World::new();
    let mut header = world.header();
    header.from = world.me();
    let envelope = world.envelope(header, Vec::new());
    assert_eq!(world.read(&envelope).unwrap_err().code, RefusalCode::HeaderMismatch);
    let mut header = world.header();
    header.kind = "serenade".to_owned();
    let envelope = world.envelope(header, Vec::new());
    assert_eq!(world.read(&envelope).unwrap_err().code, RefusalCode::TypeUnknown);
}

#[test]
fn statement_above_a_limit_is_not_made() {
    let mut world = World::new();
    let header = world.header();
    let large = Bytes::from(vec![b' '; limits::ITEM_LEN_MAX + 1]);
    let draft = Draft { header, items: vec![Item::stix(large)] };
    let error = compose(draft, &[world.b.statement()], &mut world.rng).unwrap_err();
    assert!(matches!(error, Error::TooLarge("an item")));
}
