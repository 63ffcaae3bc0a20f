//! A figure, the bar that it is held against, and the report that both stand in.

use std::{fmt::Write as _, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// What a figure must reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bar {
    /// No bar: stands there to be compared with.
    None,
    /// As much, or more.
    AtLeast(f64),
    /// As much, or less.
    AtMost(f64),
}

impl Bar {
    /// Whether a value reaches it; a value that is no number reaches none.
    pub(crate) fn holds(self, value: f64) -> bool {
        match self {
            Self::None => true,
            Self::AtLeast(bar) => value >= bar,
            Self::AtMost(bar) => value <= bar,
        }
    }

    /// How many times better than asked: 1 is just enough, below 1 fails.
    fn ratio(self, value: f64) -> Option<f64> {
        match self {
            Self::None => None,
            Self::AtLeast(bar) => Some(value / bar),
            Self::AtMost(bar) => Some(bar / value),
        }
    }

    /// The number, and on which side of it a value must lie.
    fn parts(self) -> (Option<f64>, Option<&'static str>) {
        match self {
            Self::None => (None, None),
            Self::AtLeast(bar) => (Some(bar), Some("at least")),
            Self::AtMost(bar) => (Some(bar), Some("at most")),
        }
    }

    fn text(self) -> String {
        match self {
            Self::None => String::new(),
            Self::AtLeast(bar) => format!(">= {}", number(bar)),
            Self::AtMost(bar) => format!("<= {}", number(bar)),
        }
    }
}

#[derive(Debug)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    bar: Bar,
}

/// The rows of one bench, in the order they were measured.
#[derive(Debug)]
pub(crate) struct Report {
    command: String,
    figures: Vec<Figure>,
    skipped: Vec<(String, String)>,
}

impl Report {
    /// An empty report of a bench, with the arguments behind its name.
    pub(crate) fn new(name: &str, arguments: &[String]) -> Self {
        let command = ["cargo xtask bench", name]
            .into_iter()
            .chain(arguments.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ");
        Self { command, figures: Vec::new(), skipped: Vec::new() }
    }

    /// Adds a figure, and says so while the bench goes on.
    pub(crate) fn add(&mut self, name: &str, value: f64, unit: &'static str, bar: Bar) {
        eprintln!("{name}: {} {unit} {}", number(value), bar.text());
        self.figures.push(Figure { name: name.to_owned(), value, unit, bar });
    }

    /// Notes a figure that cannot be measured here, and why. A skipped figure fails no bar.
    pub(crate) fn skip(&mut self, name: &str, reason: &str) {
        eprintln!("{name}: skipped, {reason}");
        self.skipped.push((name.to_owned(), reason.to_owned()));
    }

    /// Whether no bar was missed.
    pub(crate) fn holds(&self) -> bool {
        self.figures.iter().all(|figure| figure.bar.holds(figure.value))
    }

    /// The whole as one JSON document.
    pub(crate) fn json(&self) -> Value {
        let figures = self.figures.iter().map(|figure| {
            let (bar, sense) = figure.bar.parts();
            json!({
                "name": figure.name,
                "value": figure.value,
                "unit": figure.unit,
                "bar": bar,
                "sense": sense,
                "ratio": figure.bar.ratio(figure.value),
                "holds": figure.bar.holds(figure.value),
                "command": self.command,
            })
        });
        let skipped = self.skipped.iter().map(|(name, why)| json!({ "name": name, "why": why }));
        json!({
            "figures": figures.collect::<Vec<_>>(),
            "skipped": skipped.collect::<Vec<_>>(),
            "holds": self.holds(),
        })
    }

    /// The whole as a Markdown table.
    pub(crate) fn table(&self) -> String {
        let mut out = String::from("| figure | value | unit | bar | times the bar | holds |\n");
        out.push_str("| --- | ---: | --- | --- | ---: | --- |\n");
        for figure in &self.figures {
            let ratio = figure.bar.ratio(figure.value);
            let holds = match (figure.bar, figure.bar.holds(figure.value)) {
                (Bar::None, _) => "",
                (_, true) => "yes",
                (_, false) => "NO",
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {holds} |",
                figure.name,
                number(figure.value),
                figure.unit,
                figure.bar.text(),
                ratio.map(number).unwrap_or_default(),
            );
        }
        for (name, why) in &self.skipped {
            let _ = writeln!(out, "| {name} | skipped | | {why} | | |");
        }
        let _ = writeln!(out, "\n`{}`", self.command);
        out
    }
}

/// Three digits that matter, and thousands apart.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 4,
    };
    let plain = format!("{value:.decimals$}");
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len() - place;
        if place > 0 && left.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

/// How long one figure may take to measure.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// CPU seconds of one pass of `work` on this thread: the best of as many as fit into the time.
///
/// CPU time of the thread, not time of day: what else the machine does then costs less, and a
/// ratio of two figures of one run is fair.
pub(crate) fn cpu_seconds(mut work: impl FnMut()) -> f64 {
    let start = std::time::Instant::now();
    let mut best = f64::INFINITY;
    while best.is_infinite() || start.elapsed() < PATIENCE {
        let before = thread_seconds();
        work();
        best = best.min(thread_seconds() - before);
    }
    best
}

/// CPU time that this thread has used.
fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_holds_at_its_own_value_and_not_beyond() {
        assert!(Bar::AtLeast(2.0).holds(2.0) && !Bar::AtLeast(2.0).holds(1.9));
        assert!(Bar::AtMost(2.0).holds(2.0) && !Bar::AtMost(2.0).holds(2.1));
        assert!(!Bar::AtMost(2.0).holds(f64::NAN) && !Bar::AtLeast(2.0).holds(f64::NAN));
        assert!(Bar::None.holds(2.0));
    }

    #[test]
    fn report_with_one_missed_bar_does_not_hold() {
        let mut report = Report::new("lamps", &[]);
        report.add("oil", 2.0, "l", Bar::AtLeast(1.0));
        report.skip("wick", "no wick here");
        assert!(report.holds());
        report.add("light", 2.0, "lx", Bar::AtMost(1.0));
        assert!(!report.holds());
        assert_eq!(report.json()["figures"][1]["holds"], false);
        assert!(report.table().contains("| light | 2.00 | lx | <= 1.00 | 0.5000 | NO |"));
    }

    #[test]
    fn numbers_are_grouped_and_rounded_for_reading() {
        for (value, text) in [
            (1_234_567.8, "1,234,568"),
            (999.6, "1,000"),
            (12.34, "12.3"),
            (-1_234.0, "-1,234"),
            (-123.0, "-123"),
            (0.5, "0.5000"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
