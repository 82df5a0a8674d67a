//! Line 21 captions (ANSI/CTA-608-E): the byte pairs of one field become the screen of one channel.
//!
//! | file | what lives there |
//! |---|---|
//! | `mod` | parity, repeated control codes, extended data services and text channels passed by |
//! | `channel` | what a control code does: pop-on, roll-up and paint-on |
//! | `screen` | the memory of 15 rows by 32 columns |
//! | `layout` | a screen as cues |

mod channel;
mod layout;
mod screen;

use cea608_types::tables::{Code, Control};

use channel::Channel;

use super::Cue;
use crate::time::MediaTime;

/// Substitute for a character whose parity is wrong (CTA-608-E §4.4: a solid block).
const DAMAGED: char = '█';

/// One channel of one field.
#[derive(Clone, Debug)]
pub struct Cea608 {
    line: Line,
    /// The data channel in the field, 1 or 2.
    number: u8,
    channel: Channel,
}

impl Cea608 {
    /// A decoder for channel 1 or 2 of a field: `CC1` and `CC2` lie in field 1, `CC3` and `CC4` in field 2.
    pub fn new(number: u8) -> Self {
        Self { line: Line::default(), number, channel: Channel::default() }
    }

    /// Takes the next pair of its field, as transmitted.
    pub fn push(&mut self, pair: [u8; 2]) {
        let number = self.number;
        match self.line.read(pair) {
            Some(Word::Control(channel, code)) if channel == number => self.channel.control(code),
            Some(Word::Background(channel, background)) if channel == number => self.channel.background(background),
            Some(Word::Text(channel, text)) if channel == number => {
                for char in text.into_iter().flatten() {
                    self.channel.write(char);
                }
            }
            _ => {}
        }
    }

    /// Returns true once after the screen may have changed.
    pub fn changed(&mut self) -> bool {
        self.channel.take_changed()
    }

    /// Returns the cues on screen, each with an open end.
    pub fn cues(&self, at: MediaTime) -> Vec<Cue> {
        layout::cues(self.channel.shown(), self.channel.is_composed(), at)
    }
}

/// Meaning of a byte pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A control code, or a special or extended character, of a data channel.
    Control(u8, Control),
    /// The colour behind what follows, or black text: the two bytes without the channel.
    Background(u8, [u8; 2]),
    /// Up to two characters for the data channel that was named last.
    Text(u8, [Option<char>; 2]),
}

/// The state of a field that its channels share.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// The channel that characters belong to.
    current: Option<u8>,
    /// The last pair, when it was a control code that a repetition must not count again.
    repeatable: Option<[u8; 2]>,
    /// An extended data packet is being sent (CTA-608-E §9.3).
    extended_data: bool,
}

impl Line {
    /// Reads a pair as transmitted, with its parity bits.
    pub fn read(&mut self, pair: [u8; 2]) -> Option<Word> {
        let [first, second] = pair.map(|byte| byte & 0x7f);
        let [first_good, second_good] = pair.map(|byte| byte.count_ones() % 2 == 1);
        match (first, second) {
            // Nothing is sent when there is nothing to say. Repetitions may lie on both sides of it.
            (0, 0) => None,
            (0x01..=0x0f, _) => {
                self.extended_data = first != 0x0f;
                self.repeatable = None;
                None
            }
            (0x10..=0x1f, _) if !first_good || !second_good || second < 0x20 => None,
            (0x10..=0x1f, _) => self.control(first, second),
            _ if self.extended_data => None,
            _ => {
                self.repeatable = None;
                let text = [(first, first_good), (second, second_good)].map(|(byte, good)| character(byte, good));
                Some(Word::Text(self.current?, text)).filter(|_| text != [None, None])
            }
        }
    }

    fn control(&mut self, first: u8, second: u8) -> Option<Word> {
        // A control code ends or suspends extended data (§9.4); what follows it belongs to its channel.
        self.extended_data = false;
        // Control codes are sent twice in a row (§8.2); the second of each two is not another one.
        if self.repeatable.take() == Some([first, second]) {
            return None;
        }
        self.repeatable = Some([first, second]);
        let channel = if first & 0x08 == 0 { 1 } else { 2 };
        self.current = Some(channel);
        let plain = first & !0x08;
        if matches!((plain, second), (0x10, 0x20..=0x2f) | (0x17, 0x2d..=0x2f)) {
            return Some(Word::Background(channel, [plain, second]));
        }
        let [code, _] = Code::from_data([with_parity(first), with_parity(second)]).ok()?;
        match code {
            Code::Control(control) => Some(Word::Control(channel, control.code())),
            _ => None,
        }
    }
}

fn character(byte: u8, good: bool) -> Option<char> {
    match (byte, good) {
        (0, true) => None,
        (_, false) => Some(DAMAGED),
        (byte, true) => {
            let [code, _] = Code::from_data([with_parity(byte), with_parity(0)]).ok()?;
            code.char()
        }
    }
}

const fn with_parity(byte: u8) -> u8 {
    if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte }
}

#[cfg(test)]
mod tests;
