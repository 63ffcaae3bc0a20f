//! Real processes that are killed while clients write and poll: a node, and a PostgreSQL under it.
//! Whoever repeats what was not answered, and goes on from where it was, has every object once,
//! under 1, 4, 16 and 64 writers; and so it is where three processes share one PostgreSQL, clients
//! go from one to the next with each request, and one of the three is killed.
//!
//! A binary of its own: a PostgreSQL that crashes would surprise every other test that uses it.
//! `DETENTE_KILLS` says how many times something is killed under each number of writers.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has failed"
)]

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use testkit::Base;

const WRITERS: [u32; 4] = [1, 4, 16, 64];
/// Times that something is killed under each number of writers, where nothing else is said.
const KILLS: u32 = 2;
/// From one kill to the next: a node that was started anew answers long before.
const PAUSE: Duration = Duration::from_millis(700);
/// Objects on a page: few, so that a kill falls between two pages of one reading.
const LIMIT: u32 = 23;
const PATIENCE: Duration = Duration::from_secs(120);
const PASSPHRASE: &str = "an invented passphrase, for the test only\n";

#[test]
fn killed_node_over_sqlite_loses_and_doubles_nothing() {
    run(None, 1, &WRITERS);
}

#[test]
fn killed_node_and_crashed_postgres_lose_and_double_nothing() {
    let _alone = alone();
    let test = "killed_node_and_crashed_postgres_lose_and_double_nothing";
    if let Some(base) = Base::postgres(test) {
        run(Some(&base), 1, &WRITERS);
    }
}

#[test]
fn killed_processes_of_three_over_one_postgres_lose_and_double_nothing() {
    let _alone = alone();
    let test = "killed_processes_of_three_over_one_postgres_lose_and_double_nothing";
    if let Some(base) = Base::postgres(test) {
        run(Some(&base), 3, &[16]);
    }
}

/// Who uses the server that one of the tests crashes, one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static SERVER: Mutex<()> = Mutex::new(());
    SERVER.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(base: Option<&Base>, processes: usize, writers: &[u32]) {
    let first = Node::make(base.and_then(Base::url));
    let others: Vec<_> = (1..processes).map(|_| first.beside()).collect();
    let nodes: Vec<Node> = [first].into_iter().chain(others).collect();
    let (next, done, met) = (AtomicU32::new(0), AtomicBool::new(false), Met::default());
    let (nodes, next, done, met) = (nodes.as_slice(), &next, &done, &met);
    let seen = std::thread::scope(|scope| {
        let pollers = [Way::Header, Way::Next, Way::Manifest]
            .map(|way| scope.spawn(move || (way, poll(nodes, way, done))));
        for writers in writers.iter().copied() {
            let quiet = AtomicBool::new(false);
            std::thread::scope(|scope| {
                for _ in 0..writers {
                    scope.spawn(|| write(nodes, next, &quiet, met));
                }
                kill(nodes, base);
                quiet.store(true, Ordering::Release);
            });
            println!(
                "{writers} writers: {} objects, {} answers of 503, {} requests without one, so far",
                next.load(Ordering::Relaxed),
                met.away.load(Ordering::Relaxed),
                met.broken.load(Ordering::Relaxed)
            );
        }
        done.store(true, Ordering::Release);
        pollers.map(|poller| poller.join().unwrap())
    });
    assert!(met.broken.load(Ordering::Relaxed) > 0, "no kill fell into a request");
    let away = met.away.load(Ordering::Relaxed);
    let crashed = base.is_some() && processes == 1;
    assert!(!crashed || away > 0, "nobody was told that PostgreSQL is away");
    let expected: BTreeSet<u32> = (0..next.load(Ordering::Relaxed)).collect();
    for (way, seen) in seen {
        let distinct: BTreeSet<_> = seen.iter().copied().collect();
        assert_eq!(distinct, expected, "{way:?} missed some");
        assert_eq!(seen.len(), distinct.len(), "{way:?} saw one twice");
    }
}

/// What requests met.
#[derive(Default)]
struct Met {
    /// 503, with the seconds to wait.
    away: AtomicU32,
    /// No answer, or none that was whole.
    broken: AtomicU32,
}

