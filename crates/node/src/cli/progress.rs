//! A bar or a wheel on standard error for whatever takes longer than a second.

use std::{
    io::{IsTerminal as _, stderr},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a command is silent.
const QUIET: Duration = Duration::from_secs(1);

/// Progress of one piece of work; it goes when this goes. Nothing is drawn where nobody looks.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// A thread that draws the bar when it is late. Dropping the sender ends its wait.
    // A thread, not a task: the commands that ask no node run without a runtime.
    late: Option<(Sender<()>, JoinHandle<()>)>,
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
        let target = stderr().is_terminal().then(ProgressDrawTarget::stderr);
        Self::on(target, QUIET, what, template, total)
    }

    fn on(
        target: Option<ProgressDrawTarget>,
        quiet: Duration,
        what: &str,
        template: &str,
        total: Option<u64>,
    ) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        bar.set_message(what.to_owned());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let late = target.map(|target| {
            let (over, wait) = channel();
            let late = bar.clone();
            let show = move || {
                if wait.recv_timeout(quiet) == Err(RecvTimeoutError::Timeout) {
                    late.set_draw_target(target);
                    late.enable_steady_tick(Duration::from_millis(120));
                }
            };
            (over, std::thread::spawn(show))
        });
        Self { bar, late }
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
        if let Some((over, show)) = self.late.take() {
            drop(over);
            // Joined, so that nothing is drawn after the bar is gone; it has nothing to fail with.
            let _ = show.join();
        }
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use indicatif::TermLike;

    use super::*;

    /// A terminal that tells what is written on it.
    #[derive(Debug)]
    struct Terminal(Sender<String>);

    impl TermLike for Terminal {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> std::io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> std::io::Result<()> {
            let _ = self.0.send(text.to_owned());
            Ok(())
        }
        fn clear_line(&self) -> std::io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn drawn(quiet: Duration, wait: Duration) -> bool {
        let (written, seen) = channel();
        let target = ProgressDrawTarget::term_like(Box::new(Terminal(written)));
        let progress = Progress::on(Some(target), quiet, "validating", "{msg}", Some(7));
        let mut texts = std::iter::from_fn(|| seen.recv_timeout(wait).ok());
        let drawn = texts.any(|text| text.contains("validating"));
        drop(progress);
        drawn
    }

    #[test]
    fn bar_is_drawn_without_a_runtime_when_the_quiet_is_over_and_not_before() {
        assert!(drawn(Duration::ZERO, Duration::from_secs(10)));
        assert!(!drawn(Duration::from_secs(600), Duration::from_millis(20)));
    }
}
