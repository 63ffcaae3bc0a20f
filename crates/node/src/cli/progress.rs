//! A bar or a wheel on standard error for whatever takes longer than a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a command is silent.
const QUIET: Duration = Duration::from_secs(1);

/// Progress of one piece of work; it goes when this goes. Nothing is drawn where nobody looks.
pub(crate) struct Progress {
    bar: ProgressBar,
    show: Option<tokio::task::JoinHandle<()>>,
}

impl Progress {
    /// Of bytes that are counted.
    pub(crate) fn bytes(what: &str, total: Option<u64>) -> Self {
        let template = match total {
            Some(_) => "{msg} {wide_bar} {bytes}/{total_bytes} {eta}",
            None => "{spinner} {msg} {bytes} {elapsed}",
        };
        Self::new(what, template, total)
    }

    /// Of work whose end is not known.
    pub(crate) fn wait(what: &str) -> Self {
        Self::new(what, "{spinner} {msg} {elapsed}", None)
    }

    fn new(what: &str, template: &str, total: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        bar.set_message(what.to_owned());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let (late, start) = (bar.clone(), Instant::now());
        let show = tokio::runtime::Handle::try_current().ok().map(|runtime| {
            runtime.spawn(async move {
                tokio::time::sleep(QUIET.saturating_sub(start.elapsed())).await;
                late.set_draw_target(ProgressDrawTarget::stderr());
                late.enable_steady_tick(Duration::from_millis(120));
            })
        });
        Self { bar, show }
    }

    /// So many bytes more.
    pub(crate) fn add(&self, bytes: usize) {
        self.bar.inc(bytes as u64);
    }

    /// A handle that counts from elsewhere.
    pub(crate) fn counter(&self) -> impl Fn(usize) + Send + Sync + 'static {
        let bar = self.bar.clone();
        move |bytes| bar.inc(bytes as u64)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(show) = self.show.take() {
            show.abort();
        }
        self.bar.finish_and_clear();
    }
}
