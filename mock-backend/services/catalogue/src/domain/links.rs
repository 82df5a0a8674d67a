//! Titles that belong to one another: the episodes of series, the trailers of films and series. Pure.
//!
//! A record may name a series that is not there, or a place that another episode has. Such an episode is offered by itself, as a
//! film, and a warning names it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kinora_api::{EpisodePlace, Profile, ResumePosition, TitleKind};

use super::entry::Entry;

/// Episodes and trailers that can be played and are not hidden, in order, by the title that they belong to.
#[derive(Debug, Default)]
pub struct Links {
    episodes: BTreeMap<String, Vec<Arc<Entry>>>,
    trailers: BTreeMap<String, Vec<Arc<Entry>>>,
}

/// Titles by id, as they were read.
pub(super) type Loose = BTreeMap<String, Entry>;

/// Connects titles: gives episodes their places, and series what follows from their episodes. Calls `warn` with the id of each
/// title that is not what its record makes of it.
pub(super) fn connect(titles: &mut Loose, warn: &mut impl FnMut(&str, String)) {
    let kinds: BTreeMap<String, TitleKind> = titles.iter().map(|(id, entry)| (id.clone(), entry.card.kind)).collect();
    let series: BTreeMap<String, (String, bool, Option<u8>)> = titles
        .iter()
        .filter(|(_, entry)| entry.card.kind == TitleKind::Series)
        .map(|(id, entry)| (id.clone(), (entry.card.name.clone(), entry.is_open, entry.age)))
        .collect();
    let mut taken: BTreeSet<(String, u16, u16)> = BTreeSet::new();
    for (id, entry) in titles.iter_mut() {
        let part = entry.facts.part_of.clone();
        match entry.card.kind {
            TitleKind::Episode => {
                let known = part.and_then(|part| series.get(&part.title).map(|of| (part, of)));
                let known = known.filter(|(part, _)| part.season > 0 && part.number > 0);
                let Some((part, (name, is_open, age))) = known else {
                    warn(
                        id,
                        "it is an episode of a series that is not there, or without a season and a number".to_owned(),
                    );
                    entry.stand_alone();
                    continue;
                };
                if !taken.insert((part.title.clone(), part.season, part.number)) {
                    let place = format!("season {}, episode {} of {}", part.season, part.number, part.title);
                    warn(id, format!("another title is {place}"));
                    entry.stand_alone();
                    continue;
                }
                entry.is_open &= is_open;
                // Those for whom the series is not suitable see none of it.
                entry.age = entry.age.zip(*age).map(|(own, of_series)| own.max(of_series));
                entry.card.episode = Some(EpisodePlace {
                    series: part.title.as_str().into(),
                    series_name: name.clone(),
                    season: part.season,
                    number: part.number,
                });
            }
            TitleKind::Trailer => {
                let shown = part.and_then(|part| kinds.get(&part.title));
                if !shown.is_some_and(|kind| matches!(kind, TitleKind::Film | TitleKind::Series)) {
                    warn(id, "it is a trailer of a title that is not there".to_owned());
                    entry.facts.part_of = None;
                }
            }
            _ if part.is_some() => {
                warn(id, "only episodes and trailers belong to another title".to_owned());
                entry.facts.part_of = None;
            }
            _ => {}
        }
    }
    let mut sums: BTreeMap<String, Sum> = series.into_keys().map(|id| (id, Sum::default())).collect();
    for entry in titles.values().filter(|entry| entry.is_open && !entry.is_hidden) {
        let of = entry.card.episode.as_ref().and_then(|place| sums.get_mut(place.series.as_str()));
        if let Some(sum) = of {
            sum.add(entry);
        }
    }
    for (id, sum) in sums {
        if let Some(entry) = titles.get_mut(&id) {
            sum.give(entry);
        }
    }
}

/// Facts about a series that follow from its episodes.
#[derive(Default)]
struct Sum {
    episodes: usize,
    duration_ms: u64,
    newest: i64,
    /// Lowest age from which one is suitable; `None` until one has a rating.
    age: Option<u8>,
    max_height: Option<u32>,
    audio: Vec<kinora_api::Language>,
    subtitles: Vec<kinora_api::Language>,
}

impl Sum {
    fn add(&mut self, episode: &Entry) {
        self.episodes += 1;
        self.duration_ms = self.duration_ms.saturating_add(episode.card.duration_ms);
        self.newest = self.newest.max(episode.added_at);
        self.age = [self.age, episode.age].into_iter().flatten().min();
        self.max_height = self.max_height.max(episode.max_height);
        for (all, of) in [(&mut self.audio, &episode.audio), (&mut self.subtitles, &episode.subtitles)] {
            for language in of {
                if !all.iter().any(|known| known.tag == language.tag) {
                    all.push(language.clone());
                }
            }
        }
    }

