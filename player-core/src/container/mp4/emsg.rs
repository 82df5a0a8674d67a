//! The event message box (ISO/IEC 23009-1 §5.10.3.3): metadata between the fragments. Its time becomes media time here;
//! the time at which hosts hear of it is not decided here.

use std::time::Duration;

use bytes::Bytes;

use super::boxes::{BoxBody, Fields, malformed};
use crate::container::DemuxError;
use crate::model::{MetadataBody, MetadataSource, TimedMetadata};
use crate::time::{MediaTime, duration_from_ticks};

/// An event whose message is an ID3v2 tag (AOM, "Carriage of ID3 Timed Metadata in CMAF").
const ID3: [&str; 2] = ["https://aomedia.org/emsg/ID3", "https://developer.apple.com/streaming/emsg-id3"];
/// `event_duration` of an event whose end is not known.
const UNKNOWN_DURATION: u32 = u32::MAX;

/// Start of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// So long after the earliest presentation time of its segment (version 0).
    AfterSegmentStart(Duration),
    /// At this media time (version 1).
    At(MediaTime),
}

/// An event message box.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct EventMessage {
    pub(super) begin: Begin,
    /// Complete but for its begin.
    metadata: TimedMetadata,
}

impl EventMessage {
    /// Reads the content of an `emsg` box.
    ///
    /// # Errors When it is damaged or of an undefined version.
    pub(super) fn read(body: &BoxBody<'_>) -> Result<Self, DemuxError> {
        let (version, _, mut fields) = body.full()?;
        let (scheme, value, begin, duration, timescale, id) = match version {
            0 => {
                let (scheme, value) = (text(&mut fields)?, text(&mut fields)?);
                let timescale = fields.u32()?;
                let delta = fields.u32()?;
                let (duration, id) = (fields.u32()?, fields.u32()?);
                let begin = Begin::AfterSegmentStart(duration_from_ticks(delta.into(), timescale.max(1)));
                (scheme, value, begin, duration, timescale, id)
            }
            1 => {
                let timescale = fields.u32()?;
                let time = i64::try_from(fields.u64()?).unwrap_or(i64::MAX);
                let (duration, id) = (fields.u32()?, fields.u32()?);
                let begin = Begin::At(MediaTime::from_ticks(time, timescale.max(1)));
                (text(&mut fields)?, text(&mut fields)?, begin, duration, timescale, id)
            }
            other => return Err(malformed(format!("an event message of version {other}"), body.offset)),
        };
        if timescale == 0 {
            return Err(malformed("an event message with a timescale of zero", body.offset));
        }
        let source = if ID3.contains(&scheme.as_str()) { MetadataSource::Id3 } else { MetadataSource::EventMessage };
        let metadata = TimedMetadata {
            source,
            scheme,
            value,
            id: id.to_string(),
            start: MediaTime::ZERO,
            duration: (duration != UNKNOWN_DURATION).then(|| duration_from_ticks(duration.into(), timescale)),
            body: MetadataBody::Binary(Bytes::copy_from_slice(fields.rest())),
        };
        Ok(Self { begin, metadata })
    }

    /// The metadata in media time, for a segment whose media begins at `earliest`.
    pub(super) fn placed(self, earliest: MediaTime) -> TimedMetadata {
        let start = match self.begin {
            Begin::AfterSegmentStart(delta) => earliest + delta,
            Begin::At(time) => time,
        };
        TimedMetadata { start, ..self.metadata }
    }
}

/// Reads a zero-terminated string.
fn text(fields: &mut Fields<'_>) -> Result<String, DemuxError> {
    let rest = fields.rest();
    let Some(length) = rest.iter().position(|byte| *byte == 0) else {
        return Err(malformed("an event message whose text does not end", fields.offset()));
    };
    let text = String::from_utf8_lossy(rest.get(..length).unwrap_or_default()).into_owned();
    fields.take(length + 1)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn read(bytes: &[u8]) -> Result<EventMessage, DemuxError> {
        EventMessage::read(&BoxBody { kind: *b"emsg", bytes, offset: 8 })
    }

    fn version_0() -> Vec<u8> {
        [words(&[0]), b"urn:a\0v\0".to_vec(), words(&[1000, 500, 2000, 7]), b"hi".to_vec()].concat()
    }

    fn version_1() -> Vec<u8> {
        let head = words(&[0x0100_0000, 90_000, 0, 900_000, UNKNOWN_DURATION, 8]);
        [head, b"https://aomedia.org/emsg/ID3\0\0".to_vec(), b"ID3".to_vec()].concat()
    }

    #[test]
    fn both_versions_become_metadata_in_media_time() {
        let first = read(&version_0()).unwrap().placed(MediaTime::from_millis(4000));
        assert_eq!((first.scheme.as_str(), first.value.as_str(), first.id.as_str()), ("urn:a", "v", "7"));
        assert_eq!((first.start, first.duration), (MediaTime::from_millis(4500), Some(Duration::from_secs(2))));
        assert_eq!(first.body, MetadataBody::Binary(Bytes::from_static(b"hi")));
        let second = read(&version_1()).unwrap().placed(MediaTime::from_millis(4000));
        assert_eq!((second.start, second.duration), (MediaTime::from_millis(10_000), None));
        assert_eq!(second.source, MetadataSource::Id3);
    }

    #[test]
    fn a_message_of_no_duration_is_an_instant_and_no_open_end() {
        let bytes = [words(&[0]), b"urn:a\0v\0".to_vec(), words(&[1000, 500, 0, 7])].concat();
        assert_eq!(read(&bytes).unwrap().placed(MediaTime::ZERO).duration, Some(Duration::ZERO));
    }

    #[test]
    fn damage_is_an_error() {
        for whole in [version_0(), version_1()] {
            let fixed = whole.len() - if whole[0] == 0 { 2 } else { 3 };
            for cut in 0..fixed {
                assert!(read(&whole[..cut]).is_err(), "{cut}");
            }
        }
        let mut unscaled = version_1();
        unscaled[4..8].fill(0);
        assert!(read(&unscaled).is_err());
        assert!(read(&words(&[0x0200_0000])).is_err());
    }
}
