//! The DASH manifest of a virtual film.

use std::fmt::Write as _;

use super::captions::Captions;
use super::film::{AUDIO_SCALE, Film, LockKind, VIDEO_SCALE};

impl Film {
    pub(super) fn mpd(&self) -> String {
        let mut text = format!(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
             profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" minBufferTime=\"PT2S\" \
             mediaPresentationDuration=\"PT{}S\">\n",
            self.duration.as_secs()
        );
        for period in 0..self.periods {
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
        for rung in &self.ladder {
            let (width, height) = rung.size;
            let _ = writeln!(
                text,
                "<Representation id=\"{}\" bandwidth=\"{}\" width=\"{width}\" height=\"{height}\" \
                     codecs=\"avc1.4d401f\"/>",
                rung.id, rung.bitrate
            );
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
                let _ = writeln!(
                    text,
                    "<Representation id=\"{name}\" bandwidth=\"{rate}\" codecs=\"mp4a.40.2\" audioSamplingRate=\"48000\"/>"
                );
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

    fn template(&self, text: &mut String, group: &str, scale: u32, begin: u64) {
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
            self.first_number(group) + first
        );
        if !self.shape.uneven {
            text.push_str("/>\n");
            return;
        }
        text.push_str("><SegmentTimeline>");
        let close = begin + self.period_length();
        for (start, end) in (first..self.segments()).map(|place| self.span_of(group, place)) {
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