/// Posts objects one by one, each again until it is answered for; with each request to the next
/// process, as behind a balancer.
fn write(nodes: &[Node], next: &AtomicU32, quiet: &AtomicBool, met: &Met) {
    let mut turns = nodes.iter().cycle();
    while !quiet.load(Ordering::Acquire) {
        let id = next.fetch_add(1, Ordering::Relaxed);
        let body = format!("{{\"objects\":[{}]}}", testkit::tool(id, 0));
        let end = Instant::now() + PATIENCE;
        loop {
            match turns.next().unwrap().ask("POST", "objects/", &body) {
                Some(reply) if reply.status == 202 => {
                    assert!(reply.body.contains("\"failure_count\":0"), "{}", reply.body);
                    break;
                }
                Some(reply) => {
                    assert_eq!(reply.status, 503, "{}", reply.body);
                    assert!(reply.field("retry-after").is_some(), "{}", reply.head);
                    met.away.fetch_add(1, Ordering::Relaxed);
                }
                None => drop(met.broken.fetch_add(1, Ordering::Relaxed)),
            }
            assert!(Instant::now() < end, "the node stays away");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What a client goes on from.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// `X-TAXII-Date-Added-Last`.
    Header,
    /// `next`, as long as there is one.
    Next,
    /// `date_added` of the last record of a manifest.
    Manifest,
}

/// Polls until the writers are done and a page after that is empty; the numbers it saw, in order.
fn poll(nodes: &[Node], way: Way, done: &AtomicBool) -> Vec<u32> {
    let mut turns = nodes.iter().cycle();
    let endpoint = if matches!(way, Way::Manifest) { "manifest" } else { "objects" };
    let (mut position, mut seen) = (String::new(), Vec::new());
    let mut end = Instant::now() + PATIENCE;
    loop {
        let last = done.load(Ordering::Acquire);
        assert!(Instant::now() < end, "the node stays away");
        let path = format!("{endpoint}/?limit={LIMIT}{position}");
        let reply = turns.next().unwrap().ask("GET", &path, "");
        let Some(reply) = reply.filter(|reply| reply.status == 200) else {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        };
        end = Instant::now() + PATIENCE;
        let page: Value = serde_json::from_str(&reply.body).unwrap();
        let objects = page["objects"].as_array().cloned().unwrap_or_default();
        let date = match (way, objects.last()) {
            (Way::Manifest, Some(record)) => record["date_added"].as_str().map(str::to_owned),
            _ => reply.field("x-taxii-date-added-last").map(str::to_owned),
        };
        position = match (way, page["next"].as_str()) {
            (Way::Next, Some(next)) => format!("&next={next}"),
            _ => date.map_or(position, |date| format!("&added_after={date}")),
        };
        if objects.is_empty() && last {
            return seen;
        }
        seen.extend(objects.iter().map(|object| {
            let id = object["id"].as_str().unwrap();
            id[id.len() - 12..].parse::<u32>().unwrap()
        }));
        if objects.is_empty() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Kills the node, and where there is one PostgreSQL, in turn; of several processes one after the
/// other, so that those that are left go on.
fn kill(nodes: &[Node], base: Option<&Base>) {
    let said = std::env::var("DETENTE_KILLS").ok().and_then(|text| text.parse().ok());
    let kills = said.unwrap_or(if nodes.len() > 1 { 2 * KILLS } else { KILLS });
    for round in 0..kills {
        std::thread::sleep(PAUSE);
        match base {
            Some(base) if round % 2 == 1 && nodes.len() == 1 => base.crash_server(),
            _ => nodes[round as usize % nodes.len()].restart(),
        }
    }
    std::thread::sleep(PAUSE);
}

struct Node {
    folder: tempfile::TempDir,
    address: SocketAddr,
    token: String,
    child: Mutex<Child>,
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Node {
    fn make(store: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("passphrase"), PASSPHRASE).unwrap();
        let (desk, partner) = (free(), free());
        let mut init = program();
        init.args(["init", "aldermoor.example/channel"])
            .args(["--desk", &desk.to_string(), "--partner", &partner.to_string(), "--dir"])
            .arg(dir(folder.path()))
            .arg("--passphrase-file")
            .arg(folder.path().join("passphrase"));
        if let Some(store) = store {
            init.args(["--store", store]);
        }
        let made = init.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let token = fs::read_to_string(dir(folder.path()).join("keys/desk.token")).unwrap();
        let child = Mutex::new(serve(folder.path()));
        let node = Self { folder, address: desk, token, child };
        node.wait();
        node
    }

    /// One more process of the same node, over the same PostgreSQL.
    fn beside(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path());
        let file = dir(folder.path()).join("node.toml");
        let (desk, partner) = (free(), free());
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().map(|line| match line.split_once(" = ") {
            Some(("desk", _)) => format!("desk = \"{desk}\""),
            Some(("partner", _)) => format!("partner = \"{partner}\""),
            _ => line.to_owned(),
        });
        fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
        let child = Mutex::new(serve(folder.path()));
        let node = Self { folder, address: desk, token: self.token.clone(), child };
        node.wait();
        node
    }

    /// As the kernel would: no word of warning.
    fn restart(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        *child = serve(self.folder.path());
        drop(child);
        self.wait();
    }

    fn wait(&self) {
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < end, "the node does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// One request on a connection of its own; `None` where no whole answer came.
    fn ask(&self, method: &str, path: &str, body: &str) -> Option<Reply> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        let request = format!(
            "{method} /local/collections/workbench/{path} HTTP/1.1\r\nHost: localhost\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/taxii+json;version=2.1\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.token.trim(),
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.get(9..12)?.parse().ok()?;
        let reply = Reply { status, head: head.to_owned(), body: body.to_owned() };
        let whole = reply.field("content-length")?.trim().parse() == Ok(reply.body.len());
        whole.then_some(reply)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It may have ended on its own; that is what is wanted.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

fn dir(folder: &Path) -> PathBuf {
    folder.join("node")
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_detente"))
}

fn serve(folder: &Path) -> Child {
    program()
        .args(["serve", "--dir"])
        .arg(dir(folder))
        .arg("--passphrase-file")
        .arg(folder.join("passphrase"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
