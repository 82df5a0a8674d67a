//! Which key does what while a film is on screen.

use egui::{Key, Modifiers};

use crate::command::PlayerCommand;
use crate::state::Menu;

/// A short step, in milliseconds.
const STEP_MS: i64 = 10_000;
/// One press of up or down, or one step of the wheel, as a share of the volume slider.
pub const VOLUME_STEP: f32 = 0.05;

/// What a key asks of the player; `None` leaves it to the focused control.
///
/// Keys with Ctrl, Alt or Command are never taken. `<` and `>` arrive as shifted comma and period or, on some
/// keyboards, as keys of their own. `is_live` is true for a live presentation, whose edge has keys.
pub fn player_command(key: Key, modifiers: Modifiers, is_live: bool) -> Option<PlayerCommand> {
    if modifiers.ctrl || modifiers.alt || modifiers.command || modifiers.mac_cmd {
        return None;
    }
    Some(match key {
        Key::L | Key::End if is_live => PlayerCommand::GoLive,
        Key::Space | Key::K => PlayerCommand::TogglePlay,
        Key::ArrowLeft | Key::J => PlayerCommand::SeekBy(-STEP_MS),
        Key::ArrowRight | Key::L => PlayerCommand::SeekBy(STEP_MS),
        Key::ArrowUp => PlayerCommand::ChangeVolume(VOLUME_STEP),
        Key::ArrowDown => PlayerCommand::ChangeVolume(-VOLUME_STEP),
        Key::M => PlayerCommand::ToggleMute,
        Key::F | Key::F11 => PlayerCommand::ToggleFullscreen,
        Key::C => PlayerCommand::ToggleText,
        Key::A => PlayerCommand::ToggleMenu(Menu::Audio),
        Key::S => PlayerCommand::ToggleMenu(Menu::Subtitles),
        Key::R => PlayerCommand::ToggleMenu(Menu::Speed),
        Key::Q => PlayerCommand::ToggleMenu(Menu::Quality),
        Key::H => PlayerCommand::ToggleMenu(Menu::Chapters),
        Key::PageUp => PlayerCommand::TurnChapter { forward: false },
        Key::PageDown => PlayerCommand::TurnChapter { forward: true },
        Key::N => PlayerCommand::Skip,
        Key::I => PlayerCommand::ToggleStats,
        Key::Escape => PlayerCommand::Escape,
        Key::Home => PlayerCommand::SeekToTenth(0),
        Key::Comma if modifiers.shift => PlayerCommand::ChangeRate { faster: false },
        Key::Period if modifiers.shift => PlayerCommand::ChangeRate { faster: true },
        Key::Comma => PlayerCommand::StepFrame { forward: false },
        Key::Period => PlayerCommand::StepFrame { forward: true },
        _ => PlayerCommand::SeekToTenth(digit(key)?),
    })
}

fn digit(key: Key) -> Option<u8> {
    const DIGITS: [Key; 10] =
        [Key::Num0, Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
    DIGITS.iter().position(|candidate| *candidate == key).and_then(|index| u8::try_from(index).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_keys_do_what_they_say() {
        let check = |key, modifiers, want: Option<PlayerCommand>| {
            assert_eq!(player_command(key, modifiers, false), want, "{key:?} with {modifiers:?}");
        };
        let none = Modifiers::NONE;
        check(Key::Space, none, Some(PlayerCommand::TogglePlay));
        check(Key::K, none, Some(PlayerCommand::TogglePlay));
        check(Key::ArrowLeft, none, Some(PlayerCommand::SeekBy(-10_000)));
        check(Key::ArrowRight, none, Some(PlayerCommand::SeekBy(10_000)));
        check(Key::ArrowUp, none, Some(PlayerCommand::ChangeVolume(0.05)));
        check(Key::M, none, Some(PlayerCommand::ToggleMute));
        check(Key::F, none, Some(PlayerCommand::ToggleFullscreen));
        check(Key::C, none, Some(PlayerCommand::ToggleText));
        check(Key::S, none, Some(PlayerCommand::ToggleMenu(Menu::Subtitles)));
        check(Key::R, none, Some(PlayerCommand::ToggleMenu(Menu::Speed)));
        check(Key::H, none, Some(PlayerCommand::ToggleMenu(Menu::Chapters)));
        check(Key::PageUp, none, Some(PlayerCommand::TurnChapter { forward: false }));
        check(Key::PageDown, none, Some(PlayerCommand::TurnChapter { forward: true }));
        check(Key::N, none, Some(PlayerCommand::Skip));
        check(Key::I, none, Some(PlayerCommand::ToggleStats));
        check(Key::Escape, none, Some(PlayerCommand::Escape));
        check(Key::Num7, none, Some(PlayerCommand::SeekToTenth(7)));
        check(Key::Period, Modifiers::SHIFT, Some(PlayerCommand::ChangeRate { faster: true }));
        check(Key::Comma, none, Some(PlayerCommand::StepFrame { forward: false }));
        check(Key::C, Modifiers::CTRL, None);
        check(Key::Enter, none, None);
        check(Key::Tab, none, None);
        check(Key::L, none, Some(PlayerCommand::SeekBy(10_000)));
        for key in [Key::L, Key::End] {
            assert_eq!(player_command(key, none, true), Some(PlayerCommand::GoLive));
        }
        assert_eq!(player_command(Key::ArrowRight, none, true), Some(PlayerCommand::SeekBy(10_000)));
    }
}
