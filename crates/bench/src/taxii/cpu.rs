//! CPU time of processes, to the nanosecond, by the clock that Linux keeps for each; and memory.

use std::fs;

use anyhow::{Context as _, Result};
use nix::{time::clock_getcpuclockid, unistd::Pid};

/// Processes whose time is counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Processes {
    /// Counted alone.
    pub(super) single: Vec<u32>,
    /// Counted with their children, those that have ended too.
    pub(super) families: Vec<u32>,
}

impl Processes {
    /// CPU seconds of all of them until now.
    pub(super) fn cpu_seconds(&self) -> Result<f64> {
        let mut all = 0.0;
        for process in &self.single {
            all += of_process(*process)?;
        }
        for parent in &self.families {
            all += of_process(*parent)? + of_reaped(*parent)?;
            for process in children(*parent)? {
                // One that has ended since is among the reaped next time.
                all += of_process(process).unwrap_or(0.0);
            }
        }
        Ok(all)
    }

    /// Memory that all of them hold now, in bytes; pages that they share count for each.
    pub(super) fn memory_bytes(&self) -> Result<f64> {
        self.single.iter().chain(&self.families).map(|process| memory_bytes(*process)).sum()
    }
}

fn memory_bytes(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmRSS")?;
    Ok(kib.trim().parse::<f64>()? * 1_024.0)
}

/// CPU seconds of a process, the threads that have ended too.
fn of_process(process: u32) -> Result<f64> {
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(process)?))?;
    let time = clock.now()?;
    Ok(time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
}

/// CPU seconds of the children that a process has waited for.
fn of_reaped(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let behind = stat.rsplit_once(") ").context("/proc says something else")?.1;
    let ticks = behind.split(' ').skip(13).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / rustix::param::clock_ticks_per_second() as f64)
}

fn children(process: u32) -> Result<Vec<u32>> {
    let path = format!("/proc/{process}/task/{process}/children");
    let text = fs::read_to_string(path)?;
    Ok(text.split_whitespace().filter_map(|id| id.parse().ok()).collect())
}
