//! Captions inside other media: one decoder for one caption channel or service, whatever carries it, and the question
//! which of them are in use. The triples of `cc_data()` (ANSI/CTA-708-E §4.4) go in, in the order of presentation;
//! cues come out.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Cue;
use super::cea608::{Cea608, Line, Word};
use super::cea708::{self, Assembler, Cea708};
use crate::model::CaptionService;
use crate::time::MediaTime;

/// Without any caption data for so long, what is on screen is out of date (47 CFR §15.119 (j)).
const SILENCE: Duration = Duration::from_secs(16);

/// Destination of a triple (`cc_type`).
enum Triple {
    /// A byte pair of field 1 or 2 of line 21.
    Field(u8, [u8; 2]),
    /// Two bytes of the digital caption channel, the first two of a packet when `start`.
    Channel { start: bool, bytes: [u8; 2] },
}

fn triples(data: &[u8]) -> impl Iterator<Item = Triple> {
    data.as_chunks::<3>().0.iter().filter(|triple| triple[0] & 0x04 != 0).map(|&[kind, first, second]| {
        let bytes = [first, second];
        match kind & 0x03 {
            0 => Triple::Field(1, bytes),
            1 => Triple::Field(2, bytes),
            other => Triple::Channel { start: other == 3, bytes },
        }
    })
}

#[derive(Clone, Debug)]
enum Source {
    Line { field: u8, decoder: Cea608 },
    Digital(Box<Cea708>),
}

/// The cues of one channel or service.
#[derive(Clone, Debug)]
pub struct CaptionDecoder {
    service: CaptionService,
    source: Source,
    /// Cues on screen; their ends are open.
    shown: Vec<Cue>,
    last: Option<MediaTime>,
}

impl CaptionDecoder {
    /// A decoder that has seen nothing.
    pub fn new(service: CaptionService) -> Self {
        Self { service, source: source(service), shown: Vec::new(), last: None }
    }

    /// Takes the triples of the next picture. Cues that ended are appended to `ended`, in the order of their ends.
    pub fn push(&mut self, at: MediaTime, data: &[u8], ended: &mut Vec<Cue>) {
        if let Some(last) = self.last
            && at > last + SILENCE
        {
            self.show(last + SILENCE, Vec::new(), ended);
        }
        self.last = Some(at);
        let changed = match &mut self.source {
            Source::Line { field, decoder } => {
                for triple in triples(data) {
                    match triple {
                        Triple::Field(of, pair) if of == *field => decoder.push(pair),
                        Triple::Field(..) | Triple::Channel { .. } => {}
                    }
                }
                decoder.changed()
            }
            Source::Digital(decoder) => {
                for triple in triples(data) {
                    if let Triple::Channel { start, bytes } = triple {
                        decoder.push(start, bytes, at);
                    }
                }
                decoder.advance(at);
                decoder.changed()
            }
        };
        if changed {
            let cues = match &self.source {
                Source::Line { decoder, .. } => decoder.cues(at),
                Source::Digital(decoder) => decoder.cues(at),
            };
            self.show(at, cues, ended);
        }
    }

    /// Resets all services: the data that follows is unrelated. Cues on screen end at `at`.
    pub fn reset(&mut self, at: MediaTime, ended: &mut Vec<Cue>) {
        self.show(at, Vec::new(), ended);
        self.source = source(self.service);
        self.last = None;
    }

    /// Returns the cues on screen after the last picture; their ends are not known yet.
    pub fn shown(&self) -> &[Cue] {
        &self.shown
    }

    /// Replaces the cues on screen. Those that stay keep their start.
    fn show(&mut self, at: MediaTime, mut cues: Vec<Cue>, ended: &mut Vec<Cue>) {
        for mut old in std::mem::take(&mut self.shown) {
            match cues.iter_mut().find(|new| new.spans == old.spans && new.layout == old.layout) {
                Some(new) => new.start = old.start,
                None if old.start < at => {
                    old.end = at;
                    ended.push(old);
                }
                None => {}
            }
        }
        self.shown = cues;
    }
}

fn source(service: CaptionService) -> Source {
    match service {
        CaptionService::Cea608(number) => {
            let field = if number > 2 { 2 } else { 1 };
            let channel = if number.is_multiple_of(2) { 2 } else { 1 };
            Source::Line { field, decoder: Cea608::new(channel) }
        }
        CaptionService::Cea708(number) => Source::Digital(Box::new(Cea708::new(number))),
    }
}

