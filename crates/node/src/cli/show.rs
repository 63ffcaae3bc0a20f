//! What people see: one look for precedence, state and time, in tables that fit the terminal.
//!
//! States are words with a shape in front; times are the reader's own, with the zone in the head.
//! Control characters of a text from elsewhere never reach the terminal.

use std::{io::Write as _, process::ExitCode};

use anyhow::Result;
use comfy_table::{ContentArrangement, Table};
use jiff::tz::TimeZone;
use protocol::words::plural;
use serde_json::Value;

/// Hex digits of an id in a table: enough to name it.
const ID_SHOWN: usize = 12;

/// How an answer is shown.
pub(super) enum View {
    Account,
    Accounts,
    Agreement,
    Agreements,
    Certificates,
    Clocks,
    Collection,
    Collections,
    Comparison,
    Demo,
    /// One line.
    Done(String),
    Drafted,
    /// An envelope for a file, with and without `--json`.
    Envelope(String),
    Held,
    Import,
    Items,
    Journal,
    Keys,
    Login,
    Node,
    Partner,
    Partners,
    Posted,
    Profiles,
    Quarantine,
    /// JSON even for people: it goes into a file.
    Raw,
    Recalls,
    ReceivedRecalls,
    Release,
    Releases,
    Statements,
    Token,
    Tokens,
}

/// Where answers go.
pub(super) struct Out {
    pub(super) json: bool,
}

impl Out {
    /// Prints an answer.
    pub(super) fn show(&self, view: &View, answer: &Value) -> Result<ExitCode> {
        if let View::Envelope(text) = view {
            return say(text);
        }
        if self.json {
            return say(&answer.to_string());
        }
        let code = say(&render(view, answer)?)?;
        // Beside what goes into a file or a pipe.
        if let Some(note) = note(view, answer) {
            eprintln!("{note}");
        }
        Ok(code)
    }
}

/// Prints a text, which ends with one newline.
pub(super) fn say(text: &str) -> Result<ExitCode> {
    match writeln!(std::io::stdout().lock(), "{}", text.trim_end()) {
        // Whoever reads has enough: `| head` is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        written => Ok(written.map(|()| ExitCode::SUCCESS)?),
    }
}

