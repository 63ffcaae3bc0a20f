//! What of the bench is run, and how far it goes.

use anyhow::{Context as _, Result, bail, ensure};

/// The parts of the bench, in their order.
const PARTS: [&str; 6] = ["door", "sizes", "nginx", "several", "crowd", "peers"];
/// Objects of the stores that pages are compared at.
const SIZES: [usize; 2] = [25_000, 400_000];
const SIZE_FULL: usize = 4_000_000;
const MINUTES: f64 = 1.0;
const MINUTES_FULL: f64 = 10.0;
const USAGE: &str = "bench taxii [--full] [--sqlite | --postgres] [--part NAME[,NAME…]] \
                     [--sizes N,N…] [--minutes N]; parts: door, sizes, nginx, several, crowd, peers";

/// The plan of one run.
pub(super) struct Plan {
    /// Which parts are measured.
    pub(super) parts: Vec<String>,
    /// Objects of the stores that pages are compared at; the first is the measure.
    pub(super) sizes: Vec<usize>,
    /// How long the crowd stays.
    pub(super) minutes: f64,
    /// Whether SQLite is measured.
    pub(super) has_sqlite: bool,
    /// Whether PostgreSQL is measured.
    pub(super) has_postgres: bool,
}

impl Plan {
    /// Reads the arguments behind the bench's name.
    pub(super) fn parse(arguments: &[String]) -> Result<Self> {
        let mut plan = Self {
            parts: PARTS.map(str::to_owned).into(),
            sizes: SIZES.into(),
            minutes: MINUTES,
            has_sqlite: true,
            has_postgres: true,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("usage: {USAGE}"));
            match argument.as_str() {
                "--full" => {
                    plan.sizes = [SIZES.as_slice(), &[SIZE_FULL]].concat();
                    plan.minutes = MINUTES_FULL;
                }
                "--sqlite" => plan.has_postgres = false,
                "--postgres" => plan.has_sqlite = false,
                "--part" => plan.parts = value()?.split(',').map(str::to_owned).collect(),
                "--sizes" => {
                    plan.sizes = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--minutes" => plan.minutes = value()?.parse()?,
                _ => bail!("{argument} is not known; usage: {USAGE}"),
            }
        }
        let unknown = plan.parts.iter().find(|part| !PARTS.contains(&part.as_str()));
        ensure!(unknown.is_none(), "{unknown:?} is no part; usage: {USAGE}");
        Ok(plan)
    }

    /// The stores that are measured, by name.
    pub(super) fn stores(&self) -> impl Iterator<Item = &'static str> {
        let stores = [("SQLite", self.has_sqlite), ("PostgreSQL", self.has_postgres)];
        stores.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| name)
    }
}
