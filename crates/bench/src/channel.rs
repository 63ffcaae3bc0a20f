//! The channel, end to end: two node processes on this machine, TLS and durable writes on.
//!
//! Everything is measured from outside, as a client sees it; CPU and memory are read in `/proc`.

use anyhow::Result;

use crate::figure::Report;

mod bulk;
mod program;
mod sealing;
mod small;

/// Measures every figure of the channel's issue, or only the parts that are named: `bulk`, `small`,
/// `sealing`, `program`. `--build` adds a clean release build (minutes).
pub(crate) fn run(report: &mut Report, arguments: &[String]) -> Result<()> {
    let all = arguments.iter().all(|argument| argument.starts_with("--"));
    let wanted = |part: &str| all || arguments.iter().any(|argument| argument == part);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if wanted("bulk") {
        runtime.block_on(bulk::run(report))?;
    }
    if wanted("small") {
        runtime.block_on(small::run(report))?;
    }
    if wanted("sealing") {
        sealing::run(report)?;
    }
    if wanted("program") {
        runtime.block_on(program::run(report))?;
    }
    if arguments.iter().any(|argument| argument == "--build") {
        program::clean_build(report)?;
    }
    Ok(())
}

/// The value below which a share of the sorted samples lies.
fn percentile(samples: &mut [f64], share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let place = (samples.len() as f64 * share).ceil() as usize;
    samples.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentile_is_the_nearest_rank() {
        let mut samples: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut samples, 0.5), 100.0);
        assert_eq!(percentile(&mut samples, 0.99), 198.0);
        assert!(percentile(&mut [], 0.5).is_nan());
    }
}
