//! A stream that is cut when it stands still, and that lets its last answer arrive.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    runtime::Handle,
    time::{Instant, Sleep, timeout},
};

/// After the last answer, what the other end still sends is read and dropped for this long: to
/// close at once would reset the connection, and the answer would be lost (RFC 9112 section 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// A stream under guard, with what is given back when it has gone.
pub(super) struct Guarded<S, P>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Send + 'static,
{
    /// Here until the guard is dropped.
    stream: Option<(S, P)>,
    /// Without a byte in either direction for this long, it is cut.
    still: Duration,
    moved: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<S, P> Guarded<S, P>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Send + 'static,
{
    pub(super) fn new(stream: S, place: P, still: Duration) -> Self {
        let timer = Box::pin(tokio::time::sleep(still));
        Self { stream: Some((stream, place)), still, moved: Instant::now(), timer }
    }

    /// Polls the stream, and notes whether anything moved; an error when nothing has for too long.
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        step: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some((stream, _)) = &mut self.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let polled = step(Pin::new(stream), cx);
        if polled.is_ready() {
            self.moved = Instant::now();
            return polled;
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let until = self.moved + self.still;
            if until <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            // The timer is set anew only when it fires, not at each byte.
            self.timer.as_mut().reset(until);
        }
    }
}

/// Says that nothing more comes, then reads and drops what the other end still sends.
async fn linger<S: AsyncRead + AsyncWrite + Unpin, P>(mut stream: S, place: P) {
    let drain = async {
        if stream.shutdown().await.is_ok() {
            let mut space = [0; 4096];
            while stream.read(&mut space).await.is_ok_and(|count| count > 0) {}
        }
    };
    // Whoever sends on is cut all the same.
    let _ = timeout(LINGER, drain).await;
    drop(place);
}

impl<S, P> Drop for Guarded<S, P>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Send + 'static,
{
    fn drop(&mut self) {
        if let (Some((stream, place)), Ok(runtime)) = (self.stream.take(), Handle::try_current()) {
            runtime.spawn(linger(stream, place));
        }
    }
}

impl<S, P> AsyncRead for Guarded<S, P>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Send + Unpin + 'static,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll(cx, |stream, cx| stream.poll_read(cx, buffer))
    }
}

impl<S, P> AsyncWrite for Guarded<S, P>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Send + Unpin + 'static,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, |stream, cx| stream.poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(|(stream, _)| stream.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |stream, cx| stream.poll_shutdown(cx))
    }
}
