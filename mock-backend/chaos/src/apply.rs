//! Applies an [`Effect`] to a real body.
//!
//! The body is a stream of pieces that know their offset in the file, so that a corruption hits the same bytes whatever range
//! they are asked for in.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};

use kinora_faults::Effect;
use kinora_kit::http::server::Connection;

/// A piece of a body; `offset` is its place in the file, `None` for framing between ranges.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Place of the first byte in the file.
    pub offset: Option<u64>,
    /// The bytes.
    pub bytes: Bytes,
}

/// A body on its way to the client.
pub type Pieces = Pin<Box<dyn Stream<Item = io::Result<Piece>> + Send>>;

/// The longest that a stalled body is held when the client never gives up.
pub const LONGEST_STALL: Duration = Duration::from_secs(3600);

/// Returns the body as the effect leaves it. `length` is its length and `offset` the place of its first byte in the file, 0 where
/// they are unknown. Effects that come before a body leave it unchanged; a shortened body needs its `Content-Length` reduced by
/// [`shortened_length`].
pub fn apply(effect: &Effect, body: Pieces, offset: u64, length: u64, connection: Option<Connection>) -> Pieces {
    match effect.clone().in_bytes(offset, length) {
        Effect::Shorten { after_bytes } => Box::pin(cut(body, after_bytes)),
        Effect::Refuse | Effect::Reset => reset(body, 0, connection),
        Effect::ResetAt { after_bytes } => reset(body, after_bytes, connection),
        Effect::StallAt { after_bytes, pause } => Box::pin(stall(body, after_bytes, pause.unwrap_or(LONGEST_STALL))),
        Effect::CorruptAt { from, every } => {
            Box::pin(body.map(move |piece| piece.map(|piece| corrupt(piece, from, every))))
        }
        _ => body,
    }
}

/// Returns the length that a response of `length` bytes declares under the effect.
pub fn shortened_length(effect: &Effect, length: u64) -> u64 {
    match effect {
        Effect::Shorten { after_bytes } => length.min(*after_bytes),
        _ => length,
    }
}

/// Returns the first `after` bytes of a body, then resets its connection.
fn reset(body: Pieces, after: u64, connection: Option<Connection>) -> Pieces {
    Box::pin(cut(body, after).chain(stream::once(async move {
        if let Some(connection) = connection {
            connection.reset_on_close();
        }
        Err(io::Error::new(io::ErrorKind::ConnectionReset, "reset by the fault plan"))
    })))
}

/// The first `limit` bytes of a body.
fn cut(body: Pieces, limit: u64) -> impl Stream<Item = io::Result<Piece>> + Send {
    stream::unfold((body, limit), |(mut body, left)| async move {
        if left == 0 {
            return None;
        }
        match body.next().await? {
            Err(error) => Some((Err(error), (body, 0))),
            Ok(mut piece) => {
                piece.bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left - piece.bytes.len() as u64;
                Some((Ok(piece), (body, left)))
            }
        }
    })
}

/// The body with one pause after its first `after` bytes.
fn stall(body: Pieces, after: u64, pause: Duration) -> impl Stream<Item = io::Result<Piece>> + Send {
    enum State {
        Before { left: u64, held: Option<Piece> },
        After { held: Option<Piece> },
    }
    stream::unfold((body, State::Before { left: after, held: None }), move |(mut body, state)| async move {
        let (left, held) = match state {
            State::After { held: Some(piece) } => return Some((Ok(piece), (body, State::After { held: None }))),
            State::After { held: None } => {
                let piece = body.next().await?;
                return Some((piece, (body, State::After { held: None })));
            }
            State::Before { left, held } => (left, held),
        };
        if left == 0 {
            tokio::time::sleep(pause).await;
            let piece = match held {
                Some(piece) => Ok(piece),
                None => body.next().await?,
            };
            return Some((piece, (body, State::After { held: None })));
        }
        match body.next().await? {
            Err(error) => Some((Err(error), (body, State::After { held: None }))),
            Ok(mut piece) => {
                let size = piece.bytes.len() as u64;
                if size <= left {
                    return Some((Ok(piece), (body, State::Before { left: left - size, held: None })));
                }
                // `left` is below the length of a buffer in memory here.
                let rest = piece.bytes.split_off(usize::try_from(left).unwrap_or(usize::MAX));
                let held = Piece { offset: piece.offset.map(|offset| offset + left), bytes: rest };
                Some((Ok(piece), (body, State::Before { left: 0, held: Some(held) })))
            }
        }
    })
}

