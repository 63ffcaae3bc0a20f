//! The program itself: its size, its start, its build.

use std::{fs, process::Command, time::Instant};

use anyhow::{Context as _, Result, ensure};

use super::percentile;
use crate::{
    figure::{Bar, Report},
    nodes::{Node, program},
};

/// Starts of one node; the figure is the middle one.
const STARTS: usize = 9;

pub(super) async fn run(report: &mut Report) -> Result<()> {
    let size = fs::metadata(program())?.len() as f64 / 1e6;
    report.add("size of the binary", size, "MB", Bar::AtMost(40.0));
    let folder = tempfile::tempdir_in(program().parent().context("no target folder")?)?;
    let mut node = Node::make(folder.path(), "aldermoor.example/channel")?;
    let mut taken = Vec::new();
    for _ in 0..STARTS {
        taken.push(node.start().await?.as_secs_f64() * 1e3);
        node.stop();
    }
    let start = percentile(&mut taken, 0.5);
    report.add("start of serve to first answer", start, "ms", Bar::AtMost(300.0));
    Ok(())
}

/// A clean release build of the node, in a target folder of its own.
pub(super) fn clean_build(report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir_in(program().parent().context("no target folder")?)?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let begun = Instant::now();
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--package", "node", "--target-dir"])
        .arg(folder.path())
        .status()?;
    ensure!(status.success(), "the build failed");
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    report.add("clean release build", minutes, "min", Bar::AtMost(8.0));
    Ok(())
}