    fn give(self, series: &mut Entry) {
        series.is_open &= self.episodes > 0;
        series.age = series.age.zip(self.age).map(|(own, of_episodes)| own.max(of_episodes));
        series.card.duration_ms = self.duration_ms;
        series.max_height = self.max_height;
        (series.audio, series.subtitles) = (self.audio, self.subtitles);
        if self.episodes > 0 {
            series.added_at = self.newest;
        }
    }
}

impl Entry {
    /// Makes an episode a title by itself.
    fn stand_alone(&mut self) {
        self.card.kind = TitleKind::Film;
        self.facts.part_of = None;
    }
}

impl Links {
    /// Returns the links of titles that are connected.
    pub(super) fn of<'e>(titles: impl Iterator<Item = &'e Arc<Entry>>) -> Self {
        let mut links = Self::default();
        for entry in titles.filter(|entry| entry.is_open && !entry.is_hidden) {
            let Some(part) = &entry.facts.part_of else { continue };
            let parts = if entry.card.kind == TitleKind::Episode { &mut links.episodes } else { &mut links.trailers };
            parts.entry(part.title.clone()).or_default().push(Arc::clone(entry));
        }
        for parts in links.episodes.values_mut().chain(links.trailers.values_mut()) {
            parts.sort_by_key(|entry| entry.facts.part_of.as_ref().map(|part| (part.season, part.number)));
        }
        links
    }

    /// Returns the episodes of a series that a profile may see, in order.
    pub fn episodes(&self, series: &str, profile: &Profile) -> Vec<&Arc<Entry>> {
        let all = self.episodes.get(series).into_iter().flatten();
        all.filter(|episode| episode.suits(profile)).collect()
    }

    /// Returns the trailers of a title that a profile may see, in order.
    pub fn trailers(&self, title: &str, profile: &Profile) -> Vec<&Arc<Entry>> {
        let all = self.trailers.get(title).into_iter().flatten();
        all.filter(|trailer| trailer.suits(profile)).collect()
    }

    /// Returns the episode that follows one, across the end of a season.
    pub fn after(&self, episode: &Entry, profile: &Profile) -> Option<&Arc<Entry>> {
        let place = episode.card.episode.as_ref()?;
        let at = (place.season, place.number);
        let behind =
            |other: &&Arc<Entry>| other.card.episode.as_ref().is_some_and(|place| (place.season, place.number) > at);
        self.episodes(place.series.as_str(), profile).into_iter().find(behind)
    }
}

/// Positions by title.
pub type Positions<'p> = BTreeMap<&'p str, &'p ResumePosition>;

/// Returns the episode to play next: the one that was begun last, or, if that was finished, the first after it that was not; else
/// the latest other one that was begun. Without any that was begun, the first.
pub fn up_next<'e>(episodes: &[&'e Arc<Entry>], positions: &Positions<'_>) -> Option<&'e Arc<Entry>> {
    let position = |episode: &Arc<Entry>| positions.get(episode.id.as_str()).copied();
    let begun = |position: &ResumePosition| position.finished || position.position_ms > 0;
    let touched = episodes.iter().enumerate().filter_map(|(at, episode)| Some((at, position(episode)?)));
    let mut touched: Vec<(usize, &ResumePosition)> = touched.filter(|(_, position)| begun(position)).collect();
    touched.sort_by_key(|(at, position)| std::cmp::Reverse((position.updated_at, *at)));
    let Some((last, latest)) = touched.first() else { return episodes.first().copied() };
    if !latest.finished {
        return episodes.get(*last).copied();
    }
    let behind = &episodes[last + 1..];
    let unseen = behind.iter().find(|episode| !position(episode).is_some_and(|position| position.finished));
    let other = || touched.iter().find(|(_, position)| !position.finished).map(|(at, _)| &episodes[*at]);
    unseen.or_else(|| behind.first()).or_else(other).copied()
}

/// Seasons of episodes in order.
pub fn seasons<'e>(episodes: &[&'e Arc<Entry>]) -> Vec<(u16, Vec<&'e Arc<Entry>>)> {
    let mut seasons: BTreeMap<u16, Vec<&'e Arc<Entry>>> = BTreeMap::new();
    for &episode in episodes {
        let Some(place) = &episode.card.episode else { continue };
        seasons.entry(place.season).or_default().push(episode);
    }
    seasons.into_iter().collect()
}
