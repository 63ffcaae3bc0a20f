//! The verbs below each noun of the command line.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Subcommand};
use protocol::{
    findings::FindingsChange,
    terms::{AgreementId, NodeName, Precedence, Role, Status, Topic},
};

use super::{
    lines,
    profile::{self, Target},
    show::{Out, View},
};

#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Make the next epoch's keys, keep them, and tell every partner.
    #[command(after_help = "Examples:\n  detente keys rotate\n  detente keys rotate --days 90\n  \
        detente keys rotate --compromised-after 1234    (the last ledger entry that was surely ours)")]
    Rotate {
        /// How long the new keys are meant to hold.
        #[arg(long, default_value_t = 365)]
        days: u32,
        /// The present keys may be in other hands: revoke them, except for the entries of the
        /// ledger below this size.
        #[arg(long, value_name = "SIZE")]
        compromised_after: Option<u64>,
    },
}

#[derive(Subcommand)]
pub(super) enum PartnerCommand {
    /// Add a partner by its key statement. Nothing is trusted until `verify`.
    #[command(
        after_help = "Example:\n  detente partner add brevia.keys --url https://brevia.example:8421"
    )]
    Add {
        /// File with the key statement.
        statement: PathBuf,
        /// Address of its partner door, such as `https://partner.example:8421`.
        #[arg(long)]
        url: Option<String>,
    },
    /// Confirm that two people have compared a partner's fingerprint.
    #[command(
        after_help = "Example:\n  detente partner verify brevia.example/channel \"1f6c 22ab ...\""
    )]
    Verify {
        /// The partner.
        name: NodeName,
        /// The fingerprint, as the partner read it out: its 16 groups, or all in one.
        #[arg(required = true, num_args = 1..)]
        fingerprint: Vec<String>,
    },
    /// Say where a partner's door is now; without an address only the courier goes.
    #[command(
        after_help = "Example:\n  detente partner move brevia.example/channel --url https://new.brevia.example:8421"
    )]
    Move {
        /// The partner.
        name: NodeName,
        /// The new address of its partner door.
        #[arg(long)]
        url: Option<String>,
    },
    /// What becomes of a partner's objects in which something is found.
    #[command(after_help = "Examples:\n  \
            detente partner findings brevia.example/channel error=refuse warning=quarantine\n  \
            detente partner findings brevia.example/channel 103=accept STIX-2.9-06=refuse\n  \
            detente partner findings brevia.example/channel --default\n\n\
            Treatments: accept, accept-with-findings, quarantine, refuse; `103=default` takes an\n\
            exception back.")]
    Findings {
        /// The partner.
        name: NodeName,
        #[command(flatten)]
        policy: PolicyArgs,
    },
    /// Every partner.
    #[command(after_help = "Example:\n  detente partner list")]
    List,
    /// One partner.
    #[command(after_help = "Example:\n  detente partner show brevia.example/channel")]
    Show {
        /// The partner.
        name: NodeName,
    },
}

/// A change of a policy for findings.
#[derive(Args)]
pub(super) struct PolicyArgs {
    /// `error`, `warning`, `note`, a check's number or name, or a rule's id, each with its
    /// treatment.
    #[arg(required_unless_present = "default", conflicts_with = "default")]
    pub(super) changes: Vec<FindingsChange>,
    /// Go back to the node's own policy.
    #[arg(long)]
    pub(super) default: bool,
}

