//! The command line: `init`, `serve`, `demo`, and a client of the HTTP API for everything else.
//!
//! Without `--json` people read tables; with it, programs read what the API answered, whose shapes
//! stand in `/api/openapi.json`. Exit statuses by kind of failure: [`exit`].

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Arg, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use protocol::{
    agreement::{DraftText, ReleaseRule, TopicTerms, draft_text},
    comparison::{Account, compare},
    terms::{Direction, NodeName, Precedence, Topic},
};
use serde_json::json;

use crate::{config::PublicUrl, demo, desk, init, serve};

mod ask;
mod beside;
mod client;
pub(crate) mod exit;
mod lines;
mod profile;
mod progress;
mod show;
mod stix;
mod verbs;

pub use client::Client;
pub(crate) use progress::Progress;

use exit::{Fault, Kind};
use show::{Out, View};
use verbs::{
    AccountCommand, AgreementCommand, CollectionCommand, CourierCommand, KeysCommand,
    LedgerCommand, PartnerCommand, ProfileCommand, QuarantineCommand, ReleaseArgs,
    StatementCommand, TokenCommand,
};

/// Détente, a partner channel: exchange information with services you do not fully trust, and
/// prove what was exchanged.
#[derive(Parser)]
#[command(
    name = "detente",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  detente demo\n  detente --dir node init aldermoor.example/channel\n  \
                  detente --dir node serve\n  detente release bundle.json --topic counter-terrorism\n\n\
                  `detente help exit-codes` lists what an exit status means."
)]
struct Cli {
    #[command(flatten)]
    target: profile::Target,
    /// Print what the API answered, as one JSON document.
    #[arg(long, global = true, help_heading = None)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a node: keys, configuration, database, first account.
    #[command(
        after_help = "Example:\n  detente --dir node init aldermoor.example/channel --partner 0.0.0.0:8421"
    )]
    Init {
        /// The node's name, such as `aldermoor.example/channel`.
        name: NodeName,
        /// Address of the desk door.
        #[arg(long, default_value = "127.0.0.1:8420")]
        desk: SocketAddr,
        /// Address of the partner door.
        #[arg(long, default_value = "0.0.0.0:8421")]
        partner: SocketAddr,
        /// Address of a PostgreSQL database, `postgres://user@host/name`; else SQLite is used.
        #[arg(long)]
        store: Option<String>,
        /// Where tools reach the desk, such as `https://desk.aldermoor.example`, where that is not the
        /// address above: by a name of its own, or a proxy's.
        #[arg(long, value_name = "URL")]
        public_url: Option<PublicUrl>,
        /// File with the passphrase of the keys; asked for where none is given.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Run the node.
    #[command(
        after_help = "Example:\n  detente --dir node serve --passphrase-file /run/detente/passphrase"
    )]
    Serve {
        /// File with the passphrase of the keys; asked for where none is given.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Show the whole channel: two invented services on this machine.
    #[command(
        after_help = "Examples:\n  detente demo\n  detente demo --once --json\n  detente demo --bundle enterprise-attack.json"
    )]
    Demo(demo::Options),
    /// State of the node.
    #[command(after_help = "Example:\n  detente --profile aldermoor status")]
    Status,
    /// A one-time link that logs you in at the console.
    #[command(after_help = "Example:\n  detente --dir node login-link")]
    LoginLink,
    /// This node's key statement, its fingerprint, and rotation.
    #[command(
        after_help = "Examples:\n  detente keys\n  detente keys --statement > aldermoor.keys\n  detente keys rotate"
    )]
    Keys {
        #[command(subcommand)]
        command: Option<KeysCommand>,
        /// Print the statement alone, to hand to a partner.
        #[arg(long)]
        statement: bool,
    },
    /// Partners.
    #[command(
        subcommand,
        after_help = "Examples:\n  detente partner list\n  detente partner add brevia.keys --url https://brevia.example:8421"
    )]
    Partner(PartnerCommand),
    /// Agreements.
    #[command(
        subcommand,
        after_help = "Examples:\n  detente agreement list\n  detente agreement sign agreement.md"
    )]
    Agreement(AgreementCommand),
    /// Release objects of a bundle or envelope under a topic.
    Release(ReleaseArgs),
    /// Releases, newest first.
    #[command(
        after_help = "Examples:\n  detente releases\n  detente releases --state awaiting-release"
    )]
    Releases {
        /// Only those in this state.
        #[arg(long)]
        state: Option<store::ReleaseState>,
        /// So many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Release, as second person, what another drafted.
    #[command(after_help = "Example:\n  detente approve 88a757e9 --precedence IMMEDIATE")]
    Approve {
        /// The release: its id or the beginning of it.
        id: String,
        /// Another precedence than the draft's.
        #[arg(long)]
        precedence: Option<Precedence>,
    },
    /// Give a draft back to its drafter, with the reason.
    #[command(
        after_help = "Example:\n  detente return 88a757e9 --reason \"the second item is not ours\""
    )]
    Return {
        /// The release: its id or the beginning of it.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Recall a release, or items of it. The partner is told to stop use and delete.
    #[command(
        after_help = "Examples:\n  detente recall 88a757e9 --reason wrong\n  detente recall 88a757e9 --reason source-danger --item 0 --item 3"
    )]
    Recall {
        /// The release: its id or the beginning of it.
        id: String,
        /// wrong, unlawful, consent-withdrawn, source-danger or misdirected.
        #[arg(long, default_value = "wrong")]
        reason: protocol::terms::RecallReason,
        /// Index of an item; may be repeated. All items where none is given.
        #[arg(long)]
        item: Vec<u32>,
    },
    /// Recalls and their answers, newest first.
    #[command(after_help = "Examples:\n  detente recalls --limit 10\n  detente recalls --received")]
    Recalls {
        /// Those that partners sent, and what was done here.
        #[arg(long)]
        received: bool,
        /// So many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Statements that left and came, newest first.
    #[command(after_help = "Example:\n  detente statements --limit 10")]
    Statements {
        /// So many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Say that a person has seen a release that came in; the partner is told.
    #[command(after_help = "Example:\n  detente acknowledge 5f0c2a9b")]
    Acknowledge {
        /// The statement: its id or the beginning of it, as `statements` prints it.
        id: String,
    },
    /// What waits apart until a person decides.
    #[command(
        subcommand,
        after_help = "Examples:\n  detente quarantine list\n  detente quarantine accept 5f0c2a9b"
    )]
    Quarantine(QuarantineCommand),
    /// How the clocks were kept: decisions, acknowledgements, answers to recalls.
    #[command(after_help = "Example:\n  detente clocks --days 7")]
    Clocks {
        /// Of the last so many days.
        #[arg(long, default_value_t = 30)]
        days: u32,
    },
    /// What changed, newest first.
    #[command(after_help = "Example:\n  detente journal --limit 20")]
    Journal {
        /// So many lines at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Collections, as TAXII clients see them.
    #[command(
        subcommand,
        after_help = "Examples:\n  detente collection list\n  detente collection post local/workbench bundle.json"
    )]
    Collection(CollectionCommand),
    /// People.
    #[command(
        subcommand,
        after_help = "Examples:\n  detente account list\n  detente account add tamarin --role drafter"
    )]
    Account(AccountCommand),
    /// Tokens of programs.
    #[command(
        subcommand,
        after_help = "Examples:\n  detente token list\n  detente token create --label opencti --days 365"
    )]
    Token(TokenCommand),
    /// Courier files.
    #[command(
        subcommand,
        after_help = "Examples:\n  detente courier export brevia.example/channel disk.tar\n  detente courier import disk.tar"
    )]
    Courier(CourierCommand),
    /// Ledgers.
    #[command(
        subcommand,
        after_help = "Examples:\n  detente ledger export brevia.example/channel > ours.json\n  detente ledger compare ours.json theirs.json"
    )]
    Ledger(LedgerCommand),
    /// Statements for programs in other languages.
    #[command(
        subcommand,
        after_help = "Example:\n  detente statement lines < requests.jsonl > answers.jsonl"
    )]
    Statement(StatementCommand),
    /// STIX objects: check, canonicalise, version, mark, compare; and lines for other languages.
    #[command(
        subcommand,
        after_help = "Examples:\n  detente stix validate bundle.json\n  detente stix summary bundle.json"
    )]
    Stix(stix::StixCommand),
    /// Nodes elsewhere, by name.
    #[command(
        subcommand,
        after_help = "Examples:\n  detente profile list\n  detente profile use aldermoor"
    )]
    Profile(ProfileCommand),
    /// Completions for a shell.
    #[command(after_help = "Example:\n  detente completions bash > /etc/bash_completion.d/detente")]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Help about a command, or about `exit-codes`.
    #[command(after_help = "Examples:\n  detente help exit-codes\n  detente help agreement draft")]
    Help(HelpArgs),
}