/// One column: its head, and the cell of a row.
type Column = (&'static str, fn(&Value) -> String);
/// One line of a single thing: its name, and the value.
type Field = (&'static str, fn(&Value) -> String);

pub(super) fn render(view: &View, answer: &Value) -> Result<String> {
    Ok(match view {
        View::Raw => serde_json::to_string_pretty(answer)?,
        View::Done(line) | View::Envelope(line) => line.clone(),
        View::Login => text(answer, "/url"),
        View::Node => fields(answer, NODE),
        View::Keys => fields(answer, KEYS),
        View::Partner => fields(answer, PARTNER),
        View::Partners => {
            rows(answer, "/partners", PARTNERS, "no partners; add one by its key statement")
        }
        View::Agreement => agreement(answer),
        View::Agreements => rows(answer, "/agreements", AGREEMENTS, "no agreements; draft one"),
        View::Demo => rows(answer, "/nodes", DEMO, "no nodes"),
        View::Clocks => fields(answer, CLOCKS),
        View::Drafted => drafted(answer),
        View::Posted => posted(answer),
        View::Release => release(answer),
        View::Releases => rows(answer, "/releases", RELEASES, "no releases"),
        View::Items => rows(answer, "/items", ITEMS, "no items"),
        View::Recalls => rows(answer, "/recalls", RECALLS, "no recalls"),
        View::ReceivedRecalls => {
            rows(answer, "/recalls", RECEIVED_RECALLS, "no partner has recalled anything")
        }
        View::Statements => rows(answer, "/statements", STATEMENTS, "no statements"),
        View::Held => rows(answer, "/objects", HELD, "you may see none of its objects"),
        View::Quarantine => rows(answer, "/quarantine", QUARANTINE, "nothing waits"),
        View::Journal => rows(answer, "/journal", JOURNAL, "no lines"),
        View::Collections => rows(answer, "/collections", COLLECTIONS, "no collections"),
        View::Collection => collection(answer),
        View::Account => account(answer),
        View::Accounts => rows(answer, "/accounts", ACCOUNTS, "no accounts"),
        View::Certificates => {
            rows(answer, "/certificates", CERTIFICATES, "no certificate stands for it")
        }
        View::Token => text(answer, "/token"),
        View::Tokens => rows(answer, "/tokens", TOKENS, "no tokens"),
        View::Import => fields(answer, IMPORT),
        View::Profiles => rows(answer, "/profiles", PROFILES, "no profiles; add one"),
        View::Comparison => comparison(answer),
    })
}

const NODE: &[Field] = &[
    ("name", |v| text(v, "/name")),
    ("version", |v| text(v, "/version")),
    ("key epoch", |v| text(v, "/epoch")),
    ("fingerprint", |v| text(v, "/fingerprint")),
    ("ledger", |v| {
        format!("{} entries, root {}", text(v, "/ledger/size"), text(v, "/ledger/root"))
    }),
    ("partner door", |v| text(v, "/partner_door")),
];
const CLOCKS: &[Field] = &[
    ("since", |v| time(v, "/since")),
    ("second person's decisions", |v| tally(v, "/decisions")),
    ("acknowledgements", |v| tally(v, "/acknowledgements")),
    ("seen at the partners", |v| tally(v, "/seen_there")),
    ("answers to recalls", |v| tally(v, "/answers")),
];
const KEYS: &[Field] = &[
    ("epoch", |v| text(v, "/epoch")),
    ("from", |v| time(v, "/from")),
    ("until", |v| time(v, "/until")),
    ("fingerprint", |v| text(v, "/spoken")),
    ("read it out", |_| "in 16 groups, by voice or in person; the partner compares".to_owned()),
];
const PARTNER: &[Field] = &[
    ("name", |v| text(v, "/partner/name")),
    ("state", |v| state(v, "/partner/state")),
    ("fingerprint", |v| text(v, "/spoken")),
    ("address", |v| or(text(v, "/partner/url"), "none: only the courier goes")),
    ("link", link),
    ("findings", |v| policy(v, "/partner/findings")),
    ("waiting", |v| waiting(v)),
    ("missing numbers", |v| text(v, "/missing")),
    ("ledger seen", |v| or(text(v, "/ledger_seen"), "not yet")),
];
const PARTNERS: &[Column] = &[
    ("PARTNER", |v| text(v, "/partner/name")),
    ("STATE", |v| state(v, "/partner/state")),
    ("LINK", link),
    ("WAITING", waiting),
    ("MISSING", |v| text(v, "/missing")),
    ("ADDRESS", |v| or(text(v, "/partner/url"), "courier only")),
];
const AGREEMENTS: &[Column] = &[
    ("AGREEMENT", |v| short(v, "/id")),
    ("STATE", |v| state(v, "/state")),
    ("IN FORCE SINCE", |v| time(v, "/in_force_since")),
    ("TITLE", |v| text(v, "/title")),
    ("PARTIES", |v| words(v, "/parties")),
];
const RELEASES: &[Column] = &[
    ("RELEASE", |v| short(v, "/id")),
    ("PRECEDENCE", |v| precedence(v, "/precedence")),
    ("STATE", |v| state(v, "/state")),
    ("DRAFTED", |v| time(v, "/created")),
    ("ITEMS", |v| text(v, "/items")),
    ("TOPIC", |v| text(v, "/topic")),
    ("BY", |v| text(v, "/drafted_by")),
    ("WHY", |v| text(v, "/message")),
];
const ITEMS: &[Column] = &[
    ("#", |v| text(v, "/index")),
    ("OBJECT", |v| text(v, "/id")),
    ("MARKING", |v| text(v, "/tlp")),
    ("FINDINGS", findings),
];
const RECALLS: &[Column] = &[
    ("RELEASE", |v| short(v, "/release")),
    ("REASON", |v| text(v, "/reason")),
    ("STATE", |v| state(v, "/state")),
    ("DECIDED", |v| time(v, "/at")),
    ("ITEMS", |v| or(words(v, "/items"), "all")),
    ("ANSWER", |v| or(state(v, "/answer"), "… none yet")),
];
const RECEIVED_RECALLS: &[Column] = &[
    ("STATEMENT", |v| short(v, "/target")),
    ("PARTNER", |v| text(v, "/partner")),
    ("TAKEN IN", |v| time(v, "/at")),
    ("DELETED", |v| text(v, "/deleted")),
    ("KEPT", |v| words(v, "/kept")),
    ("OUR ANSWER", |v| or(state(v, "/answer"), "… being sealed")),
];
const STATEMENTS: &[Column] = &[
    ("STATEMENT", |v| short(v, "/id")),
    ("", |v| if v.pointer("/out") == Some(&Value::Bool(true)) { "→" } else { "←" }.to_owned()),
    ("PARTNER", |v| or(text(v, "/partner"), &words_of(v, "/deliveries", "/partner"))),
    ("TYPE", |v| or(text(v, "/kind"), "unopened")),
    ("PRECEDENCE", |v| precedence(v, "/precedence")),
    ("AT", |v| time(v, "/at")),
    ("BYTES", |v| text(v, "/bytes")),
    ("STATE", statement_state),
];
const HELD: &[Column] = &[
    ("#", |v| text(v, "/place")),
    ("OBJECT", |v| text(v, "/id")),
    ("MARKING", |v| text(v, "/tlp")),
    ("FINDINGS", findings),
];
const DEMO: &[Column] = &[
    ("NODE", |v| text(v, "/name")),
    ("STATEMENTS SENT", |v| text(v, "/sent")),
    ("RECEIVED", |v| text(v, "/received")),
    ("BYTES", |v| text(v, "/bytes")),
    ("LEDGER ENTRIES", |v| text(v, "/ledger")),
];
const QUARANTINE: &[Column] = &[
    ("ID", |v| short(v, "/id")),
    ("PRECEDENCE", |v| precedence(v, "/precedence")),
    ("FROM", |v| or(text(v, "/partner"), &text(v, "/account"))),
    ("TOPIC", |v| or(text(v, "/topic"), "own")),
    ("SINCE", |v| time(v, "/at")),
    ("OBJECTS", |v| text(v, "/objects")),
];
const JOURNAL: &[Column] = &[
    ("AT", |v| time(v, "/at")),
    ("WHO", |v| text(v, "/actor")),
    ("WHAT", |v| text(v, "/event")),
    ("STATEMENT", |v| short(v, "/statement")),
    ("RELEASE", |v| short(v, "/release")),
    ("DETAIL", |v| text(v, "/detail")),
];
const COLLECTIONS: &[Column] = &[
    ("ADDRESS", |v| format!("{}/{}", text(v, "/root"), text(v, "/alias"))),
    ("TITLE", |v| text(v, "/title")),
    ("FLOW", |v| text(v, "/flow")),
    ("ID", |v| text(v, "/id")),
];
const COLLECTION: &[Field] = &[
    ("address", |v| format!("{}/{}", text(v, "/collection/root"), text(v, "/collection/alias"))),
    ("title", |v| text(v, "/collection/title")),
    ("description", |v| or(text(v, "/collection/description"), "none")),
    ("id", |v| text(v, "/collection/id")),
    ("flow", |v| text(v, "/collection/flow")),
    ("fed from", |v| match text(v, "/collection/flow").as_str() {
        "aggregate" => words(v, "/fed_from"),
        "incoming" => "what a partner releases".to_owned(),
        _ => "what tools post".to_owned(),
    }),
    ("keeps things", |v| match text(v, "/collection/retention_days").as_str() {
        "" => "for good".to_owned(),
        days => format!("for {days} days"),
    }),
];
const COLLECTION_TYPES: &[Column] =
    &[("TYPE", |v| text(v, "/type")), ("OBJECTS", |v| text(v, "/count"))];
const COLLECTION_ACCESS: &[Column] = &[
    ("ACCOUNT", |v| text(v, "/account")),
    ("READ", |v| yes(v, "/read")),
    ("WRITE", |v| yes(v, "/write")),
    ("WHERE", |v| {
        let here = v.pointer("/collection").is_some_and(Value::is_string);
        if here { "here" } else { "every collection" }.to_owned()
    }),
];
const ACCOUNT: &[Field] = &[
    ("name", |v| text(v, "/name")),
    ("partners see", |v| text(v, "/pseudonym")),
    ("roles", |v| or(words(v, "/roles"), "none")),
    ("state", |v| {
        if v.pointer("/disabled") == Some(&Value::Bool(true)) { "✗ shut" } else { "✓ open" }
            .to_owned()
    }),
    ("since", |v| time(v, "/created")),
    ("sees up to", |v| text(v, "/sight/ceiling")),
    ("communities", |v| match v.pointer("/sight/communities") {
        Some(Value::Array(_)) => or(words(v, "/sight/communities"), "none"),
        _ => "every one".to_owned(),
    }),
];
const ACCOUNT_ACCESS: &[Column] = &[
    ("COLLECTION", |v| or(text(v, "/address"), "every collection")),
    ("READ", |v| yes(v, "/read")),
    ("WRITE", |v| yes(v, "/write")),
];
const ACCOUNTS: &[Column] = &[
    ("ACCOUNT", |v| text(v, "/name")),
    ("STATE", |v| {
        if v.pointer("/disabled") == Some(&Value::Bool(true)) { "✗ shut" } else { "✓ open" }
            .to_owned()
    }),
    ("ROLES", |v| or(words(v, "/roles"), "none")),
    ("PARTNERS SEE", |v| text(v, "/pseudonym")),
    ("SINCE", |v| time(v, "/created")),
];
const TOKENS: &[Column] = &[
    ("TOKEN", |v| text(v, "/id")),
    ("ACCOUNT", |v| text(v, "/account")),
    ("LABEL", |v| text(v, "/label")),
    ("MADE", |v| time(v, "/created")),
    ("EXPIRES", |v| or(time(v, "/expires"), "never")),
];
const CERTIFICATES: &[Column] = &[
    ("CERTIFICATE", |v| text(v, "/id")),
    ("ACCOUNT", |v| text(v, "/account")),
    ("LABEL", |v| text(v, "/label")),
    ("SINCE", |v| time(v, "/created")),
];
const IMPORT: &[Field] = &[
    ("from", |v| text(v, "/from")),
    ("statements", |v| text(v, "/listed")),
    ("new", |v| text(v, "/new")),
    ("here already", |v| text(v, "/known")),
    ("not accepted", |v| {
        v.pointer("/refused").and_then(Value::as_array).map_or(0, Vec::len).to_string()
    }),
];
const PROFILES: &[Column] = &[
    ("", |v| if v.pointer("/in_use") == Some(&Value::Bool(true)) { "▶" } else { "" }.to_owned()),
    ("PROFILE", |v| text(v, "/name")),
    ("NODE", |v| text(v, "/node")),
    ("TOKEN FILE", |v| text(v, "/token_file")),
    ("CERTIFICATE", |v| or(text(v, "/ca"), "the system's")),
];

/// A cell of plain text: no control characters, no change of writing direction.
fn text(value: &Value, pointer: &str) -> String {
    let plain = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(words)) => words.chars().filter(plain).collect(),
        Some(other) => other.to_string(),
    }
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text }
}

