//! TTML samples (ISO/IEC 14496-30 §5): each is a document whose times count from the beginning of the track, and of
//! which only what lies in the sample's own time is shown. Pictures that follow a document in its sample (box `subs`)
//! are not looked at.

use super::limits;
use crate::container::text::ttml_error;
use crate::container::{DemuxError, Sample};
use crate::text::Cue;
use crate::text::ttml;
use crate::time::MediaTime;

/// Appends the cues of a sample that lies at `offset` in the file. `origin` is the presentation time of the track's
/// beginning. An empty sample gives none.
pub(super) fn read(sample: &Sample, origin: MediaTime, offset: u64, cues: &mut Vec<Cue>) -> Result<(), DemuxError> {
    let bytes = &sample.payload.0;
    limits::check("the size of a text sample", bytes.len() as u64, limits::TTML_SAMPLE_BYTES as u64, offset)?;
    if bytes.iter().all(|byte| matches!(byte, 0 | b' ' | b'\t' | b'\r' | b'\n')) {
        return Ok(());
    }
    // The reader ends with the root element: what follows it does not matter.
    let document = ttml::parse(bytes).map_err(|error| ttml_error(error, offset))?;
    // The last sample of a file may not say how long it lasts.
    let end = if sample.duration.is_zero() { MediaTime::MAX } else { sample.end() };
    for mut cue in document.cues {
        cue.start = cue.start.shifted(origin.as_nanos()).max(sample.pts);
        if cue.end != MediaTime::MAX {
            cue.end = cue.end.shifted(origin.as_nanos());
        }
        cue.end = cue.end.min(end);
        if cue.start < cue.end {
            cues.push(cue);
        }
    }
    Ok(())
}
