//! The same pages from stores of different sizes, side by side: what they cost, and how that
//! grows.
//!
//! All stores are there at once, each behind a node of its own, and are asked in turns, so that
//! whatever else the machine does meets them alike. Of each request the best round counts.

use std::collections::HashMap;

use anyhow::{Result, ensure};

use super::{
    door, fill,
    load::{Cost, Load},
    plan::Plan,
    row,
    server::{Kept, Server},
};
use crate::figure::{Bar, Report};

const LIMIT: usize = 1_000;
const ROUNDS: usize = 20;
const TIMES: usize = 4;
/// Polls that find nothing, in a round.
const NOTHINGS: usize = 400;
/// Objects of a page of the manifest, when a store is walked through.
const STRIDE: usize = 10_000;

/// A store of one size.
struct Sized {
    size: usize,
    server: Server,
    /// Dates about a tenth, three tenths and a half of the way through it, behind the same objects
    /// of a replica at each size: so pages hold the same bytes, and enough is left of every type
    /// for a full one.
    after: Vec<String>,
    newest: String,
}

impl Sized {
    async fn make(name: &str, objects: &[Vec<u8>], size: usize) -> Result<Self> {
        let mut server = Server::make(&Kept::new(name)?, false)?;
        fill::fill(&server, objects, size).await?;
        server.settle()?;
        server.serve().await?;
        let load = Load::new(&server.target)?;
        let after = places(&load, size, objects.len()).await?;
        let newest = load.newest().await?;
        Ok(Self { size, server, after, newest })
    }
}

/// Walks through the whole manifest, counts it, and notes three dates on the way.
async fn places(load: &Load<'_>, size: usize, replica: usize) -> Result<Vec<String>> {
    let mark = |tenths| {
        let replicas = size * tenths / 10 / replica;
        replicas * replica + replica.min(size) * tenths / 10
    };
    let mut marks = [1, 3, 5].map(mark).into_iter().peekable();
    let (mut dates, mut count, mut from) = (Vec::new(), 0, String::new());
    loop {
        let left = marks.peek().map_or(STRIDE, |mark| (mark - count).min(STRIDE));
        let page = load.page(&format!("manifest/?limit={left}{from}")).await?;
        let envelope = page.envelope()?;
        count += envelope.objects.len();
        let last = page.last.clone().unwrap_or_default();
        if marks.next_if_eq(&count).is_some() {
            dates.push(last.clone());
        }
        from = format!("&added_after={last}");
        if !envelope.more {
            ensure!(count == size, "{count} objects of {size} are in the manifest");
            return Ok(dates);
        }
    }
}

/// One kind of request: what it is called, and its path up to `added_after`.
struct Filter {
    name: &'static str,
    path: String,
    /// What fits lies together, wherever: from the start.
    is_from_start: bool,
}

/// Filters that fit these objects.
fn filters(objects: &[Vec<u8>]) -> Vec<Filter> {
    let heads: Vec<_> = objects.iter().filter_map(|o| stix::Head::parse(o).ok()).collect();
    let mut versions: HashMap<&str, usize> = HashMap::new();
    for version in heads.iter().filter_map(|head| head.version()) {
        *versions.entry(version).or_default() += 1;
    }
    let often = versions.into_iter().max_by_key(|(_, count)| *count);
    let instant = often.map(|(version, _)| version).unwrap_or_default();
    let few = heads.iter().step_by(heads.len().div_ceil(20).max(1));
    let ids: Vec<_> = few.map(|head| head.id.as_ref()).collect();
    let objects = |name, query: &str, is_from_start| {
        let path = format!("objects/?limit={LIMIT}{query}");
        Filter { name, path, is_from_start }
    };
    let manifest = |name, query: &str| {
        let path = format!("manifest/?limit={LIMIT}{query}");
        Filter { name, path, is_from_start: false }
    };
    vec![
        objects("no filter", "", false),
        objects("match[version]=all", "&match[version]=all", false),
        objects("match[version]=first", "&match[version]=first", false),
        objects("match[version]=first,last", "&match[version]=first,last", false),
        objects("match[version]=<instant>", &format!("&match[version]={instant}"), true),
        objects("match[type], one", "&match[type]=relationship", false),
        objects("match[type], three", "&match[type]=malware,tool,relationship", false),
        objects("match[spec_version]", "&match[spec_version]=2.1", false),
        objects("match[id], 20", &format!("&match[id]={}", ids.join(",")), true),
        manifest("manifest", ""),
        manifest("manifest, match[type]", "&match[type]=relationship"),
    ]
}

