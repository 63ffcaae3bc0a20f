//! The same pages at every size of the store: what they cost, and how that grows.

use std::collections::HashMap;

use anyhow::Result;

use super::{load::Load, row};
use crate::figure::{Bar, Report};

/// Objects of a page: enough of every filter's are there at the smallest size.
const LIMIT: usize = 100;
const TIMES: usize = 60;

/// Costs of pages by filter and size.
pub(super) struct Sizes {
    filters: Vec<(&'static str, String)>,
    after: Vec<String>,
    costs: HashMap<&'static str, Vec<(usize, f64)>>,
}

impl Sizes {
    /// Filters that fit these objects, and the dates that pages start after.
    pub(super) async fn new(load: &Load<'_>, objects: &[Vec<u8>]) -> Result<Self> {
        let mut versions: HashMap<String, usize> = HashMap::new();
        for object in objects {
            if let Some(version) =
                stix::Head::parse(object).ok().and_then(|head| head.version().map(str::to_owned))
            {
                *versions.entry(version).or_default() += 1;
            }
        }
        let often = versions.into_iter().max_by_key(|(_, count)| *count);
        let instant = often.map(|(version, _)| version).unwrap_or_default();
        let ids: Vec<_> = objects
            .iter()
            .step_by(objects.len().div_ceil(20))
            .filter_map(|object| Some(stix::Head::parse(object).ok()?.id.into_owned()))
            .collect();
        let query = |text: &str| format!("objects/?limit={LIMIT}&{text}");
        let filters = vec![
            ("no filter", query("")),
            ("match[version]=all", query("match[version]=all&")),
            ("match[version]=first", query("match[version]=first&")),
            ("match[version]=<instant>", query(&format!("match[version]={instant}&"))),
            ("match[type], one", query("match[type]=relationship&")),
            ("match[type], three", query("match[type]=malware,tool,relationship&")),
            ("match[spec_version]", query("match[spec_version]=2.1&")),
            ("match[id], 20", query(&format!("match[id]={}&", ids.join(",")))),
            ("manifest", format!("manifest/?limit={LIMIT}&")),
        ];
        let after = load.dates(3, LIMIT).await?;
        Ok(Self { filters, after, costs: HashMap::new() })
    }

    pub(super) async fn measure(&mut self, load: &Load<'_>, size: usize) -> Result<()> {
        for (name, path) in &self.filters {
            // Few objects fit these, and they lie together: from the start.
            let from_start = name.starts_with("match[id]") || name.ends_with("<instant>");
            let paths: Vec<_> = if from_start {
                vec![path.clone()]
            } else {
                self.after.iter().map(|after| format!("{path}added_after={after}")).collect()
            };
            let cost = load.cpu_ms_of(&paths, TIMES).await?;
            self.costs.entry(name).or_default().push((size, cost));
        }
        Ok(())
    }

    pub(super) fn report(&self, report: &mut Report, store: &str) {
        for (name, _) in &self.filters {
            let costs = self.costs.get(name).map(Vec::as_slice).unwrap_or_default();
            let Some(((_, base), larger)) = costs.split_first() else { continue };
            let title = format!("page of {LIMIT}, {name}, 25,000 objects");
            report.add(&row(store, &title), *base, "CPU ms", Bar::None);
            for (size, cost) in larger {
                let title = format!("page of {LIMIT}, {name}, {size} objects");
                report.add(&row(store, &title), cost / base, "x", Bar::AtMost(1.2));
            }
        }
    }
}
