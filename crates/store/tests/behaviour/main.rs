//! One suite of behaviour, run over both databases: what holds for one holds for the other.
//!
//! Each test is written once against a [`Base`]; `over_both!` makes two of it. The second skips by
//! name where the environment names no server.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![expect(clippy::indexing_slicing, reason = "a test looks at what it knows is there")]
#![expect(clippy::panic, reason = "a test that sees what must not be has failed")]

mod certificates;
mod collections;
mod costs;
mod faults;
mod interleavings;
mod kit;
mod late;
mod many;
mod older;
mod order;
mod pages;
mod register;
mod sharing;
mod tls;
mod together;
mod versions;

/// A test over a file, and the same over a schema of PostgreSQL.
macro_rules! over_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite { $(
            #[test]
            fn $name() {
                let folder = tempfile::tempdir().unwrap();
                super::$name(&testkit::Base::file(folder.path().join("node.db")));
            }
        )+ }
        mod postgres { $(
            #[test]
            fn $name() {
                let test = concat!(module_path!(), "::", stringify!($name));
                if let Some(base) = testkit::Base::postgres(test) {
                    super::$name(&base);
                }
            }
        )+ }
    };
}
pub(crate) use over_both;
