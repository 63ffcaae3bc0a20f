//! Other TAXII servers under the same load in the same run: medallion and OpenTAXII from PyPI, each
//! in an environment of its own, started as its documentation says.
//!
//! They are measured with fewer objects than we are, which favours them: what a page costs grows
//! with what they hold.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::json;

use super::{
    cpu::Processes,
    load::Load,
    row,
    target::{Target, basic},
};
use crate::{
    figure::{Bar, Report},
    nodes::{program, until},
};

const NAME: &str = "bench";
const PASSWORD: &str = "an invented password";
const SINGLES: u32 = 100;
const CONNECTIONS: usize = 8;

/// A server from PyPI.
struct Peer {
    name: &'static str,
    packages: &'static [&'static str],
    /// How many objects it is given.
    objects: usize,
    gets: usize,
    start: fn(&Place) -> Result<Running>,
}

const PEERS: [Peer; 2] = [
    Peer {
        name: "medallion 3.0.0",
        packages: &["medallion==3.0.0", "Flask==3.1.3"],
        objects: 1_000,
        gets: 50,
        start: medallion,
    },
    Peer {
        name: "OpenTAXII 0.10.0b1",
        packages: &["opentaxii==0.10.0b1", "Flask==3.1.3", "gunicorn==23.0.0"],
        objects: 5_000,
        gets: 500,
        start: opentaxii,
    },
];

/// Where a peer is installed and runs.
struct Place {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
}

/// A peer that runs.
struct Running {
    target: Target,
    password: String,
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        // A server that forks ends its children on a signal that asks.
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// Measures what installs; the rest is skipped by name.
pub(super) async fn measure(report: &mut Report, objects: &[Vec<u8>]) -> Result<()> {
    for peer in &PEERS {
        let begun = install(peer).and_then(|place| Ok(((peer.start)(&place)?, place)));
        let outcome = match begun {
            Ok((running, _place)) => rows(report, peer, &running, objects).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            report.skip(peer.name, &format!("{error:#}"));
        }
    }
    Ok(())
}

/// Makes the environment, once; later runs find it.
fn install(peer: &Peer) -> Result<Place> {
    let target = program().parent().and_then(Path::parent).context("no target folder")?.to_owned();
    let home = target.join("peers").join(peer.name.replace(' ', "-"));
    let is_whole = home.join("is-whole");
    if !is_whole.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
        run(Command::new(home.join("bin/pip")).args(["install", "--quiet"]).args(peer.packages))?;
        fs::write(is_whole, peer.packages.join("\n"))?;
    }
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    Ok(Place { programs: home.join("bin"), folder: tempfile::tempdir_in(target)?, port })
}

fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("{command:?} cannot be run"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.trim().lines().last().unwrap_or_default().to_owned();
    ensure!(output.status.success(), "{command:?}: {last}");
    Ok(output.stdout)
}

fn serve(command: &mut Command, place: &Place) -> Result<Child> {
    let log = fs::File::create(place.folder.path().join("log"))?;
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?)
}

fn medallion(place: &Place) -> Result<Running> {
    const COLLECTION: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
    let (config, data) =
        (place.folder.path().join("config.json"), place.folder.path().join("data.json"));
    let text = json!({
        "backend": {
            "module": "medallion.backends.memory_backend",
            "module_class": "MemoryBackend",
            "filename": data,
        },
        "users": { NAME: PASSWORD },
        "taxii": { "max_page_size": 1_000 },
    });
    fs::write(&config, text.to_string())?;
    let versions = ["application/taxii+json;version=2.1"];
    let information =
        json!({ "title": "bench", "versions": versions, "max_content_length": 104_857_600 });
    let collection = json!({
        "id": COLLECTION, "title": "workbench", "can_read": true, "can_write": true,
        "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": [],
    });
    let root = json!({ "information": information, "status": [], "collections": [collection] });
    fs::write(&data, json!({ "discovery": { "title": "bench" }, "root": root }).to_string())?;
    let mut program = Command::new(place.programs.join("medallion"));
    let child = serve(program.args(["--port", &place.port.to_string()]).arg(&config), place)?;
    let target = Target {
        base: format!("http://127.0.0.1:{}", place.port),
        root: "/root/".to_owned(),
        collection: COLLECTION.to_owned(),
        authorization: basic(NAME, PASSWORD),
        processes: Processes { single: vec![child.id()], families: Vec::new() },
    };
    Ok(Running { password: target.authorization.clone(), target, child })
}