#[derive(Args)]
struct HelpArgs {
    /// A command, or `exit-codes`.
    topic: Vec<String>,
}

/// The command line as it is read and described. `stix` asks no node: it takes the options that
/// name one, as every command does, and shows none of them.
fn command() -> clap::Command {
    let hide = |arg: &Arg| match arg.get_id().as_str() {
        "json" => arg.clone().help("Print one JSON document"),
        _ => arg.clone().hide(true),
    };
    let whole = Cli::command();
    // An option of a command's own stands before the global one of the same name.
    let own: Vec<Arg> = whole.get_arguments().filter(|arg| arg.is_global_set()).map(hide).collect();
    whole.mut_subcommand("stix", |stix| stix.args(own))
}

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::from_arg_matches(&command().get_matches());
    let cli = cli.unwrap_or_else(|error| error.exit());
    let as_json = cli.json;
    let result = match cli.command {
        // No runtime: a tiny file is judged before one would be up.
        Command::Stix(command) => stix::run(command, cli.json),
        Command::Statement(StatementCommand::Lines(options)) => {
            lines::serve(&options, &mut std::io::stdout().lock(), |line| {
                protocol::lines::answer(line).into_bytes()
            })
            .map(|()| ExitCode::SUCCESS)
        }
        _ => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(cli)))
        }
    };
    result.unwrap_or_else(|error| exit::report(&error, as_json))
}

