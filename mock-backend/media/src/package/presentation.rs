//! A packaged title as both manifest writers see it. Nothing here knows HLS or DASH.

use super::super::Rate;
use super::segment::Segment;

/// Everything that a manifest says.
#[derive(Debug, Clone)]
pub(crate) struct Presentation {
    /// Frames per second of every rung.
    pub(crate) rate: Rate,
    /// Nominal duration of a segment: whole frames, in ticks of the picture's timescale.
    pub(crate) nominal_ticks: u64,
    /// Lowest rate first; not empty. All rungs are cut at the same times.
    pub(crate) video: Vec<VideoRendition>,
    /// Default first.
    pub(crate) audio: Vec<AudioRendition>,
    pub(crate) text: Vec<TextRendition>,
}

/// One rung.
#[derive(Debug, Clone)]
pub(crate) struct VideoRendition {
    /// Directory below `video/` and representation id.
    pub(crate) name: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) media: Media,
}

/// One language; always stereo at 48 kHz.
#[derive(Debug, Clone)]
pub(crate) struct AudioRendition {
    /// Directory below `audio/`.
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) label: String,
    pub(crate) media: Media,
}

/// One language of subtitles.
#[derive(Debug, Clone)]
pub(crate) struct TextRendition {
    /// Directory below `text/`.
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) label: String,
    /// Durations of its segments, milliseconds.
    pub(crate) segments_ms: Vec<u64>,
    /// Bytes of the whole file.
    pub(crate) bytes: u64,
}

/// Coded media cut into segments.
#[derive(Debug, Clone)]
pub(crate) struct Media {
    pub(crate) codec: String,
    /// Ticks a second.
    pub(crate) timescale: u32,
    /// Not empty.
    pub(crate) segments: Vec<Segment>,
}

impl Media {
    /// Ticks from the first to the last.
    pub(crate) fn ticks(&self) -> u64 {
        self.segments.iter().map(|s| s.duration).sum()
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|s| s.bytes).sum()
    }

    /// Duration in milliseconds, rounded down.
    pub(crate) fn duration_ms(&self) -> u64 {
        rescale(self.ticks(), 1000, self.timescale)
    }

    /// Mean rate in bits per second, rounded up.
    pub(crate) fn average_bps(&self) -> u64 {
        bps(self.bytes(), self.ticks(), self.timescale)
    }

    /// Peak rate in bits per second: the largest over any run of segments that lasts between half and one and a half times the
    /// longest segment (RFC 8216 §4.3.4.2, "peak segment bit rate").
    pub(crate) fn peak_bps(&self) -> u64 {
        let longest = self.segments.iter().map(|s| s.duration).max().unwrap_or(0);
        let mut peak = self.average_bps();
        for from in 0..self.segments.len() {
            let (mut bytes, mut ticks) = (0, 0);
            for segment in &self.segments[from..] {
                bytes += segment.bytes;
                ticks += segment.duration;
                if ticks * 2 > longest * 3 {
                    break;
                }
                if ticks * 2 >= longest {
                    peak = peak.max(bps(bytes, ticks, self.timescale));
                }
            }
        }
        peak
    }
}

impl Presentation {
    /// Duration of the title in milliseconds: that of its longest track, rounded down.
    pub(crate) fn duration_ms(&self) -> u64 {
        let video = self.video.iter().map(|v| v.media.duration_ms());
        let audio = self.audio.iter().map(|a| a.media.duration_ms());
        video.chain(audio).max().unwrap_or(0)
    }
}

fn bps(bytes: u64, ticks: u64, timescale: u32) -> u64 {
    let bits = u128::from(bytes) * 8 * u128::from(timescale);
    u64::try_from(bits.div_ceil(u128::from(ticks.max(1)))).unwrap_or(u64::MAX)
}

/// `ticks` of `from` a second as ticks of `to` a second, rounded down.
pub(super) fn rescale(ticks: u64, to: u64, from: u32) -> u64 {
    u64::try_from(u128::from(ticks) * u128::from(to) / u128::from(from.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_ignores_a_short_tail_on_its_own() {
        let segment = |start, duration, bytes| Segment { start, duration, bytes };
        let media = Media {
            codec: String::new(),
            timescale: 1000,
            segments: vec![segment(0, 2000, 1000), segment(2000, 2000, 3000), segment(4000, 100, 900)],
        };
        assert_eq!(media.average_bps(), 9561);
        assert_eq!(media.peak_bps(), 14_858, "the tail counts together with the segment before it");
        assert_eq!(media.duration_ms(), 4100);
    }
}
