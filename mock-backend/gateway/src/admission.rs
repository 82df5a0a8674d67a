//! Number of requests that the gateway has under way, and the order in which they are refused when it is busy: looking around before signing in,
//! and both before playing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Kind of a call, by what a viewer loses if it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Home screen, titles, search, pictures: the app shows what it last had.
    Browse,
    /// Sign-in and account.
    Account,
    /// The start of a playback, its heartbeats, positions.
    Play,
}

impl Class {
    /// Share of the places that may be taken before calls of this class are refused, in percent.
    fn share(self) -> usize {
        match self {
            Self::Browse => 60,
            Self::Account => 85,
            Self::Play => 100,
        }
    }
}

/// The places of the gateway.
#[derive(Debug)]
pub struct Admission {
    places: usize,
    taken: Arc<AtomicUsize>,
}

/// A place of a request; free again when this is dropped.
#[derive(Debug)]
pub struct Place(Arc<AtomicUsize>);

impl Admission {
    /// At most `places` requests at the same time.
    pub fn new(places: usize) -> Self {
        Self { places, taken: Arc::default() }
    }

    /// Takes a place for a request, or `None` if its class is to be refused now.
    pub fn enter(&self, class: Class) -> Option<Place> {
        let bound = (self.places * class.share()).div_ceil(100);
        let step = |taken| (taken < bound).then_some(taken + 1);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).ok()?;
        Some(Place(Arc::clone(&self.taken)))
    }

    /// Number of requests under way.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Class};

    #[test]
    fn browse_is_refused_first_and_play_last() {
        let admission = Admission::new(10);
        let mut places = Vec::new();
        let mut fill = |class: Class| {
            let begun = places.len();
            places.extend(std::iter::from_fn(|| admission.enter(class)));
            places.len() - begun
        };
        assert_eq!(fill(Class::Browse), 6);
        assert_eq!(fill(Class::Account), 3);
        assert_eq!(fill(Class::Browse), 0);
        assert_eq!(fill(Class::Play), 1);
        assert_eq!(fill(Class::Play), 0);
        places.pop();
        assert!(admission.enter(Class::Account).is_none());
        assert!(admission.enter(Class::Play).is_some());
        drop(places);
        assert_eq!(admission.taken(), 0);
        assert!(admission.enter(Class::Browse).is_some());
    }
}
