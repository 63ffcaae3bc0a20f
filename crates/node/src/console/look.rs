//! One look for each term, everywhere: in words, then in shape, then in colour.
//!
//! Each function gives a piece of page that is escaped already. Text that a partner wrote goes
//! through [`quoted`] and through nothing else.

use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;
use protocol::terms::{Outcome, Precedence, RecallAnswer, Status, Timestamp};
pub(super) use protocol::words::{count, plural};
use stix::Tlp;
use store::{AgreementState, PartnerState, ReleaseState, StatementState};

/// A piece of page, escaped already.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Piece(String);

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl HtmlSafe for Piece {}

/// Escapes for text and for attributes in double quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Plain text of our own.
pub(super) fn plain(text: &str) -> Piece {
    Piece(escape(text))
}

/// Precedence as bars, one for each step of loudness, beside its word.
pub(super) fn precedence(precedence: Precedence) -> Piece {
    let (class, filled) = match precedence {
        Precedence::Flash => ("flash", 4),
        Precedence::Immediate => ("immediate", 3),
        Precedence::Priority => ("priority", 2),
        Precedence::Routine => ("routine", 1),
    };
    let bars: String = (0..4)
        .map(|bar| {
            let (x, height) = (bar * 4, 3 * (bar + 1));
            let off = if bar < filled { "" } else { " class=\"off\"" };
            format!("<path{off} d=\"M{x} {y}h3v{height}h-3z\"/>", y = 12 - height)
        })
        .collect();
    Piece(format!(
        "<span class=\"precedence {class}\"><svg class=\"bars\" viewBox=\"0 0 15 12\" \
         aria-hidden=\"true\">{bars}</svg>{precedence}</span>"
    ))
}

/// How a state feels: its colour. The shape says the same without colour.
#[derive(Debug, Clone, Copy)]
enum Tone {
    /// Nothing is to be done and nothing is decided.
    Quiet,
    /// Under way by itself.
    Going,
    /// Done and well.
    Good,
    /// A person is needed, or will be.
    Soon,
    /// Refused, recalled, broken.
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Going => "going",
            Self::Good => "good",
            Self::Soon => "soon",
            Self::Bad => "bad",
        }
    }

    /// A shape of its own: ring, arrow, tick, diamond, cross.
    fn shape(self) -> &'static str {
        match self {
            Self::Quiet => {
                "M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1m0 1.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8"
            }
            Self::Going => "M1 5.1h6.2L4.9 2.8 6.1 1.6 10.5 6l-4.4 4.4-1.2-1.2 2.3-2.3H1z",
            Self::Good => "M4.5 10.4.9 6.8l1.2-1.2 2.4 2.4L9.9 2.6l1.2 1.2z",
            Self::Soon => "M6 .6 11.4 6 6 11.4.6 6z",
            Self::Bad => {
                "M2.3 1.1 6 4.8l3.7-3.7 1.2 1.2L7.2 6l3.7 3.7-1.2 1.2L6 7.2l-3.7 3.7-1.2-1.2L4.8 6 1.1 2.3z"
            }
        }
    }
}

fn state(words: &str, tone: Tone) -> Piece {
    Piece(format!(
        "<span class=\"state {}\"><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\"><path d=\"{}\"/>\
         </svg>{}</span>",
        tone.class(),
        tone.shape(),
        escape(words)
    ))
}

/// A release's state.
pub(super) fn release_state(release: ReleaseState) -> Piece {
    let (words, tone) = release_words(release);
    state(words, tone)
}

fn release_words(release: ReleaseState) -> (&'static str, Tone) {
    match release {
        ReleaseState::Drafted => ("being decided", Tone::Going),
        ReleaseState::AwaitingRelease => ("waits for a releaser", Tone::Soon),
        ReleaseState::Refused => ("refused by the agreement", Tone::Bad),
        ReleaseState::Returned => ("returned to the drafter", Tone::Bad),
        ReleaseState::Sealed => ("sealed, waits for the link", Tone::Going),
        ReleaseState::Delivered => ("delivered, no receipt yet", Tone::Going),
        ReleaseState::TakenIn => ("taken in", Tone::Good),
        ReleaseState::TakenInWithFindings => ("taken in, with findings", Tone::Good),
        ReleaseState::Quarantined => ("held apart by the partner", Tone::Soon),
        ReleaseState::RefusedByPartner => ("refused by the partner", Tone::Bad),
        ReleaseState::Recalled => ("recalled", Tone::Bad),
    }
}

/// What became of a statement, here or at the partner.
pub(super) fn outcome(outcome: Outcome) -> Piece {
    let (words, tone) = match outcome {
        Outcome::TakenIn => ("taken in", Tone::Good),
        Outcome::TakenInWithFindings => ("taken in, with findings", Tone::Good),
        Outcome::Quarantined => ("held apart", Tone::Soon),
        Outcome::Refused => ("refused", Tone::Bad),
    };
    state(words, tone)
}

