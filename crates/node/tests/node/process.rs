//! Real processes: what an operator meets at the command line, and keys that outlive a kill.

use std::{
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use node::{desk, keyring::Keyring, tls::LinkKey};
use serde_json::Value;

/// The program.
const DETENTE: &str = env!("CARGO_BIN_EXE_detente");
pub(crate) const PASSPHRASE: &str = "an invented passphrase";

/// A data directory with a node in it; its process, when it runs, ends with it.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    child: Option<Child>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Machine {
    pub(crate) fn new(name: &str) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap(), child: None };
        machine.init(name);
        machine
    }

    fn init(&self, name: &str) {
        self.init_at("127.0.0.1", name);
    }

    fn init_at(&self, address: &str, name: &str) {
        fs::write(self.path("passphrase"), PASSPHRASE).unwrap();
        let (desk, partner) = (free_port(), free_port());
        let made = self.run(&[
            "init",
            name,
            "--desk",
            &format!("{address}:{desk}"),
            "--partner",
            &format!("127.0.0.1:{partner}"),
            "--passphrase-file",
            &self.path("passphrase"),
        ]);
        assert!(made.status.success(), "{made:?}");
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.folder.path().join("node")
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(DETENTE);
        command.arg("--dir").arg(self.dir()).env("XDG_CONFIG_HOME", self.folder.path());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command().arg("--json").args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn serve(&self) -> Command {
        let mut command = self.command();
        command.args(["serve", "--passphrase-file", &self.path("passphrase")]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    pub(crate) fn start(&mut self) {
        self.child = Some(self.serve().stderr(Stdio::null()).spawn().unwrap());
        let end = Instant::now() + Duration::from_secs(60);
        while !self.run(&["status"]).status.success() {
            assert!(Instant::now() < end, "the node does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// As a crash would.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// What `serve` says when it cannot start.
    fn refusal(&self) -> (i32, String) {
        let output = self.serve().output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), text.trim().to_owned())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

/// One line, from the program, that ends the story.
fn one_line(text: &str) -> &str {
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(text.starts_with("detente: "), "{text}");
    lines[0]
}

/// Every file below a directory with its mode.
fn modes(dir: &Path) -> Vec<(PathBuf, u32)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let (dirs, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let mode = |path: PathBuf| (path.clone(), fs::metadata(path).unwrap().permissions().mode());
    let below = dirs.iter().flat_map(|dir| modes(dir)).collect::<Vec<_>>();
    files.into_iter().map(mode).chain(below).collect()
}

#[test]
fn node_in_a_directory_that_others_may_read_keeps_every_file_to_itself() {
    let mut machine = Machine { folder: tempfile::tempdir().unwrap(), child: None };
    fs::create_dir(machine.dir()).unwrap();
    fs::set_permissions(machine.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    machine.init("aldermoor.example/channel");
    machine.start();
    let found = modes(&machine.dir());
    let names: Vec<_> = found.iter().filter_map(|(path, _)| path.file_name()?.to_str()).collect();
    for name in ["node.toml", "node.db", "node.db-wal", "node.db-shm", "desk.token"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let open: Vec<_> = found.iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn files_that_an_older_build_left_open_are_closed_at_the_next_start() {
    let mut machine = Machine::new("aldermoor.example/channel");
    machine.start();
    machine.kill();
    let dir = machine.dir();
    let open = |name: &str, mode| {
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::create_dir(dir.join("keys/acme")).unwrap();
    fs::write(dir.join("keys/acme/cached_cert_x"), "a key").unwrap();
    for name in ["node.toml", "node.db", "node.db-wal", "keys/desk.token", "keys/root.age"] {
        open(name, 0o644);
    }
    open("keys", 0o755);
    open("keys/acme", 0o755);
    machine.start();
    let found: Vec<_> = modes(&dir).into_iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
    assert!(found.is_empty(), "{found:?}");
    for name in ["keys", "keys/acme"] {
        let mode = fs::metadata(dir.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{name}");
    }
}

/// A certificate for a name that nothing here resolves, and its key, in the node's directory.
fn own_certificate(dir: &Path, file: &str) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["desk.aldermoor.example".to_owned()]).unwrap();
    fs::write(dir.join(file), params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(dir.join("desk.key"), key.serialize_pem()).unwrap();
}

#[test]
fn desk_with_a_certificate_of_its_own_is_known_by_it_alone_and_shows_what_takes_its_place() {
    let mut machine = Machine::new("aldermoor.example/channel");
    let config = machine.dir().join("node.toml");
    let text = fs::read_to_string(&config).unwrap();
    let tls = "\ntls = { certificate = \"desk.pem\", key = \"desk.key\" }\n\n# What becomes";
    fs::write(&config, text.replacen("\n# What becomes", tls, 1)).unwrap();
    own_certificate(&machine.dir(), "desk.pem");
    machine.start();
    let certificate = machine.dir().join("desk.pem");
    let first = fs::read(&certificate).unwrap();
    // The file of another: whoever shows the desk's is not who is meant.
    own_certificate(&machine.dir(), "other.pem");
    fs::copy(machine.dir().join("other.pem"), &certificate).unwrap();
    // The key that stands beside it is another's as well, so the desk goes on with the first.
    fs::write(machine.dir().join("desk.key"), "none").unwrap();
    let output = machine.run(&["status"]);
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    assert!(one_line(&String::from_utf8_lossy(&output.stderr)).contains("CLI-4"));
    fs::write(&certificate, &first).unwrap();
    assert!(machine.run(&["status"]).status.success());
    own_certificate(&machine.dir(), "desk.pem");
    let end = Instant::now() + Duration::from_secs(30);
    while !machine.run(&["status"]).status.success() {
        assert!(Instant::now() < end, "the new certificate is not shown");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn desk_beyond_loopback_is_reached_by_the_command_line_beside_it() {
    let mut machine = Machine { folder: tempfile::tempdir().unwrap(), child: None };
    machine.init_at("0.0.0.0", "aldermoor.example/channel");
    // It shows a certificate of its own, and `status` is what `start` waits for.
    machine.start();
    let config = fs::read_to_string(machine.dir().join("node.toml")).unwrap();
    let port = config.lines().find_map(|line| line.strip_prefix("desk = \"0.0.0.0:"));
    let port = port.unwrap().trim_end_matches('"');
    let token = machine.dir().join("keys/desk.token").display().to_string();
    let node = format!("https://127.0.0.1:{port}");
    let mut elsewhere = Command::new(DETENTE);
    elsewhere.args(["--node", &node, "--token-file", &token, "status"]);
    let elsewhere = elsewhere.env("XDG_CONFIG_HOME", machine.folder.path()).output().unwrap();
    let said = String::from_utf8(elsewhere.stderr).unwrap();
    assert!(said.contains("CLI-4"), "a node elsewhere is held to its certificate: {said}");
}

#[test]
fn wrong_passphrase_is_said_in_one_line_with_its_remedy() {
    let machine = Machine::new("aldermoor.example/channel");
    fs::write(machine.path("passphrase"), "another one").unwrap();
    let (status, text) = machine.refusal();
    assert_eq!(status, 8, "{text}");
    assert!(one_line(&text).contains("KEY-7") && text.contains("check it"), "{text}");
    fs::write(machine.path("passphrase"), PASSPHRASE).unwrap();
    let mut machine = machine;
    machine.start();
}

#[test]
fn missing_passphrase_file_and_missing_node_say_what_to_do() {
    let machine = Machine::new("aldermoor.example/channel");
    fs::remove_file(machine.path("passphrase")).unwrap();
    let (status, text) = machine.refusal();
    assert_eq!(status, 8, "{text}");
    assert!(one_line(&text).contains("cannot be read"), "{text}");
    let asked = machine.run(&["--profile", "nobody", "status"]);
    assert_eq!(asked.status.code(), Some(2), "--dir and --profile contradict");
    let silent = machine.run(&["status"]);
    assert_eq!(silent.status.code(), Some(7), "{silent:?}");
    assert!(one_line(&String::from_utf8(silent.stderr).unwrap()).contains("is it running?"));
}

#[test]
fn port_in_use_is_said_and_nothing_is_changed() {
    let machine = Machine::new("aldermoor.example/channel");
    let config = fs::read_to_string(machine.dir().join("node.toml")).unwrap();
    let desk = config.lines().find_map(|line| line.strip_prefix("desk = ")).unwrap();
    let _taken = TcpListener::bind(desk.trim_matches('"')).unwrap();
    let (status, text) = machine.refusal();
    assert_eq!(status, 8, "{text}");
    assert!(one_line(&text).contains("desk door cannot listen"), "{text}");
    assert!(text.contains("free the port or change node.toml"), "{text}");
}

#[test]
fn database_of_a_newer_version_is_refused_and_left_alone() {
    let machine = Machine::new("aldermoor.example/channel");
    let path = machine.dir().join("node.db");
    // SQLite keeps the version at byte 60 of the file's head, big-endian.
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(60)).unwrap();
    file.write_all(&99u32.to_be_bytes()).unwrap();
    file.sync_all().unwrap();
    drop(file);
    let before = fs::read(&path).unwrap();
    let (status, text) = machine.refusal();
    assert_eq!(status, 8, "{text}");
    assert!(one_line(&text).contains("version 99"), "{text}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn second_init_overwrites_nothing() {
    let machine = Machine::new("aldermoor.example/channel");
    let before = fs::read(machine.dir().join("keys/statement-0")).unwrap();
    let passphrase = machine.path("passphrase");
    let again = machine.run(&["init", "brevia.example", "--passphrase-file", &passphrase]);
    assert_eq!(again.status.code(), Some(8), "{again:?}");
    assert_eq!(fs::read(machine.dir().join("keys/statement-0")).unwrap(), before);
}

#[test]
fn failure_of_a_rule_has_its_status_and_its_json() {
    let mut machine = Machine::new("aldermoor.example/channel");
    machine.start();
    let file = machine.path("bundle.json");
    fs::write(&file, "{\"objects\":[]}").unwrap();
    let refused = machine.run(&["release", &file, "--topic", "lamps"]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(one_line(&String::from_utf8(refused.stderr).unwrap()).contains("ART-3"));
    let refused = machine.run(&["--json", "release", &file, "--topic", "lamps"]);
    let said: Value = serde_json::from_slice(&refused.stderr).unwrap();
    assert_eq!((said["rule"].as_str(), said["exit"].as_u64()), (Some("ART-3"), Some(3)));
    fs::write(&file, "no agreement").unwrap();
    assert_eq!(machine.run(&["agreement", "sign", &file]).status.code(), Some(5));
    assert_eq!(machine.run(&["release", "show", "0000"]).status.code(), Some(4));
    fs::write(machine.dir().join("keys/desk.token"), "not a token").unwrap();
    assert_eq!(machine.run(&["status"]).status.code(), Some(6));
}

fn epoch(machine: &Machine) -> (u64, String) {
    let keys = machine.json(&["keys"]);
    (keys["epoch"].as_u64().unwrap(), keys["fingerprint"].as_str().unwrap().to_owned())
}

fn keyring(machine: &Machine) -> Keyring {
    Keyring::open(&machine.dir().join("keys"), PASSPHRASE).unwrap()
}

#[test]
fn rotated_keys_are_on_disk_before_they_are_announced_and_outlive_kills() {
    let mut machine = Machine::new("aldermoor.example/channel");
    // Killed while the next keys were written: a file of theirs, no statement.
    fs::write(machine.dir().join("keys/seal-1.age"), "half a file").unwrap();
    machine.start();
    assert_eq!(epoch(&machine).0, 0);
    machine.kill();
    // Killed after they were kept and before anybody was told.
    let (now, keys) = (desk::now(), keyring(&machine).load(0).unwrap());
    let tls = keys.statement().tls().to_vec();
    let next = keys.rotated(&tls, now, now.plus_ms(86_400_000), &mut desk::rng()).unwrap();
    keyring(&machine).keep(&next).unwrap();
    machine.start();
    assert_eq!(epoch(&machine).0, 0, "nobody was told yet");
    let rotated = machine.json(&["keys", "rotate"]);
    assert_eq!(rotated["epoch"], 1);
    assert_eq!(rotated["fingerprint"], next.statement().fingerprint().hex(), "the ones kept");
    // Killed right after the announcement.
    machine.kill();
    machine.start();
    assert_eq!(epoch(&machine), (1, next.statement().fingerprint().hex()));
    assert!(!machine.dir().join("keys/sign-0.age").exists(), "the old sign key is gone");
    assert!(machine.dir().join("keys/seal-0.age").exists(), "the old seal key still opens");
    assert_eq!(machine.json(&["keys"])["retired_seals"], serde_json::json!([0]));
}

#[test]
fn root_key_that_is_away_makes_no_new_keys() {
    let mut machine = Machine::new("aldermoor.example/channel");
    let (root, away) = (machine.dir().join("keys/root.age"), machine.path("root.age"));
    fs::rename(&root, &away).unwrap();
    machine.start();
    let refused = machine.run(&["keys", "rotate"]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(one_line(&String::from_utf8(refused.stderr).unwrap()).contains("KEY-6"));
    assert_eq!(epoch(&machine).0, 0);
    machine.kill();
    fs::rename(&away, &root).unwrap();
    machine.start();
    assert_eq!(machine.json(&["keys", "rotate"])["epoch"], 1);
}

#[test]
fn certificate_that_is_not_pinned_gets_no_answer_from_the_partner_door() {
    let mut machine = Machine::new("aldermoor.example/channel");
    machine.start();
    let config = fs::read_to_string(machine.dir().join("node.toml")).unwrap();
    let door = config.lines().find_map(|line| line.strip_prefix("partner = ")).unwrap();
    let url = format!("https://{}/checkpoint", door.trim_matches('"'));
    let stranger = LinkKey::generate().unwrap();
    let tls = stranger.link(std::sync::Arc::new(|_| true)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap();
        let error = client.get(&url).send().await.unwrap_err();
        assert!(error.status().is_none(), "the handshake itself fails: {error}");
    });
}

#[test]
fn profile_leads_to_a_node_elsewhere() {
    let mut machine = Machine::new("aldermoor.example/channel");
    machine.start();
    let config = fs::read_to_string(machine.dir().join("node.toml")).unwrap();
    let desk = config.lines().find_map(|line| line.strip_prefix("desk = ")).unwrap();
    let node = format!("http://{}", desk.trim_matches('"'));
    let elsewhere = |arguments: &[&str]| {
        Command::new(DETENTE)
            .args(arguments)
            .env("XDG_CONFIG_HOME", machine.folder.path())
            .current_dir(machine.folder.path().join("node/keys"))
            .output()
            .unwrap()
    };
    let token = machine.dir().join("keys/desk.token").display().to_string();
    let added = ["profile", "add", "aldermoor", "--node", &node, "--token-file", &token];
    assert!(elsewhere(&added).status.success());
    assert_eq!(elsewhere(&["--profile", "brevia", "status"]).status.code(), Some(4));
    assert!(elsewhere(&["--profile", "aldermoor", "status"]).status.success());
    assert!(elsewhere(&["profile", "use", "aldermoor"]).status.success());
    let status = elsewhere(&["status"]);
    assert!(String::from_utf8(status.stdout).unwrap().contains("aldermoor.example/channel"));
    let plain = ["--node", "http://desk.example", "--token-file", &token, "status"];
    assert_eq!(elsewhere(&plain).status.code(), Some(5), "no token over plain HTTP");
}

/// The commands of the README, as they stand there.
fn blocks() -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = fs::read_to_string(readme).unwrap();
    let part = text.split("## Two real machines").nth(1).unwrap();
    let part = part.split("\n## ").next().unwrap();
    part.split("```").skip(1).step_by(2).map(|block| block.trim().to_owned()).collect()
}

/// Runs a block of commands in a shell whose `detente` is this program.
fn shell(folder: &Path, block: &str) -> String {
    let bin = Path::new(DETENTE).parent().unwrap().display().to_string();
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-e", "-c", block])
        .current_dir(folder)
        .env("PATH", path)
        .env("XDG_CONFIG_HOME", folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{block}\n{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A machine of the quick start: what the README says for Aldermoor, for this name and port.
struct Reader {
    folder: tempfile::TempDir,
    me: &'static str,
    other: &'static str,
    port: u16,
    other_port: u16,
    desk: u16,
    child: Option<Child>,
}

impl Reader {
    /// The block as this reader types it.
    fn typed(&self, block: &str) -> String {
        let block = block
            .replace("aldermoor", "\u{1}")
            .replace("brevia", "\u{2}")
            .replace('\u{1}', self.me)
            .replace('\u{2}', self.other);
        block
            .replace(
                "0.0.0.0:8421",
                &format!(
                    "127.0.0.1:{} --desk 127.0.0.1:{} --passphrase-file passphrase",
                    self.port, self.desk
                ),
            )
            .replace(
                &format!("https://{}.example:8421", self.other),
                &format!("https://127.0.0.1:{}", self.other_port),
            )
    }

    fn run(&self, block: &str) -> String {
        shell(self.folder.path(), &self.typed(block))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn quick_start_of_the_readme_works_as_it_stands() {
    let [make, meet, agree, release, rest @ ..] = &*blocks() else { panic!("blocks are missing") };
    let (ports, desks) = ([free_port(), free_port()], [free_port(), free_port()]);
    let reader = |place: usize, me, other| Reader {
        folder: tempfile::tempdir().unwrap(),
        me,
        other,
        port: ports[place],
        other_port: ports[1 - place],
        desk: desks[place],
        child: None,
    };
    let mut readers = [reader(0, "aldermoor", "brevia"), reader(1, "brevia", "aldermoor")];
    for reader in &mut readers {
        fs::write(reader.folder.path().join("passphrase"), PASSPHRASE).unwrap();
        let mut lines = make.lines();
        reader.run(lines.next().unwrap());
        let serve = lines.next().unwrap();
        assert_eq!(serve, "detente --dir node serve");
        let child = Command::new(DETENTE)
            .args(["--dir", "node", "serve", "--passphrase-file", "passphrase"])
            .current_dir(reader.folder.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        reader.child = Some(child);
        let waits = "for n in $(seq 600); do detente --dir node status && exit 0; sleep 0.1; done 2>/dev/null; exit 1";
        shell(reader.folder.path(), waits);
        let keys = lines.next().unwrap().split("  #").next().unwrap();
        reader.run(keys);
    }
    let [a, b] = &readers;
    let copy = |from: &Reader, to: &Reader, name: &str| {
        fs::copy(from.folder.path().join(name), to.folder.path().join(name)).unwrap();
    };
    copy(a, b, "aldermoor.keys");
    copy(b, a, "brevia.keys");
    for (one, other) in [(a, b), (b, a)] {
        let keys: Value =
            serde_json::from_str(&other.run("detente --dir node --json keys")).unwrap();
        let said = keys["spoken"].as_str().unwrap();
        one.run(&meet.replace("<the fingerprint that Brevia read out>", said));
    }
    let (draft, sign) = agree.rsplit_once('\n').unwrap();
    a.run(draft);
    copy(a, b, "agreement.md");
    a.run(sign);
    shell(b.folder.path(), sign);
    fs::write(
        a.folder.path().join("bundle.json"),
        format!("{{\"objects\":[{}]}}", testkit::tool(1, 0)),
    )
    .unwrap();
    let waits = "for n in $(seq 600); do detente --dir node agreement list | grep -q in-force && exit 0; sleep 0.1; done; exit 1";
    for reader in [a, b] {
        shell(reader.folder.path(), waits);
    }
    let id = quick_start_release(a, release);
    quick_start_rest(a, b, &rest.join("\n"), &id);
}

/// The topic asks for a second person, as a fresh agreement does; gives the release's id.
fn quick_start_release(a: &Reader, block: &str) -> String {
    let reaches = |state: &str| {
        let asks = format!("detente --dir node releases | grep -q '{state}'");
        a.run(&format!("for n in $(seq 600); do {asks} && exit 0; sleep 0.1; done; exit 1"));
    };
    let (draft, decide) = block.split_once('\n').unwrap();
    a.run(draft);
    reaches("awaiting-release");
    let releases: Value =
        serde_json::from_str(&a.run("detente --dir node --json releases")).unwrap();
    let id = releases["releases"][0]["id"].as_str().unwrap().to_owned();
    let (approve, show) = decide.rsplit_once('\n').unwrap();
    a.run(&approve.replace("<release>", &id));
    reaches("taken-in");
    assert!(a.run(&show.replace("<release>", &id)).contains("brevia.example/channel"));
    id
}

fn quick_start_rest(a: &Reader, b: &Reader, block: &str, id: &str) {
    for line in block.lines() {
        if line.starts_with("detente ledger compare") {
            b.run("detente --dir node ledger export brevia.example/channel > theirs.json");
            let theirs = b.folder.path().join("theirs.json");
            fs::copy(theirs, a.folder.path().join("theirs.json")).unwrap();
        }
        a.run(&line.replace("<release>", id));
    }
}
