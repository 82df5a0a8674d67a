//! Bodies of answers on their way to the client: watched at both ends, so that neither a service that stops nor a client that
//! does not read holds a place.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc::{self, error::SendTimeoutError};
use tokio::time::timeout;

/// Pieces that wait for the client.
const WAITING: usize = 3;

/// Part of a body.
enum Piece {
    Frame(Bytes),
    /// The body is complete; without this it is broken, whatever came before.
    End,
}

/// The body did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off")]
pub struct BrokeOff;

/// Returns the body as the client gets it. A task carries it across and holds `place` until the service has sent all of it, and
/// `keep` until the client has taken all of it. It gives up after `patience` without progress at either end; if it was the client
/// that did not read, `on_stuck` is called, which has to end its connection, or what is left of the body would stay in memory.
pub fn carry<P, K>(body: Body, place: P, keep: K, patience: Duration, on_stuck: impl FnOnce() + Send + 'static) -> Body
where
    P: Send + 'static,
    K: Send + 'static,
{
    if body.is_end_stream() {
        return Body::empty();
    }
    let (sender, pieces) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let _keep = keep;
        let mut source = body.into_data_stream();
        loop {
            let frame = tokio::select! {
                frame = timeout(patience, source.next()) => frame,
                () = sender.closed() => return,
            };
            let piece = match frame {
                Ok(Some(Ok(frame))) => Piece::Frame(frame),
                Ok(None) => Piece::End,
                // Broken, or silent for too long.
                Ok(Some(Err(_))) | Err(_) => return,
            };
            let is_end = matches!(piece, Piece::End);
            match sender.send_timeout(piece, patience).await {
                Ok(()) => {}
                Err(SendTimeoutError::Timeout(_)) => return on_stuck(),
                // The client has left.
                Err(SendTimeoutError::Closed(_)) => return,
            }
            if is_end {
                break;
            }
        }
        drop(source);
        drop(place);
        // Waits until the client has the rest, or its time is up.
        if timeout(patience, sender.reserve_many(WAITING)).await.is_err() {
            on_stuck();
        }
    });
    Body::from_stream(Frames { pieces, is_ended: false })
}

/// The client's end of the task.
struct Frames {
    pieces: mpsc::Receiver<Piece>,
    is_ended: bool,
}

impl Stream for Frames {
    type Item = Result<Bytes, BrokeOff>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_ended {
            return Poll::Ready(None);
        }
        let piece = ready!(self.pieces.poll_recv(cx));
        self.is_ended = !matches!(piece, Some(Piece::Frame(_)));
        Poll::Ready(match piece {
            Some(Piece::Frame(frame)) => Some(Ok(frame)),
            Some(Piece::End) => None,
            None => Some(Err(BrokeOff)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::carry;
    use axum::body::{Body, to_bytes};
    use bytes::Bytes;
    use futures_util::{StreamExt as _, stream};
    use std::convert::Infallible;
    use std::time::Duration;
    use tokio::sync::oneshot;

    const LONG: Duration = Duration::from_secs(600);

    fn frames(count: usize) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> + Send {
        stream::iter((0..count).map(|_| Ok(Bytes::from_static(b"frame"))))
    }

    #[tokio::test]
    async fn a_body_comes_whole_and_frees_its_places() {
        let ((place, placed), (keep, kept)) = (oneshot::channel::<()>(), oneshot::channel::<()>());
        let body = carry(Body::from_stream(frames(100)), place, keep, LONG, || panic!("stuck"));
        assert_eq!(to_bytes(body, usize::MAX).await.expect("whole"), "frame".repeat(100));
        assert!(placed.await.is_err() && kept.await.is_err());
    }

    #[tokio::test]
    async fn the_service_is_free_before_the_client_has_read() {
        let ((place, placed), (keep, mut kept)) = (oneshot::channel::<()>(), oneshot::channel::<()>());
        let body = carry(Body::from_stream(frames(2)), place, keep, LONG, || panic!("stuck"));
        assert!(placed.await.is_err(), "two frames wait here");
        assert!(kept.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        drop(body);
        assert!(kept.await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_leaves_ends_the_request() {
        let (place, placed) = oneshot::channel::<()>();
        let body = Body::from_stream(frames(1).chain(stream::pending()));
        drop(carry(body, place, (), LONG, || panic!("stuck")));
        assert!(placed.await.is_err());
    }

    #[tokio::test]
    async fn a_service_that_stops_in_the_middle_breaks_the_answer() {
        let body = Body::from_stream(frames(1).chain(stream::pending()));
        let body = carry(body, (), (), Duration::from_millis(20), || panic!("stuck"));
        assert!(to_bytes(body, usize::MAX).await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up() {
        // More than waits for it, and less.
        for count in [10, 2] {
            let ((place, placed), (stuck, noticed)) = (oneshot::channel::<()>(), oneshot::channel());
            let on_stuck = move || stuck.send(()).expect("somebody waits");
            let body = Body::from_stream(frames(count));
            let body = carry(body, place, (), Duration::from_millis(20), on_stuck);
            assert!(placed.await.is_err(), "its place is free while it holds on to the body");
            assert_eq!(noticed.await, Ok(()));
            // What is left of a longer one is no whole answer.
            assert_eq!(to_bytes(body, usize::MAX).await.is_ok(), count == 2);
        }
    }
}