/// Finds out which channels and services say something.
#[derive(Clone, Debug, Default)]
pub struct CaptionScout {
    lines: [Line; 2],
    /// Channels 1 to 4 that are in a captioning mode, not in a text mode.
    captioning: [bool; 4],
    assembler: Assembler,
    found: BTreeSet<CaptionService>,
}

impl CaptionScout {
    /// Takes the triples of a picture. True when a channel or service spoke for the first time.
    pub fn push(&mut self, data: &[u8]) -> bool {
        let before = self.found.len();
        for triple in triples(data) {
            match triple {
                Triple::Field(field, pair) => self.field(usize::from(field > 1), pair),
                Triple::Channel { start, bytes } => {
                    let found = &mut self.found;
                    self.assembler.push(start, bytes, &mut |packet| {
                        let used = cea708::blocks(packet).filter(|(_, block)| cea708::makes_window(block));
                        found.extend(used.map(|(number, _)| CaptionService::Cea708(number)));
                    });
                }
            }
        }
        self.found.len() > before
    }

    fn field(&mut self, field: usize, pair: [u8; 2]) {
        use cea608_types::tables::Control;
        let Some(word) = self.lines.get_mut(field).and_then(|line| line.read(pair)) else { return };
        let number = |channel: u8| field * 2 + usize::from(channel > 1);
        match word {
            Word::Control(channel, code) => {
                let captioning = match code {
                    Control::ResumeCaptionLoading
                    | Control::ResumeDirectionCaptioning
                    | Control::RollUp2
                    | Control::RollUp3
                    | Control::RollUp4 => true,
                    Control::TextRestart | Control::ResumeTextDisplay => false,
                    _ => return,
                };
                if let Some(known) = self.captioning.get_mut(number(channel)) {
                    *known = captioning;
                }
            }
            Word::Text(channel, _) => {
                let number = number(channel);
                if self.captioning.get(number).is_some_and(|captioning| *captioning) {
                    self.found.insert(CaptionService::Cea608(number as u8 + 1));
                }
            }
            Word::Background(..) => {}
        }
    }

    /// The channels, then the services, that were found, ascending.
    pub fn found(&self) -> impl Iterator<Item = CaptionService> {
        self.found.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parity(byte: u8) -> u8 {
        if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte }
    }

    /// Pairs of a field, 1 or 2.
    fn field(number: u8, pairs: &[[u8; 2]]) -> Vec<u8> {
        pairs.iter().flat_map(|[first, second]| [0xfb + number, parity(*first), parity(*second)]).collect()
    }

    /// Paint-on text in data channel 1 or 2 of a field: each has its own codes for the same thing.
    fn painted(of: u8, channel: u8, text: [u8; 2]) -> Vec<u8> {
        let miscellaneous = (if of == 2 { 0x15 } else { 0x14 }) | (channel - 1) << 3;
        let preamble = 0x14 | (channel - 1) << 3;
        field(of, &[[miscellaneous, 0x29], [preamble, 0x70], text])
    }

    #[test]
    fn every_channel_has_its_place_and_is_heard_when_it_speaks() {
        let all: Vec<u8> = [(1, 1, b"11"), (1, 2, b"12"), (2, 1, b"21"), (2, 2, b"22")]
            .into_iter()
            .flat_map(|(of, channel, text)| painted(of, channel, *text))
            .collect();
        for (number, text) in [(1, "11"), (2, "12"), (3, "21"), (4, "22")] {
            let mut decoder = CaptionDecoder::new(CaptionService::Cea608(number));
            decoder.push(MediaTime::ZERO, &all, &mut Vec::new());
            let shown: Vec<String> = decoder.shown().iter().map(Cue::plain_text).collect();
            assert_eq!(shown, [text]);
        }
        let mut scout = CaptionScout::default();
        assert!(!scout.push(&field(1, &[[0, 0], [b'A', b'B'], [0x14, 0x2a], [b'T', b'X']])), "text, not captions");
        assert!(scout.push(&all));
        assert!(!scout.push(&all), "known");
        assert_eq!(scout.found().collect::<Vec<_>>(), [1, 2, 3, 4].map(CaptionService::Cea608));
    }