/// How far a statement came with one recipient.
pub(super) fn delivery(delivery: StatementState) -> Piece {
    let (words, tone) = match delivery {
        StatementState::Waiting => ("sealed, waits for the link", Tone::Going),
        StatementState::Delivered => ("delivered, no receipt yet", Tone::Going),
        StatementState::Receipted => ("received", Tone::Good),
    };
    state(words, tone)
}

/// An agreement's state.
pub(super) fn agreement_state(agreement: AgreementState) -> Piece {
    let (words, tone) = match agreement {
        AgreementState::InForce => ("in force", Tone::Good),
        AgreementState::Signed => ("signed by one side", Tone::Soon),
        AgreementState::Drafted => ("drafted, nobody has signed", Tone::Soon),
        _ => (agreement.word(), Tone::Quiet),
    };
    state(words, tone)
}

/// How far a partner is trusted.
pub(super) fn partner_state(partner: PartnerState) -> Piece {
    let (words, tone) = match partner {
        PartnerState::Met => ("met, fingerprint not compared", Tone::Soon),
        PartnerState::Verified => ("verified", Tone::Good),
        PartnerState::Suspended => ("suspended by us", Tone::Bad),
    };
    state(words, tone)
}

/// The link to a partner.
pub(super) fn link(partner: &store::Partner) -> Piece {
    match (&partner.url, &partner.last_error, partner.last_contact) {
        (None, ..) => state("courier only", Tone::Quiet),
        (_, Some(error), _) => state(&format!("link down: {error}"), Tone::Bad),
        (_, None, Some(_)) => state("link up", Tone::Good),
        (_, None, None) => state("not heard yet", Tone::Quiet),
    }
}

/// How far a recall of ours came.
pub(super) fn recall_state(word: &str, answer: Option<RecallAnswer>) -> Piece {
    match (word, answer) {
        (_, Some(RecallAnswer::DeletedEverywhere)) => state("deleted everywhere", Tone::Good),
        (_, Some(RecallAnswer::DeletedExcept)) => {
            state("deleted, copies kept with reason", Tone::Soon)
        }
        (_, Some(RecallAnswer::NotHeld)) => state("not held, will not be served", Tone::Good),
        ("drafted", None) => state("being sealed", Tone::Going),
        _ => state("waits for the partner's answer", Tone::Going),
    }
}

/// A good state of ours that is not a term of the protocol, in these words.
pub(super) fn good(words: &str) -> Piece {
    state(words, Tone::Good)
}

/// The same of a bad one.
pub(super) fn bad(words: &str) -> Piece {
    state(words, Tone::Bad)
}

/// A state that asks for a person.
pub(super) fn attention(words: &str) -> Piece {
    state(words, Tone::Soon)
}

/// Exercise and test never look like the real thing; what is meant needs no word.
pub(super) fn status(status: Status) -> Piece {
    match status {
        Status::Actual => Piece(String::new()),
        other => Piece(format!("<span class=\"status\">{}</span>", other.word().to_uppercase())),
    }
}

/// A marking, as FIRST writes it.
pub(super) fn tlp(tlp: Option<Tlp>) -> Piece {
    let Some(tlp) = tlp else {
        return Piece("<span class=\"tlp none\">no marking</span>".to_owned());
    };
    let class = match tlp {
        Tlp::Clear => "clear",
        Tlp::Green => "green",
        Tlp::Amber | Tlp::AmberStrict => "amber",
        Tlp::Red => "red",
    };
    Piece(format!("<span class=\"tlp {class}\">{}</span>", tlp.label()))
}

/// A moment with date: UTC here, the reader's own time where scripts run, UTC on hover and in print.
pub(super) fn time(at: Timestamp) -> Piece {
    let (day, clock, iso) = parts(at);
    Piece(format!(
        "<time datetime=\"{iso}\" data-show=\"full\" title=\"{day} {clock} UTC\">{day} {clock} UTC</time>"
    ))
}

/// A time of day; the column's head names the zone.
pub(super) fn clock_time(at: Timestamp) -> Piece {
    let (day, clock, iso) = parts(at);
    Piece(format!(
        "<time datetime=\"{iso}\" data-show=\"clock\" title=\"{day} {clock} UTC\">{clock}</time>"
    ))
}

/// Date, time of day, and the whole.
fn parts(at: Timestamp) -> (String, String, String) {
    let iso = at.to_string();
    let day = iso.get(..10).unwrap_or_default().to_owned();
    let clock = iso.get(11..19).unwrap_or_default().to_owned();
    (day, clock, iso)
}

