use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([7; 32])
}

#[test]
fn keys_come_back_from_their_text() {
    let identity = Identity::generate(&mut rng()).unwrap();
    let again = Identity::parse(&identity.to_secret()).unwrap();
    assert_eq!(again.recipient(), identity.recipient());
    let text = identity.recipient().to_string();
    assert!(text.starts_with("age1pq1"));
    assert_eq!(Recipient::parse(&text).unwrap(), identity.recipient());
    assert_eq!(Recipient::parse(&text.replace('q', "p")).unwrap_err(), Error::Recipient);
}

#[test]
fn sealed_opens_for_each_recipient_and_for_no_other() {
    let mut rng = rng();
    let ours: Vec<_> = (0..3).map(|_| Identity::generate(&mut rng).unwrap()).collect();
    let recipients: Vec<_> = ours.iter().map(Identity::recipient).collect();
    for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
        let plaintext = vec![42; len];
        let sealed = seal(&plaintext, &recipients, &mut rng).unwrap();
        for identity in &ours {
            let opened = open(&sealed, std::slice::from_ref(identity)).unwrap();
            assert!(opened == plaintext, "{len}");
        }
        let other = Identity::generate(&mut rng).unwrap();
        assert_eq!(open(&sealed, &[other]).unwrap_err(), Error::NotForUs);
    }
}

#[test]
fn stanzas_are_padded_to_hide_their_number() {
    let mut rng = rng();
    let recipient = Identity::generate(&mut rng).unwrap().recipient();
    for (count, stanzas) in [(1, 1), (2, 8), (8, 8), (9, 16)] {
        let sealed = seal(b"x", &vec![recipient.clone(); count], &mut rng).unwrap();
        assert_eq!(read_header(&sealed).unwrap().stanzas.len(), stanzas);
    }
    assert_eq!(seal(b"x", &[], &mut rng).unwrap_err(), Error::Recipients);
}

#[test]
fn sealed_that_is_changed_or_cut_anywhere_does_not_open() {
    let mut rng = rng();
    let identity = Identity::generate(&mut rng).unwrap();
    let sealed = seal(b"lamp oil", &[identity.recipient()], &mut rng).unwrap();
    let ours = [identity];
    for at in (0..sealed.len()).step_by(13).chain(sealed.len() - 20..sealed.len()) {
        let mut other = sealed.clone();
        other[at] ^= 1;
        assert!(open(&other, &ours).is_err(), "{at}");
        assert!(open(&sealed[..at], &ours).is_err(), "{at}");
    }
}

#[test]
fn stanza_with_a_low_order_point_is_no_stanza_for_us() {
    let mut rng = rng();
    let identity = Identity::generate(&mut rng).unwrap();
    let mut enc = vec![1; 1_088];
    enc.extend_from_slice(&[0; 32]);
    assert_eq!(unwrap(&identity, &(enc, &[0; 32][..])).unwrap_err(), Error::Header);
}

#[test]
fn passphrase_opens_and_another_does_not() {
    let sealed = seal_passphrase(b"key", "lamp oil", 4, &mut rng()).unwrap();
    assert_eq!(open_passphrase(&sealed, "lamp oil").unwrap(), b"key");
    assert_eq!(open_passphrase(&sealed, "lamp").unwrap_err(), Error::NotForUs);
    for other in [" +4\n", " 04\n", " 4 \n"] {
        let place = sealed.windows(3).position(|bytes| bytes == b" 4\n").unwrap();
        let spelled = [&sealed[..place], other.as_bytes(), &sealed[place + 3..]].concat();
        assert_eq!(open_passphrase(&spelled, "lamp oil").unwrap_err(), Error::Header, "{other}");
    }
    let greedy = String::from_utf8_lossy(&sealed[..60]).replace(" 4\n", " 60\n");
    assert_eq!(open_passphrase(greedy.as_bytes(), "lamp oil").unwrap_err(), Error::Header);
}
