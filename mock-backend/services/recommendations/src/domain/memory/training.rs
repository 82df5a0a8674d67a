//! Training of the model anew, where nothing waits for it: what it needs is copied, and what came meanwhile is learned after it.

use std::collections::{BTreeMap, HashMap};

use kinora_api::ProfileId;

use super::{Memory, REGULARISATION};
use crate::domain::model::{MAX_TITLES, Model, Weights};

/// Work of a training: the titles that get a place, and the weights of all profiles.
#[derive(Debug)]
pub struct Training {
    generation: u64,
    places: Vec<u32>,
    place_of: HashMap<u32, u32>,
    learned: BTreeMap<ProfileId, Weights>,
}

/// Outcome of a training.
#[derive(Debug)]
pub struct Trained {
    training: Training,
    model: Model,
}

impl Training {
    /// Trains. Takes seconds for a model that is full.
    pub fn train(self) -> Trained {
        let trained = Model::train(REGULARISATION, self.places.len(), self.learned.values());
        let model = trained.unwrap_or_else(|error| unreachable!("all weights have places: {error}"));
        Trained { training: self, model }
    }
}

impl Memory {
    /// Returns what a training of all profiles needs, with places for the titles that most profiles began.
    pub fn training(&self) -> Training {
        let is_whole = |number: &u32| self.whole_of[*number as usize].1.is_none();
        let mut places: Vec<u32> = (0..).take(self.titles.len()).filter(is_whole).collect();
        places.sort_by_key(|number| (std::cmp::Reverse(self.audiences[*number as usize].viewers), *number));
        places.truncate(MAX_TITLES);
        let place_of = places.iter().copied().zip(0..).collect();
        let weights = self.profiles.keys().map(|profile| (profile.clone(), self.weights_in(&place_of, profile)));
        let learned = weights.filter(|(_, weights)| !weights.is_empty()).collect();
        Training { generation: self.generation, places, place_of, learned }
    }

    /// Takes the outcome of a training. Profiles that changed meanwhile are behind, as before; titles that came meanwhile have
    /// places while there are any. Returns false, and changes nothing, if the model was trained otherwise meanwhile.
    pub fn take_trained(&mut self, trained: Trained) -> bool {
        let Trained { training, model } = trained;
        if training.generation != self.generation {
            return false;
        }
        let before = std::mem::replace(&mut self.places, training.places);
        self.place_of = training.place_of;
        self.learned = training.learned;
        self.model = std::sync::Arc::new(model);
        self.generation += 1;
        for number in before {
            if !self.place_of.contains_key(&number) {
                self.give_place(number);
            }
        }
        self.make_places();
        true
    }

    /// Trains the model anew, here.
    pub fn train(&mut self) {
        let trained = self.training().train();
        self.take_trained(trained);
        self.behind.clear();
    }
}
