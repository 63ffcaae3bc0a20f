//! What an account may do in which collection, root by root.

use protocol::terms::Role;
use store::{Account, Bounds, Collection, Flow, Sight};

/// What an account may do in a collection (TAXII 2.1 section 5.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Its objects are shown.
    pub read: bool,
    /// Objects may be added.
    pub write: bool,
}

impl Rights {
    /// Roles say what an account may do, bounds say where.
    fn of(account: &Account, bounds: &Bounds, collection: &Collection) -> Self {
        let has = |role| account.roles.contains(&role);
        let (reads_here, writes_here) = bounds.of(collection);
        let reads = has(Role::Reader) || has(Role::Drafter) || has(Role::Releaser);
        let writes = has(Role::Drafter) && collection.flow != Flow::Incoming;
        Self { read: reads_here && reads, write: writes_here && writes }
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
    pub fn new(account: &Account, bounds: &Bounds, collections: &[Collection]) -> Self {
        let mut view = Self { roots: Vec::new(), sight: bounds.sight.clone() };
        for collection in collections {
            let may = Rights::of(account, bounds, collection);
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