fn short(value: &Value, pointer: &str) -> String {
    let id = text(value, pointer);
    id.get(..ID_SHOWN).map_or(id.clone(), str::to_owned)
}

fn words(value: &Value, pointer: &str) -> String {
    words_of(value, pointer, "")
}

fn words_of(value: &Value, pointer: &str, each: &str) -> String {
    let rows = value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    rows.iter().map(|row| text(row, each)).collect::<Vec<_>>().join(", ")
}

/// The reader's local time with its zone.
fn time(value: &Value, pointer: &str) -> String {
    let words = text(value, pointer);
    match words.parse::<jiff::Timestamp>() {
        Ok(instant) => instant
            .to_zoned_datetime(TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S %Z")
            .to_string(),
        Err(_) => words,
    }
}

/// A precedence, its bar the taller the louder.
fn precedence(value: &Value, pointer: &str) -> String {
    let word = text(value, pointer);
    let bar = match word.as_str() {
        "FLASH" => "█ ",
        "IMMEDIATE" => "▆ ",
        "PRIORITY" => "▄ ",
        _ => "▂ ",
    };
    format!("{bar}{word}")
}

/// A state: its shape says whether it is good, waits, or wants somebody.
fn state(value: &Value, pointer: &str) -> String {
    let word = text(value, pointer);
    let shape = match word.as_str() {
        "" => return word,
        "taken-in" | "in-force" | "verified" | "receipted" | "answered" | "deleted-everywhere" => {
            "✓"
        }
        "taken-in-with-findings" | "deleted-except" | "quarantined" | "suspended" => "!",
        "refused" | "refused-by-partner" | "ended" | "superseded" => "✗",
        "returned" | "recalled" | "not-held" => "↩",
        _ => "…",
    };
    format!("{shape} {word}")
}

fn statement_state(value: &Value) -> String {
    let own = state(value, "/outcome");
    if !own.is_empty() {
        return own;
    }
    let rows = value.pointer("/deliveries").and_then(Value::as_array).cloned().unwrap_or_default();
    let each = |row: &Value| or(state(row, "/outcome"), &state(row, "/state"));
    rows.iter().map(each).collect::<Vec<_>>().join(", ")
}

fn link(value: &Value) -> String {
    match (text(value, "/partner/last_error"), time(value, "/partner/last_contact")) {
        (error, _) if !error.is_empty() => format!("✗ {error}"),
        (_, heard) if !heard.is_empty() => format!("✓ heard {heard}"),
        _ => "… not heard yet".to_owned(),
    }
}

fn waiting(value: &Value) -> String {
    let (link, receipt) = (text(value, "/waiting_for_link"), text(value, "/waiting_for_receipt"));
    format!("{link} for the link, {receipt} for a receipt")
}

fn tally(value: &Value, at: &str) -> String {
    let count = |name: &str| text(value, &format!("{at}/{name}"));
    format!("{} kept, {} missed, {} running", count("kept"), count("missed"), count("running"))
}

/// `error=quarantine warning=accept 103=refuse`, as it is written.
fn policy(value: &Value, pointer: &str) -> String {
    let levels = ["error", "warning", "note"];
    let levels =
        levels.map(|level| format!("{level}={}", text(value, &format!("{pointer}/{level}"))));
    let rules = value.pointer(&format!("{pointer}/rules")).and_then(Value::as_object);
    let rules = rules.into_iter().flatten();
    let rules = rules.map(|(rule, held)| format!("{rule}={}", held.as_str().unwrap_or_default()));
    levels.into_iter().chain(rules).collect::<Vec<_>>().join(" ")
}

/// Each rule with its first place; those that break a MUST are marked.
fn findings(value: &Value) -> String {
    let rows = value.pointer("/findings").and_then(Value::as_array).cloned().unwrap_or_default();
    let told = |row: &Value| {
        let mark = if text(row, "/level") == "error" { "✗ " } else { "" };
        let more = match text(row, "/count").parse::<u32>() {
            Ok(count) if count > 1 => format!(" ({count} places)"),
            _ => String::new(),
        };
        format!("{mark}{} {}{more}", text(row, "/rule"), text(row, "/pointer"))
    };
    rows.iter().map(told).collect::<Vec<_>>().join("\n")
}

fn rows(answer: &Value, pointer: &str, columns: &[Column], none: &str) -> String {
    let list = answer.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    if list.is_empty() {
        return none.to_owned();
    }
    let mut table = Table::new();
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns.iter().map(|(head, _)| *head));
    for row in &list {
        table.add_row(columns.iter().map(|(_, cell)| cell(row)));
    }
    trimmed(&mut table)
}

