//! Data of a kind that is not declared, or that a name does not determine: its first bytes choose the demuxer.

use bytes::{Bytes, BytesMut};

use super::picture::{self, PictureExtent};
use super::sniff::{self, Signature};
use super::text::TextDemuxer;
use super::{DemuxError, DemuxOutput, DemuxSetup, Demuxer};
use crate::model::ContainerFormat;

/// Waits for enough bytes, skips a picture in front of the media, then reads the rest as what it is.
pub(super) struct SniffingDemuxer {
    beginning: BytesMut,
    /// Bytes that the next decision needs.
    needed: usize,
    /// Bytes of pictures that were skipped.
    skipped: usize,
    setup: DemuxSetup,
    chosen: Option<Box<dyn Demuxer>>,
}

impl SniffingDemuxer {
    /// A reader for data that `setup` fits, whatever it is.
    pub fn new(setup: DemuxSetup) -> Self {
        Self { beginning: BytesMut::new(), needed: sniff::ENOUGH, skipped: 0, setup, chosen: None }
    }

    fn carried_format(&self) -> Option<ContainerFormat> {
        self.setup.carried.as_ref().filter(|carried| carried.continues)?.state.format()
    }

    /// Chooses the reader for `bytes` and hands them over; keeps them when more are needed for that.
    fn choose(&mut self, mut bytes: Bytes, last: bool) -> Result<Vec<DemuxOutput>, DemuxError> {
        loop {
            let signature = sniff::recognise(&bytes);
            let carried = self.setup.carried.as_ref().filter(|carried| carried.continues && self.skipped == 0);
            if let Some(format) = carried.and_then(|carried| carried.state.format_of_rest(&bytes, signature)) {
                return self.hand_over(format, bytes);
            }
            let extent = if signature == Signature::Image { picture::extent(&bytes) } else { PictureExtent::Unknown };
            let needed = match extent {
                PictureExtent::Ends(end) => end + sniff::ENOUGH,
                PictureExtent::Continues => bytes.len() * 2,
                PictureExtent::Unknown => 0,
            };
            if bytes.len() < needed && !last {
                self.needed = needed;
                self.beginning = bytes.into();
                return Ok(Vec::new());
            }
            match extent {
                PictureExtent::Ends(end) if end < bytes.len() && self.skipped + end <= picture::LONGEST => {
                    self.skipped += end;
                    bytes = bytes.split_off(end);
                }
                PictureExtent::Ends(_) | PictureExtent::Continues => return Err(signature.refuse("media")),
                PictureExtent::Unknown => {
                    let mut chosen = self.reader(signature)?;
                    let outputs = chosen.push(bytes);
                    self.chosen = Some(chosen);
                    return outputs;
                }
            }
        }
    }

    fn hand_over(&mut self, format: ContainerFormat, bytes: Bytes) -> Result<Vec<DemuxOutput>, DemuxError> {
        let mut chosen = super::reader(&DemuxSetup { format, ..self.setup.clone() })?;
        let outputs = chosen.push(bytes);
        self.chosen = Some(chosen);
        outputs
    }

    fn reader(&self, signature: Signature) -> Result<Box<dyn Demuxer>, DemuxError> {
        let told = self.setup.format != ContainerFormat::Unknown;
        let as_format = |format| super::reader(&DemuxSetup { format, ..self.setup.clone() });
        match signature {
            Signature::Mp4 => as_format(ContainerFormat::Fmp4),
            // XML is TTML, or nothing that can be read: its end decides.
            Signature::WebVtt | Signature::SubRip | Signature::Ttml | Signature::Xml => {
                Ok(Box::new(TextDemuxer::new("media")))
            }
            // After a picture, and in a broken one, only packets can be found again.
            Signature::MpegTs | Signature::Image => as_format(ContainerFormat::MpegTs),
            Signature::Nothing if self.skipped > 0 => as_format(ContainerFormat::MpegTs),
            Signature::PackedAudio => as_format(ContainerFormat::PackedAudio),
            // A segment that begins inside a frame goes on with what the one before it was.
            Signature::Nothing if self.carried_format().is_some() => {
                as_format(self.carried_format().unwrap_or(self.setup.format))
            }
            // Only the manifest's declaration is left to go by.
            Signature::Nothing if told => as_format(self.setup.format),
            other => Err(other.refuse("media")),
        }
    }
}

impl Demuxer for SniffingDemuxer {
    fn push(&mut self, bytes: Bytes) -> Result<Vec<DemuxOutput>, DemuxError> {
        if let Some(chosen) = &mut self.chosen {
            return chosen.push(bytes);
        }
        if self.beginning.is_empty() && bytes.len() >= self.needed {
            return self.choose(bytes, false);
        }
        self.beginning.extend_from_slice(&bytes);
        if self.beginning.len() < self.needed {
            return Ok(Vec::new());
        }
        let beginning = self.beginning.split().freeze();
        self.choose(beginning, false)
    }

    fn finish(&mut self) -> Result<Vec<DemuxOutput>, DemuxError> {
        let mut outputs = Vec::new();
        if self.chosen.is_none() {
            if self.beginning.is_empty() {
                return Err(DemuxError::Truncated { what: "an empty file".to_owned(), offset: 0 });
            }
            let beginning = self.beginning.split().freeze();
            outputs = self.choose(beginning, true)?;
        }
        if let Some(chosen) = &mut self.chosen {
            outputs.extend(chosen.finish()?);
        }
        Ok(outputs)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::container::picture::tests::pictures;
    use crate::container::ts::testmux::{Mux, adts};

    fn read(format: ContainerFormat, data: &[u8], piece: usize) -> Result<usize, DemuxError> {
        let mut demuxer = crate::container::demuxer(format, None)?;
        let mut samples = 0;
        let mut outputs = Vec::new();
        for piece in data.chunks(piece) {
            outputs.extend(demuxer.push(Bytes::copy_from_slice(piece))?);
        }
        outputs.extend(demuxer.finish()?);
        for output in outputs {
            if let DemuxOutput::Fragment(fragment) = output {
                samples += fragment.samples.len();
            }
        }
        Ok(samples)
    }

    #[test]
    fn media_after_a_picture_is_read_under_any_name() {
        let mut mux = Mux::new(&[(0x0f, 0x101, &[])]);
        for frame in 0..20 {
            let time = 9_000 + 1_920 * u64::from(frame);
            mux.packet(0x101, Some((time, time)), &adts(200, frame));
        }
        let media = mux.bytes;
        let expected = read(ContainerFormat::MpegTs, &media, media.len()).unwrap();
        assert!(expected > 0);
        let formats = [ContainerFormat::Unknown, ContainerFormat::MpegTs, ContainerFormat::PackedAudio];
        for (name, picture) in pictures() {
            let twice = [picture.as_slice(), &picture, &media].concat();
            let once = [picture.as_slice(), &media].concat();
            let padded = [picture.as_slice(), &[0; 700], &media].concat();
            for (data, format) in [&once, &twice, &padded].into_iter().zip(formats.into_iter().cycle()) {
                for piece in [61, 4096, data.len()] {
                    assert_eq!(read(format, data, piece), Ok(expected), "{name} {format:?} {piece}");
                }
            }
            let alone = read(ContainerFormat::Unknown, &picture, 100);
            assert!(matches!(alone, Err(DemuxError::Malformed { .. })), "{name}: {alone:?}");
        }
        for format in formats {
            assert_eq!(read(format, &media, 1000), Ok(expected), "{format:?}");
        }
    }
}
