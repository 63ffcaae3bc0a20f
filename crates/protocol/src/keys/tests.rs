use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

fn keys() -> NodeKeys {
    let name = "aldermoor.example/channel".parse().unwrap();
    let (from, until) = (Timestamp::from_ms(0), Timestamp::from_ms(1_000));
    NodeKeys::generate(&name, &[Digest([1; 32])], from, until, &mut rng()).unwrap()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([3; 32])
}

#[test]
fn key_statement_reads_back_and_its_fingerprint_is_stable() {
    let keys = keys();
    let read = KeyStatement::parse(keys.statement().note()).unwrap();
    assert_eq!(read.fingerprint(), keys.statement().fingerprint());
    assert_eq!(read.tls(), [Digest([1; 32])]);
    assert_eq!(spoken(&read.fingerprint()).len(), 16 * 5 - 1);
}

#[test]
fn key_statement_altered_anywhere_is_refused() {
    let note = keys().statement().note().to_vec();
    for at in (0..note.len()).step_by(97) {
        let mut other = note.clone();
        other[at] ^= 1;
        assert!(KeyStatement::parse(&other).is_err(), "{at}");
    }
}

#[test]
fn rotation_is_followed_and_a_stranger_is_not() {
    let first = keys();
    let times = (Timestamp::from_ms(1), Timestamp::from_ms(2_000));
    let second = first.rotated(&[], times.0, times.1, &mut rng()).unwrap();
    second.statement().check_successor(first.statement()).unwrap();
    let third = second.rotated(&[], times.0, times.1, &mut rng()).unwrap();
    assert!(third.statement().check_successor(first.statement()).is_err());
    assert!(first.statement().check_successor(first.statement()).is_err());
    assert_eq!(second.seal_identities().len(), 2);
}

#[test]
fn private_keys_come_back_from_their_files_without_the_root() {
    let keys =
        keys().rotated(&[], Timestamp::from_ms(1), Timestamp::from_ms(2), &mut rng()).unwrap();
    let mut files = keys.to_files();
    let again = NodeKeys::from_files(keys.statement().note(), &files).unwrap();
    assert_eq!(again.seal_identities().len(), 2);
    files.retain(|file| file.name != "root");
    let away = NodeKeys::from_files(keys.statement().note(), &files).unwrap();
    let times = (Timestamp::from_ms(1), Timestamp::from_ms(2));
    let error = away.rotated(&[], times.0, times.1, &mut rng()).unwrap_err();
    assert_eq!(error, Error::Private("root"));
    files.retain(|file| file.name != "seal-1");
    let error = NodeKeys::from_files(keys.statement().note(), &files).unwrap_err();
    assert_eq!(error, Error::Private("seal"));
}