/// What the log tells where `RUST_LOG` does not say: our own words, and others' trouble.
const LOGGED: &str = "info,postgres=warn,tokio_postgres=warn,rustls_acme=warn";

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(LOGGED));
    tracing_subscriber::fmt().with_env_filter(filter).json().with_writer(std::io::stderr).init();
}

async fn run(cli: Cli) -> Result<ExitCode> {
    let out = Out { json: cli.json };
    let dir = cli.target.directory();
    match cli.command {
        Command::Init { name, desk, partner, store, public_url, passphrase_file } => {
            let passphrase = serve::passphrase(passphrase_file.as_deref())?;
            let dir = dir.as_path();
            let asked = init::Init { dir, name, desk, partner, store, public_url, passphrase };
            let made = init::init(&asked).await?;
            let (place, words) = (dir.display(), made.words());
            let next =
                format!("a node is made in {place}; next: detente --dir {place} serve\n{words}");
            out.show(&View::Done(next), &json!({ "made": dir, "taxii": made.json() }))
        }
        Command::Serve { passphrase_file } => {
            log_to_stderr();
            let passphrase = serve::passphrase(passphrase_file.as_deref())?;
            serve::serve(&dir, &passphrase).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(options) => demo::run(options, cli.target.dir, cli.json).await,
        Command::Help(HelpArgs { topic }) => help(&topic),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(), "detente", &mut script);
            show::say(&String::from_utf8_lossy(&script))
        }
        Command::Profile(command) => verbs::profile(&out, &cli.target, command),
        Command::Ledger(LedgerCommand::Compare { a, b }) => compare_files(&out, &a, &b),
        Command::Agreement(AgreementCommand::Draft { title, party, topic, on_submit, ceiling }) => {
            show::say(&agreement_text(&title, &party, topic, on_submit, ceiling))
        }
        command => ask::ask(&cli.target.client()?, &out, command).await,
    }
}

fn help(topic: &[String]) -> Result<ExitCode> {
    if topic == ["exit-codes"] {
        return show::say(exit::HELP);
    }
    let mut command = command();
    command.build();
    let mut found = &mut command;
    for word in topic {
        found = found.find_subcommand_mut(word).ok_or_else(|| {
            Fault::new(Kind::NotFound, "CLI-6", "there is no such command", "see `detente help`")
        })?;
    }
    show::say(&found.render_long_help().to_string())
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

fn read(path: &std::path::Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn compare_files(out: &Out, a: &std::path::Path, b: &std::path::Path) -> Result<ExitCode> {
    let account = |path: &std::path::Path| -> Result<Account> {
        serde_json::from_slice(&read(path)?).map_err(|_| {
            let title = format!("{} is no account of a ledger", path.display());
            let remedy = "make one with `detente ledger export`";
            Fault::new(Kind::Malformed, "LED-2", title, remedy).into()
        })
    };
    let comparison = compare(&account(a)?, &account(b)?);
    out.show(&View::Comparison, &serde_json::to_value(&comparison)?)?;
    Ok(if comparison.agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What crossed the doors of the demo's nodes, as a table.
pub(crate) fn demo_table(nodes: &[serde_json::Value]) -> Result<String> {
    show::render(&View::Demo, &json!({ "nodes": nodes }))
}

#[cfg(test)]
mod tests;