/// A date-time group: `242256Z NOV 26`.
pub(super) fn date_time_group(at: Timestamp) -> String {
    const MONTHS: [&str; 12] =
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    let iso = at.to_string();
    let slice = |from: usize, to: usize| iso.get(from..to).unwrap_or_default();
    let month = slice(5, 7).parse().ok().and_then(|month: usize| MONTHS.get(month.checked_sub(1)?));
    let month = month.copied().unwrap_or("???");
    format!("{}{}{}Z {month} {}", slice(8, 10), slice(11, 13), slice(14, 16), slice(2, 4))
}

/// A running clock: what is left until `due`.
pub(super) fn clock(due: Timestamp, now: Timestamp) -> Piece {
    let over = now > due;
    let words = match over {
        false => format!("{} left", span(due.since_ms(now))),
        true => format!("{} over", span(now.since_ms(due))),
    };
    let (day, clock, iso) = parts(due);
    let class = if over { "clock over" } else { "clock" };
    Piece(format!(
        "<time class=\"{class}\" datetime=\"{iso}\" data-show=\"left\" \
         title=\"until {day} {clock} UTC\">{words}</time>"
    ))
}

/// How long ago something was.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> Piece {
    let (day, clock, iso) = parts(at);
    Piece(format!(
        "<time datetime=\"{iso}\" data-show=\"ago\" title=\"{day} {clock} UTC\">{} ago</time>",
        span(now.since_ms(at))
    ))
}

/// A length of time in its largest unit, as the script writes it too.
pub(super) fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..=89 => format!("{seconds} s"),
        90..=5_399 => format!("{} min", seconds / 60),
        5_400..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// An id: monospace, shortened in the middle, whole on hover, copied by a button where scripts run.
pub(super) fn id(text: &str) -> Piece {
    let whole = escape(text);
    let short = match text.split_once("--") {
        Some((kind, rest)) => format!("{}--{}", escape(kind), shortened(rest)),
        None => shortened(text),
    };
    Piece(format!(
        "<span class=\"id\"><code title=\"{whole}\">{short}</code>\
         <button type=\"button\" class=\"copy\" data-copy=\"{whole}\" \
         aria-label=\"Copy the whole id\">copy</button></span>"
    ))
}

/// The ends of an id, without a button: for rows that are links.
pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() <= 14 {
        return escape(text);
    }
    let head: String = text.chars().take(6).collect();
    let tail: String = text.chars().skip(text.chars().count().saturating_sub(4)).collect();
    format!("{}…{}", escape(&head), escape(&tail))
}

/// Text that somebody else wrote: in a frame of its own, isolated in its direction, with every
/// control and direction mark shown.
pub(super) fn quoted(text: &str) -> Piece {
    let mut out = String::from("<bdi class=\"quoted\">");
    for c in text.chars() {
        if is_shown(c) {
            let _ = write!(out, "<span class=\"control\">U+{:04X}</span>", u32::from(c));
        } else {
            out.push_str(&escape(c.encode_utf8(&mut [0; 4])));
        }
    }
    out.push_str("</bdi>");
    Piece(out)
}

/// A whole document that somebody else wrote, its lines kept.
pub(super) fn document(text: &str) -> Piece {
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if is_shown(c) => {
                let _ = write!(out, "<span class=\"control\">U+{:04X}</span>", u32::from(c));
            }
            c => out.push_str(&escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    Piece(out)
}

/// Characters that could lie about the rest: controls, direction marks, what has no width.
fn is_shown(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Bytes in the unit people use.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..=1_023 => format!("{count} B"),
        1_024..=1_048_575 => format!("{} KiB", count.div_ceil(1_024)),
        _ => format!("{:.1} MiB", count as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_cannot_leave_its_frame() {
        let piece = quoted("<b>\u{202e}x\u{0}</b>").to_string();
        assert_eq!(
            piece,
            "<bdi class=\"quoted\">&lt;b&gt;<span class=\"control\">U+202E</span>x\
             <span class=\"control\">U+0000</span>&lt;/b&gt;</bdi>"
        );
    }

    #[test]
    fn ids_keep_their_ends_and_their_type() {
        assert!(
            id("malware--0dd1a4b5-0000-4000-8000-000000000001")
                .to_string()
                .contains(">malware--0dd1a4…0001</code>")
        );
        assert_eq!(shortened("short"), "short");
    }

    #[test]
    fn every_precedence_has_its_own_shape() {
        let mut seen = std::collections::HashSet::new();
        for word in Precedence::ALL {
            let piece = precedence(*word).to_string();
            assert!(piece.contains(word.word()));
            assert!(seen.insert(piece.matches("class=\"off\"").count()), "{word}");
        }
    }

    #[test]
    fn clocks_and_groups_read_as_people_write_them() {
        let at: Timestamp = "2026-11-24T22:56:14.000Z".parse().unwrap();
        assert_eq!(date_time_group(at), "242256Z NOV 26");
        assert!(clock(at, at.plus_ms(-420_000)).to_string().contains("7 min left"));
        assert!(clock(at, at.plus_ms(60_000)).to_string().contains("clock over"));
    }
}
