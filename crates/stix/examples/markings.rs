//! What each object of a bundle is marked with, in words.
//!
//! ```sh
//! cargo run -p stix --example markings -- bundle.json
//! ```

use std::{collections::HashMap, error::Error};

use stix::tree::{Tree, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("which bundle?")?;
    let document = std::fs::read(path)?;
    let mut trees = Vec::new();
    for object in stix::split(&document)? {
        trees.push(Tree::read(object).map_err(|faults| format!("{faults:?}"))?);
    }
    let text = |object: Value<'_>, name: &str| {
        object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let by_id: HashMap<String, Value<'_>> =
        trees.iter().map(|tree| (text(tree.root(), "id"), tree.root())).collect();
    for tree in &trees {
        println!("{}", text(tree.root(), "id"));
        for marking in stix::markings::of(tree.root(), &|id| by_id.get(id).copied())? {
            println!("    {marking}");
        }
    }
    Ok(())
}