/// What the script beside tells of an OpenTAXII that it filled.
#[derive(Deserialize)]
struct Made {
    token: String,
    root: String,
    collection: String,
}

fn opentaxii(place: &Place) -> Result<Running> {
    let folder = place.folder.path();
    let config = folder.join("config.yml");
    let database = |name| format!("sqlite:///{}", folder.join(name).display());
    // JSON is YAML.
    let text = json!({
        "domain": format!("127.0.0.1:{}", place.port),
        "auth_api": {
            "class": "opentaxii.auth.sqldb.SQLDatabaseAPI",
            "parameters": {
                "db_connection": database("auth.db"), "create_tables": true,
                "secret": "an invented secret, as long as it is asked for", "token_ttl_secs": 36_000,
            },
        },
        "taxii1": null,
        "taxii2": {
            "persistence_api": {
                "class": "opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI",
                "parameters": { "db_connection": database("data.db"), "create_tables": true },
            },
            "title": "bench", "max_content_length": 104_857_600, "public_discovery": true,
            "allow_custom_properties": true,
        },
        "logging": { "opentaxii": "warning", "root": "warning" },
    });
    fs::write(&config, text.to_string())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/make.py");
    let made = run(Command::new(place.programs.join("python"))
        .arg(script)
        .args([NAME, PASSWORD])
        .env("OPENTAXII_CONFIG", &config))?;
    let made: Made = serde_json::from_slice(&made)?;
    // One worker: forked ones share a connection to the database, and answer 500 at times.
    let child = serve(
        Command::new(place.programs.join("gunicorn"))
            .args(["--workers", "1", "--threads", "4", "--bind"])
            .arg(format!("127.0.0.1:{}", place.port))
            .arg("opentaxii.http:app")
            .env("OPENTAXII_CONFIG", &config),
        place,
    )?;
    let target = Target {
        base: format!("http://127.0.0.1:{}", place.port),
        root: format!("/taxii2/{}/", made.root),
        collection: made.collection,
        authorization: format!("Bearer {}", made.token),
        processes: Processes { single: Vec::new(), families: vec![child.id()] },
    };
    Ok(Running { password: basic(NAME, PASSWORD), target, child })
}

async fn rows(
    report: &mut Report,
    peer: &Peer,
    running: &Running,
    objects: &[Vec<u8>],
) -> Result<()> {
    let target = &running.target;
    let http = target.client()?;
    let url = target.url("");
    until("the first answer", async || Ok(http.get(&url).send().await.ok())).await?;
    let load = Load::new(target)?;
    let given = objects.get(..peer.objects).unwrap_or(objects);
    let mut say = |what: &str, value: f64, unit: &'static str| {
        report.add(&row(peer.name, what), value, unit, Bar::None);
    };
    let added = load.envelopes(given, 100, CONNECTIONS).await?;
    say(&format!("envelopes of 100, {} objects", given.len()), added.each_ms(), "CPU ms/object");
    say("the same, rate", added.rate(), "objects/s");
    let polled = load.poll(1_000).await?;
    let title = format!("full poll, pages of 1,000, {} objects", polled.count);
    say(&title, polled.each_ms() * 1e3, "CPU ms/1,000");
    let ids: Vec<String> = given
        .iter()
        .step_by(7)
        .filter_map(|object| Some(stix::Head::parse(object).ok()?.id.into_owned()))
        .collect();
    let got = load.get_objects(&ids, peer.gets, CONNECTIONS).await?;
    if running.password == target.authorization {
        say("object GET, Basic", got.each_ms(), "CPU ms");
    } else {
        say("object GET, token", got.each_ms(), "CPU ms");
        let by_password = Target { authorization: running.password.clone(), ..target.clone() };
        let load = Load::new(&by_password)?;
        let got = load.get_objects(&ids, peer.gets / 5, CONNECTIONS).await?;
        say("object GET, Basic", got.each_ms(), "CPU ms");
    }
    let single = load.singles(CONNECTIONS, SINGLES).await?;
    say("single objects, 8 connections", single.each_ms(), "CPU ms/object");
    say("the same, rate", single.rate(), "requests/s");
    Ok(())
}
