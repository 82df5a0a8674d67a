//! Effects of faults on the answers of the virtual network.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::super::fault::Effect;
use crate::engine::io::FetchError;

/// Returns the error of a host that answers with a status of failure.
pub(super) fn refusal(effect: Option<&Effect>) -> Option<FetchError> {
    let (status, retry_after) = match effect {
        Some(Effect::Status(status)) => (*status, None),
        Some(Effect::Busy(status, wait)) => (*status, Some(*wait)),
        _ => return None,
    };
    Some(FetchError::Status { status, retry_after })
}

/// Returns an effect as the host sees it: a pause as long as its time limit is an end.
pub(super) fn given_up(effect: Effect, stall_timeout: Duration) -> Effect {
    match effect {
        Effect::StallAt { after_bytes, pause: Some(pause) } if pause >= stall_timeout => {
            Effect::StallAt { after_bytes, pause: None }
        }
        other => other,
    }
}

/// Returns true if a fault sends other bytes than the rest that was asked for.
pub(super) const fn sends_whole(effect: Option<&Effect>) -> bool {
    matches!(effect, Some(Effect::WholeFile | Effect::Html | Effect::Empty | Effect::Shorten { .. }))
}

/// The error of a host that gives no answer that could be read, at once.
pub(super) fn unreachable(effect: Option<&Effect>, is_known: bool) -> Option<FetchError> {
    let text = || "in the virtual network".to_owned();
    match effect {
        Some(Effect::Refuse) => Some(FetchError::Refused(text())),
        Some(Effect::Unresolved) => Some(FetchError::UnknownHost(text())),
        Some(Effect::NoRoute) => Some(FetchError::NoRoute(text())),
        Some(Effect::Untrusted) => Some(FetchError::Tls(text())),
        Some(Effect::Reset) => Some(FetchError::Unreachable(text())),
        Some(Effect::Garbled) => Some(FetchError::MalformedHead(text())),
        _ => (!is_known).then(|| FetchError::Refused(text())),
    }
}

/// Returns the first of the bytes `from`, `from + every`, … of a file that lies in a part of `size` bytes at `offset`, counted
/// from the beginning of the part.
pub(super) fn first_changed(from: u64, every: u64, offset: u64, size: u64) -> Option<u64> {
    let first = match from.checked_sub(offset) {
        Some(ahead) => ahead,
        None => (every - (offset - from) % every) % every,
    };
    (first < size).then_some(first)
}

/// Returns the part of a file with its bytes at `from`, `from + every`, … of the file changed as the edge changes them.
pub(super) fn changed(part: Bytes, from: u64, every: u64, offset: u64) -> Bytes {
    let Some(first) = first_changed(from, every, offset, part.len() as u64) else { return part };
    let mut bytes = BytesMut::from(part);
    let places = (first as usize..bytes.len()).step_by(usize::try_from(every).unwrap_or(usize::MAX));
    for place in places {
        bytes[place] ^= Effect::CHANGED_BITS;
    }
    bytes.freeze()
}
