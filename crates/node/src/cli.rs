//! The command line: `init`, `serve`, `demo`, and a client of the HTTP API for everything else.
//!
//! Exit status: 0 done, 1 refused by a rule or failed, 2 usage.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::{CommandFactory as _, Parser, Subcommand};
use protocol::{
    agreement::{DraftText, ReleaseRule, TopicTerms, draft_text},
    comparison::{Account, compare},
    terms::{Direction, NodeName, Precedence, Topic},
};
use serde_json::{Value, json};

use crate::{demo, desk, init, serve};

mod client;
mod lines;
mod stix;

pub use client::Client;

/// Détente, a partner channel: exchange information with services you do not fully trust, and
/// prove what was exchanged.
#[derive(Parser)]
#[command(name = "detente", version, arg_required_else_help = true)]
struct Cli {
    /// Data directory of the node on this machine; `detente-node` where none is given. The demo
    /// keeps everything in it.
    #[arg(long, global = true)]
    dir: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a node: keys, configuration, database, first account.
    Init {
        /// The node's name, such as `aldermoor.example/channel`.
        name: NodeName,
        /// Address of the desk door.
        #[arg(long, default_value = "127.0.0.1:8420")]
        desk: SocketAddr,
        /// Address of the partner door.
        #[arg(long, default_value = "0.0.0.0:8421")]
        partner: SocketAddr,
        /// File with the passphrase of the keys; asked for where none is given.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
    },
    /// Run the node.
    Serve {
        /// File with the passphrase of the keys; asked for where none is given.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
    },
    /// Show the whole channel: two invented services on this machine.
    Demo(demo::Options),
    /// State of the node.
    Status,
    /// A one-time link that logs you in at the console.
    LoginLink,
    /// This node's key statement.
    Keys,
    /// Partners.
    #[command(subcommand)]
    Partner(PartnerCommand),
    /// Agreements.
    #[command(subcommand)]
    Agreement(AgreementCommand),
    /// Release objects of a bundle or envelope under a topic.
    Release {
        /// A STIX bundle or TAXII envelope.
        file: PathBuf,
        /// Under which topic.
        #[arg(long)]
        topic: Topic,
        /// How fast: FLASH, IMMEDIATE, PRIORITY or ROUTINE.
        #[arg(long)]
        precedence: Option<Precedence>,
    },
    /// Releases, newest first.
    Releases,
    /// Release, as second person, what another drafted.
    Approve {
        /// The release.
        id: String,
    },
    /// Recall a release, or items of it.
    Recall {
        /// The release.
        id: String,
        /// wrong, unlawful, consent-withdrawn, source-danger or misdirected.
        #[arg(long, default_value = "wrong")]
        reason: String,
        /// Index of an item; may be repeated. All items where none is given.
        #[arg(long)]
        item: Vec<u32>,
    },
    /// Recalls and their answers.
    Recalls,
    /// Statements that left and came, newest first.
    Statements,
    /// Courier files.
    #[command(subcommand)]
    Courier(CourierCommand),
    /// Ledgers.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Statements for programs in other languages.
    #[command(subcommand)]
    Statement(StatementCommand),
    /// STIX objects: check, canonicalise, version, mark, compare; and lines for other languages.
    #[command(subcommand)]
    Stix(stix::StixCommand),
    /// Completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Subcommand)]
enum PartnerCommand {
    /// Add a partner by its key statement.
    Add {
        /// File with the key statement.
        statement: PathBuf,
        /// Address of its partner door, such as `https://partner.example:8421`.
        #[arg(long)]
        url: Option<String>,
    },
    /// Confirm that two people have compared a partner's fingerprint.
    Verify {
        /// The partner.
        name: NodeName,
        /// The fingerprint, as the partner read it out.
        fingerprint: String,
    },
    /// Every partner.
    List,
}

#[derive(Subcommand)]
enum AgreementCommand {
    /// Write an agreement's text to standard output, for two people to read and change.
    Draft {
        /// Its title.
        #[arg(long)]
        title: String,
        /// A party; give at least two, the first one first.
        #[arg(long, required = true)]
        party: Vec<NodeName>,
        /// A topic; may be repeated.
        #[arg(long, required = true)]
        topic: Vec<Topic>,
        /// Release on submit, without a second person.
        #[arg(long)]
        on_submit: bool,
        /// The highest marking that may cross.
        #[arg(long, default_value = "TLP:AMBER")]
        ceiling: ::stix::Tlp,
    },
    /// Keep a text and sign it.
    Sign {
        /// File with the text.
        text: PathBuf,
    },
    /// Every agreement.
    List,
    /// One agreement.
    Show {
        /// Its id.
        id: String,
    },
}

#[derive(Subcommand)]
enum CourierCommand {
    /// Write what a partner has not receipted into a courier file.
    Export {
        /// The partner.
        partner: NodeName,
        /// The file.
        file: PathBuf,
    },
    /// Take a courier file in.
    Import {
        /// The file.
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum LedgerCommand {
    /// Write this side's account of what it sent to a partner: headers and hashes, never an item.
    Export {
        /// The partner.
        partner: NodeName,
    },
    /// Compare the accounts of two sides.
    Compare {
        /// One side's account.
        a: PathBuf,
        /// The other side's.
        b: PathBuf,
    },
}

#[derive(Subcommand)]
enum StatementCommand {
    /// One JSON request a line in, one JSON answer a line out.
    Lines(lines::LineOptions),
}

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        // No runtime: a tiny file is judged before one would be up.
        Command::Stix(command) => stix::run(command, cli.json),
        Command::Statement(StatementCommand::Lines(options)) => {
            lines::serve(&options, |line| protocol::lines::answer(line).into_bytes())
                .map(|()| ExitCode::SUCCESS)
        }
        _ => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(cli)))
        }
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("detente: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).json().with_writer(std::io::stderr).init();
}

