//! Titles that count as others: what a profile does with an episode counts for its series, and a trailer for what it shows.

use std::collections::HashMap;

use kinora_api::events::Rating;
use kinora_api::internal::TitleFacts;
use kinora_api::{TitleId, TitleKind};

use super::interest::Interest;

/// Part that a title is of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its episode: watching it is watching the series.
    Episode,
    /// Its trailer: watching it is a sign of interest, and does not begin the title, which stays one to be recommended.
    Trailer,
}

/// Titles that are parts of others, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts(HashMap<TitleId, (TitleId, Role)>);

impl Parts {
    /// Reads which titles are parts of others. One that names itself, or a part, is none.
    pub fn of<'f>(facts: impl IntoIterator<Item = &'f TitleFacts>) -> Self {
        let part = |facts: &TitleFacts| {
            let whole = facts.part_of.clone().filter(|whole| *whole != facts.id)?;
            let role = if facts.kind == TitleKind::Trailer { Role::Trailer } else { Role::Episode };
            Some((facts.id.clone(), (whole, role)))
        };
        let all: HashMap<TitleId, (TitleId, Role)> = facts.into_iter().filter_map(part).collect();
        let of_whole = all.iter().filter(|(_, (whole, _))| !all.contains_key(whole));
        Self(of_whole.map(|(id, of)| (id.clone(), of.clone())).collect())
    }

    /// Returns the title that another one is a part of, and which.
    pub fn get(&self, title: &TitleId) -> Option<(&TitleId, Role)> {
        self.0.get(title).map(|(whole, role)| (whole, *role))
    }
}

impl Interest {
    /// Adds the interest in a part to that in the whole. The order of parts does not matter; an opinion on the whole outweighs those
    /// on its parts, of which a liked one outweighs the others.
    pub(super) fn absorb(&mut self, part: &Self, role: Role, own: Option<Rating>) {
        let rank = |rating: Option<Rating>| match rating {
            Some(Rating::Up) => 3,
            Some(Rating::NotInterested) => 2,
            Some(_) => 1,
            None => 0,
        };
        if own.is_none() && rank(part.rating) > rank(self.rating) {
            self.rating = part.rating;
        }
        self.listed |= part.listed;
        if role == Role::Trailer {
            self.listed |= part.is_begun() && !part.is_unwanted();
            return;
        }
        if !part.is_begun() {
            return;
        }
        // The latest one that was watched says whether the viewer left.
        self.is_left = match part.watched_at.cmp(&self.watched_at) {
            std::cmp::Ordering::Greater => part.is_left,
            std::cmp::Ordering::Equal => self.is_left && part.is_left,
            std::cmp::Ordering::Less => self.is_left,
        };
        self.watched_at = self.watched_at.max(part.watched_at);
        let sum = |all: &mut u32, of: u32| *all = all.saturating_add(of);
        sum(&mut self.plays, part.plays);
        sum(&mut self.pauses, part.pauses);
        sum(&mut self.rewinds, part.rewinds);
        sum(&mut self.abandons, part.abandons);
        sum(&mut self.finishes, part.finishes);
        self.absorb_watched(part);
    }
}

#[cfg(test)]
mod tests {
    use kinora_api::events::{Rating, ViewerEvent};
    use kinora_api::internal::TitleFacts;
    use kinora_api::{TitleId, TitleKind};
    use proptest::prelude::*;

    use super::{Parts, Role};
    use crate::domain::interest::Interest;

    fn did(kind: u32, at: i64) -> Interest {
        let (title, playback) = (TitleId::new("t"), String::from("s"));
        let mut interest = Interest::default();
        let event = match kind % 6 {
            0 => ViewerEvent::Watch { title, playback, from_ms: u64::from(kind), to_ms: 90, duration_ms: 100 },
            1 => ViewerEvent::Finish { title, playback: None },
            2 => ViewerEvent::Abandon { title, playback, position_ms: 5, duration_ms: 100 },
            3 => ViewerEvent::Rating {
                title,
                rating: Some([Rating::Up, Rating::Down, Rating::NotInterested][kind as usize % 3]),
            },
            4 => ViewerEvent::Listed { title, listed: true },
            _ => ViewerEvent::Play { title, playback, position_ms: 0, duration_ms: 100 },
        };
        interest.take(&event, at);
        interest
    }

    #[test]
    fn an_episode_begins_its_series_and_a_trailer_does_not_begin_its_film() {
        let mut series = Interest::default();
        series.absorb(&did(1, 5), Role::Episode, None);
        assert!(series.is_begun() && series.is_finished() && series.watched_at == 5);
        let mut film = Interest::default();
        film.absorb(&did(1, 5), Role::Trailer, None);
        assert!(!film.is_begun() && film.weight() > 0);
        let (mut disliked, liked) = (did(4, 0), did(3, 0));
        assert_eq!(liked.rating, Some(Rating::Up));
        disliked.rating = Some(Rating::Down);
        disliked.absorb(&liked, Role::Episode, Some(Rating::Down));
        assert_eq!(disliked.rating, Some(Rating::Down), "its own opinion outweighs");
    }

    #[test]
    fn a_title_that_names_itself_is_no_part() {
        let facts = |id: &str, of: &str, kind| TitleFacts {
            id: TitleId::new(id),
            kind,
            part_of: Some(TitleId::new(of)),
            ..TitleFacts::default()
        };
        let parts = Parts::of(&[
            facts("a", "a", TitleKind::Episode),
            facts("b", "a", TitleKind::Trailer),
            facts("c", "b", TitleKind::Episode),
        ]);
        assert_eq!((parts.get(&TitleId::new("a")), parts.get(&TitleId::new("c"))), (None, None));
        assert_eq!(parts.get(&TitleId::new("b")), Some((&TitleId::new("a"), Role::Trailer)));
    }

    proptest! {
        #[test]
        fn the_order_of_parts_does_not_matter(
            parts in prop::collection::vec((0_u32..60, 0_i64..4, any::<bool>()), 0..6).prop_shuffle(), own in 0_u32..60,
        ) {
            let whole = |parts: &[(u32, i64, bool)]| {
                let mut whole = did(own, 2);
                let rating = whole.rating;
                for (kind, at, is_trailer) in parts {
                    whole.absorb(&did(*kind, *at), if *is_trailer { Role::Trailer } else { Role::Episode }, rating);
                }
                whole
            };
            let mut reversed = parts.clone();
            reversed.reverse();
            prop_assert_eq!(whole(&parts), whole(&reversed));
        }
    }
}
