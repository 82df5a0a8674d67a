//! WebVTT samples (ISO/IEC 14496-30 §7.4): boxes of cues in, cues out.

use super::boxes::{BoxBody, Children};
use super::limits;
use crate::container::{DemuxError, Sample};
use crate::text::{Cue, webvtt};

/// Appends the cues of a sample that lies at `offset` in the file. They last as long as the sample; an empty
/// sample (`vtte`) gives none.
pub(super) fn read(sample: &Sample, offset: u64, cues: &mut Vec<Cue>) -> Result<(), DemuxError> {
    let bytes = &sample.payload.0;
    limits::check("the size of a text sample", bytes.len() as u64, limits::TEXT_SAMPLE_BYTES as u64, offset)?;
    for child in Children::new(bytes, offset) {
        let child = child?;
        if &child.kind == b"vttc" {
            cues.push(read_cue(&child, sample)?);
        }
    }
    Ok(())
}

fn read_cue(vttc: &BoxBody<'_>, sample: &Sample) -> Result<Cue, DemuxError> {
    let (mut id, mut settings, mut payload) = (None, String::new(), String::new());
    for child in vttc.children() {
        let child = child?;
        let text = || String::from_utf8_lossy(child.bytes).into_owned();
        match &child.kind {
            b"iden" => id = Some(text()),
            b"sttg" => settings = text(),
            b"payl" => payload = text(),
            _ => {}
        }
    }
    Ok(webvtt::cue(id, (sample.pts, sample.end()), &settings, &payload))
}
