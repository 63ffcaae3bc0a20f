//! A new version of an object: one property changed, every other byte as it was.
//!
//! ```sh
//! cargo run -p stix --example version
//! ```

use stix::tree::Tree;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tool = br#"{"type":"tool","spec_version":"2.1","id":"tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921",
        "created":"2031-05-04T10:00:00.000Z","modified":"2031-05-04T10:00:00.000Z","name":"kettle"}"#;
    let tree = Tree::read(tool).map_err(|faults| format!("{faults:?}"))?;
    // The clock is the caller's.
    let now = "2031-05-05T08:30:00.000Z";
    let new = stix::new_version(tree.root(), &[("labels", r#"["boils"]"#)], now)?;
    println!("{new}");

    let tree = Tree::read(new.as_bytes()).map_err(|faults| format!("{faults:?}"))?;
    let amber = stix::Tlp::Amber.published_2();
    let marked = stix::markings::add(tree.root(), &[amber], None, now)?;
    println!("{marked}");
    Ok(())
}
