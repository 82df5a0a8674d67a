//! Bodies of requests, read into one buffer within a size, a time and a pace.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};

/// Bounds of a request's body.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Maximum number of bytes.
    pub max_bytes: usize,
    /// Time for the body to arrive.
    pub time: Duration,
    /// Least rate in bytes per second: each so many bytes that have arrived prolong the time by a second, up to `longest`.
    pub rate: u32,
    /// Maximum time.
    pub longest: Duration,
}

impl BodyLimits {
    /// Ten seconds, prolonged by one for each 1,000 bytes that have arrived, to 30 at most.
    pub fn up_to(max_bytes: usize) -> Self {
        Self { max_bytes, time: Duration::from_secs(10), rate: 1_000, longest: Duration::from_secs(30) }
    }

    /// Time within which the body has to be complete when `received` bytes are there.
    fn allowance(&self, received: usize) -> Duration {
        let earned = Duration::from_millis(received as u64 * 1_000 / u64::from(self.rate.max(1)));
        (self.time + earned).min(self.longest)
    }
}

/// Reason why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is longer than the limit.
    #[error("the body is larger than the service reads")]
    TooLarge,
    /// It did not arrive in time.
    #[error("the body came too slowly")]
    TooSlow,
    /// The connection broke, or the framing is wrong.
    #[error("the body could not be read")]
    Broken,
}

/// Reads a body whole. Each frame is copied and let go at once: a frame holds the buffer that the connection read it into, so a
/// body that comes byte by byte would otherwise hold a buffer for each byte.
///
/// # Errors
/// [`BodyError`] at a limit, or if the body ends early.
pub async fn read(headers: &HeaderMap, body: Body, limits: &BodyLimits) -> Result<Bytes, BodyError> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limits.max_bytes as u64) {
        return Err(BodyError::TooLarge);
    }
    let begun = Instant::now();
    let mut frames = body.into_data_stream();
    let mut whole = BytesMut::new();
    loop {
        let next = timeout_at(begun + limits.allowance(whole.len()), frames.next());
        match next.await.map_err(|_| BodyError::TooSlow)? {
            None => return Ok(whole.freeze()),
            Some(Err(_)) => return Err(BodyError::Broken),
            Some(Ok(frame)) if frame.len() > limits.max_bytes - whole.len() => return Err(BodyError::TooLarge),
            Some(Ok(frame)) => whole.extend_from_slice(&frame),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BodyError, BodyLimits, read};
    use axum::body::Body;
    use axum::http::HeaderMap;
    use bytes::Bytes;
    use futures_util::{StreamExt as _, stream};
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// A frame that counts how many of its kind exist.
    struct Frame(Arc<AtomicUsize>);

    impl AsRef<[u8]> for Frame {
        fn as_ref(&self) -> &[u8] {
            b"x"
        }
    }

    impl Drop for Frame {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// A body of `count` frames of one byte, `pause` apart.
    fn dripping(count: usize, pause: Duration) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            if sent == count {
                return None;
            }
            tokio::time::sleep(pause).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), sent + 1))
        }))
    }

    #[tokio::test]
    async fn no_frame_is_held_while_the_rest_arrives() {
        let live = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let (counter, peak) = (Arc::clone(&live), Arc::clone(&most));
        let frames = stream::iter((0..10_000).map(move |_| {
            peak.fetch_max(counter.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            Ok::<_, Infallible>(Bytes::from_owner(Frame(Arc::clone(&counter))))
        }));
        let body = read(&HeaderMap::new(), Body::from_stream(frames), &BodyLimits::up_to(10_000)).await;
        assert_eq!(body.expect("it fits").len(), 10_000);
        assert!(most.load(Ordering::SeqCst) <= 2, "{} frames were held", most.load(Ordering::SeqCst));
        assert_eq!(live.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_body_has_ten_seconds_and_more_only_at_the_least_rate() {
        let limits = BodyLimits::up_to(64 * 1024);
        // Milliseconds between bytes, and when such a body is ended.
        for (pause_ms, expected) in [(500, 10_020), (100, 10_100), (2, 19_999), (1, 30_000)] {
            let ends = (0..).find(|bytes| limits.allowance(*bytes).as_millis() <= *bytes as u128 * pause_ms);
            let ends_ms = ends.expect("it ends") as u128 * pause_ms;
            assert!(ends_ms.abs_diff(expected) <= pause_ms, "{pause_ms}: {ends_ms}");
        }
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let limits = BodyLimits { time: Duration::from_millis(20), ..BodyLimits::up_to(100) };
        let begun = dripping(1, Duration::ZERO).into_data_stream().chain(stream::pending());
        let body = read(&HeaderMap::new(), Body::from_stream(begun), &limits).await;
        assert_eq!(body, Err(BodyError::TooSlow));
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_refused_declared_or_not() {
        let limits = BodyLimits::up_to(10);
        let mut headers = HeaderMap::new();
        assert_eq!(read(&headers, Body::from("12345678901"), &limits).await, Err(BodyError::TooLarge));
        assert_eq!(read(&headers, Body::from("1234567890"), &limits).await.map(|body| body.len()), Ok(10));
        headers.insert("content-length", "11".parse().expect("a number"));
        assert_eq!(read(&headers, dripping(11, Duration::ZERO), &limits).await, Err(BodyError::TooLarge));
    }
}
