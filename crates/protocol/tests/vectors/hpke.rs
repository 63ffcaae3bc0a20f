//! X-Wing within HPKE, as age's post-quantum stanza uses it: a known answer of the working group
//! (hpkewg/hpke-pq, `test-vectors.json` of commit 74dafaa, KEM 0x647a, HKDF-SHA256,
//! ChaCha20-Poly1305). What is altered is altered here.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hpke::{
    Deserializable as _, HpkeError, Kem as _, OpModeR, Serializable as _, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::XWing, setup_receiver,
};
use protocol::secrets;

/// The recipient's private key.
const PRIVATE: &str = "\
    PsR/qC3VaJ0nxhkOckx07I9gjfMzHOMxkp43uClnZjA=";
/// SHA-256 of the recipient's public key.
const PUBLIC_DIGEST: &str = "rYqvPwDYo5v+7ClHp9Xd5ovgi7oZvTAaNIpF3F/Mg0E=";
/// What the key is bound to.
const INFO: &str = "\
    NGY2NDY1MjA2ZjZlMjA2MTIwNDc3MjY1NjM2OTYxNmUyMDU1NzI2ZQ==";
/// The encapsulated key.
const ENC: &str = "\
    JnWceyKSPqXMnHjj4UyPxi3LCmbOREYJZpeKf+loXgxtIpmdmaPxEsMHptWy5jWR9B6KNRa6YpCDdtZkVXIG5pau\
    hwMF/2uggSUma8B2VnK+ypD9XG2uDT3a0VBgZanU8pfgw+cLtEGWHfJtehnXnR734qxeU7MqPHtOB/KvKuZYMKPo\
    0csqwZMvwZ7FQ0MDtiydAQZFz5WkdZE9pdd6KCuIQC5Kd6sXsJVZ3OipbGeie+qPZTzqyj0ni27RUP6TbdoosXJm\
    ZclGyrMDY++J64eP/MdMqid6XasZlBk6Z5ZxJevVCYbcFpl7j3SE19DifHn/S2ggHBtBAvWnMyL9Palr9lXZDJse\
    YwXgGrGzRJ6j9Fiw6Y4fLRYyglw7MAGLte77zID3Z9C55/n3MeGVgIOHnrzBtbsGHokwLERKhe7tFpsQ0lIP1Htq\
    ERkU872i8x0E8lBSK6lRASpin6LNIZJYPMmr110Ct6Ef0YBWxBS48OCTZTW/m2N8fmFKGum56Qf+nRQkPxNiXskq\
    l1meqkkbnakYtYbifTTHJ5IF3XbPDs2/YLWupM+53KQQafPi/I83GnzzsInqRp2EF72jFJFZmSOZzNW693ag+JZt\
    R0LL7a6sEx3ehTyx+7e4aaTAHOqKSHouUudXv0387COZXl8IiATSz5nILwh0VBRMxYaEXXz4EknnrZGeobBgAa0T\
    UB2hGO4ZhZWVAVtLGHKRLdLU9d2FTxRK4HA4vYuytJj47csccMIQKvdo1QihtCNyOMDG40qcgZsOvyj0lQXTdAlb\
    K1jHqBDPHoBss8ea87yEyLZXeHgE43TfK0m+asUQ1DAk5l/QMVQKfNRck0itn1URuWm+b5xNhJwUKPYRIlsNmjrj\
    QWabpkW6qHfNw0w59ZdfSZGnf4bsosJevuY6BpKMG7yVE/NVR2Reg1VEweSo8z1/KcHPveZCX6Ba7/afNzqoooHJ\
    KBfL5b6TBXlTVO/HGolGLofOg5GdZ53L/e2I9//5F39LSeipWdmqeLY/65n6VnNd8PT8JTZTqRd/dnswe7Kp5+TZ\
    BC8izGxPF324Dvrr/vijuqbxQjM1yDAwjCSWEYJj8L02HZP4tOdafLqUwq9y3RPuiSZSTP6d8U95Flo0mLn9Yxy7\
    h00lsRMV+ay0QlElYc99xgmKCIdPzHBM3V6E5XgRpJ54+9VuWo52dhcyHClQlVleorD0qsow3Th0mrg1Mr4b3PTD\
    KhGeA1VYu0J9vbgGtOFc6o3zwJhyjCteQCCcUThTHbG2YHd1ROagFEd6fRuT6w8kX+nnBTmXwQUE72kvIWOchtiS\
    bdzmiG0MOet8WTV+5U+BhxAZWTcT9KbfN79wAzWGlM/1mvmHLKAr92LiBJkifbovVSIDRZ3MaXgO8I2bq0FA2W4c\
    R48Gtjtgyb+xDZDjHUdXDqlJq46bmdtuwviip33LJcw2tzPfwJuCmanXsZ5owJrYJwP5tH000aPLr+Qsc/V9Dg==";
