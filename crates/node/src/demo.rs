//! `detente demo`: two invented services on this machine, and the whole channel between them.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::cli::{self, Client, Progress};

mod node;
mod story;

/// How the demo runs.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// End after the story; exit status 0 only if every step held.
    #[arg(long)]
    once: bool,
    /// Release your own STIX 2.1 bundle instead of the invented one.
    #[arg(long)]
    bundle: Option<PathBuf>,
    /// Kill one of the nodes so many times in the middle of bulk, and check that nothing is lost
    /// or doubled.
    #[arg(long, default_value_t = 0)]
    kill_rounds: u32,
    /// Address of a PostgreSQL database for each node, with `{node}` where its short name goes;
    /// else each uses SQLite.
    #[arg(long, value_name = "ADDRESS")]
    store: Option<String>,
}

/// One step of the story.
struct StepRow {
    name: &'static str,
    held: bool,
    ms: u128,
    detail: String,
}

/// Prints each step as it ends, and keeps it for the end.
struct Steps {
    rows: Vec<StepRow>,
    quiet: bool,
}

impl Steps {
    async fn step(
        &mut self,
        name: &'static str,
        work: impl Future<Output = Result<String>>,
    ) -> bool {
        let start = Instant::now();
        let wait = (!self.quiet).then(|| Progress::wait(name));
        let result = work.await;
        drop(wait);
        let ms = start.elapsed().as_millis();
        let (held, detail) = match result {
            Ok(detail) => (true, detail),
            Err(error) => (false, format!("{error:#}")),
        };
        if !self.quiet {
            let mark = if held { "held" } else { "FAILED" };
            println!("{ms:>7} ms  {mark:<6}  {name}: {detail}");
        }
        self.rows.push(StepRow { name, held, ms, detail });
        held
    }

    fn all_held(&self) -> bool {
        self.rows.iter().all(|row| row.held)
    }
}

/// Runs the demo.
pub async fn run(options: Options, keep: Option<PathBuf>, json: bool) -> Result<ExitCode> {
    let start = Instant::now();
    let dir = match &keep {
        Some(dir) => dir.clone(),
        None => std::env::temp_dir().join(format!("detente-demo-{}", std::process::id())),
    };
    let bundle = match &options.bundle {
        Some(path) => {
            std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?
        }
        None => include_bytes!("../assets/demo-bundle.json").to_vec(),
    };
    let mut steps = Steps { rows: Vec::new(), quiet: json };
    let outcome =
        story::tell((&dir, options.store.as_deref()), &bundle, options.kill_rounds, &mut steps)
            .await;
    let code = finish(&options, json, &steps, outcome, start).await;
    if keep.is_none() {
        let _ = std::fs::remove_dir_all(&dir);
    }
    code
}

async fn finish(
    options: &Options,
    json: bool,
    steps: &Steps,
    outcome: Result<story::Ending>,
    start: Instant,
) -> Result<ExitCode> {
    let held = steps.all_held() && outcome.is_ok();
    let nodes = match &outcome {
        Ok(ending) => ending.nodes.clone(),
        Err(_) => Vec::new(),
    };
    let totals = json!({
        "steps": steps.rows.len(),
        "held": held,
        "ms": start.elapsed().as_millis(),
        "objects": outcome.as_ref().map(|ending| ending.objects).unwrap_or_default(),
    });
    if json {
        let rows: Vec<Value> = steps
            .rows
            .iter()
            .map(|row| json!({ "name": row.name, "held": row.held, "ms": row.ms, "detail": row.detail }))
            .collect();
        println!("{}", json!({ "steps": rows, "nodes": nodes, "totals": totals }));
    } else {
        print_end(&nodes, &totals, options.once)?;
    }
    if let Err(error) = &outcome {
        eprintln!("detente: the story broke off: {error:#}");
    }
    if !options.once && outcome.is_ok() {
        eprintln!("Both nodes stay up; Ctrl-C ends them.");
        tokio::signal::ctrl_c().await?;
    }
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What crossed, as a table, and where the desks are while they stay up.
fn print_end(nodes: &[Value], totals: &Value, once: bool) -> Result<()> {
    let text = |value: &Value, key: &str| match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        other => other.map(Value::to_string).unwrap_or_default(),
    };
    let held = totals.get("held").and_then(Value::as_bool).unwrap_or_default();
    let verdict = if held { "all held" } else { "NOT all held" };
    println!("\n{} steps, {} ms, {verdict}\n", text(totals, "steps"), text(totals, "ms"));
    if !nodes.is_empty() {
        println!("{}", cli::demo_table(nodes)?);
    }
    for node in nodes.iter().filter(|_| !once) {
        println!("\n{}", text(node, "name"));
        println!("  log in once  {}", text(node, "login"));
        println!("  desk         {}", text(node, "desk"));
        println!("  TAXII        {}", text(node, "taxii"));
    }
    Ok(())
}

/// Asks again until it holds, or the time is over.
async fn until<T, F, W>(what: &str, seconds: u64, mut ask: F) -> Result<T>
where
    F: FnMut() -> W,
    W: Future<Output = Result<Option<T>>>,
{
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        if Instant::now() > end {
            bail!("{what} did not happen within {seconds} s");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A free port of the loopback address.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The program itself, for starting nodes.
fn program() -> Result<PathBuf> {
    std::env::current_exe().context("the program cannot find itself")
}

fn client(dir: &Path) -> Result<Client> {
    Client::local(dir)
}