#[derive(Subcommand)]
pub(super) enum AgreementCommand {
    /// Write an agreement's text to standard output, for two people to read and change.
    #[command(
        after_help = "Example:\n  detente agreement draft --title Lamps --party aldermoor.example/channel \\\n      \
        --party brevia.example/channel --topic counter-terrorism > agreement.md"
    )]
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
    #[command(after_help = "Example:\n  detente agreement sign agreement.md")]
    Sign {
        /// File with the text.
        text: PathBuf,
    },
    /// Every agreement.
    #[command(after_help = "Example:\n  detente agreement list")]
    List,
    /// One agreement with its text.
    #[command(after_help = "Example:\n  detente agreement show 4be1d3")]
    Show {
        /// Its id or the beginning of it.
        id: String,
    },
    /// Stop releases under an agreement, both ways, until `resume`. Receipts and recalls still pass.
    #[command(
        after_help = "Example:\n  detente agreement suspend 4be1d3 --reason \"a leak is looked into\""
    )]
    Suspend {
        /// Its id or the beginning of it.
        id: String,
        /// Why; the partner is told.
        #[arg(long)]
        reason: String,
    },
    /// Let releases flow again after a suspension by this side.
    #[command(
        after_help = "Example:\n  detente agreement resume 4be1d3 --reason \"fresh assurances\""
    )]
    Resume {
        /// Its id or the beginning of it.
        id: String,
        /// Why; the partner is told.
        #[arg(long)]
        reason: String,
    },
    /// End an agreement for good. Duties for what was received under it stay.
    #[command(
        after_help = "Example:\n  detente agreement end 4be1d3 --reason \"its successor is in force\""
    )]
    End {
        /// Its id or the beginning of it.
        id: String,
        /// Why; the partner is told.
        #[arg(long)]
        reason: String,
    },
}

/// A release, or a verb on one.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  detente release bundle.json --topic counter-terrorism --precedence PRIORITY\n  \
        detente release show 88a757e9\n  detente release again 88a757e9"
)]
pub(super) struct ReleaseArgs {
    #[command(subcommand)]
    pub(super) command: Option<ReleaseCommand>,
    /// A STIX bundle or TAXII envelope.
    #[arg(required = true)]
    pub(super) file: Option<PathBuf>,
    /// Under which topic.
    #[arg(long, required = true)]
    pub(super) topic: Option<Topic>,
    /// Under which agreement, where several name the topic.
    #[arg(long)]
    pub(super) agreement: Option<AgreementId>,
    /// How fast: FLASH, IMMEDIATE, PRIORITY or ROUTINE.
    #[arg(long)]
    pub(super) precedence: Option<Precedence>,
    /// Whether it is meant: actual, exercise or test.
    #[arg(long)]
    pub(super) status: Option<Status>,
    /// Words to the releaser.
    #[arg(long)]
    pub(super) note: Option<String>,
}

#[derive(Subcommand)]
pub(super) enum ReleaseCommand {
    /// One release: its state, its statement, its receipts.
    #[command(after_help = "Example:\n  detente release show 88a757e9")]
    Show {
        /// The release: its id or the beginning of it.
        id: String,
    },
    /// The items of a release with their findings.
    #[command(after_help = "Example:\n  detente release items 88a757e9")]
    Items {
        /// The release: its id or the beginning of it.
        id: String,
    },
    /// Draft the same items again, after a refusal or a return.
    #[command(after_help = "Example:\n  detente release again 88a757e9")]
    Again {
        /// The release: its id or the beginning of it.
        id: String,
    },
}

#[derive(Subcommand)]
pub(super) enum QuarantineCommand {
    /// What waits: of partners' statements, and of this service's own requests.
    #[command(after_help = "Example:\n  detente quarantine list")]
    List,
    /// The objects of one that wait, with what was found.
    #[command(after_help = "Example:\n  detente quarantine show 5f0c2a9b")]
    Show {
        /// The statement or request: its id or the beginning of it.
        id: String,
    },
    /// Take objects in after all; a partner gets another receipt.
    #[command(
        after_help = "Examples:\n  detente quarantine accept 5f0c2a9b\n  detente quarantine accept 5f0c2a9b --object 3 --object 4"
    )]
    Accept(QuarantineArgs),
    /// Refuse objects for good; a partner gets another receipt.
    #[command(after_help = "Example:\n  detente quarantine refuse 5f0c2a9b --reason \"no lamp\"")]
    Refuse(QuarantineArgs),
}

