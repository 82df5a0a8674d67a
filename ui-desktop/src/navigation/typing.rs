//! Keeps typed text with the field it was meant for.
//!
//! Fast hands, and programs that type, put text, Tab and more text into one frame. A field takes all text of its frame,
//! so what follows a key that moves the focus waits for the next frame.

use egui::{Event, Key};

/// Appends `arrived` to the events `held` back earlier, then leaves in `arrived` those that belong to the field that
/// has the focus and in `held` the others. The order is kept and no event is dropped. Pointer events never wait.
pub fn split(arrived: &mut Vec<Event>, held: &mut Vec<Event>) {
    let mut waiting = std::mem::take(held);
    waiting.append(arrived);
    let mut has_text = false;
    let mut has_letters = false;
    let mut is_closed = false;
    for event in waiting {
        is_closed |= (has_text && is_tab(&event)) || (has_letters && is_arrow_out(&event));
        if is_closed && is_keyboard(&event) {
            held.push(event);
            continue;
        }
        has_text |= is_keyboard(&event) && !is_tab(&event) && !matches!(event, Event::Key { pressed: false, .. });
        has_letters |= matches!(event, Event::Text(_) | Event::Paste(_) | Event::Ime(_));
        let ends_a_field = matches!(event, Event::Key { key: Key::Enter | Key::Escape, pressed: true, .. });
        arrived.push(event);
        is_closed |= ends_a_field;
    }
}

/// Takes the keyboard's events from an index on out of a frame's events.
pub fn split_at(events: &mut Vec<Event>, index: usize) -> Vec<Event> {
    let tail = events.split_off(index.min(events.len()));
    let (later, now): (Vec<_>, Vec<_>) = tail.into_iter().partition(is_keyboard);
    events.extend(now);
    later
}

/// True for a press of Tab or Shift+Tab.
pub fn is_tab(event: &Event) -> bool {
    matches!(event, Event::Key { key: Key::Tab, pressed: true, modifiers, .. }
        if !(modifiers.ctrl || modifiers.alt || modifiers.command))
}

/// True for an arrow that leaves a field of one line.
const fn is_arrow_out(event: &Event) -> bool {
    matches!(event, Event::Key { key: Key::ArrowUp | Key::ArrowDown, pressed: true, .. })
}

const fn is_keyboard(event: &Event) -> bool {
    matches!(event, Event::Key { .. } | Event::Text(_) | Event::Paste(_) | Event::Copy | Event::Cut | Event::Ime(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::Modifiers;

    fn key(key: Key) -> [Event; 2] {
        [true, false].map(|pressed| Event::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::NONE,
        })
    }

    fn text(words: &str) -> Event {
        Event::Text(words.to_owned())
    }

    /// Plays frames until nothing waits and returns the text of each frame, with `⇥` and `↵` for the keys.
    fn frames(events: Vec<Event>) -> Vec<String> {
        let (mut arrived, mut held) = (events, Vec::new());
        let mut frames = Vec::new();
        loop {
            split(&mut arrived, &mut held);
            let letters = arrived.drain(..).map(|event| match event {
                Event::Text(words) => words,
                Event::Key { key: Key::Tab, pressed: true, .. } => "⇥".to_owned(),
                Event::Key { key: Key::Enter, pressed: true, .. } => "↵".to_owned(),
                Event::Key { key: Key::ArrowDown, pressed: true, .. } => "↓".to_owned(),
                _ => String::new(),
            });
            frames.push(letters.collect());
            if held.is_empty() {
                return frames;
            }
        }
    }

    #[test]
    fn text_after_a_tab_waits_for_the_frame_in_which_the_tab_is_applied() {
        let mut events = vec![text("me"), text("@x")];
        events.extend(key(Key::Tab));
        events.extend([text("se"), text("cret")]);
        events.extend(key(Key::Enter));
        events.push(text("z"));
        assert_eq!(frames(events), ["me@x", "⇥secret↵", "z"]);
    }

    #[test]
    fn an_arrow_leaves_a_field_after_its_last_letter() {
        let mut events = vec![text("secr"), text("et")];
        events.extend(key(Key::ArrowDown));
        events.push(text("new"));
        assert_eq!(frames(events), ["secret", "↓new"]);
        assert_eq!(frames([key(Key::ArrowDown), key(Key::ArrowDown)].concat()), ["↓↓"]);
    }

    #[test]
    fn tabs_without_text_between_them_share_a_frame() {
        let events = [key(Key::Tab), key(Key::Tab)].concat();
        assert_eq!(frames(events), ["⇥⇥"]);
        assert_eq!(frames(vec![text("a"), text("b")]), ["ab"]);
        assert_eq!(frames(Vec::new()), [""]);
    }

    #[test]
    fn the_pointer_does_not_wait() {
        let mut events = vec![text("a")];
        events.extend(key(Key::Tab));
        events.push(Event::PointerGone);
        let mut held = Vec::new();
        split(&mut events, &mut held);
        assert_eq!(events.last(), Some(&Event::PointerGone));
        assert_eq!(held.len(), 2);
    }
}
