//! How often the disk can make something durable: the measure of every commit.

use std::{
    fs::File,
    io::Write as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use crate::nodes::program;

const TIME: Duration = Duration::from_secs(1);

/// `fdatasync` after each page that is written behind the last, as a log of commits grows: beside
/// the stores, on the same disk, for one second.
pub(super) fn syncs_per_second() -> Result<f64> {
    let folder = tempfile::tempdir_in(program().parent().context("no target folder")?)?;
    let mut file = File::create(folder.path().join("page"))?;
    let (begun, mut count) = (Instant::now(), 0u32);
    while begun.elapsed() < TIME {
        file.write_all(&[7; 8_192])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}
