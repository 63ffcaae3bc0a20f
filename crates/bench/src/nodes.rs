//! Two real nodes for a bench: processes of the release binary, met, agreed, TLS on every door.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// The invented topic that everything crosses under.
pub(crate) const TOPIC: &str = "lamps";
/// How long anything may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// The release binary that is measured.
pub(crate) fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/detente")
}

/// One node process; it is ended when this goes.
pub(crate) struct Node {
    name: String,
    dir: PathBuf,
    partner_port: u16,
    /// Its desk.
    pub(crate) desk: Desk,
    child: Option<Child>,
}

impl Node {
    /// Makes a data directory. The desk is bound away from loopback, so that it speaks TLS.
    pub(crate) fn make(base: &Path, name: &str) -> Result<Self> {
        let dir = base.join(name.split('.').next().unwrap_or(name));
        let passphrase = dir.with_extension("passphrase");
        fs::write(&passphrase, "an invented passphrase, for the bench only\n")?;
        let (desk, partner_port) = (free_port()?, free_port()?);
        let output = Command::new(program())
            .args(["init", name, "--desk", &format!("0.0.0.0:{desk}")])
            .args(["--partner", &format!("127.0.0.1:{partner_port}"), "--dir"])
            .arg(&dir)
            .arg("--passphrase-file")
            .arg(&passphrase)
            .output()
            .with_context(|| format!("{} does not start", program().display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "init failed: {}", said.trim());
        let token = fs::read_to_string(dir.join("keys/desk.token"))?;
        let desk = Desk::new(format!("https://127.0.0.1:{desk}"), token)?;
        Ok(Self { name: name.to_owned(), dir, partner_port, desk, child: None })
    }

    /// Starts the process and waits for its first answer; how long that took.
    pub(crate) async fn start(&mut self) -> Result<Duration> {
        let log = fs::File::create(self.dir.with_extension("log"))?;
        let begun = Instant::now();
        let child = Command::new(program())
            .args(["serve", "--dir"])
            .arg(&self.dir)
            .arg("--passphrase-file")
            .arg(self.dir.with_extension("passphrase"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.child = Some(child);
        let desk = &self.desk;
        until("the first answer", async || Ok(desk.get("/api/node").await.ok())).await?;
        Ok(begun.elapsed())
    }

    /// Ends the process as a crash would.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended on its own; that is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// CPU seconds of the process, all threads, user and system.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let stat = self.proc("stat")?;
        // Behind the program's name, which may hold blanks, the 12th and 13th fields are ticks.
        let behind = stat.rsplit_once(") ").context("/proc says something else")?.1;
        let ticks = behind.split(' ').skip(11).take(2).map(str::parse::<f64>);
        Ok(ticks.sum::<Result<f64, _>>()? / rustix::param::clock_ticks_per_second() as f64)
    }

    /// The most memory the process has held, in bytes.
    pub(crate) fn peak_memory_bytes(&self) -> Result<f64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmHWM")?;
        Ok(kib.trim().parse::<f64>()? * 1_024.0)
    }

    fn proc(&self, file: &str) -> Result<String> {
        let child = self.child.as_ref().context("the node is not running")?;
        Ok(fs::read_to_string(format!("/proc/{}/{file}", child.id()))?)
    }

    /// Durable commits since it started.
    pub(crate) async fn commits(&self) -> Result<u64> {
        let node = self.desk.get("/api/node").await?;
        node.get("commits").and_then(Value::as_u64).context("the node counts no commits")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Aldermoor and Brevia, with an agreement in force that releases on submit.
pub(crate) struct Pair {
    /// Aldermoor, the sender.
    pub(crate) a: Node,
    /// Brevia, the receiver.
    pub(crate) b: Node,
    /// Path of the outgoing collection at A.
    pub(crate) outgoing: String,
    /// Path of the incoming collection at B.
    pub(crate) incoming: String,
    /// Holds both directories; goes last.
    pub(crate) folder: tempfile::TempDir,
}

impl Pair {
    /// Makes both, starts them, lets them meet and agree.
    pub(crate) async fn start() -> Result<Self> {
        // Beside the build, on a real disk: a temporary folder may lie in memory.
        let folder = tempfile::tempdir_in(program().parent().context("no target folder")?)?;
        let mut a = Node::make(folder.path(), "aldermoor.example/channel")?;
        let mut b = Node::make(folder.path(), "brevia.example/channel")?;
        a.start().await?;
        b.start().await?;
        meet(&a, &b).await?;
        meet(&b, &a).await?;
        let id = agree(&a, &b).await?;
        let root = format!("/agreement-{}/collections/{TOPIC}", id.get(..12).unwrap_or_default());
        let (outgoing, incoming) =
            (format!("{root}-outgoing/objects/"), format!("{root}-incoming/objects/"));
        Ok(Self { a, b, outgoing, incoming, folder })
    }
}

async fn meet(one: &Node, other: &Node) -> Result<()> {
    let keys = other.desk.get("/api/keys").await?;
    let url = format!("https://127.0.0.1:{}", other.partner_port);
    let body = json!({ "statement": text(&keys, "/statement")?, "url": url });
    one.desk.post("/api/partners", &body).await?;
    let body = json!({ "name": other.name, "fingerprint": text(&keys, "/fingerprint")? });
    one.desk.post("/api/partners/verify", &body).await?;
    Ok(())
}

async fn agree(a: &Node, b: &Node) -> Result<String> {
    let drafted = Command::new(program())
        .args(["agreement", "draft", "--title", "Invented", "--topic", TOPIC, "--on-submit"])
        .args(["--ceiling", "TLP:AMBER", "--party", &a.name, "--party", &b.name])
        .output()?;
    let mut id = String::new();
    for node in [a, b] {
        let kept = node.desk.post_bytes("/api/agreements", drafted.stdout.clone()).await?;
        id = text(&kept, "/id")?;
        node.desk.post(&format!("/api/agreements/{id}/sign"), &json!({})).await?;
    }
    for node in [a, b] {
        let path = format!("/api/agreements/{id}");
        until("the agreement's coming into force", async || {
            let row = node.desk.get(&path).await?;
            Ok((text(&row, "/state")? == "in-force").then_some(()))
        })
        .await?;
    }
    Ok(id)
}

/// A client of one node's desk, over TLS.
#[derive(Clone)]
pub(crate) struct Desk {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Desk {
    fn new(base: String, token: String) -> Result<Self> {
        // Every process has one provider; a second call finds it there.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        // The desk's certificate is its own; who answers on this machine is not in question here.
        let http = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .tcp_nodelay(true)
            .timeout(PATIENCE)
            .build()?;
        Ok(Self { http, base, token })
    }

    async fn send(&self, request: RequestBuilder) -> Result<reqwest::Response> {
        let answer = request.bearer_auth(&self.token).send().await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (status, body) = (answer.status(), answer.text().await?);
        bail!("the node answered {status}: {body}")
    }

    /// GETs JSON.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        Ok(self.send(self.http.get(format!("{}{path}", self.base))).await?.json().await?)
    }

    /// POSTs JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.http.post(format!("{}{path}", self.base)).json(body);
        Ok(self.send(request).await?.json().await?)
    }

    /// POSTs bytes.
    pub(crate) async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Result<Value> {
        let request = self.http.post(format!("{}{path}", self.base)).body(body);
        Ok(self.send(request).await?.json().await?)
    }

    /// POSTs a TAXII envelope.
    pub(crate) async fn post_envelope(&self, path: &str, body: Vec<u8>) -> Result<Value> {
        let request = self.http.post(format!("{}{path}", self.base));
        let request = request.header("content-type", "application/taxii+json;version=2.1");
        Ok(self.send(request.body(body)).await?.json().await?)
    }

    /// GETs a page of a TAXII collection, after a date: its bytes and the date of its last object.
    pub(crate) async fn page(&self, path: &str, after: &str) -> Result<(bytes::Bytes, String)> {
        let after = if after.is_empty() { String::new() } else { format!("&added_after={after}") };
        let url = format!("{}{path}?limit=1000&match[version]=all{after}", self.base);
        let request = self.http.get(url).header("accept", "application/taxii+json;version=2.1");
        let answer = self.send(request).await?;
        let last = answer.headers().get("x-taxii-date-added-last");
        let last = last.and_then(|date| date.to_str().ok()).unwrap_or_default().to_owned();
        Ok((answer.bytes().await?, last))
    }
}

/// The text at a JSON pointer.
pub(crate) fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("the answer has no {pointer}"))
}

/// Between two questions. A runtime's own clock has ticks of a millisecond, which would round what
/// is measured up to the next two.
const PAUSE: Duration = Duration::from_micros(400);

/// Asks again after short pauses until there is an answer.
pub(crate) async fn until<T>(
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        ensure!(Instant::now() < end, "{what} did not happen within {PATIENCE:?}");
        tokio::task::spawn_blocking(|| std::thread::sleep(PAUSE)).await?;
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// An envelope of these objects.
pub(crate) fn envelope<'a>(objects: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let objects: Vec<&[u8]> = objects.into_iter().collect();
    [b"{\"objects\":[", objects.join(&b","[..]).as_slice(), b"]}"].concat()
}

/// An invented object.
pub(crate) fn lamp(number: u32) -> String {
    format!(
        "{{\"type\":\"tool\",\"id\":\"tool--0dd1a4b5-0000-4000-8000-{number:012}\",\
         \"spec_version\":\"2.1\",\"created\":\"2031-05-04T10:00:00.000Z\",\
         \"modified\":\"2031-05-04T10:00:00.000Z\",\"name\":\"Invented lamp {number}\"}}"
    )
}
