//! The door over an empty store: adding, paging, getting.

use anyhow::Result;

use super::{
    disk,
    load::Load,
    row,
    server::{Kept, Server},
    target::Target,
};
use crate::figure::{Bar, Report};

pub(super) const CONNECTIONS: usize = 8;
const SINGLES: u32 = 16_000;
/// Requests after which the CPU of one kind of request is known well enough.
const GETS: usize = 6_000;

/// Measures the rows of one store.
pub(super) async fn measure(report: &mut Report, name: &str, objects: &[Vec<u8>]) -> Result<()> {
    let server = Server::start(&Kept::new(name)?, false).await?;
    let load = Load::new(&server.target)?;
    add(report, name, &load, objects).await?;

    let polled = load.poll(1_000).await?;
    let cost = polled.each_ms() * 1e3;
    report.add(&row(name, "full poll, pages of 1,000"), cost, "CPU ms/1,000", Bar::AtMost(3.0));
    let rate = polled.rate();
    report.add(&row(name, "full poll, pages of 1,000, rate"), rate, "objects/s", Bar::None);

    get(report, name, &server, objects, "").await?;
    single(report, name, &load, server.commits().await?, &server).await
}

async fn add(report: &mut Report, name: &str, load: &Load<'_>, objects: &[Vec<u8>]) -> Result<()> {
    let bar = Bar::AtMost(if name == "SQLite" { 0.10 } else { 0.25 });
    let added = load.envelopes_to_rest(objects, 100, CONNECTIONS).await?;
    report.add(&row(name, "envelopes of 100"), added.each_ms(), "CPU ms/object", bar);
    report.add(&row(name, "envelopes of 100, rate"), added.rate(), "objects/s", Bar::None);
    Ok(())
}

/// Object GET, by token and by password.
pub(super) async fn get(
    report: &mut Report,
    name: &str,
    server: &Server,
    objects: &[Vec<u8>],
    size: &str,
) -> Result<()> {
    let load = Load::new(&server.target)?;
    let ids: Vec<String> = objects
        .iter()
        .step_by(7)
        .filter_map(|object| Some(stix::Head::parse(object).ok()?.id.into_owned()))
        .collect();
    let by_token = load.get_objects(&ids, GETS, CONNECTIONS).await?;
    let title = row(name, &format!("object GET, token{size}"));
    report.add(&title, by_token.each_ms(), "CPU ms", Bar::AtMost(0.06));
    let by_password = Target { authorization: server.with_password()?, ..server.target.clone() };
    let by_password = Load::new(&by_password)?.get_objects(&ids, GETS, CONNECTIONS).await?;
    let title = row(name, &format!("object GET, Basic{size}"));
    report.add(&title, by_password.each_ms(), "CPU ms", Bar::AtMost(0.08));
    Ok(())
}

/// Single objects: what one costs, and that several share a commit.
async fn single(
    report: &mut Report,
    name: &str,
    load: &Load<'_>,
    commits: u64,
    server: &Server,
) -> Result<()> {
    // Before and after: a disk that is shared is not as fast in one second as in the next.
    let before = disk::syncs_per_second()?;
    let single = load.singles(CONNECTIONS, SINGLES).await?;
    let syncs = f64::midpoint(before, disk::syncs_per_second()?);
    let is_sqlite = name == "SQLite";
    let bar = |bar| if is_sqlite { bar } else { Bar::None };
    let title = row(name, "single objects, 8 connections");
    report.add(&title, single.each_ms(), "CPU ms/object", bar(Bar::AtMost(0.35)));
    report.add(&row(name, "single objects, rate"), single.rate(), "requests/s", Bar::None);
    report.add(&row(name, "disk: fdatasync, just before and after"), syncs, "/s", Bar::None);
    let times = single.rate() / syncs;
    let title = row(name, "single objects, rate against fdatasync");
    report.add(&title, times, "x", bar(Bar::AtLeast(2.0)));
    let shared = f64::from(SINGLES) / (server.commits().await? - commits) as f64;
    report.add(&row(name, "single objects in one commit"), shared, "objects", Bar::None);
    Ok(())
}
