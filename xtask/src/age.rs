//! Cryptography beside other implementations: the CCTV age vectors, files that cross with
//! `age-encryption` (npm) both ways, statements read anew in Python (PyCA `cryptography`).

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{interop, program, run};

/// Where the packages, the vectors and the crossing files lie.
const FOLDER: &str = "target/age";

/// Runs all of it; needs node 20 and Python 3.
pub(crate) fn run_beside_others() -> Result<()> {
    let files = Path::new(FOLDER).join("files");
    if files.exists() {
        fs::remove_dir_all(&files)?;
    }
    fs::create_dir_all(&files)?;
    let packages = ["age-encryption", "cctv-age"];
    run(Command::new("npm").args(["install", "--silent", "--prefix", FOLDER]).args(packages))
        .context("npm is needed: install nodejs 20 or newer")?;
    // A module looks for its packages beside itself.
    fs::copy("tests/interop/age.mjs", Path::new(FOLDER).join("age.mjs"))?;
    let files = files.canonicalize()?;
    rust_tests("seal::vectors::crossing_files_are_written", &files)?;
    run(Command::new("node").arg(Path::new(FOLDER).join("age.mjs")).arg(&files))?;
    rust_tests("seal::vectors", &files)?;
    statements()
}

fn rust_tests(filter: &str, files: &Path) -> Result<()> {
    let arguments = ["test", "--quiet", "--package", "protocol", "--lib", filter];
    run(program().args(arguments).env("DETENTE_AGE_DIR", files))
}

/// Our own vectors, and the shared ones where they are at hand, read by the Python reader.
fn statements() -> Result<()> {
    let python = interop::python(&["cryptography>=50", "zstandard"])?;
    let mut vectors = vec![Path::new("crates/protocol/testdata/statement-v1.json").to_owned()];
    if let Ok(entries) = fs::read_dir("../shared/data/vectors") {
        for entry in entries {
            let path = entry?.path();
            let json = path.extension().is_some_and(|end| end == "json");
            vectors.extend(json.then_some(path));
        }
    } else {
        println!("skipped: ../shared/data/vectors is absent");
    }
    run(Command::new(python).arg("tests/interop/statement.py").args(vectors))
}
