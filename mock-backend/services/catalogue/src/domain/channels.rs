//! Live channels as titles: cards with what is on the air. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use kinora_api::{OnAir, Programme, Protocol, TitleCard, TitleKind, UnixMillis};
use kinora_media::live::{LiveChannel, Programmed};

use super::entry::Entry;

/// The live channels of a catalogue.
#[derive(Debug, Default)]
pub struct Channels(BTreeMap<String, LiveChannel>);

impl Channels {
    /// Takes channels, and returns the title that each is. A channel is as its first programme, but for what its record says; it
    /// suits whom all its programmes suit. One that has the id of a title is left out, as is one of a title that is not offered.
    pub(super) fn of(
        channels: Vec<LiveChannel>,
        titles: &BTreeMap<String, Arc<Entry>>,
        warnings: &mut Vec<String>,
    ) -> (Self, Vec<Arc<Entry>>) {
        let (mut kept, mut entries) = (BTreeMap::new(), Vec::new());
        for channel in channels {
            let id = channel.record().id.clone();
            match entry(&channel, titles) {
                Ok(entry) => {
                    entries.push(Arc::new(entry));
                    kept.insert(id, channel);
                }
                Err(reason) => warnings.push(format!("channel {id}: {reason}")),
            }
        }
        (Self(kept), entries)
    }

    /// Returns the ids of the channels.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns a channel.
    pub fn get(&self, id: &str) -> Option<&LiveChannel> {
        self.0.get(id)
    }

    /// Returns what a channel shows; `None` if it is none.
    pub(super) fn on_air(&self, id: &str, titles: &BTreeMap<String, Arc<Entry>>, now: UnixMillis) -> Option<OnAir> {
        let channel = self.0.get(id)?;
        let programme = |programmed: Programmed| {
            let card = titles.get(&programmed.title).map(|entry| &entry.card);
            let picture = card.and_then(|card| card.key_art.clone().or_else(|| Some(card.poster.clone())));
            Programme {
                title_id: programmed.title.as_str().into(),
                name: programmed.name,
                picture: picture.unwrap_or_default(),
                started_at: programmed.starts_at,
                ends_at: programmed.ends_at,
            }
        };
        let [now, next] = channel.on_air(now).map(programme);
        Some(OnAir { now, next, window_ms: channel.window_ms() })
    }
}

fn entry(channel: &LiveChannel, titles: &BTreeMap<String, Arc<Entry>>) -> Result<Entry, String> {
    let record = channel.record();
    if titles.contains_key(&record.id) {
        return Err("a title has the same id".to_owned());
    }
    let programmes: Option<Vec<_>> = channel.titles().map(|title| titles.get(&title.id)).collect();
    let programmes = programmes.filter(|all| all.iter().all(|entry| entry.is_open));
    let programmes = programmes.ok_or("a title of it is not offered")?;
    let first = programmes.first().ok_or("it has no titles")?;
    let ages: Option<Vec<u8>> = programmes.iter().map(|entry| entry.age).collect();
    let strictest = programmes.iter().max_by_key(|entry| entry.age);
    let rating = strictest.and_then(|entry| entry.card.rating.clone());
    let card = TitleCard {
        id: record.id.as_str().into(),
        name: record.name.clone(),
        kind: TitleKind::Live,
        episode: None,
        duration_ms: 0,
        year: None,
        rating: rating.filter(|_| ages.is_some()),
        synopsis: record.description.clone(),
        ..first.card.clone()
    };
    Ok(Entry {
        id: record.id.clone(),
        manifests: vec![(Protocol::Hls, "master.m3u8".to_owned()), (Protocol::Dash, "manifest.mpd".to_owned())],
        version: channel.version(),
        is_hidden: false,
        is_linked: false,
        age: ages.and_then(|ages| ages.into_iter().max()),
        card,
        description: record.description.clone(),
        subtitles: Vec::new(),
        thumbnails: None,
        original_name: None,
        names: Vec::new(),
        season_names: BTreeMap::new(),
        facts: super::facts::Facts { opening: first.facts.opening, ..super::facts::Facts::default() },
        ..first.as_ref().clone()
    })
}
