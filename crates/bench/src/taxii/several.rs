//! Three processes over one PostgreSQL against one: what scales, and what does not.

use anyhow::Result;
use futures_util::future::try_join_all;

use super::{
    load::{Cost, Load},
    replica,
    server::{Kept, Server},
    target::Target,
};
use crate::figure::{Bar, Report};

/// Connections in all, over one process or shared by three.
const CONNECTIONS: usize = 6;
const SECONDS: u64 = 5;
const GETS: usize = 6_000;

/// Measures the rows.
pub(super) async fn measure(report: &mut Report, objects: &[Vec<u8>]) -> Result<()> {
    let first = Server::start(&Kept::new("PostgreSQL")?, false).await?;
    let alone = [first.target.clone()];
    rows(report, "one process", &alone, objects).await?;
    let (second, third) = (first.beside().await?, first.beside().await?);
    let fresh: Vec<_> = objects.iter().map(|object| replica::of(object, 99)).collect();
    let three = [&first, &second, &third].map(|server| server.target.clone());
    rows(report, "three processes", &three, &fresh).await
}

async fn rows(
    report: &mut Report,
    who: &str,
    targets: &[Target],
    objects: &[Vec<u8>],
) -> Result<()> {
    let Some(mut all) = targets.first().cloned() else { return Ok(()) };
    all.processes.single = targets.iter().flat_map(|of| of.processes.single.clone()).collect();
    let all = Load::new(&all)?;
    let loads: Vec<Load<'_>> = targets.iter().map(Load::new).collect::<Result<_>>()?;
    let each = CONNECTIONS / loads.len();
    let parts: Vec<_> = objects.chunks(objects.len().div_ceil(loads.len())).collect();
    let mut say = |what: &str, unit: &'static str, cost: Cost| {
        let title = format!("PostgreSQL, {who}: {what}");
        report.add(&title, cost.rate(), unit, Bar::None);
        report.add(&format!("{title}, CPU"), cost.each_ms(), "CPU ms each", Bar::None);
    };
    let adding = async || {
        let work = loads.iter().zip(&parts).map(|(load, part)| load.envelopes(part, 100, each));
        Ok(try_join_all(work).await?.iter().map(|cost| cost.count).sum())
    };
    say("envelopes of 100", "objects/s", all.cost(adding).await?);
    let adding = async || {
        let count = 3_000 / u32::try_from(loads.len())?;
        let work = loads.iter().map(|load| load.singles(each, count));
        Ok(try_join_all(work).await?.iter().map(|cost| cost.count).sum())
    };
    say("single objects", "objects/s", all.cost(adding).await?);
    let polling = async || {
        let work = loads.iter().map(|load| load.poll_for(each, SECONDS));
        Ok(try_join_all(work).await?.iter().map(|cost| cost.count).sum())
    };
    say("pages of 1,000", "pages/s", all.cost(polling).await?);
    let ids: Vec<String> = objects
        .iter()
        .step_by(7)
        .filter_map(|object| Some(stix::Head::parse(object).ok()?.id.into_owned()))
        .collect();
    let getting = async || {
        let work = loads.iter().map(|load| load.get_objects(&ids, GETS / loads.len(), each));
        Ok(try_join_all(work).await?.iter().map(|cost| cost.count).sum())
    };
    say("object GET", "requests/s", all.cost(getting).await?);
    Ok(())
}
