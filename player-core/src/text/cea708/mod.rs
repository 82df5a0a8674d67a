//! Digital television closed captions (ANSI/CTA-708-E): the packets of the caption channel become the screen of one
//! service.
//!
//! | file | what lives there |
//! |---|---|
//! | `packet` | caption channel packets and their service blocks |
//! | `code` | where one code of a service ends and the next begins |
//! | `service` | what codes do: eight windows, delays, resets |
//! | `window` | a window: its attributes, its pen and its text |
//! | `layout` | windows as cues |

mod code;
mod layout;
mod packet;
mod service;
mod window;

pub(super) use packet::{Assembler, blocks};

use super::Cue;
use crate::time::MediaTime;
use service::Service;

/// One service of the caption channel.
#[derive(Clone, Debug)]
pub struct Cea708 {
    assembler: Assembler,
    number: u8,
    service: Service,
}

impl Cea708 {
    /// A decoder for a service, 1 to 63.
    pub fn new(number: u8) -> Self {
        Self { assembler: Assembler::default(), number, service: Service::default() }
    }

    /// Takes the next two bytes of the caption channel; `start` means that a packet begins with them.
    pub fn push(&mut self, start: bool, bytes: [u8; 2], at: MediaTime) {
        let (number, service) = (self.number, &mut self.service);
        self.assembler.push(start, bytes, &mut |packet| {
            for (_, block) in blocks(packet).filter(|(to, _)| *to == number) {
                service.push(block, at);
            }
        });
    }

    /// Lets time pass: what was delayed may be due.
    pub fn advance(&mut self, at: MediaTime) {
        self.service.advance(at);
    }

    /// Returns true once after the screen may have changed.
    pub fn changed(&mut self) -> bool {
        self.service.take_changed()
    }

    /// Returns the cues on screen, each with an open end.
    pub fn cues(&self, at: MediaTime) -> Vec<Cue> {
        layout::cues(self.service.windows(), at)
    }
}

/// True when a service block makes a window: somebody may be reading.
pub(super) fn makes_window(block: &[u8]) -> bool {
    code::codes(block).any(|code| matches!(code.first(), Some(0x98..=0x9f)))
}

#[cfg(test)]
mod tests;
