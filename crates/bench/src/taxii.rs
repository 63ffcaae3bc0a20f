//! The TAXII door over both stores: what it costs to add, to page, to get, at any size.
//!
//! CPU is that of the node's process and of PostgreSQL's, to the nanosecond ([`cpu`]); the
//! load is this process. Each store is measured empty at first ([`door`]), then at the sizes of the
//! plan side by side ([`sizes`]), then under a crowd ([`crowd`]).

use anyhow::Result;

use crate::figure::{Bar, Report};

mod cpu;
mod crowd;
mod disk;
mod door;
mod fill;
mod load;
mod nginx;
mod peers;
mod plan;
mod replica;
mod server;
mod several;
mod sizes;
mod target;
mod wire;

use plan::Plan;

/// Measures every figure of the TAXII issue.
pub(crate) fn run(report: &mut Report, arguments: &[String]) -> Result<()> {
    let plan = Plan::parse(arguments)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure(report, &plan))
}

async fn measure(report: &mut Report, plan: &Plan) -> Result<()> {
    let objects = replica::objects()?;
    report.add("machine: load when it began", load_average()?, "", Bar::None);
    let is_there = std::env::var(server::POSTGRES).is_ok();
    if plan.has_postgres && !is_there {
        report.skip("PostgreSQL", "no server is named; run cargo xtask bench taxii");
    }
    for name in plan.stores().filter(|name| *name == "SQLite" || is_there) {
        for part in &plan.parts {
            match (part.as_str(), name) {
                ("door", _) => door::measure(report, name, &objects).await?,
                ("sizes", _) => sizes::measure(report, name, &objects, plan).await?,
                ("crowd", _) => crowd::measure(report, name, &objects, plan).await?,
                ("nginx", "SQLite") => nginx::compare(report, &objects).await?,
                ("several", "PostgreSQL") => several::measure(report, &objects).await?,
                _ => {}
            }
        }
    }
    if plan.parts.iter().any(|part| part == "peers") {
        peers::measure(report, &objects).await?;
    }
    report.add("machine: load when it ended", load_average()?, "", Bar::None);
    Ok(())
}

/// Processes that wanted the machine's cores, on average over the last minute.
fn load_average() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}

fn row(store: &str, what: &str) -> String {
    format!("{store}: {what}")
}
