//! The titles at one moment, as the wire types want them. Pure.
//!
//! * [`channels`] — live channels; [`entry`] — a title; [`facts`] — what is said of it, as far as it holds; [`links`] — series, episodes, trailers;
//! * [`shelves`] — their orders, by age limit; [`home`] — the home screen; [`finder`] — what is found; [`search`] — words.

pub mod channels;
pub mod entry;
pub mod facts;
pub mod finder;
pub mod home;
pub mod links;
pub mod search;
pub mod shelves;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kinora_api::internal::{PickedKind, PickedRow, TitleFacts, TitleViewing, Viewing};
use kinora_api::{
    Episode, ErrorCode, Profile, Reason, ReasonKind, ResumePosition, Season, TitleCard, TitleDetail, TitleId,
    TitleKind, UnixMillis,
};
use kinora_kit::http::problem::Problem;
use kinora_media::TitleRecord;
use kinora_media::live::LiveChannel;

use self::channels::Channels;
use self::entry::Entry;
use self::facts::Setting;
use self::finder::{Finder, Found, Wanted};
use self::home::{OwnRows, Picked};
use self::links::{Links, Positions, up_next};
use self::shelves::{Shelf, Shelves};
use crate::pictures::PictureKeys;

/// Titles recommended on a title page.
const SIMILAR: usize = 8;

/// The titles at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    titles: BTreeMap<String, Arc<Entry>>,
    links: Links,
    finder: Finder,
    shelves: Shelves,
    channels: Channels,
    /// Times between which it holds: that of its making, and the ends of windows around it.
    holds: (Option<UnixMillis>, Option<UnixMillis>),
    warnings: Vec<String>,
}

impl Snapshot {
    /// Returns the titles of some records; `keys` name the pictures of those that are not for everyone.
    pub fn of(records: Vec<TitleRecord>, keys: &PictureKeys, setting: &Setting) -> Self {
        let mut warnings = Vec::new();
        let mut loose: links::Loose = BTreeMap::new();
        for record in records {
            let id = record.id.clone();
            let mut warn = |warning: String| warnings.push(format!("{id}: {warning}"));
            let entry = Entry::from_record(record, keys, setting, &mut warn);
            loose.insert(id, entry);
        }
        links::connect(&mut loose, &mut |id, warning| warnings.push(format!("{id}: {warning}")));
        let openings = || loose.values().map(|entry| entry.facts.opening);
        let holds =
            (openings().filter_map(|opening| opening.last).max(), openings().filter_map(|opening| opening.next).min());
        let titles: BTreeMap<String, Arc<Entry>> = loose.into_iter().map(|(id, entry)| (id, Arc::new(entry))).collect();
        let shelves = Shelves::of(titles.values().filter(|entry| entry.is_offered()));
        let (links, finder) = (Links::of(titles.values()), Finder::of(titles.values()));
        Self { titles, links, finder, shelves, channels: Channels::default(), holds, warnings }
    }

    /// Adds live channels. They are found by their ids and in the row of channels, and not by searches.
    #[must_use]
    pub fn with_channels(mut self, channels: Vec<LiveChannel>) -> Self {
        let (channels, entries) = Channels::of(channels, &self.titles, &mut self.warnings);
        self.channels = channels;
        self.titles.extend(entries.into_iter().map(|entry| (entry.id.clone(), entry)));
        self
    }

    /// Returns the live channels.
    pub fn channels(&self) -> &Channels {
        &self.channels
    }

    /// Returns the cards of the live channels that a profile may see, by name.
    pub fn live_cards(&self, profile: &Profile, now: UnixMillis) -> Vec<TitleCard> {
        let entries = self.channels.ids().filter_map(|id| self.visible(id, profile));
        let mut cards: Vec<TitleCard> = entries.map(|entry| self.live_card(entry, now)).collect();
        cards.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        cards
    }

    /// Returns the card of a title, and of a channel what is on the air.
    fn live_card(&self, entry: &Entry, now: UnixMillis) -> TitleCard {
        TitleCard { live: self.channels.on_air(&entry.id, &self.titles, now), ..entry.card(None) }
    }

    /// Returns true if nothing opens or ends between its making and `now`.
    pub fn holds_at(&self, now: UnixMillis) -> bool {
        self.holds.0.is_none_or(|from| from <= now) && self.holds.1.is_none_or(|until| now < until)
    }

    /// Returns what of the records was left out, because it cannot be so.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The titles that a profile may see, in the orders of the screens.
    pub fn shelf(&self, profile: &Profile) -> &Arc<Shelf> {
        self.shelves.for_profile(profile)
    }