/// Without the borders that no reader needs.
fn trimmed(table: &mut Table) -> String {
    table.load_style(comfy_table::presets::NOTHING);
    let lines = table.lines().map(|line| line.trim_end().trim_start_matches(' ').to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

fn fields(answer: &Value, fields: &[Field]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, of): &Field| format!("{name:<width$}  {}", of(answer));
    fields.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn yes(value: &Value, pointer: &str) -> String {
    if value.pointer(pointer) == Some(&Value::Bool(true)) { "yes" } else { "no" }.to_owned()
}

fn collection(answer: &Value) -> String {
    let head = fields(answer, COLLECTION);
    let types = rows(answer, "/types", COLLECTION_TYPES, "no objects");
    let access = rows(answer, "/access", COLLECTION_ACCESS, "no account may use it");
    format!("{head}\n\n{types}\n\n{access}\n(what an account may do there ends at its roles)")
}

fn account(answer: &Value) -> String {
    let head = fields(answer, ACCOUNT);
    let access = rows(answer, "/access", ACCOUNT_ACCESS, "it may use no collection");
    format!("{head}\n\n{access}\n(what it may do there ends at its roles)")
}

fn agreement(answer: &Value) -> String {
    const HEAD: &[Field] = &[
        ("agreement", |v| text(v, "/id")),
        ("title", |v| text(v, "/title")),
        ("state", |v| state(v, "/state")),
        ("in force since", |v| or(time(v, "/in_force_since"), "not yet")),
        ("parties", |v| words(v, "/parties")),
        ("signed by", |v| or(words_of(v, "/signatures", "/by"), "nobody")),
        ("stopped by", |v| or(words_of(v, "/standing", "/by"), "nobody")),
    ];
    let head = fields(answer, HEAD);
    match answer.pointer("/text").and_then(Value::as_str) {
        Some(words) => {
            let plain: String = words.chars().filter(|c| !c.is_control() || *c == '\n').collect();
            format!("{head}\n\n{plain}")
        }
        None => head,
    }
}

fn release(answer: &Value) -> String {
    const HEAD: &[Field] = &[
        ("release", |v| text(v, "/release/id")),
        ("state", |v| state(v, "/release/state")),
        ("precedence", |v| precedence(v, "/release/precedence")),
        ("topic", |v| text(v, "/release/topic")),
        ("items", |v| {
            format!("{} ({} bytes)", text(v, "/release/items"), text(v, "/release/bytes"))
        }),
        ("drafted", |v| {
            format!("{} by {}", time(v, "/release/created"), text(v, "/release/drafted_by"))
        }),
        ("released by", |v| or(text(v, "/release/released_by"), "—")),
        ("rule", |v| text(v, "/release/rule")),
        ("why", |v| or(text(v, "/release/message"), "—")),
        ("statement", |v| or(text(v, "/release/statement"), "not sealed")),
        ("next", |v| text(v, "/next")),
    ];
    const DELIVERIES: &[Column] = &[
        ("RECIPIENT", |v| text(v, "/partner")),
        ("NUMBER", |v| text(v, "/number")),
        ("STATE", |v| or(state(v, "/outcome"), &state(v, "/state"))),
        ("CODE", |v| text(v, "/code")),
        ("SEEN BY", |v| match text(v, "/acknowledged/officer").as_str() {
            "" => String::new(),
            officer => format!("{officer} {}", time(v, "/acknowledged/at")),
        }),
        ("TRIES", |v| text(v, "/attempts")),
        ("LAST ERROR", |v| text(v, "/last_error")),
    ];
    let mut all = fields(answer, HEAD);
    for (list, columns) in [("/statement/deliveries", DELIVERIES), ("/recalls", RECALLS)] {
        let table = rows(answer, list, columns, "");
        if !table.is_empty() {
            all = format!("{all}\n\n{table}");
        }
    }
    all
}

fn drafted(answer: &Value) -> String {
    let lines = answer.pointer("/objects").and_then(Value::as_array).cloned().unwrap_or_default();
    let refused: Vec<_> =
        lines.iter().filter(|line| line.pointer("/ok") == Some(&Value::Bool(false))).collect();
    let mut out = match text(answer, "/release") {
        id if id.is_empty() => "nothing new to release".to_owned(),
        id if answer.pointer("/again_of").is_some() => format!("drafted again as {id}"),
        id => {
            let drafted = (lines.len() - refused.len()) as u64;
            let drafted = plural(drafted, "object", "objects");
            let short = id.get(..ID_SHOWN).unwrap_or(&id);
            format!("drafted {id}: {drafted}; see `detente release show {short}`")
        }
    };
    for line in refused {
        let (place, id) = (text(line, "/place"), text(line, "/id"));
        let (mark, why) = match line.pointer("/held") {
            Some(_) => ("!", format!("stands apart: {}", findings(line).replace('\n', "; "))),
            None => ("✗", text(line, "/message")),
        };
        out.push_str(&format!("\n{mark} object {place}, {id}: {why}"));
    }
    out
}

fn posted(answer: &Value) -> String {
    const HEAD: &[Field] = &[
        ("status", |v| text(v, "/id")),
        ("taken", |v| text(v, "/success_count")),
        ("refused", |v| text(v, "/failure_count")),
    ];
    let head = fields(answer, HEAD);
    let failures = answer.pointer("/failures").and_then(Value::as_array).cloned();
    let line = |row: &Value| format!("\n✗ {}: {}", text(row, "/id"), text(row, "/message"));
    head + &failures.unwrap_or_default().iter().map(line).collect::<String>()
}

/// What a reader should know of a secret that was just printed.
fn note(view: &View, answer: &Value) -> Option<String> {
    match view {
        View::Login => Some("opens the console once, within a day".to_owned()),
        View::Token => Some(format!("shown once; its id is {}", text(answer, "/id"))),
        _ => None,
    }
}

fn comparison(answer: &Value) -> String {
    let agree = answer.pointer("/agree") == Some(&Value::Bool(true));
    let count = |pointer| answer.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
    let mut out = format!(
        "{}: {} statements compared, {} receipted, {} open",
        if agree { "✓ the two ledgers agree" } else { "✗ the two ledgers contradict" },
        text(answer, "/statements"),
        text(answer, "/receipted"),
        count("/open"),
    );
    let rows = answer.pointer("/contradictions").and_then(Value::as_array).cloned();
    for row in rows.unwrap_or_default() {
        out.push_str(&format!("\n✗ {}", text(&row, "")));
    }
    out
}