/// Flips bits of the bytes whose place in the file is `from`, `from + every`, …
fn corrupt(piece: Piece, from: u64, every: u64) -> Piece {
    let Some(offset) = piece.offset else {
        return piece;
    };
    let skip = match from.checked_sub(offset) {
        Some(ahead) => ahead,
        None => (every - (offset - from) % every) % every,
    };
    let (Ok(skip), step) = (usize::try_from(skip), usize::try_from(every).unwrap_or(usize::MAX)) else {
        return piece;
    };
    if skip >= piece.bytes.len() {
        return piece;
    }
    let mut bytes = BytesMut::from(piece.bytes);
    for byte in bytes.iter_mut().skip(skip).step_by(step) {
        *byte ^= Effect::CHANGED_BITS;
    }
    Piece { offset: piece.offset, bytes: bytes.freeze() }
}

#[cfg(test)]
mod tests {
    use super::{Effect, Piece, Pieces};
    use bytes::Bytes;
    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use std::io;
    use std::time::Duration;

    fn apply(effect: Effect, body: Pieces) -> Pieces {
        super::apply(&effect, body, 0, 12, None)
    }

    fn body(sizes: &[usize]) -> Pieces {
        let mut offset = 0;
        let pieces: Vec<io::Result<Piece>> = sizes
            .iter()
            .map(|&size| {
                let piece = Piece { offset: Some(offset), bytes: Bytes::from(vec![0; size]) };
                offset += size as u64;
                Ok(piece)
            })
            .collect();
        Box::pin(stream::iter(pieces))
    }

    async fn collect(mut body: Pieces) -> (Vec<u8>, bool) {
        let mut all = Vec::new();
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => all.extend_from_slice(&piece.bytes),
                Err(_) => return (all, false),
            }
        }
        (all, true)
    }

    #[tokio::test]
    async fn truncation_ends_well_and_a_reset_does_not() {
        let (bytes, well) = collect(apply(Effect::Shorten { after_bytes: 7 }, body(&[5, 5]))).await;
        assert_eq!((bytes.len(), well), (7, true));
        let (bytes, well) = collect(apply(Effect::ResetAt { after_bytes: 7 }, body(&[5, 5]))).await;
        assert_eq!((bytes.len(), well), (7, false));
        let (bytes, well) = collect(apply(Effect::Reset, body(&[5]))).await;
        assert_eq!((bytes.len(), well), (0, false));
    }

    #[tokio::test]
    async fn corruption_goes_by_the_place_in_the_file() {
        let corrupted = Effect::CorruptAt { from: 3, every: 4 };
        let expected: Vec<u8> = (0..12).map(|at| if at >= 3 && (at - 3) % 4 == 0 { 0xa5 } else { 0 }).collect();
        for sizes in [&[12][..], &[1, 2, 3, 4, 2], &[4, 4, 4]] {
            assert_eq!(collect(apply(corrupted.clone(), body(sizes))).await.0, expected, "{sizes:?}");
        }
    }

    #[tokio::test]
    async fn a_stall_holds_the_rest_back_and_then_goes_on() {
        let mut stalled = apply(Effect::StallAt { after_bytes: 7, pause: None }, body(&[5, 5]));
        let mut got = 0;
        while let Some(piece) = stalled.next().now_or_never() {
            got += piece.expect("the body is not over").expect("no error").bytes.len();
        }
        assert_eq!(got, 7, "and then nothing was ready");
        let (bytes, well) =
            collect(apply(Effect::StallAt { after_bytes: 7, pause: Some(Duration::ZERO) }, body(&[5, 5]))).await;
        assert_eq!((bytes.len(), well), (10, true));
    }

    #[tokio::test]
    async fn shares_are_of_the_body() {
        let (bytes, well) = collect(apply(Effect::Truncate(500), body(&[5, 7]))).await;
        assert_eq!((bytes.len(), well), (6, false));
        let expected: Vec<u8> = (0..12).map(|at| if at >= 9 { Effect::CHANGED_BITS } else { 0 }).collect();
        assert_eq!(collect(apply(Effect::Corrupt(750), body(&[5, 7]))).await.0, expected);
    }
}
