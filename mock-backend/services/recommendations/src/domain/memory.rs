//! All that is remembered of viewers, changed by one event at a time: interests, audiences, and which rows the model still lacks.
//!
//! Interests are recorded by the titles of the events. What is concluded from them (audiences, the model, rows) goes by whole
//! titles: an episode counts for its series ([`Parts`]). Which title is a part of which may be known later than the events.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use kinora_api::events::{LoggedEvent, ViewerEvent};
use kinora_api::{ProfileId, TitleId};
use sha2::{Digest as _, Sha256};

use super::audience::Audience;
use super::interest::Interest;
use super::model::{BATCH, Change, MAX_TITLES, Model, Weights};
use super::parts::{Parts, Role};

/// Regularisation of the model: as if each title had been watched by that many viewers who watched nothing else.
pub const REGULARISATION: f64 = 20.0;

/// Memory of all viewers.
#[derive(Debug)]
pub struct Memory {
    /// Titles by number, in the order in which they were first seen.
    titles: Vec<TitleId>,
    numbers: HashMap<TitleId, u32>,
    parts: Parts,
    /// Number of the title that each title counts for, and the part that it is of it; itself for a whole one.
    whole_of: Vec<(u32, Option<Role>)>,
    /// Numbers of the parts of each title that has some.
    parts_of: HashMap<u32, Vec<u32>>,
    profiles: BTreeMap<ProfileId, Viewed>,
    /// By the numbers of whole titles; nothing for parts.
    audiences: Vec<Audience>,
    /// Title in each place of the model.
    places: Vec<u32>,
    place_of: HashMap<u32, u32>,
    model: Arc<Model>,
    /// Weights that the model has of each profile.
    learned: BTreeMap<ProfileId, Weights>,
    /// Profiles whose weights are not in the model yet.
    behind: BTreeSet<ProfileId>,
    /// Number of times that the model was trained anew: lessons of an earlier one are of no use.
    generation: u64,
}

/// Interests of one profile.
#[derive(Debug, Default)]
struct Viewed {
    /// By the titles of the events.
    recorded: BTreeMap<u32, Interest>,
    /// By whole titles.
    whole: BTreeMap<u32, Interest>,
}

/// Change that an event made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Nothing.
    Nothing,
    /// The interest of a profile in a title.
    Interest(ProfileId, TitleId),
    /// A profile is forgotten.
    Forgotten(ProfileId),
}

/// Changes for the model, to be computed where nothing waits for it.
#[derive(Debug)]
pub struct Lesson {
    generation: u64,
    model: Arc<Model>,
    profiles: Vec<(ProfileId, Change)>,
}

/// A model that has learned a lesson.
#[derive(Debug)]
pub struct Learned {
    generation: u64,
    model: Model,
    profiles: Vec<(ProfileId, Weights)>,
}

impl Lesson {
    /// Computes the model with the changes.
    pub fn learn(self) -> Learned {
        let mut model = (*self.model).clone();
        let (profiles, changes): (Vec<ProfileId>, Vec<Change>) = self.profiles.into_iter().unzip();
        // The model got a place for every title before the changes were collected, so that it refuses none.
        let known = model.change(&changes).is_ok();
        let profiles = profiles
            .into_iter()
            .zip(changes)
            .map(|(profile, change)| (profile, if known { change.after } else { change.before }));
        Learned { generation: self.generation, model, profiles: profiles.collect() }
    }
}

impl Default for Memory {
    fn default() -> Self {
        let model = Model::new(REGULARISATION, 0).unwrap_or_else(|error| unreachable!("{error}"));
        Self {
            titles: Vec::new(),
            numbers: HashMap::new(),
            parts: Parts::default(),
            whole_of: Vec::new(),
            parts_of: HashMap::new(),
            profiles: BTreeMap::new(),
            audiences: Vec::new(),
            places: Vec::new(),
            place_of: HashMap::new(),
            model: Arc::new(model),
            learned: BTreeMap::new(),
            behind: BTreeSet::new(),
            generation: 0,
        }
    }
}

impl Memory {
    /// Returns what is remembered when these interests were recorded.
    pub fn restore(parts: Parts, interests: impl IntoIterator<Item = (ProfileId, TitleId, Interest)>) -> Self {
        let mut memory = Self { parts, ..Self::default() };
        for (profile, title, interest) in interests {
            let number = memory.number(&title);
            memory.replace(&profile, number, interest);
        }
        memory.train();
        memory
    }

    /// Takes what another memory has, such as one that was read from the store. Lessons of before are of no use then, because the
    /// places of titles in the model are others.
    pub fn replace_with(&mut self, other: Self) {
        let generation = self.generation.max(other.generation) + 1;
        let parts = std::mem::take(&mut self.parts);
        *self = Self { generation, ..other };
        self.set_parts(parts);
    }

