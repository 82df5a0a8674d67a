//! The bytes of parts and segments: stored samples under new headers.

use std::io;

use super::super::package::boxes;
use super::super::package::segment::write_fragment_header;
use super::super::package::track::Sample;
use super::stock::Stocked;
use super::timeline::{Span, Timeline, TrackId};

/// Seconds from the epoch of NTP, which is 1900, to that of Unix.
const NTP_OFFSET: u64 = 2_208_988_800;
/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// Writes part `index` of a segment. All parts of a segment one after another are the segment.
///
/// With `clock_ns`, the Unix time of the timeline's origin in nanoseconds, it begins with a `prft` (ISO/IEC 14496-12 §8.16.5): the
/// time at which the encoder would have taken the first sample in.
///
/// # Errors
/// When there is no such part, or a stored segment cannot be read.
pub(super) fn part(
    timeline: &Timeline,
    id: TrackId,
    number: u64,
    index: usize,
    clock_ns: Option<u64>,
) -> io::Result<Vec<u8>> {
    let place = timeline.place(number);
    let cut = timeline.cut(id, number);
    let (samples, span) = cut.get(index).ok_or(io::ErrorKind::NotFound)?;
    // Sequence numbers ascend over fragments; after 2^32 they begin anew.
    let sequence = (number.wrapping_mul(cut.len() as u64).wrapping_add(index as u64 + 1)) as u32;
    let mut out =
        Vec::with_capacity(256 + samples.iter().map(|stocked| stocked.sample.size as usize + 16).sum::<usize>());
    if index == 0 {
        boxes::write(&mut out, b"styp", |out| out.extend_from_slice(b"msdh\0\0\0\0msdhcmfscmff"));
    }
    if let Some(clock_ns) = clock_ns {
        write_reference_time(&mut out, *span, clock_ns);
    }
    let described: Vec<Sample> = samples.iter().map(|stocked| stocked.sample).collect();
    write_fragment_header(&mut out, sequence, span.start, &described);
    let programme = &timeline.programmes[place.programme];
    programme.copy(timeline.track(place.programme, id), samples, &mut out)?;
    Ok(out)
}

fn write_reference_time(out: &mut Vec<u8>, span: Span, clock_ns: u64) {
    let at = clock_ns.saturating_add(span.start_ns);
    let (seconds, rest) = (at / SECOND + NTP_OFFSET, at % SECOND);
    let fraction = (u128::from(rest) << 32) / u128::from(SECOND);
    boxes::write_full(out, b"prft", 1, 0, |out| {
        out.extend_from_slice(&1_u32.to_be_bytes());
        out.extend_from_slice(&(seconds << 32 | fraction as u64).to_be_bytes());
        out.extend_from_slice(&span.start.to_be_bytes());
    });
}

/// Returns true if decoding can begin with the first of some samples.
pub(super) fn is_independent(samples: &[Stocked]) -> bool {
    samples.first().is_some_and(|first| first.sample.is_sync())
}
