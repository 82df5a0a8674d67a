//! The DASH manifest of a virtual film.

use std::fmt::Write as _;

use super::captions::Captions;
use super::film::{AUDIO_SCALE, Film, LockKind, VIDEO_SCALE};
use super::packaging::Addressing;

impl Film {
    pub(super) fn mpd(&self) -> String {
        let mut text = format!(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
             profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" minBufferTime=\"PT2S\" \
             mediaPresentationDuration=\"PT{}S\"{}>\n",
            self.duration.as_secs(),
            self.available_from.as_ref().map_or(String::new(), |from| format!(" availabilityStartTime=\"{from}\""))
        );
        for period in self.relisting.removed_periods..self.periods {
            if self.remote_period && period + 1 == self.periods {
                text.push_str("<Period xlink:href=\"period.xml\" xlink:actuate=\"onLoad\"/>\n");
            } else {
                text.push_str(&self.period(period));
            }
        }
        text.push_str("</MPD>\n");
        text
    }

    pub(super) fn period(&self, period: u32) -> String {
        let length = self.period_length();
        let begin = u64::from(period) * length;
        let mut text = format!("<Period id=\"p{period}\" start=\"PT{begin}S\" duration=\"PT{length}S\">\n");
        if period == 0 {
            self.event_stream(&mut text);
        }
        let segment = self.segment.as_secs();
        let protection = self.descriptors(begin / segment, (begin + length).div_ceil(segment));
        text.push_str("<AdaptationSet id=\"1\" contentType=\"video\" mimeType=\"video/mp4\">\n");
        text.push_str(&protection);
        if let Captions::Announced(language) = &self.captions {
            let _ = writeln!(
                text,
                "<Accessibility schemeIdUri=\"urn:scte:dash:cc:cea-608:2015\" value=\"CC1={language}\"/>"
            );
        }
        self.template(&mut text, "v", VIDEO_SCALE, begin);
        let codecs = if self.muxed.is_some() { "avc1.4d401f,mp4a.40.2" } else { "avc1.4d401f" };
        for rung in &self.ladder {
            let (width, height) = rung.size;
            let _ = write!(
                text,
                "<Representation id=\"{}\" bandwidth=\"{}\" width=\"{width}\" height=\"{height}\" codecs=\"{codecs}\"",
                rung.id, rung.bitrate
            );
            self.close_representation(&mut text, "v", &rung.id, begin);
        }
        text.push_str("</AdaptationSet>\n");
        for (index, voice) in self.voices.iter().enumerate() {
            let _ = writeln!(
                text,
                "<AdaptationSet id=\"{}\" contentType=\"audio\" mimeType=\"audio/mp4\" lang=\"{}\">",
                index + 2,
                voice.language
            );
            text.push_str(&protection);
            self.template(&mut text, "a", AUDIO_SCALE, begin);
            for (name, rate) in self.sounds_of(voice) {
                let _ = write!(
                    text,
                    "<Representation id=\"{name}\" bandwidth=\"{rate}\" codecs=\"mp4a.40.2\" audioSamplingRate=\"48000\""
                );
                self.close_representation(&mut text, "a", &name, begin);
            }
            text.push_str("</AdaptationSet>\n");
        }
        text.push_str("</Period>\n");
        text
    }

    fn event_stream(&self, text: &mut String) {
        if self.events.is_empty() {
            return;
        }
        text.push_str("<EventStream schemeIdUri=\"urn:example:events\" value=\"1\" timescale=\"1000\">\n");
        for (id, (begin, length)) in self.events.iter().enumerate() {
            let (begin, length) = (begin.as_millis(), length.as_millis());
            let _ = writeln!(text, "<Event id=\"{id}\" presentationTime=\"{begin}\" duration=\"{length}\">e</Event>");
        }
        text.push_str("</EventStream>\n");
    }

    /// Ends the start tag of a representation, and the element with the addressing of its file.
    fn close_representation(&self, text: &mut String, group: &str, name: &str, begin: u64) {
        let _ = match self.addressing(group) {
            Addressing::Files => writeln!(text, "/>"),
            _ => writeln!(text, ">{}</Representation>", self.file_elements(group, name, begin)),
        };
    }

    fn template(&self, text: &mut String, group: &str, scale: u32, begin: u64) {
        if self.addressing(group) != Addressing::Files {
            return;
        }
        let init = if self.at_once { "" } else { "initialization=\"{group}/$RepresentationID$/init.mp4\" " };
        let init = init.replace("{group}", group);
        let segment = self.segment.as_secs();
        let first = begin / segment;
        let duration =
            if self.shape.uneven { String::new() } else { format!("duration=\"{}\" ", u64::from(scale) * segment) };
        let offset = begin * u64::from(scale) + self.ahead(scale);
        let _ = write!(
            text,
            "<SegmentTemplate timescale=\"{scale}\" {duration}startNumber=\"{}\" presentationTimeOffset=\"{offset}\" \
             {init}media=\"{group}/$RepresentationID$/$Number$.m4s\"",
            self.number_of(group, first)
        );
        if !self.shape.uneven {
            text.push_str("/>\n");
            return;
        }
        text.push_str("><SegmentTimeline>");
        let close = begin + self.period_length();
        let present = (first..self.segments()).filter(|place| !self.is_hole(group, *place));
        for (start, end) in present.map(|place| self.span_of(group, place)) {
            if start >= close {
                break;
            }
            let time = start * u64::from(scale) + self.ahead(scale);
            let _ = write!(text, "<S t=\"{time}\" d=\"{}\"/>", (end - start) * u64::from(scale));
        }
        text.push_str("</SegmentTimeline></SegmentTemplate>\n");
    }

    /// Protection descriptors of a period.
    fn descriptors(&self, begin: u64, end: u64) -> String {
        let mut text = String::new();
        let locks = (begin..end)
            .filter_map(|number| self.lock(number))
            .filter(|lock| matches!(lock.kind, LockKind::Samples | LockKind::Foreign));
        for lock in locks {
            let id = lock.id();
            if text.contains(&id.to_string()) {
                continue;
            }
            let _ = writeln!(
                text,
                "<ContentProtection schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" value=\"cenc\" default_KID=\"{id}\"/>"
            );
            if self.shape.other_key_formats && lock.kind == LockKind::Samples {
                for other in ["9a04f079-9840-4286-ab92-e65be0885f95", "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"] {
                    let _ = writeln!(text, "<ContentProtection schemeIdUri=\"urn:uuid:{other}\"/>");
                }
            }
            let system = match lock.kind {
                LockKind::Foreign => "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
                LockKind::Nothing | LockKind::Segments | LockKind::Samples => "e2719d58-a985-b3c9-781a-b030af78d30e",
            };
            let server = if self.licence_server { "<Laurl>/film/licence</Laurl>" } else { "" };
            let _ = writeln!(text, "<ContentProtection schemeIdUri=\"urn:uuid:{system}\">{server}</ContentProtection>");
        }
        text
    }
}
