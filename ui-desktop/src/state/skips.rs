//! Chapters of the film on screen, and parts of it that viewers skip.

use kinora_api::{Chapter, Marks, Span};
use player_core::command::SeekMode;
use player_core::{Command, MediaTime};

use super::player::PlayerState;
use super::{Effect, Moment};

/// Seconds from the beginning of a chapter within which "previous" leads to the chapter before it.
const NEAR_START: f64 = 3.0;

/// A part that can be skipped now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkipOffer {
    /// Words of the button.
    pub label: &'static str,
    /// End of the part in milliseconds.
    pub to_ms: u64,
}

/// Returns the part to skip at a position in seconds, if there is one. A viewer who seeks back into it is offered it again.
pub fn skip_offer(player: &PlayerState, seconds: f64) -> Option<SkipOffer> {
    let companion = player.companion.as_ref().filter(|_| player.started && player.problem.is_none());
    let marks = &companion?.detail.marks;
    offer_at(marks, seconds)
}

fn offer_at(marks: &Marks, seconds: f64) -> Option<SkipOffer> {
    let holds = |span: &Span| (to_seconds(span.start_ms)..to_seconds(span.end_ms)).contains(&seconds);
    let of = |span: Option<Span>, label| span.filter(holds).map(|span| SkipOffer { label, to_ms: span.end_ms });
    of(marks.intro, "Skip intro").or_else(|| of(marks.recap, "Skip recap"))
}

/// Seeks to the end of the part that can be skipped now; returns false if there is none.
pub fn skip(player: &PlayerState, moment: &Moment, effects: &mut Vec<Effect>) -> bool {
    let Some(offer) = skip_offer(player, moment.position.as_secs_f64()) else { return false };
    effects.push(exact_seek(offer.to_ms));
    true
}

/// Returns the chapters of the film on screen; none while its page is not here.
pub fn chapters(player: &PlayerState) -> &[Chapter] {
    player.companion.as_ref().map_or(&[], |companion| &companion.detail.chapters)
}

/// Returns the chapter of a position in seconds.
pub fn chapter_at(chapters: &[Chapter], seconds: f64) -> Option<usize> {
    chapters.iter().rposition(|chapter| to_seconds(chapter.start_ms) <= seconds)
}

/// Returns the chapter that "next" or "previous" leads to from a position in seconds. Some seconds into a chapter, "previous" is
/// its own beginning.
fn neighbour(chapters: &[Chapter], seconds: f64, forward: bool) -> Option<usize> {
    let now = chapter_at(chapters, seconds);
    if forward {
        return Some(now.map_or(0, |now| now + 1)).filter(|next| *next < chapters.len());
    }
    let now = now?;
    let is_inside = chapters.get(now).is_some_and(|chapter| seconds - to_seconds(chapter.start_ms) > NEAR_START);
    Some(if is_inside { now } else { now.saturating_sub(1) })
}

/// Seeks to the next or the previous chapter, and says so.
pub fn turn_chapter(player: &mut PlayerState, forward: bool, moment: &Moment, effects: &mut Vec<Effect>) {
    player.last_activity = moment.now;
    let seconds = moment.position.as_secs_f64();
    let words = match neighbour(chapters(player), seconds, forward) {
        Some(index) => return go_to_chapter(player, index, moment, effects),
        None if chapters(player).is_empty() => "No chapters",
        None if forward => "Last chapter",
        None => "First chapter",
    };
    player.flash(words, moment.now);
}

/// Seeks to the beginning of a chapter by its number from 0, and says its name.
pub fn go_to_chapter(player: &mut PlayerState, index: usize, moment: &Moment, effects: &mut Vec<Effect>) {
    player.menu = None;
    player.last_activity = moment.now;
    let Some(Chapter { start_ms, name }) = chapters(player).get(index).cloned() else { return };
    effects.push(exact_seek(start_ms));
    player.flash(name, moment.now);
}

fn exact_seek(millis: u64) -> Effect {
    let to = MediaTime::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
    Effect::Player(Command::Seek { to, mode: SeekMode::Exact })
}

/// Returns milliseconds of the service as seconds.
pub fn to_seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chapters(starts: &[u64]) -> Vec<Chapter> {
        starts.iter().map(|start| Chapter { start_ms: start * 1000, name: format!("at {start}") }).collect()
    }

    #[test]
    fn the_chapter_of_a_place_and_its_neighbours() {
        let list = chapters(&[0, 60, 120]);
        let at = |seconds, forward| neighbour(&list, seconds, forward);
        assert_eq!(chapter_at(&list, 59.9), Some(0));
        assert_eq!(chapter_at(&list, 60.0), Some(1));
        assert_eq!((at(0.0, true), at(60.0, true), at(130.0, true)), (Some(1), Some(2), None));
        assert_eq!((at(65.0, false), at(61.0, false), at(1.0, false)), (Some(1), Some(0), Some(0)));
        assert_eq!(neighbour(&[], 5.0, true), None);
        assert_eq!(neighbour(&[], 5.0, false), None);
    }

    #[test]
    fn a_part_is_offered_from_its_start_until_before_its_end() {
        let span = |from: u64, to: u64| Some(Span { start_ms: from, end_ms: to });
        let marks = Marks { recap: span(0, 20_000), intro: span(20_000, 50_000), credits_from_ms: None };
        let label = |seconds| offer_at(&marks, seconds).map(|offer| (offer.label, offer.to_ms));
        assert_eq!(label(0.0), Some(("Skip recap", 20_000)));
        assert_eq!(label(20.0), Some(("Skip intro", 50_000)));
        assert_eq!(label(49.9), Some(("Skip intro", 50_000)));
        assert_eq!(label(50.0), None);
        let turned = Marks { intro: span(9000, 3000), ..Marks::default() };
        assert_eq!(offer_at(&turned, 5.0), None, "marks that make no sense offer nothing");
    }
}