    #[test]
    fn a_service_is_heard_when_it_makes_a_window() {
        let mut scout = CaptionScout::default();
        // Packets of 6 and 12 bytes: a reset of service 1, a window of service 2.
        assert!(!scout.push(&[0xff, 0x03, 0x21, 0xfe, 0x8f, 0x00, 0xfe, 0x00, 0x00]));
        let packet = [0x46, 0x47, 0x98, 0x38, 0x46, 0x69, 0x71, 0x1f, 0x09, 0, 0, 0];
        let mut triples = Vec::new();
        for (index, [first, second]) in packet.as_chunks::<2>().0.iter().enumerate() {
            triples.extend([if index == 0 { 0xff } else { 0xfe }, *first, *second]);
        }
        assert!(scout.push(&triples));
        assert_eq!(scout.found().collect::<Vec<_>>(), [CaptionService::Cea708(2)]);
    }

    #[test]
    fn what_stays_on_screen_is_one_cue() {
        let mut decoder = CaptionDecoder::new(CaptionService::Cea608(1));
        let mut ended = Vec::new();
        let ms = MediaTime::from_millis;
        decoder.push(ms(0), &painted(1, 1, *b"AB"), &mut ended);
        // Another row, far from the first.
        decoder.push(ms(500), &field(1, &[[0x11, 0x50], *b"CD"]), &mut ended);
        assert!(ended.is_empty());
        let starts: Vec<MediaTime> = decoder.shown().iter().map(|cue| cue.start).collect();
        assert_eq!(starts, [ms(500), ms(0)]);
        decoder.push(ms(900), &field(1, &[[0x14, 0x2c]]), &mut ended);
        assert!(decoder.shown().is_empty());
        assert!(ended.iter().all(|cue| cue.end == ms(900)) && ended.len() == 2);
    }

    #[test]
    fn invalid_and_incomplete_triples_are_passed_by() {
        let mut decoder = CaptionDecoder::new(CaptionService::Cea608(1));
        let mut data = painted(1, 1, *b"AB");
        data.extend([0xf8, parity(0x14), parity(0x2c)]);
        data.extend([0xfc, parity(0x14)]);
        decoder.push(MediaTime::ZERO, &data, &mut Vec::new());
        assert_eq!(decoder.shown().len(), 1);
    }

    #[test]
    fn after_a_discontinuity_nothing_that_was_written_out_of_sight_is_shown() {
        let ms = MediaTime::from_millis;
        for reset in [false, true] {
            let mut decoder = CaptionDecoder::new(CaptionService::Cea608(1));
            decoder.push(ms(0), &field(1, &[[0x14, 0x20], [0x14, 0x70], *b"AB"]), &mut Vec::new());
            if reset {
                decoder.reset(ms(100), &mut Vec::new());
            }
            decoder.push(ms(200), &field(1, &[[0x14, 0x2f]]), &mut Vec::new());
            assert_eq!(decoder.shown().len(), usize::from(!reset));
        }
    }

    #[test]
    fn sixteen_seconds_of_silence_clear_the_screen() {
        let ms = MediaTime::from_millis;
        let after = |at: i64| {
            let mut decoder = CaptionDecoder::new(CaptionService::Cea608(1));
            let mut ended = Vec::new();
            decoder.push(ms(1000), &painted(1, 1, *b"AB"), &mut ended);
            decoder.push(ms(at), &[], &mut ended);
            (decoder.shown().len(), ended.iter().map(|cue| (cue.start, cue.end)).collect::<Vec<_>>())
        };
        assert_eq!(after(17_000), (1, vec![]));
        assert_eq!(after(17_001), (0, vec![(ms(1000), ms(17_000))]));
    }

    #[test]
    fn what_came_and_went_at_one_instant_was_never_seen() {
        let ms = MediaTime::from_millis;
        let mut decoder = CaptionDecoder::new(CaptionService::Cea608(1));
        let mut ended = Vec::new();
        decoder.push(ms(500), &painted(1, 1, *b"AB"), &mut ended);
        decoder.push(ms(500), &field(1, &[[0x14, 0x2c]]), &mut ended);
        assert!(ended.is_empty() && decoder.shown().is_empty());
        decoder.push(ms(600), &painted(1, 1, *b"CD"), &mut ended);
        decoder.reset(ms(900), &mut ended);
        assert_eq!(ended.iter().map(|cue| (cue.start, cue.end)).collect::<Vec<_>>(), [(ms(600), ms(900))]);
        assert!(decoder.shown().is_empty());
    }
}
