//! All that is remembered of viewers, changed by one event at a time: interests, audiences, and which rows the model still lacks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use kinora_api::events::{LoggedEvent, ViewerEvent};
use kinora_api::{ProfileId, TitleId};
use sha2::{Digest as _, Sha256};

use super::audience::Audience;
use super::interest::Interest;
use super::model::{BATCH, Change, MAX_TITLES, Model, Weights};

/// Regularisation of the model: as if each title had been watched by that many viewers who watched nothing else.
pub const REGULARISATION: f64 = 20.0;

/// Memory of all viewers.
#[derive(Debug)]
pub struct Memory {
    /// Titles by number, in the order in which they were first seen.
    titles: Vec<TitleId>,
    numbers: HashMap<TitleId, u32>,
    profiles: BTreeMap<ProfileId, BTreeMap<u32, Interest>>,
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
    /// Returns what is remembered when these interests are.
    pub fn restore(interests: impl IntoIterator<Item = (ProfileId, TitleId, Interest)>) -> Self {
        let mut memory = Self::default();
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
        *self = Self { generation, ..other };
    }

    /// Takes an event. Those that teach nothing change nothing.
    pub fn take(&mut self, event: &LoggedEvent) -> Changed {
        let Some(profile) = &event.profile else { return Changed::Nothing };
        if event.event == ViewerEvent::Forget {
            return if self.forget(profile) { Changed::Forgotten(profile.clone()) } else { Changed::Nothing };
        }
        let Some(title) = Interest::title(&event.event) else { return Changed::Nothing };
        let number = self.number(title);
        let mut interest = self.profiles.get(profile).and_then(|of| of.get(&number)).cloned().unwrap_or_default();
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
        let Some(interests) = self.profiles.remove(profile) else { return false };
        for (number, interest) in interests {
            self.audiences[number as usize].remove(&interest);
        }
        self.behind.insert(profile.clone());
        true
    }

    /// Returns what a profile has done with a title.
    pub fn interest(&self, profile: &ProfileId, title: &TitleId) -> Option<&Interest> {
        self.profiles.get(profile)?.get(self.numbers.get(title)?)
    }

    /// Returns what a profile has done, by title.
    pub fn interests(&self, profile: &ProfileId) -> impl Iterator<Item = (&TitleId, &Interest)> {
        let of = self.profiles.get(profile);
        of.into_iter().flatten().filter_map(|(number, interest)| Some((self.titles.get(*number as usize)?, interest)))
    }

    /// Returns what all profiles have done with a title.
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
        let of = self.profiles.get(profile);
        let placed = of
            .into_iter()
            .flatten()
            .filter_map(|(number, interest)| Some((*self.place_of.get(number)?, interest.weight())));
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

    /// Trains the model anew on all profiles, with the titles that most profiles began.
    pub fn train(&mut self) {
        let mut order: Vec<u32> = (0..).take(self.titles.len()).collect();
        order.sort_by_key(|number| (std::cmp::Reverse(self.audiences[*number as usize].viewers), *number));
        order.truncate(MAX_TITLES);
        self.place_of = order.iter().copied().zip(0..).collect();
        self.places = order;
        self.learned = self.profiles.keys().map(|profile| (profile.clone(), self.weights(profile))).collect();
        self.learned.retain(|_, weights| !weights.is_empty());
        self.behind.clear();
        self.generation += 1;
        let trained = Model::train(REGULARISATION, self.places.len(), self.learned.values());
        self.model = Arc::new(trained.unwrap_or_else(|error| unreachable!("all weights have places: {error}")));
    }

