//! Cryptography beside other implementations: the CCTV age vectors, files that cross with
//! `age-encryption` (npm) both ways, known answers of the standards, statements read anew in Python
//! (PyCA `cryptography`).

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
    known_answers()?;
    statements()
}

fn rust_tests(filter: &str, files: &Path) -> Result<()> {
    let arguments = ["test", "--quiet", "--package", "protocol", "--lib", filter];
    run(program().args(arguments).env("DETENTE_AGE_DIR", files))
}

/// The known answers that PyPI's package carries.
fn known_answers() -> Result<()> {
    let python = interop::python(&["cryptography-vectors>=50"])?;
    let where_it_lies = "import cryptography_vectors as v; print(list(v.__path__)[0])";
    let told = Command::new(python).args(["-c", where_it_lies]).output()?;
    let folder = String::from_utf8(told.stdout)?;
    let arguments = ["test", "--quiet", "--package", "protocol", "--test", "vectors", "known"];
    run(program().args(arguments).env("DETENTE_KNOWN_ANSWERS", folder.trim()))
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
