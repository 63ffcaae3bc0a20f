//! What an account may do in which collection, root by root.

use protocol::terms::Role;
use store::{Account, Collection, Flow, Sight};

/// What an account may do in a collection (TAXII 2.1 section 5.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Its objects are shown.
    pub read: bool,
    /// Objects may be added.
    pub write: bool,
}

impl Rights {
    fn of(account: &Account, collection: &Collection) -> Self {
        let has = |role| account.roles.contains(&role);
        let read = has(Role::Reader) || has(Role::Drafter) || has(Role::Releaser);
        Self { read, write: collection.flow != Flow::Incoming && has(Role::Drafter) }
    }
}

/// A collection that an account may use, and how.
#[derive(Debug)]
pub struct Usable {
    /// The collection.
    pub collection: Collection,
    /// What the account may do there.
    pub may: Rights,
}

/// An API root, as an account sees it.
#[derive(Debug)]
pub struct Root {
    /// Its name.
    pub name: String,
    /// The collections that the account may use, at least one, in constant order.
    pub collections: Vec<Usable>,
}

/// What an account sees of the collections: what it may neither read nor write is not there.
#[derive(Debug, Default)]
pub struct View {
    /// The roots in which it may use a collection, in constant order.
    pub roots: Vec<Root>,
    /// What it may see of their objects.
    pub sight: Sight,
}

impl View {
    /// The view of an account.
    pub fn new(account: &Account, collections: &[Collection]) -> Self {
        let mut view = Self::default();
        for collection in collections {
            let may = Rights::of(account, collection);
            if !may.read && !may.write {
                continue;
            }
            let usable = Usable { collection: collection.clone(), may };
            match view.roots.iter_mut().find(|root| root.name == collection.root) {
                Some(root) => root.collections.push(usable),
                None => {
                    let name = collection.root.clone();
                    view.roots.push(Root { name, collections: vec![usable] });
                }
            }
        }
        view
    }

    /// One root.
    pub fn root(&self, name: &str) -> Option<&Root> {
        self.roots.iter().find(|root| root.name == name)
    }
}