#[derive(Args)]
pub(super) struct QuarantineArgs {
    /// The statement or request: its id or the beginning of it.
    pub(super) id: String,
    /// Only this object, by its place; may be repeated. All that wait where none is named.
    #[arg(long)]
    pub(super) object: Vec<u32>,
    /// Why, for the journal here; a partner is not told.
    #[arg(long, default_value = "")]
    pub(super) reason: String,
}

#[derive(Subcommand)]
pub(super) enum CollectionCommand {
    /// Every collection with its address.
    #[command(after_help = "Example:\n  detente collection list")]
    List,
    /// Make a collection for the service's own use, or an aggregate of others.
    #[command(
        after_help = "Examples:\n  detente collection add sightings --title \"Own sightings\" --keep 90\n  \
        detente collection add everything --from local/workbench --from local/sightings"
    )]
    Add {
        /// Its alias: letters, digits and hyphens.
        alias: Topic,
        /// Its title.
        #[arg(long)]
        title: Option<String>,
        /// Days that an object stays; for good where none are said.
        #[arg(long, value_name = "DAYS")]
        keep: Option<u32>,
        /// Address of a collection that feeds it; may be repeated. Nothing is posted to it then.
        #[arg(long, value_name = "ADDRESS")]
        from: Vec<String>,
    },
    /// Change a collection: its words, how long it keeps things, what feeds it.
    #[command(after_help = "Examples:\n  detente collection change local/workbench --keep 90\n  \
        detente collection change local/workbench --keep 0    (for good)\n  \
        detente collection change local/everything --from local/workbench")]
    Change {
        /// Its address: `<root>/<alias>`, as `list` prints it.
        address: String,
        #[command(flatten)]
        change: ChangeArgs,
        /// What is older than --keep says goes within seconds, for good.
        #[arg(long, requires = "keep")]
        delete_older: bool,
    },
    /// What becomes of objects in which something is found when they are submitted here.
    #[command(after_help = "Examples:\n  \
            detente collection findings local/workbench error=quarantine\n  \
            detente collection findings local/workbench --default")]
    Findings {
        /// Its address: `<root>/<alias>`, as `list` prints it.
        address: String,
        #[command(flatten)]
        policy: PolicyArgs,
    },
    /// What is in a collection, and who may use it.
    #[command(after_help = "Example:\n  detente collection show local/workbench")]
    Show {
        /// Its address: `<root>/<alias>`, as `list` prints it.
        address: String,
    },
    /// Let an account use its roles in a collection: to read, to write, or both. Replaces what was
    /// granted there before.
    #[command(
        after_help = "Examples:\n  detente collection grant local/workbench siem --read\n  detente collection grant --every tamarin --read --write"
    )]
    Grant {
        #[command(flatten)]
        place: PlaceArgs,
        #[command(flatten)]
        may: MayArgs,
    },
    /// Take what was granted away; what is granted for every collection stays.
    #[command(
        after_help = "Examples:\n  detente collection revoke local/workbench siem\n  detente collection revoke --every siem"
    )]
    Revoke(PlaceArgs),
    /// Read a collection's newest versions, as one envelope.
    #[command(
        after_help = "Example:\n  detente collection read agreement-4be1d3a2c0f1/counter-terrorism-incoming > objects.json"
    )]
    Read {
        /// Its address: `<root>/<alias>`, as `list` prints it.
        address: String,
    },
    /// Post objects of a bundle or envelope to a collection.
    #[command(after_help = "Example:\n  detente collection post local/workbench bundle.json")]
    Post {
        /// Its address: `<root>/<alias>`, as `list` prints it.
        address: String,
        /// A STIX bundle or TAXII envelope.
        file: PathBuf,
    },
}

/// What of a collection is changed; at least one.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(super) struct ChangeArgs {
    /// Its title.
    #[arg(long)]
    pub(super) title: Option<String>,
    /// Its description.
    #[arg(long)]
    pub(super) description: Option<String>,
    /// Days that an object stays; 0 is for good. Where something is older, nothing is changed without
    /// --delete-older.
    #[arg(long, value_name = "DAYS")]
    pub(super) keep: Option<u32>,
    /// Address of a collection that feeds an aggregate; may be repeated, takes the place of
    /// all that were named before.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) from: Vec<String>,
}