    /// Returns which titles are parts of others.
    pub const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Sets which titles are parts of others. If that concerns a title of which anything is remembered, all that is concluded is
    /// computed anew, and the model is trained.
    pub fn set_parts(&mut self, parts: Parts) {
        let concerns = |title: &TitleId| parts.get(title) != self.parts.get(title);
        if !self.titles.iter().any(concerns) {
            self.parts = parts;
            return;
        }
        let generation = self.generation + 1;
        let titles = std::mem::take(&mut self.titles);
        let profiles = std::mem::take(&mut self.profiles);
        let recorded = profiles.into_iter().flat_map(|(profile, viewed)| {
            let titles = &titles;
            viewed.recorded.into_iter().filter_map(move |(number, interest)| {
                Some((profile.clone(), titles.get(number as usize)?.clone(), interest))
            })
        });
        *self = Self::restore(parts, recorded);
        self.generation = generation;
    }

    /// Takes an event. Those that teach nothing change nothing.
    pub fn take(&mut self, event: &LoggedEvent) -> Changed {
        let Some(profile) = &event.profile else { return Changed::Nothing };
        if event.event == ViewerEvent::Forget {
            return if self.forget(profile) { Changed::Forgotten(profile.clone()) } else { Changed::Nothing };
        }
        let Some(title) = Interest::title(&event.event) else { return Changed::Nothing };
        let number = self.number(title);
        let recorded = self.profiles.get(profile).and_then(|of| of.recorded.get(&number));
        let mut interest = recorded.cloned().unwrap_or_default();
        let before = interest.clone();
        interest.take(&event.event, event.at);
        if interest == before {
            return Changed::Nothing;
        }
        self.replace(profile, number, interest);
        Changed::Interest(profile.clone(), title.clone())
    }

    /// Forgets a profile; its weights leave the model with the next lesson. Returns false if nothing was known of it.
    pub fn forget(&mut self, profile: &ProfileId) -> bool {
        let Some(viewed) = self.profiles.remove(profile) else { return false };
        for (number, interest) in viewed.whole {
            self.audiences[number as usize].remove(&interest);
        }
        self.behind.insert(profile.clone());
        true
    }

    /// Returns what was recorded of a profile and a title, without what its parts count for it.
    pub fn recorded(&self, profile: &ProfileId, title: &TitleId) -> Option<&Interest> {
        self.profiles.get(profile)?.recorded.get(self.numbers.get(title)?)
    }

    /// Returns everything that was recorded.
    pub fn all_recorded(&self) -> impl Iterator<Item = (&TitleId, &Interest)> {
        let all = self.profiles.values().flat_map(|viewed| &viewed.recorded);
        all.filter_map(|(number, interest)| Some((self.titles.get(*number as usize)?, interest)))
    }

    /// Returns what a profile has done with a whole title.
    pub fn interest(&self, profile: &ProfileId, title: &TitleId) -> Option<&Interest> {
        self.profiles.get(profile)?.whole.get(self.numbers.get(title)?)
    }

    /// Returns what a profile has done, by whole title.
    pub fn interests(&self, profile: &ProfileId) -> impl Iterator<Item = (&TitleId, &Interest)> {
        let of = self.profiles.get(profile).map(|viewed| &viewed.whole);
        of.into_iter().flatten().filter_map(|(number, interest)| Some((self.titles.get(*number as usize)?, interest)))
    }

    /// Returns what all profiles have done with a whole title.
    pub fn audience(&self, title: &TitleId) -> Option<&Audience> {
        self.audiences.get(*self.numbers.get(title)? as usize)
    }

    /// Returns every title that was ever watched, with its audience.
    pub fn audiences(&self) -> impl Iterator<Item = (&TitleId, &Audience)> {
        self.titles.iter().zip(&self.audiences)
    }

    /// Returns the model, which may lack the latest changes.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Returns the title in a place of the model.
    pub fn in_place(&self, place: usize) -> Option<&TitleId> {
        self.titles.get(*self.places.get(place)? as usize)
    }

    /// Returns the place of a title in the model.
    pub fn place(&self, title: &TitleId) -> Option<usize> {
        self.place_of.get(self.numbers.get(title)?).map(|place| *place as usize)
    }

    /// Returns the weights of a profile as they are now, whether the model has learned them or not.
    pub fn weights(&self, profile: &ProfileId) -> Weights {
        self.weights_in(&self.place_of, profile)
    }

    fn weights_in(&self, place_of: &HashMap<u32, u32>, profile: &ProfileId) -> Weights {
        let of = self.profiles.get(profile).map(|viewed| &viewed.whole);
        let placed =
            of.into_iter().flatten().filter_map(|(number, interest)| Some((*place_of.get(number)?, interest.weight())));
        Weights::new(placed.collect())
    }

