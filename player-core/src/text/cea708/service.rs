//! A service: eight windows and what codes do to them (ANSI/CTA-708-E §7.1, §8.10).

use cea708_types::tables::{Code, DefineWindowArgs, WindowBits};

use super::code::codes;
use super::window::Window;
use crate::time::MediaTime;

/// Windows of a service (§8.4).
const WINDOWS: usize = 8;
/// Bytes that wait for the end of a delay; when more come the delay ends (§8.10.5.9).
const WAITING: usize = 128;

/// The state of a service.
#[derive(Clone, Debug, Default)]
pub(super) struct Service {
    windows: [Option<Window>; WINDOWS],
    current: Option<usize>,
    /// Until when codes wait.
    delayed_until: Option<MediaTime>,
    waiting: Vec<u8>,
    changed: bool,
}

impl Service {
    /// The windows by number.
    pub fn windows(&self) -> impl Iterator<Item = &Window> {
        self.windows.iter().flatten()
    }

    /// Returns true once after the screen may have changed.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Lets time pass until `at`.
    pub fn advance(&mut self, at: MediaTime) {
        if self.delayed_until.is_some_and(|until| until <= at) {
            self.end_delay(at);
        }
    }

    /// Takes the content of a service block.
    pub fn push(&mut self, block: &[u8], at: MediaTime) {
        self.advance(at);
        for code in codes(block) {
            if self.delayed_until.is_none() {
                self.follow(code, at);
                continue;
            }
            match code {
                // Delays are ended by what cannot wait, and by want of room.
                [0x8e] => self.end_delay(at),
                [0x8f] => *self = Self { changed: true, ..Self::default() },
                _ => {
                    self.waiting.extend_from_slice(code);
                    if self.waiting.len() > WAITING {
                        self.end_delay(at);
                    }
                }
            }
        }
    }

    /// Runs the codes that waited for the end of a delay. They may contain another delay; then the rest waits for that.
    fn end_delay(&mut self, at: MediaTime) {
        self.delayed_until = None;
        let waiting = std::mem::take(&mut self.waiting);
        for code in codes(&waiting) {
            if self.delayed_until.is_some() {
                self.waiting.extend_from_slice(code);
            } else {
                self.follow(code, at);
            }
        }
    }

    fn follow(&mut self, code: &[u8], at: MediaTime) {
        if let [0x8d, tenths] = code {
            self.delayed_until = Some(at.shifted(i64::from(*tenths) * 100_000_000));
            return;
        }
        let Some(code) = Code::from_data(code).ok().and_then(|codes| codes.into_iter().next()) else { return };
        match code {
            Code::SetCurrentWindow0 => self.select(0),
            Code::SetCurrentWindow1 => self.select(1),
            Code::SetCurrentWindow2 => self.select(2),
            Code::SetCurrentWindow3 => self.select(3),
            Code::SetCurrentWindow4 => self.select(4),
            Code::SetCurrentWindow5 => self.select(5),
            Code::SetCurrentWindow6 => self.select(6),
            Code::SetCurrentWindow7 => self.select(7),
            Code::DefineWindow(args) => self.define(&args),
            Code::ClearWindows(which) => self.each(which, Window::clear),
            Code::DisplayWindows(which) => self.each(which, |window| window.visible = true),
            Code::HideWindows(which) => self.each(which, |window| window.visible = false),
            Code::ToggleWindows(which) => self.each(which, |window| window.visible = !window.visible),
            Code::DeleteWindows(which) => self.delete(which),
            Code::Reset => *self = Self { changed: true, ..Self::default() },
            other => {
                if let Some(window) = self.current.and_then(|at| self.windows.get_mut(at)).and_then(Option::as_mut) {
                    window.follow(&other);
                    self.changed |= window.visible;
                }
            }
        }
    }

    fn select(&mut self, window: usize) {
        // A window that was not defined cannot become the current one (§8.10.5.1).
        if self.windows.get(window).is_some_and(Option::is_some) {
            self.current = Some(window);
        }
    }

    fn define(&mut self, args: &DefineWindowArgs) {
        let number = usize::from(args.window_id) % WINDOWS;
        if let Some(place) = self.windows.get_mut(number) {
            match place {
                Some(window) => window.redefine(args),
                None => *place = Some(Window::new(args)),
            }
        }
        self.current = Some(number);
        self.changed = true;
    }

    fn each(&mut self, which: WindowBits, change: impl Fn(&mut Window)) {
        let bits = u8::from(which);
        for (number, window) in self.windows.iter_mut().enumerate() {
            if let Some(window) = window.as_mut().filter(|_| bits & (1 << number) != 0) {
                change(window);
                self.changed = true;
            }
        }
    }

    fn delete(&mut self, which: WindowBits) {
        let bits = u8::from(which);
        for number in (0..WINDOWS).filter(|number| bits & (1 << number) != 0) {
            if let Some(window) = self.windows.get_mut(number) {
                *window = None;
            }
            self.current = self.current.filter(|current| *current != number);
            self.changed = true;
        }
    }
}