    /// Returns what recommendations need to know: films and series that are offered, and what belongs to them.
    pub fn facts(&self) -> Vec<TitleFacts> {
        let known = self.titles.values().filter(|entry| entry.is_offered() || entry.part_of().is_some());
        let facts = known.map(|entry| TitleFacts {
            id: entry.id.as_str().into(),
            kind: entry.kind(),
            part_of: entry.part_of(),
            genres: entry.genres().to_vec(),
            min_age: entry.min_age(),
            added_at: entry.added_at,
        });
        facts.collect()
    }

    /// Returns the titles of the rows that only this profile has; `picked` is what is recommended to it, `None` if that is not
    /// known.
    pub fn own_rows(
        &self,
        viewing: &Viewing,
        picked: Option<&[PickedRow]>,
        profile: &Profile,
        now: UnixMillis,
    ) -> OwnRows {
        OwnRows {
            live: self.live_cards(profile, now),
            begun: self.begun(viewing, profile),
            listed: viewing.listed.iter().filter_map(|id| self.offered(id, profile)).cloned().collect(),
            picked: picked.map(|rows| rows.iter().filter_map(|row| self.picked(row, profile)).collect()),
        }
    }

    /// Returns the titles to continue, the latest first: films that were begun, and of each series the episode to play next. A
    /// series whose latest episode the viewer removed is left out.
    fn begun(&self, viewing: &Viewing, profile: &Profile) -> Vec<Arc<Entry>> {
        let removed: BTreeSet<&TitleId> = viewing.removed.iter().collect();
        let positions: Positions<'_> = by_title(&viewing.positions);
        let mut series: BTreeSet<&TitleId> = BTreeSet::new();
        let mut begun = Vec::new();
        for position in &viewing.positions {
            let id = &position.title_id;
            let Some(entry) = self.visible(id.as_str(), profile).filter(|entry| !entry.is_hidden) else { continue };
            let next = match &entry.card.episode {
                Some(place) if series.insert(&place.series) => {
                    up_next(&self.links.episodes(place.series.as_str(), profile), &positions)
                }
                None if entry.kind() == TitleKind::Film && !position.finished && position.position_ms > 0 => {
                    Some(entry)
                }
                _ => None,
            };
            begun.extend(next.filter(|_| !removed.contains(id)).cloned());
        }
        begun
    }

    /// Returns a title that can be played and that a profile may see.
    fn visible(&self, id: &str, profile: &Profile) -> Option<&Arc<Entry>> {
        self.titles.get(id).filter(|entry| entry.is_open && entry.suits(profile))
    }

    /// Returns a title that rows offer to a profile.
    fn offered(&self, id: &TitleId, profile: &Profile) -> Option<&Arc<Entry>> {
        self.visible(id.as_str(), profile).filter(|entry| entry.is_offered())
    }

    /// Returns a row of recommendations with the titles that the profile may see; `None` if nothing is left of it.
    fn picked(&self, row: &PickedRow, profile: &Profile) -> Option<Picked> {
        let of = match &row.kind {
            PickedKind::BecauseWatched { title } => Some(self.offered(title, profile)?),
            _ => None,
        };
        let titles = row.picks.iter().filter_map(|pick| {
            let entry = self.offered(&pick.title, profile)?;
            Some((Arc::clone(entry), self.reason(&pick.reason, profile)))
        });
        let titles: Vec<_> = titles.collect();
        (!titles.is_empty()).then(|| Picked { kind: row.kind.clone(), of: of.cloned(), titles })
    }

    /// Returns a reason with its text; `None` if it names a title that the profile may not see.
    fn reason(&self, kind: &ReasonKind, profile: &Profile) -> Option<Reason> {
        let text = match kind {
            ReasonKind::Watched { title } => {
                let watched = self.visible(title.as_str(), profile)?;
                format!("Because you watched {}", watched.name())
            }
            ReasonKind::Genre { genre } => format!("{genre}, which you like to watch"),
            ReasonKind::Popular { viewers: 1 } => "Watched by one viewer lately".to_owned(),
            ReasonKind::Popular { viewers } => format!("Watched by {viewers} viewers lately"),
            ReasonKind::Unseen { viewers: 0 } => "Nobody has watched it yet".to_owned(),
            ReasonKind::Unseen { viewers: 1 } => "Only one viewer has watched it".to_owned(),
            ReasonKind::Unseen { viewers } => format!("Only {viewers} viewers have watched it"),
            _ => return None,
        };
        Some(Reason { text, kind: kind.clone() })
    }

    /// How many titles there are.
    pub fn count(&self) -> usize {
        self.titles.len()
    }

    /// Returns a title whoever asks, also outside of its windows: what plays goes on.
    ///
    /// # Errors
    /// 7008 when there is none.
    pub fn any_title(&self, id: &str) -> Result<&Arc<Entry>, Problem> {
        self.titles.get(id).ok_or_else(|| Problem::new(ErrorCode::TitleNotFound, "there is no such title"))
    }