    /// Returns the number of profiles whose changes the model lacks.
    pub fn behind(&self) -> usize {
        self.behind.len()
    }

    /// Returns the next changes for the model, those of at most [`BATCH`] profiles; `None` if it lacks none.
    pub fn lesson(&mut self) -> Option<Lesson> {
        self.make_places();
        let mut profiles = Vec::new();
        while let Some(profile) = self.behind.pop_first() {
            let before = self.learned.get(&profile).cloned().unwrap_or_default();
            let after = self.weights(&profile);
            if before != after {
                profiles.push((profile, Change { before, after }));
            }
            if profiles.len() == BATCH {
                break;
            }
        }
        (!profiles.is_empty()).then(|| Lesson { generation: self.generation, model: Arc::clone(&self.model), profiles })
    }

    /// Takes the model that a lesson led to, unless the model was trained anew meanwhile. Titles that came since have places in it.
    pub fn take_learned(&mut self, learned: Learned) {
        let Learned { generation, mut model, profiles } = learned;
        if generation != self.generation {
            return;
        }
        model.grow(self.places.len());
        self.model = Arc::new(model);
        for (profile, weights) in profiles {
            if weights.is_empty() {
                self.learned.remove(&profile);
            } else {
                self.learned.insert(profile, weights);
            }
        }
    }

    /// Learns all changes at once, here.
    pub fn learn_all(&mut self) {
        while let Some(lesson) = self.lesson() {
            let learned = lesson.learn();
            self.take_learned(learned);
        }
    }

    /// Returns true if a title without a place in the model has more viewers than one that has a place, so that
    /// a training would change what the model knows.
    pub fn is_outgrown(&self) -> bool {
        let viewers = |number: &u32| self.audiences[*number as usize].viewers;
        let least = self.places.iter().map(viewers).min().unwrap_or(0);
        self.places.len() < self.titles.len()
            && (0..)
                .take(self.titles.len())
                .any(|number| !self.place_of.contains_key(&number) && viewers(&number) > least)
    }

    /// Returns a digest of everything that events have led to. It does not depend on the order in which profiles came.
    pub fn digest(&self) -> String {
        let mut all: Vec<(&str, &str, String)> = Vec::new();
        for (profile, viewed) in &self.profiles {
            for (number, interest) in &viewed.recorded {
                let title = self.titles.get(*number as usize).map_or("", TitleId::as_str);
                all.push((profile.as_str(), title, serde_json::to_string(interest).unwrap_or_default()));
            }
        }
        all.sort_unstable();
        let mut digest = Sha256::new();
        for (profile, title, interest) in all {
            for part in [profile, title, &interest] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part.as_bytes());
            }
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn number(&mut self, title: &TitleId) -> u32 {
        if let Some(number) = self.numbers.get(title) {
            return *number;
        }
        let number = u32::try_from(self.titles.len()).unwrap_or(u32::MAX);
        self.titles.push(title.clone());
        self.numbers.insert(title.clone(), number);
        self.audiences.push(Audience::default());
        self.whole_of.push((number, None));
        let part = self.parts.get(title).map(|(whole, role)| (whole.clone(), role));
        if let Some((whole, role)) = part {
            // It is no part itself, so that this ends.
            let whole = self.number(&whole);
            self.whole_of[number as usize] = (whole, Some(role));
            self.parts_of.entry(whole).or_default().push(number);
        } else {
            self.give_place(number);
        }
        number
    }

    fn give_place(&mut self, number: u32) {
        if let Ok(place) = u32::try_from(self.places.len())
            && self.places.len() < MAX_TITLES
        {
            self.places.push(number);
            self.place_of.insert(number, place);
        }
    }

    /// Records an interest, and adds it up with those in the other parts of the same title.
    fn replace(&mut self, profile: &ProfileId, number: u32, interest: Interest) {
        let (whole, _) = self.whole_of[number as usize];
        let viewed = self.profiles.entry(profile.clone()).or_default();
        viewed.recorded.insert(number, interest);
        let mut sum = viewed.recorded.get(&whole).cloned().unwrap_or_default();
        let own = sum.rating;
        for part in self.parts_of.get(&whole).into_iter().flatten() {
            if let (Some(interest), Some(role)) = (viewed.recorded.get(part), self.whole_of[*part as usize].1) {
                sum.absorb(interest, role, own);
            }
        }
        let audience = &mut self.audiences[whole as usize];
        audience.add(&sum);
        if let Some(before) = viewed.whole.insert(whole, sum) {
            audience.remove(&before);
        }
        self.behind.insert(profile.clone());
    }

    /// Gives the model the titles that came since, before weights name them.
    fn make_places(&mut self) {
        if self.model.titles() < self.places.len() {
            let mut model = (*self.model).clone();
            model.grow(self.places.len());
            self.model = Arc::new(model);
        }
    }
}

mod training;

#[cfg(test)]
mod tests;