    /// Returns true if a title without a place in the model has more viewers than one that has a place, so that
    /// [`Memory::train`] would change what the model knows.
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
        for (profile, interests) in &self.profiles {
            for (number, interest) in interests {
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
        if let Ok(place) = u32::try_from(self.places.len())
            && self.places.len() < MAX_TITLES
        {
            self.places.push(number);
            self.place_of.insert(number, place);
        }
        number
    }

    fn replace(&mut self, profile: &ProfileId, number: u32, interest: Interest) {
        let audience = &mut self.audiences[number as usize];
        audience.add(&interest);
        let of = self.profiles.entry(profile.clone()).or_default();
        if let Some(before) = of.insert(number, interest) {
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

#[cfg(test)]
#[expect(clippy::cast_possible_wrap, reason = "small numbers")]
mod tests {
    use kinora_api::events::{LoggedEvent, Rating, ViewerEvent};
    use kinora_api::{ProfileId, TitleId, UnixMillis};
    use proptest::prelude::*;

    use super::{Changed, Memory};

    fn event(profile: u32, at: UnixMillis, event: ViewerEvent) -> LoggedEvent {
        LoggedEvent { account: None, profile: Some(ProfileId::new(format!("p{profile}"))), at, event }
    }

    fn some(profile: u32, title: u32, kind: u32, at: UnixMillis) -> LoggedEvent {
        let (title, playback) = (TitleId::new(format!("t{title}")), String::from("s"));
        let done = match kind % 7 {
            0 => ViewerEvent::Play { title, playback, position_ms: 0, duration_ms: 1_000 },
            1 | 2 => {
                ViewerEvent::Watch { title, playback, from_ms: u64::from(kind) % 500, to_ms: 900, duration_ms: 1_000 }
            }
            3 => ViewerEvent::Finish { title, playback: None },
            4 => ViewerEvent::Abandon { title, playback, position_ms: 5, duration_ms: 1_000 },
            5 => ViewerEvent::Rating { title, rating: (kind > 6).then_some(Rating::Up) },
            _ => ViewerEvent::Rewind { title, playback, from_ms: 500, to_ms: 100 },
        };
        event(profile, at, done)
    }

    fn all() -> impl Strategy<Value = Vec<LoggedEvent>> {
        let one = (0_u32..6, 0_u32..9, 0_u32..50);
        prop::collection::vec(one, 1..120).prop_map(|all| {
            all.into_iter()
                .enumerate()
                .map(|(at, (profile, title, kind))| some(profile, title, kind, at as i64))
                .collect()
        })
    }

    #[test]
    fn an_event_without_a_profile_and_one_that_teaches_nothing_change_nothing() {
        let mut memory = Memory::default();
        let mut nobody = some(1, 1, 3, 0);
        nobody.profile = None;
        assert_eq!(memory.take(&nobody), Changed::Nothing);
        assert_eq!(memory.take(&event(1, 0, ViewerEvent::Other)), Changed::Nothing);
        assert_eq!(memory.digest(), Memory::default().digest());
        assert_eq!(memory.lesson().map(|_| ()), None);
    }

    #[test]
    fn weights_are_those_of_now_before_the_model_has_learned_them() {
        let mut memory = Memory::default();
        memory.take(&some(1, 4, 3, 0));
        let profile = ProfileId::new("p1");
        assert_eq!(memory.weights(&profile).len(), 1);
        assert_eq!(memory.behind(), 1);
        memory.learn_all();
        assert_eq!(memory.behind(), 0);
        assert_eq!(memory.model().titles(), 1);
    }

    #[test]
    fn a_lesson_of_before_the_training_is_dropped() {
        let mut memory = Memory::default();
        memory.take(&some(1, 4, 3, 0));
        memory.take(&some(1, 5, 3, 0));
        let lesson = memory.lesson().expect("a lesson");
        memory.take(&some(2, 6, 3, 0));
        memory.take(&some(3, 6, 3, 0));
        memory.train();
        let strength = |memory: &Memory| memory.model().strength(1, 2);
        let trained = strength(&memory);
        memory.take_learned(lesson.learn());
        assert_eq!(memory.model().titles(), 3);
        assert!((strength(&memory) - trained).abs() < f64::EPSILON);
    }

    #[test]
    fn a_lesson_of_another_memory_is_dropped() {
        let mut memory = Memory::restore([]);
        memory.take(&some(1, 4, 3, 0));
        let lesson = memory.lesson().expect("a lesson");
        let mut other = Memory::default();
        other.take(&some(2, 6, 3, 0));
        other.take(&some(2, 7, 3, 0));
        other.train();
        memory.replace_with(other);
        let trained = memory.model().strength(0, 1);
        memory.take_learned(lesson.learn());
        assert!(trained > 0.0 && (memory.model().strength(0, 1) - trained).abs() < f64::EPSILON);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(80))]

        #[test]
        fn a_replay_from_the_beginning_gives_the_same_state(events in all()) {
            let (mut live, mut again) = (Memory::default(), Memory::default());
            for event in &events {
                live.take(event);
                live.learn_all();
            }
            events.iter().for_each(|event| drop(again.take(event)));
            prop_assert_eq!(live.digest(), again.digest());
            let restored = Memory::restore((0..6).flat_map(|profile| {
                let profile = ProfileId::new(format!("p{profile}"));
                live.interests(&profile).map(|(title, interest)| (profile.clone(), title.clone(), interest.clone())).collect::<Vec<_>>()
            }));
            prop_assert_eq!(restored.digest(), live.digest());
            let strength = |memory: &Memory, of: &TitleId, title: &TitleId| match (memory.place(of), memory.place(title)) {
                (Some(of), Some(title)) => memory.model().strength(of, title),
                _ => 0.0,
            };
            for (of, audience) in live.audiences() {
                prop_assert_eq!(restored.audience(of).cloned().unwrap_or_default(), audience.clone());
                for (title, _) in live.audiences() {
                    prop_assert!((strength(&live, of, title) - strength(&restored, of, title)).abs() <= 1e-9);
                }
            }
        }

        #[test]
        fn a_forgotten_profile_leaves_what_would_be_there_without_it(events in all(), forgotten in 0_u32..6) {
            let gone = ProfileId::new(format!("p{forgotten}"));
            let (mut with, mut without) = (Memory::default(), Memory::default());
            for event in &events {
                with.take(event);
                with.learn_all();
                if event.profile.as_ref() != Some(&gone) {
                    without.take(event);
                }
            }
            with.take(&event(forgotten, 999, ViewerEvent::Forget));
            with.learn_all();
            without.train();
            prop_assert_eq!(with.digest(), without.digest());
            for (of, audience) in with.audiences() {
                prop_assert_eq!(without.audience(of).cloned().unwrap_or_default(), audience.clone());
                for (title, _) in with.audiences() {
                    let (Some(a), Some(b)) = (with.place(of), with.place(title)) else { continue };
                    let expected = match (without.place(of), without.place(title)) {
                        (Some(of), Some(title)) => without.model().strength(of, title),
                        _ => 0.0,
                    };
                    prop_assert!((with.model().strength(a, b) - expected).abs() <= 1e-9);
                }
            }
        }
    }
}