/// Measures the rows of one store.
pub(super) async fn measure(
    report: &mut Report,
    name: &str,
    objects: &[Vec<u8>],
    plan: &Plan,
) -> Result<()> {
    let mut stores = Vec::new();
    for size in &plan.sizes {
        let begun = std::time::Instant::now();
        stores.push(Sized::make(name, objects, *size).await?);
        let rate = *size as f64 / begun.elapsed().as_secs_f64();
        let title = format!("filling with {size} objects and walking through the manifest");
        report.add(&row(name, &title), rate, "objects/s", Bar::None);
    }
    for filter in filters(objects) {
        same_counts(&stores, &filter).await?;
        let costs = costs(&stores, TIMES, |of| paths(of, &filter)).await?;
        let title = format!("page of {LIMIT}, {}", filter.name);
        compare(report, name, &title, &costs);
    }
    for connections in [door::CONNECTIONS, 1] {
        let many = match connections {
            1 => "a poller alone".to_owned(),
            many => format!("{many} pollers"),
        };
        for (size, cost) in nothings(&stores, connections).await? {
            let title = row(name, &format!("nothing new, {many}, {size} objects"));
            report.add(&title, cost, "CPU ms", Bar::AtMost(0.1));
        }
    }
    if let Some(largest) = stores.last() {
        let size = format!(", {} objects", largest.size);
        door::get(report, name, &largest.server, objects, &size).await?;
    }
    Ok(())
}

/// A page that is cut short costs less: all sizes must answer with as many objects.
async fn same_counts(stores: &[Sized], filter: &Filter) -> Result<()> {
    let mut counts = Vec::new();
    for of in stores {
        let (load, mut count) = (Load::new(&of.server.target)?, 0);
        for path in paths(of, filter) {
            count += load.page(&path).await?.envelope()?.objects.len();
        }
        counts.push(count);
    }
    let is_same = counts.windows(2).all(|pair| pair.first() == pair.last());
    ensure!(is_same, "{}: pages of {counts:?} objects are not compared", filter.name);
    Ok(())
}

fn paths(of: &Sized, filter: &Filter) -> Vec<String> {
    if filter.is_from_start {
        return vec![filter.path.clone()];
    }
    of.after.iter().map(|after| format!("{}&added_after={after}", filter.path)).collect()
}

/// CPU milliseconds of a poll that finds nothing new, at each size.
async fn nothings(stores: &[Sized], connections: usize) -> Result<Vec<(usize, f64)>> {
    best(stores, async |load, of| load.nothings(&of.newest, NOTHINGS, connections).await).await
}

/// CPU milliseconds of a request at each size.
async fn costs(
    stores: &[Sized],
    times: usize,
    paths: impl Fn(&Sized) -> Vec<String>,
) -> Result<Vec<(usize, f64)>> {
    best(stores, async |load, of| {
        let paths = paths(of);
        load.gets(&paths, 1).await?;
        load.gets(&paths, times).await
    })
    .await
}

/// The same work at each size, in turns: the best of several rounds.
async fn best(
    stores: &[Sized],
    work: impl AsyncFn(&Load<'_>, &Sized) -> Result<Cost>,
) -> Result<Vec<(usize, f64)>> {
    let mut best = vec![f64::INFINITY; stores.len()];
    // The first round warms: what it costs is not kept.
    for round in 0..=ROUNDS {
        for (of, best) in stores.iter().zip(&mut best) {
            let cost = work(&Load::new(&of.server.target)?, of).await?;
            if round > 0 {
                *best = best.min(cost.each_ms());
            }
        }
    }
    Ok(stores.iter().map(|of| of.size).zip(best).collect())
}

fn compare(report: &mut Report, name: &str, title: &str, costs: &[(usize, f64)]) {
    let Some(((size, base), larger)) = costs.split_first() else { return };
    report.add(&row(name, &format!("{title}, {size} objects")), *base, "CPU ms", Bar::None);
    for (size, cost) in larger {
        let title = row(name, &format!("{title}, {size} objects"));
        report.add(&title, cost / base, "x", Bar::AtMost(1.2));
    }
}
