//! Client certificates: kept for an account, listed, taken back, never moved unseen.

use pollster::block_on;
use protocol::terms::{Digest, Role};
use store::{Error, Store, token_id};
use testkit::Base;

use crate::{kit::*, over_both};

over_both!(
    certificate_stands_for_its_account_until_it_is_taken_back,
    certificate_of_one_account_is_not_moved_to_another,
);

fn accounts(store: &Store, names: &[&str]) {
    for name in names {
        let (name, by) = ((*name).to_owned(), "ada".to_owned());
        block_on(store.create_account(name, vec![Role::Reader], None, by, now())).unwrap();
    }
}

fn add(store: &Store, pin: Digest, account: &str, label: &str) -> Result<(), Error> {
    let (account, label) = (account.to_owned(), label.to_owned());
    block_on(store.add_certificate(pin, account, label, "ada".to_owned(), now()))
}

fn remove(store: &Store, account: &str, id: &str) -> Result<(), Error> {
    let (account, id) = (account.to_owned(), id.to_owned());
    block_on(store.remove_certificate(account, id, "ada".to_owned(), now()))
}

fn of(store: &Store, account: Option<&str>) -> Vec<(String, String)> {
    let all = block_on(store.certificates(account)).unwrap();
    all.into_iter().map(|one| (one.account, one.label)).collect()
}

fn whose(store: &Store, pin: &Digest) -> Option<String> {
    block_on(store.certificate(pin)).unwrap().map(|account| account.name)
}

fn last_line(store: &Store) -> (String, String, String) {
    let line = block_on(store.journal_before(i64::MAX, 1)).unwrap().remove(0);
    (line.event, line.actor, line.detail)
}

fn certificate_stands_for_its_account_until_it_is_taken_back(base: &Base) {
    let store = base.open().unwrap();
    accounts(&store, &["siem", "sensor"]);
    let [one, other, third] = [1, 2, 3].map(|n| Digest([n; 32]));
    add(&store, one, "siem", "rack 1").unwrap();
    add(&store, other, "siem", "rack 2").unwrap();
    add(&store, third, "sensor", "mast").unwrap();
    assert!(matches!(add(&store, one, "nobody", "rack 3"), Err(Error::NotFound)));
    let pair = |account: &str, label: &str| (account.to_owned(), label.to_owned());
    let siem = [pair("siem", "rack 1"), pair("siem", "rack 2")];
    assert_eq!(of(&store, Some("siem")), siem);
    assert_eq!(of(&store, None), [&[pair("sensor", "mast")], &siem[..]].concat());
    // By its account and its id alone.
    assert!(matches!(remove(&store, "sensor", &token_id(&one)), Err(Error::NotFound)));
    assert!(matches!(remove(&store, "siem", "0101"), Err(Error::NotFound)));
    assert_eq!(whose(&store, &one).as_deref(), Some("siem"));
    remove(&store, "siem", &token_id(&one)).unwrap();
    assert_eq!((whose(&store, &one), whose(&store, &other).is_some()), (None, true));
    assert_eq!(of(&store, Some("siem")), siem[1..]);
    let detail = "0101010101010101 of siem: rack 1".to_owned();
    assert_eq!(last_line(&store), ("certificate.removed".to_owned(), "ada".to_owned(), detail));
    assert!(matches!(remove(&store, "siem", &token_id(&one)), Err(Error::NotFound)));
}

fn certificate_of_one_account_is_not_moved_to_another(base: &Base) {
    let store = base.open().unwrap();
    accounts(&store, &["siem", "sensor"]);
    let pin = Digest([7; 32]);
    add(&store, pin, "siem", "rack 1").unwrap();
    assert!(matches!(add(&store, pin, "sensor", "mast"), Err(Error::State(..))));
    assert_eq!(whose(&store, &pin).as_deref(), Some("siem"));
    add(&store, pin, "siem", "rack 9").unwrap();
    assert_eq!(of(&store, None), [("siem".to_owned(), "rack 9".to_owned())], "a new label");
    remove(&store, "siem", &token_id(&pin)).unwrap();
    add(&store, pin, "sensor", "mast").unwrap();
    assert_eq!(whose(&store, &pin).as_deref(), Some("sensor"));
}
