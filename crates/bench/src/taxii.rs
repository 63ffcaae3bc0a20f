//! The TAXII door over both stores: what it costs to add, to page, to get, at any size.
//!
//! CPU is that of the node's process and of PostgreSQL's, read in `/proc` to the nanosecond; the
//! load is this process. `--full` goes on to 4,000,000 objects and to ten minutes of pollers.

use anyhow::Result;

use crate::figure::{Bar, Report};

mod disk;
mod load;
mod nginx;
mod pages;
mod replica;
mod server;

use load::Load;
use server::{Kept, Server};

/// Objects of the sizes that pages are compared at.
const SIZES: [usize; 2] = [25_000, 400_000];
const SIZE_FULL: usize = 4_000_000;

/// Measures every figure of the TAXII issue.
pub(crate) fn run(report: &mut Report, arguments: &[String]) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let full = has("--full");
    let syncs = disk::syncs_per_second()?;
    report.add("disk: fdatasync", syncs, "/s", Bar::None);
    if !has("--postgres") {
        runtime.block_on(over(report, &Kept::Sqlite, syncs, full))?;
        runtime.block_on(nginx::compare(report))?;
    }
    match Kept::postgres("bench_one")? {
        _ if has("--sqlite") => {}
        Some(kept) => {
            runtime.block_on(over(report, &kept, syncs, full))?;
            runtime.block_on(several(report))?;
        }
        None => report.skip("PostgreSQL", "no server is named; run cargo xtask bench taxii"),
    }
    Ok(())
}

async fn over(report: &mut Report, kept: &Kept, syncs: f64, full: bool) -> Result<()> {
    let objects = replica::objects()?;
    let (name, is_sqlite) = (kept.name(), matches!(kept, Kept::Sqlite));
    let server = Server::start(kept, false).await?;
    let load = Load::new(&server)?;

    let bar = if is_sqlite { 0.10 } else { 0.25 };
    let added = load.envelopes(&objects, 100, 8).await?;
    let per_object = added.cpu_ms / objects.len() as f64;
    report.add(&row(name, "envelopes of 100"), per_object, "CPU ms/object", Bar::AtMost(bar));
    let rate = objects.len() as f64 / added.seconds;
    report.add(&row(name, "envelopes of 100, rate"), rate, "objects/s", Bar::None);

    let polled = load.poll(1_000).await?;
    let per_thousand = polled.cpu_ms / (polled.count as f64 / 1_000.0);
    let bar = Bar::AtMost(3.0);
    report.add(&row(name, "full poll, pages of 1,000"), per_thousand, "CPU ms/1,000", bar);

    let mut sizes = pages::Sizes::new(&load, &objects).await?;
    sizes.measure(&load, SIZES[0]).await?;
    let mut held = objects.len();
    for size in SIZES.into_iter().skip(1).chain(full.then_some(SIZE_FULL)) {
        while held < size {
            let n = u32::try_from(held / objects.len())?;
            let fresh: Vec<_> = objects.iter().map(|object| replica::of(object, n)).collect();
            load.envelopes(&fresh, 1_000, 4).await?;
            held += fresh.len();
        }
        sizes.measure(&load, size).await?;
    }
    sizes.report(report, name);

    let nothing = load.nothing_new().await?;
    report.add(&row(name, "nothing new"), nothing, "CPU ms", Bar::AtMost(0.1));
    let got = load.get_object(&objects, load.bearer()?).await?;
    report.add(&row(name, "object GET, token"), got, "CPU ms", Bar::AtMost(0.06));
    match load.basic().await? {
        Some(client) => {
            let got = load.get_object(&objects, client).await?;
            report.add(&row(name, "object GET, Basic"), got, "CPU ms", Bar::AtMost(0.08));
        }
        None => report.skip(&row(name, "object GET, Basic"), "no account with a password"),
    }
    let single = load.singles(8, 4_000).await?;
    let bar = if is_sqlite { Bar::AtMost(0.35) } else { Bar::None };
    report.add(&row(name, "single objects"), single.cpu_ms / 4_000.0, "CPU ms/object", bar);
    let times = 4_000.0 / single.seconds / syncs;
    let bar = if is_sqlite { Bar::AtLeast(2.0) } else { Bar::None };
    report.add(&row(name, "single objects, rate"), times, "x fdatasync", bar);
    crowd(report, &load, &server, name, full).await
}

/// 500 clients that poll while 16 writers post.
async fn crowd(
    report: &mut Report,
    load: &Load<'_>,
    server: &Server,
    name: &str,
    full: bool,
) -> Result<()> {
    let seconds = if full { 600 } else { 20 };
    let before = server.memory_bytes()?;
    let crowd = load.crowd(500, 16, seconds).await?;
    let title = format!("500 pollers, 16 writers, {seconds} s");
    let (lost, p99) = (crowd.lost as f64, crowd.p99_ms);
    report.add(&row(name, &title), lost, "lost or doubled", Bar::AtMost(0.0));
    report.add(&row(name, "their polls, p99"), p99, "ms", Bar::AtMost(250.0));
    let grown = (server.memory_bytes()? - before) / 1e6;
    report.add(&row(name, "memory grown meanwhile"), grown, "MB", Bar::None);
    Ok(())
}

/// Three processes over one PostgreSQL against one.
async fn several(report: &mut Report) -> Result<()> {
    let objects = replica::objects()?;
    let Some(kept) = Kept::postgres("bench_three")? else { return Ok(()) };
    let first = Server::start(&kept, false).await?;
    let one = Load::new(&first)?;
    let alone = one.envelopes(&objects, 100, 6).await?;
    let rate = objects.len() as f64 / alone.seconds;
    report.add("PostgreSQL, one process: envelopes of 100", rate, "objects/s", Bar::None);
    let alone = one.poll_for(6, 5).await?;
    report.add("PostgreSQL, one process: pages of 1,000", alone, "pages/s", Bar::None);
    let (second, third) = (first.beside().await?, first.beside().await?);
    let loads = [Load::new(&first)?, Load::new(&second)?, Load::new(&third)?];
    let fresh: Vec<_> = objects.iter().map(|object| replica::of(object, 99)).collect();
    let third = fresh.len().div_ceil(3);
    let mut parts = fresh.chunks(third);
    let mut part = || parts.next().unwrap_or_default();
    let begun = std::time::Instant::now();
    let (a, b, c) = tokio::join!(
        loads[0].envelopes(part(), 100, 2),
        loads[1].envelopes(part(), 100, 2),
        loads[2].envelopes(part(), 100, 2),
    );
    for done in [a, b, c] {
        done?;
    }
    let rate = fresh.len() as f64 / begun.elapsed().as_secs_f64();
    report.add("PostgreSQL, three processes: envelopes of 100", rate, "objects/s", Bar::None);
    let (a, b, c) =
        tokio::join!(loads[0].poll_for(2, 5), loads[1].poll_for(2, 5), loads[2].poll_for(2, 5));
    let pages = a? + b? + c?;
    report.add("PostgreSQL, three processes: pages of 1,000", pages, "pages/s", Bar::None);
    Ok(())
}

fn row(store: &str, what: &str) -> String {
    format!("{store}: {what}")
}