    /// A title that a profile wants to see.
    ///
    /// # Errors
    /// 7008 when there is none, 7007 when the profile may not.
    pub fn title(&self, id: &str, profile: &Profile) -> Result<Arc<Entry>, Problem> {
        let entry = self.any_title(id)?;
        if !entry.is_open {
            return Err(Problem::new(ErrorCode::TitleNotFound, "the title cannot be played here now"));
        }
        if !entry.suits(profile) {
            return Err(Problem::new(ErrorCode::ParentalRestriction, "the profile may not see titles of this rating"));
        }
        Ok(Arc::clone(entry))
    }

    /// Returns the titles whose positions the page of a title shows beside its own: of a series its episodes, of an episode the one
    /// after it.
    pub fn beside(&self, entry: &Entry, profile: &Profile) -> Vec<TitleId> {
        let ids = |entries: Vec<&Arc<Entry>>| entries.into_iter().map(|entry| entry.card.id.clone()).collect();
        match entry.kind() {
            TitleKind::Series => ids(self.links.episodes(&entry.id, profile)),
            TitleKind::Episode => ids(self.links.after(entry, profile).into_iter().collect()),
            _ => Vec::new(),
        }
    }

    /// Everything for a title page; `beside` are positions in the titles of [`Self::beside`].
    pub fn detail(
        &self,
        entry: &Entry,
        profile: &Profile,
        viewing: &TitleViewing,
        beside: &[ResumePosition],
        now: UnixMillis,
    ) -> TitleDetail {
        let resume = viewing.position.as_ref();
        let positions = by_title(beside);
        let at = |other: &Entry| positions.get(other.id.as_str()).copied();
        let card = |other: &Entry| other.card(at(other));
        // An episode is like what its series is like.
        let whole = entry.facts.part_of.as_ref().and_then(|part| self.titles.get(&part.title));
        let similar = self.shelf(profile).similar(whole.map_or(entry, Arc::as_ref), SIMILAR);
        let episodes = self.links.episodes(&entry.id, profile);
        let next = match entry.kind() {
            TitleKind::Series => up_next(&episodes, &positions),
            _ => self.links.after(entry, profile),
        };
        let is_watched = |position: Option<&ResumePosition>| position.is_some_and(|position| position.finished);
        let own_watched = match entry.kind() {
            TitleKind::Series => episodes.iter().all(|episode| is_watched(at(episode))),
            _ => is_watched(resume),
        };
        let season = |(number, episodes): (u16, Vec<&Arc<Entry>>)| Season {
            number,
            name: entry.season_names.get(&number).cloned().unwrap_or_else(|| format!("Season {number}")),
            episodes: episodes
                .into_iter()
                .map(|episode| Episode { card: card(episode), is_watched: is_watched(at(episode)) })
                .collect(),
        };
        let seasons = links::seasons(&episodes).into_iter().map(season).collect();
        let mut own = entry.card(resume);
        own.live = self.channels.on_air(&entry.id, &self.titles, now);
        if entry.kind() == TitleKind::Series {
            own.duration_ms = episodes.iter().map(|episode| episode.duration_ms()).sum();
        }
        TitleDetail {
            card: own,
            description: entry.description.clone(),
            audio_languages: entry.audio.clone(),
            subtitle_languages: entry.subtitles.clone(),
            max_height: entry.max_height,
            protocols: entry.manifests.iter().map(|&(protocol, _)| protocol).collect(),
            thumbnails: entry.thumbnails.clone(),
            original_name: entry.original_name.clone(),
            cast: entry.facts.cast.clone(),
            trailers: self.links.trailers(&entry.id, profile).into_iter().map(|trailer| trailer.card(None)).collect(),
            seasons,
            up_next: next.map(|next| card(next)),
            chapters: entry.facts.chapters.clone(),
            marks: entry.facts.marks,
            available_until: entry.facts.opening.until,
            similar: similar.iter().map(|other| other.card(None)).collect(),
            is_listed: viewing.is_listed,
            is_watched: own_watched,
            my_rating: viewing.rating,
        }
    }

    /// Returns the number of words that a search can find, and the bytes of the index.
    pub fn search_size(&self) -> (usize, usize) {
        (self.finder.index().words(), self.finder.index().bytes())
    }

    /// Returns what is found.
    pub fn search(&self, wanted: &Wanted) -> Found {
        self.finder.search(wanted)
    }

    /// Returns what is found by names alone.
    pub fn search_names(&self, wanted: &Wanted) -> Found {
        self.finder.search_names(wanted)
    }
}

fn by_title(positions: &[ResumePosition]) -> Positions<'_> {
    positions.iter().map(|position| (position.title_id.as_str(), position)).collect()
}