/// Messages in order: additional data, plain text, sealed text.
const SEALED: [(&str, &str, &str); 2] = [
    (
        "Q291bnQtMA==",
        "NDI2NTYxNzU3NDc5MjA2OTczMjA3NDcyNzU3NDY4MmMyMDc0NzI3NTc0NjgyMDYyNjU2MTc1NzQ3OQ==",
        "xcWR+ZCS1eON8KUmma8knGb4J1qGNCPAdt6BR6U+ZcxYQEHJY7d6flnqk4QbEzm179qJCbcfdLsAc61i6JneMQwVZt6i/Snro3c=",
    ),
    (
        "Q291bnQtMQ==",
        "NDI2NTYxNzU3NDc5MjA2OTczMjA3NDcyNzU3NDY4MmMyMDc0NzI3NTc0NjgyMDYyNjU2MTc1NzQ3OQ==",
        "zjObK5VlCc+anT1zboUp9OuH8nSD4MZHhpvR0yxslas/8/FRq7Efhj5ep8uFLcDJI0a0asNAqzkPjTtr2F1dLRHHdJngBuNuNpk=",
    ),
];

type Key = <XWing as hpke::Kem>::PrivateKey;
type Enc = <XWing as hpke::Kem>::EncappedKey;

fn bytes(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

/// Opens both messages in order.
fn open(enc: &[u8], info: &[u8]) -> Result<Vec<Vec<u8>>, HpkeError> {
    let (key, enc) = (Key::from_bytes(&bytes(PRIVATE))?, Enc::from_bytes(enc)?);
    let mut receiver =
        setup_receiver::<ChaCha20Poly1305, HkdfSha256, XWing>(&OpModeR::Base, &key, &enc, info)?;
    let messages = SEALED.iter().map(|(aad, _, sealed)| receiver.open(&bytes(sealed), &bytes(aad)));
    messages.collect()
}

#[test]
fn messages_of_the_working_group_open() {
    let key = Key::from_bytes(&bytes(PRIVATE)).unwrap();
    let public = XWing::sk_to_pk(&key).to_bytes();
    assert_eq!(STANDARD.encode(secrets::sha256(&public).0), PUBLIC_DIGEST);
    let opened = open(&bytes(ENC), &bytes(INFO)).unwrap();
    let expected: Vec<_> = SEALED.iter().map(|(_, plain, _)| bytes(plain)).collect();
    assert_eq!(opened, expected);
}

#[test]
fn altered_key_or_purpose_opens_nothing() {
    // One bit in the lattice's part, one in the curve's.
    for place in [0, 1_119] {
        let mut enc = bytes(ENC);
        enc[place] ^= 1;
        assert_eq!(open(&enc, &bytes(INFO)), Err(HpkeError::OpenError), "byte {place}");
    }
    assert_eq!(open(&bytes(ENC), b"another purpose"), Err(HpkeError::OpenError));
    assert!(open(&bytes(ENC)[1..], &bytes(INFO)).is_err(), "too short");
}
