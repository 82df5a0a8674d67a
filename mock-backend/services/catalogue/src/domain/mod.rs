//! The titles at one moment, as the wire types want them. Pure.
//!
//! * [`entry`] — a title; [`shelves`] — their orders, by age limit; [`home`] — the home screen; [`search`] — words.

pub mod entry;
pub mod home;
pub mod search;
pub mod shelves;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kinora_api::internal::{PickedKind, PickedRow, TitleFacts, TitleViewing, Viewing};
use kinora_api::{ErrorCode, Profile, Reason, ReasonKind, TitleDetail, TitleId};
use kinora_kit::http::problem::Problem;
use kinora_media::TitleRecord;

use self::entry::Entry;
use self::home::{OwnRows, Picked};
use self::search::{Builder, Index};
use self::shelves::{Shelf, Shelves};
use crate::pictures::PictureKeys;

/// Titles recommended on a title page.
const SIMILAR: usize = 8;

/// The titles at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    titles: BTreeMap<String, Arc<Entry>>,
    index: Index,
    shelves: Shelves,
}

impl Snapshot {
    /// Returns the titles of some records; `keys` name the pictures of those that are not for everyone.
    pub fn of(records: Vec<TitleRecord>, keys: &PictureKeys) -> Self {
        let titles: BTreeMap<String, Arc<Entry>> = records
            .into_iter()
            .map(|record| Entry::from_record(record, keys))
            .map(|entry| (entry.id.clone(), Arc::new(entry)))
            .collect();
        let mut index = Builder::default();
        for entry in titles.values() {
            let languages = entry.audio.iter().chain(&entry.subtitles).map(|language| language.label.as_str());
            let minor: Vec<&str> = std::iter::once(entry.description.as_str()).chain(languages).collect();
            let year = entry.card.year.map(|year| year.to_string()).unwrap_or_default();
            let major: Vec<&str> = entry.card.genres.iter().map(String::as_str).chain([year.as_str()]).collect();
            index.add(&entry.id, &entry.card.name, &major, &minor);
        }
        let shelves = Shelves::of(titles.values());
        Self { titles, index: index.build(), shelves }
    }

    /// The titles that a profile may see, in the orders of the screens.
    pub fn shelf(&self, profile: &Profile) -> &Arc<Shelf> {
        self.shelves.for_profile(profile)
    }

    /// Returns what recommendations need to know of all titles.
    pub fn facts(&self) -> Vec<TitleFacts> {
        let facts = self.titles.values().map(|entry| TitleFacts {
            id: entry.id.as_str().into(),
            genres: entry.genres().to_vec(),
            min_age: entry.min_age(),
            added_at: entry.added_at,
        });
        facts.collect()
    }

    /// Returns the titles of the rows that only this profile has; `picked` is what is recommended to it, `None` if that is not
    /// known.
    pub fn own_rows(&self, viewing: &Viewing, picked: Option<&[PickedRow]>, profile: &Profile) -> OwnRows {
        let removed: BTreeSet<&TitleId> = viewing.removed.iter().collect();
        let begun = viewing.positions.iter().map(|position| &position.title_id).filter(|id| !removed.contains(id));
        OwnRows {
            begun: self.suitable(begun, profile),
            listed: self.suitable(viewing.listed.iter(), profile),
            picked: picked.map(|rows| rows.iter().filter_map(|row| self.picked(row, profile)).collect()),
        }
    }

    /// Returns a row of recommendations with the titles that the profile may see; `None` if nothing is left of it.
    fn picked(&self, row: &PickedRow, profile: &Profile) -> Option<Picked> {
        let of = match &row.kind {
            PickedKind::BecauseWatched { title } => {
                Some(self.titles.get(title.as_str()).filter(|entry| entry.suits(profile))?)
            }
            _ => None,
        };
        let titles = row.picks.iter().filter_map(|pick| {
            let entry = self.titles.get(pick.title.as_str()).filter(|entry| entry.suits(profile))?;
            Some((Arc::clone(entry), self.reason(&pick.reason, profile)))
        });
        let titles: Vec<_> = titles.collect();
        (!titles.is_empty()).then(|| Picked { kind: row.kind.clone(), of: of.cloned(), titles })
    }

    /// Returns a reason with its text; `None` if it names a title that the profile may not see.
    fn reason(&self, kind: &ReasonKind, profile: &Profile) -> Option<Reason> {
        let text = match kind {
            ReasonKind::Watched { title } => {
                let watched = self.titles.get(title.as_str()).filter(|entry| entry.suits(profile))?;
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

    /// Returns the titles of some ids that a profile may see, in the same order.
    fn suitable<'i>(&self, ids: impl Iterator<Item = &'i TitleId>, profile: &Profile) -> Vec<Arc<Entry>> {
        let titles = ids.filter_map(|id| self.titles.get(id.as_str()));
        titles.filter(|entry| entry.suits(profile)).cloned().collect()
    }

    /// How many titles there are.
    pub fn count(&self) -> usize {
        self.titles.len()
    }

    /// Returns a title whoever asks.
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
        if !entry.suits(profile) {
            return Err(Problem::new(ErrorCode::ParentalRestriction, "the profile may not see titles of this rating"));
        }
        Ok(Arc::clone(entry))
    }

    /// Everything for a title page.
    pub fn detail(&self, entry: &Entry, profile: &Profile, viewing: &TitleViewing) -> TitleDetail {
        let resume = viewing.position.as_ref();
        let similar = self.shelf(profile).similar(entry, SIMILAR);
        TitleDetail {
            card: entry.card(resume),
            description: entry.description.clone(),
            audio_languages: entry.audio.clone(),
            subtitle_languages: entry.subtitles.clone(),
            max_height: entry.max_height,
            protocols: entry.manifests.iter().map(|&(protocol, _)| protocol).collect(),
            thumbnails: entry.thumbnails.clone(),
            similar: similar.iter().map(|other| other.card(None)).collect(),
            is_listed: viewing.is_listed,
            is_watched: resume.is_some_and(|position| position.finished),
            my_rating: viewing.rating,
            ..TitleDetail::default()
        }
    }

    /// Returns the number of words that a search can find, and the bytes of the index.
    pub fn search_size(&self) -> (usize, usize) {
        (self.index.words(), self.index.bytes())
    }

    /// What matches a query, the best first.
    pub fn search(&self, query: &str, profile: &Profile, limit: usize) -> Vec<Arc<Entry>> {
        let suits = |id: &str| self.titles.get(id).is_some_and(|entry| entry.suits(profile));
        let found = self.index.search(query, limit, suits);
        found.into_iter().filter_map(|id| self.titles.get(id)).cloned().collect()
    }
}