/// An account and a place.
#[derive(Args)]
pub(super) struct PlaceArgs {
    /// The collection's address, `<root>/<alias>`, then the account; only the account with `--every`.
    #[arg(required = true, num_args = 1..=2, value_names = ["ADDRESS", "ACCOUNT"])]
    pub(super) place: Vec<String>,
    /// Every collection, present and to come.
    #[arg(long)]
    pub(super) every: bool,
}

/// What for; at least one.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(super) struct MayArgs {
    /// To read.
    #[arg(long)]
    pub(super) read: bool,
    /// To write.
    #[arg(long)]
    pub(super) write: bool,
}

#[derive(Subcommand)]
pub(super) enum AccountCommand {
    /// Every account.
    #[command(after_help = "Example:\n  detente account list")]
    List,
    /// One account: its roles, what it sees, where it may read and write.
    #[command(after_help = "Example:\n  detente account show siem")]
    Show {
        /// Its name.
        name: String,
    },
    /// Make an account.
    #[command(
        after_help = "Example:\n  detente account add tamarin --role drafter --role reader --password-file new.password"
    )]
    Add {
        /// Its name.
        name: String,
        /// What it may do; may be repeated.
        #[arg(long)]
        role: Vec<Role>,
        /// File with its password; none for an account that uses tokens only.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Say what an account may do; replaces its roles.
    #[command(after_help = "Example:\n  detente account roles tamarin --role releaser")]
    Roles {
        /// Its name.
        name: String,
        /// What it may do; may be repeated, none takes every role away.
        #[arg(long)]
        role: Vec<Role>,
    },
    /// Shut an account: its password, tokens and sessions no longer open anything.
    #[command(after_help = "Example:\n  detente account disable tamarin")]
    Disable {
        /// Its name.
        name: String,
    },
    /// Open a shut account again.
    #[command(after_help = "Example:\n  detente account enable tamarin")]
    Enable {
        /// Its name.
        name: String,
    },
    /// Say what an account may see: up to a label, of which communities.
    #[command(after_help = "Example:\n  detente account sight siem --ceiling TLP:GREEN")]
    Sight {
        /// Its name.
        name: String,
        /// The strictest label that it sees.
        #[arg(long, default_value = "TLP:RED")]
        ceiling: stix::Tlp,
        /// Id of a marking definition that stands for a community; may be repeated, every one
        /// where none is named.
        #[arg(long, value_name = "ID")]
        community: Vec<String>,
    },
    /// Make a token for a program that uses an account. It is shown once.
    #[command(after_help = "Example:\n  detente account token siem --label elastic --days 365")]
    Token {
        /// Its name.
        name: String,
        /// What it is for.
        #[arg(long)]
        label: String,
        /// How long it holds, 1 to 36500 days; for good where nothing is said.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: Option<u32>,
    },
    /// Client certificates that stand for an account.
    #[command(subcommand)]
    Certificate(CertificateCommand),
    /// Set an account's password.
    #[command(
        after_help = "Example:\n  detente account password tamarin --password-file new.password"
    )]
    Password {
        /// Its name.
        name: String,
        /// File with the new password; asked for where none is given.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(super) enum CertificateCommand {
    /// The certificates that stand for an account.
    #[command(after_help = "Example:\n  detente account certificate list siem")]
    List {
        /// The account.
        name: String,
    },
    /// Let a client certificate stand for an account.
    #[command(after_help = "Example:\n  detente account certificate add siem siem.pem")]
    Add {
        /// The account.
        name: String,
        /// The certificate, as PEM.
        file: PathBuf,
        /// What it is for; the file's name where nothing is said.
        #[arg(long)]
        label: Option<String>,
    },
    /// Take a certificate back at once.
    #[command(after_help = "Example:\n  detente account certificate remove siem 5f0c2a9be1d344aa")]
    Remove {
        /// The account.
        name: String,
        /// Its id, as `list` prints it.
        id: String,
    },
}

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Tokens of the asking account; of every account for an administrator with `--all`.
    #[command(after_help = "Example:\n  detente token list --all")]
    List {
        /// Of every account.
        #[arg(long)]
        all: bool,
    },
    /// Make a token. It is shown once.
    #[command(after_help = "Examples:\n  detente token create --label opencti --days 365\n  \
        detente --json token create --label siem | jq -r .token > siem.token")]
    Create {
        /// What it is for.
        #[arg(long)]
        label: String,
        /// How long it holds, 1 to 36500 days; for good where nothing is said.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: Option<u32>,
        /// Another account's, for an administrator.
        #[arg(long)]
        account: Option<String>,
    },
    /// Revoke a token at once.
    #[command(after_help = "Example:\n  detente token revoke 5f0c2a9be1d344aa")]
    Revoke {
        /// Its id, as `list` prints it.
        id: String,
    },
}