async fn run(cli: Cli) -> Result<ExitCode> {
    let out = Out { json: cli.json };
    let dir = cli.dir.clone().unwrap_or_else(|| PathBuf::from("detente-node"));
    match cli.command {
        Command::Init { name, desk, partner, passphrase_file } => {
            let passphrase = serve::passphrase(passphrase_file.as_deref())?;
            let asked = init::Init { dir: &dir, name, desk, partner, passphrase };
            init::init(&asked).await?;
            let place = dir.display();
            println!("a node is made in {place}; next: detente --dir {place} serve");
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve { passphrase_file } => {
            log_to_stderr();
            let passphrase = serve::passphrase(passphrase_file.as_deref())?;
            serve::serve(&dir, &passphrase).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(options) => demo::run(options, cli.dir, cli.json).await,
        Command::Completions { shell } => {
            let mut command = Cli::command();
            clap_complete::generate(shell, &mut command, "detente", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Ledger(LedgerCommand::Compare { a, b }) => compare_files(&out, &a, &b),
        Command::Agreement(AgreementCommand::Draft { title, party, topic, on_submit, ceiling }) => {
            print!("{}", agreement_text(&title, &party, topic, on_submit, ceiling));
            Ok(ExitCode::SUCCESS)
        }
        command => {
            let client = Client::local(&dir)?;
            ask(&client, &out, command).await
        }
    }
}

/// The text of an agreement with the same terms for every topic.
pub fn agreement_text(
    title: &str,
    parties: &[NodeName],
    topics: Vec<Topic>,
    on_submit: bool,
    ceiling: ::stix::Tlp,
) -> String {
    let release = if on_submit { ReleaseRule::OnSubmit } else { ReleaseRule::SecondPerson };
    let terms = |topic| TopicTerms {
        topic,
        direction: Direction::Both,
        ceiling,
        precedence: Precedence::ALL.to_vec(),
        release,
        retention_days: 1_825,
    };
    let topics: Vec<_> = topics.into_iter().map(terms).collect();
    draft_text(&DraftText { title, parties, from: desk::now(), until: None, topics: &topics })
}

struct Out {
    json: bool,
}

impl Out {
    fn show(&self, value: &Value) -> Result<()> {
        let text = if self.json { value.to_string() } else { serde_json::to_string_pretty(value)? };
        println!("{text}");
        Ok(())
    }
}

async fn ask(client: &Client, out: &Out, command: Command) -> Result<ExitCode> {
    let answer = match command {
        Command::Status => client.get("/api/node").await?,
        Command::LoginLink => client.post("/api/login-link", &json!({})).await?,
        Command::Keys => client.get("/api/keys").await?,
        Command::Releases => client.get("/api/releases").await?,
        Command::Recalls => client.get("/api/recalls").await?,
        Command::Statements => client.get("/api/statements").await?,
        Command::Approve { id } => {
            client.post(&format!("/api/releases/{id}/approve"), &json!({})).await?
        }
        Command::Recall { id, reason, item } => {
            let items = (!item.is_empty()).then_some(item);
            let body = json!({ "reason": reason, "items": items });
            client.post(&format!("/api/releases/{id}/recall"), &body).await?
        }
        Command::Release { file, topic, precedence } => {
            let precedence = precedence.map(|word| format!("&precedence={word}"));
            let path = format!("/api/releases?topic={topic}{}", precedence.unwrap_or_default());
            client.post_bytes(&path, read(&file)?).await?
        }
        Command::Partner(command) => partner(client, command).await?,
        Command::Agreement(command) => agreement(client, command).await?,
        Command::Courier(CourierCommand::Export { partner, file }) => {
            let bytes = client.get_bytes(&format!("/api/courier/export?partner={partner}")).await?;
            std::fs::write(&file, &bytes)
                .with_context(|| format!("{} cannot be written", file.display()))?;
            json!({ "file": file, "bytes": bytes.len() })
        }
        Command::Courier(CourierCommand::Import { file }) => {
            client.post_bytes("/api/courier/import", read(&file)?).await?
        }
        Command::Ledger(LedgerCommand::Export { partner }) => {
            client.get(&format!("/api/ledger/account?partner={partner}")).await?
        }
        _ => bail!("this command needs no node"),
    };
    out.show(&answer)?;
    Ok(ExitCode::SUCCESS)
}

async fn partner(client: &Client, command: PartnerCommand) -> Result<Value> {
    match command {
        PartnerCommand::Add { statement, url } => {
            let text = String::from_utf8_lossy(&read(&statement)?).into_owned();
            client.post("/api/partners", &json!({ "statement": text, "url": url })).await
        }
        PartnerCommand::Verify { name, fingerprint } => {
            let body = json!({ "name": name, "fingerprint": fingerprint });
            client.post("/api/partners/verify", &body).await
        }
        PartnerCommand::List => client.get("/api/partners").await,
    }
}

async fn agreement(client: &Client, command: AgreementCommand) -> Result<Value> {
    match command {
        AgreementCommand::Sign { text } => {
            let drafted = client.post_bytes("/api/agreements", read(&text)?).await?;
            let id = drafted.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            client.post(&format!("/api/agreements/{id}/sign"), &json!({})).await
        }
        AgreementCommand::Show { id } => client.get(&format!("/api/agreements/{id}")).await,
        AgreementCommand::List | AgreementCommand::Draft { .. } => {
            client.get("/api/agreements").await
        }
    }
}

fn read(path: &std::path::Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn compare_files(out: &Out, a: &std::path::Path, b: &std::path::Path) -> Result<ExitCode> {
    let account = |path: &std::path::Path| -> Result<Account> {
        serde_json::from_slice(&read(path)?)
            .with_context(|| format!("{} is no account of a ledger", path.display()))
    };
    let comparison = compare(&account(a)?, &account(b)?);
    out.show(&serde_json::to_value(&comparison)?)?;
    Ok(if comparison.agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
