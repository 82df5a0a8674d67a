//! Cards of titles, as the pages know them, and the words for episodes.

use kinora_api::{Episode, EpisodePlace, TitleCard, TitleDetail, TitleId, TitleKind};

use super::AppState;

/// Returns what any page knows of a title.
pub fn find_card<'a>(state: &'a AppState, id: &TitleId) -> Option<&'a TitleCard> {
    let home = state.home.data.ready();
    let on_home =
        home.into_iter().flat_map(|home| home.hero.iter().chain(home.rows.iter().flat_map(|row| &row.titles)));
    let on_page = state.title.data.ready().into_iter().flat_map(of_detail);
    let found = state.search.data.ready().into_iter().flat_map(|found| &found.titles);
    let companion = state.player.as_ref().and_then(|player| player.companion.as_deref());
    let after = companion.into_iter().flat_map(|companion| of_detail(&companion.detail));
    on_page.chain(on_home).chain(found).chain(after).chain(&state.title.card).find(|card| card.id == *id)
}

fn of_detail(detail: &TitleDetail) -> impl Iterator<Item = &TitleCard> {
    let episodes = episodes(detail).map(|episode| &episode.card);
    let others = detail.similar.iter().chain(&detail.trailers).chain(&detail.up_next);
    std::iter::once(&detail.card).chain(others).chain(episodes)
}

/// Returns the episodes of a series in order.
pub fn episodes(detail: &TitleDetail) -> impl Iterator<Item = &Episode> {
    detail.seasons.iter().flat_map(|season| &season.episodes)
}

/// Returns season and number of an episode, such as `S1 E2`.
pub fn episode_label(place: &EpisodePlace) -> String {
    format!("S{} E{}", place.season, place.number)
}

/// Returns the name of a title, of an episode with its place, such as `S1 E2  ·  The Lock`.
pub fn name_in_series(card: &TitleCard) -> String {
    match &card.episode {
        Some(place) => format!("{}  ·  {}", episode_label(place), card.name),
        None => card.name.clone(),
    }
}

/// Returns the name of a title, of an episode with its series and place.
pub fn full_name(card: &TitleCard) -> String {
    match &card.episode {
        Some(place) => format!("{}  ·  {}", place.series_name, name_in_series(card)),
        None => card.name.clone(),
    }
}

/// Returns the title that the main button of a page plays; of a series an episode, once its page is here.
pub fn to_play<'a>(card: &'a TitleCard, detail: Option<&'a TitleDetail>) -> Option<&'a TitleCard> {
    match card.kind {
        TitleKind::Series => {
            let detail = detail?;
            detail.up_next.as_ref().or_else(|| episodes(detail).next().map(|episode| &episode.card))
        }
        _ => Some(card),
    }
}

/// Returns the words of the button that plays a title.
pub fn play_words(page: &TitleCard, plays: &TitleCard) -> String {
    if page.kind == TitleKind::Live {
        return "Watch live".to_owned();
    }
    let is_begun = plays.resume.is_some();
    match plays.episode.as_ref().filter(|_| page.kind == TitleKind::Series) {
        Some(place) => format!("{} {}", if is_begun { "Continue" } else { "Play" }, episode_label(place)),
        None => if is_begun { "Resume" } else { "Play" }.to_owned(),
    }
}