#[derive(Subcommand)]
pub(super) enum CourierCommand {
    /// Write what a partner has not receipted into a courier file.
    #[command(after_help = "Example:\n  detente courier export brevia.example/channel disk.tar")]
    Export {
        /// The partner.
        partner: NodeName,
        /// The file.
        file: PathBuf,
    },
    /// Take a courier file in, whole or not at all.
    #[command(after_help = "Example:\n  detente courier import disk.tar")]
    Import {
        /// The file.
        file: PathBuf,
    },
}

#[derive(Subcommand)]
pub(super) enum LedgerCommand {
    /// Write this side's account of what it sent to a partner: headers and hashes, never an item.
    #[command(after_help = "Example:\n  detente ledger export brevia.example/channel > ours.json")]
    Export {
        /// The partner.
        partner: NodeName,
    },
    /// Compare the accounts of two sides. Status 1 where they contradict.
    #[command(after_help = "Example:\n  detente ledger compare ours.json theirs.json")]
    Compare {
        /// One side's account.
        a: PathBuf,
        /// The other side's.
        b: PathBuf,
    },
}

#[derive(Subcommand)]
pub(super) enum StatementCommand {
    /// One JSON request a line in, one JSON answer a line out.
    #[command(after_help = "Example:\n  detente statement lines < requests.jsonl > answers.jsonl")]
    Lines(lines::LineOptions),
}

#[derive(Subcommand)]
pub(super) enum ProfileCommand {
    /// Keep a node elsewhere under a name.
    #[command(
        after_help = "Example:\n  detente profile add aldermoor --node https://desk.aldermoor.example:8420 \\\n      \
        --token-file tamarin.token --ca desk.pem"
    )]
    Add {
        /// The name.
        name: String,
    },
    /// Every profile.
    #[command(after_help = "Example:\n  detente profile list")]
    List,
    /// Talk to this node from now on; to the one on this machine where no name is given.
    #[command(after_help = "Example:\n  detente profile use aldermoor")]
    Use {
        /// The name.
        name: Option<String>,
    },
    /// Forget a profile.
    #[command(after_help = "Example:\n  detente profile remove aldermoor")]
    Remove {
        /// The name.
        name: String,
    },
}

/// What is done about profiles, without a node.
pub(super) fn profile(out: &Out, target: &Target, command: ProfileCommand) -> Result<ExitCode> {
    match command {
        ProfileCommand::Add { name } => {
            let kept = target.keep(&name)?;
            out.show(&View::Done(format!("profile {name} is kept")), &kept)
        }
        ProfileCommand::List => out.show(&View::Profiles, &profile::list()?),
        ProfileCommand::Use { name } => {
            let used = profile::put_in_use(name.as_deref())?;
            let which = name.as_deref().unwrap_or("the node on this machine");
            out.show(&View::Done(format!("commands go to {which} from now on")), &used)
        }
        ProfileCommand::Remove { name } => {
            let removed = profile::remove(&name)?;
            out.show(&View::Done(format!("profile {name} is gone")), &removed)
        }
    }
}
