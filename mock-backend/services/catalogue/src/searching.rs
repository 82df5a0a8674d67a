//! Searches away from the threads that answer everybody, a few at a time. When they do not work, or not in time, names alone are
//! searched, so that viewers find what they can name.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::domain::Snapshot;
use crate::domain::finder::{Found, Wanted};

/// Searches at the same time.
const SEARCHES: usize = 2;

/// Time that a search may take, with its wait for a turn.
const PATIENCE: Duration = Duration::from_secs(1);

type Work = dyn Fn(&Snapshot, &Wanted) -> Found + Send + Sync;

/// Searches in turn.
pub(crate) struct Searching {
    turns: Arc<Semaphore>,
    work: Arc<Work>,
}

impl Default for Searching {
    fn default() -> Self {
        Self::new(SEARCHES, Arc::new(Snapshot::search))
    }
}

impl Searching {
    fn new(turns: usize, work: Arc<Work>) -> Self {
        Self { turns: Arc::new(Semaphore::new(turns)), work }
    }

    /// Returns what is found, and true if only names were searched.
    pub(crate) async fn search(&self, titles: &Arc<Snapshot>, wanted: &Wanted) -> (Found, bool) {
        let reason = match tokio::time::timeout(PATIENCE, self.in_turn(Arc::clone(titles), wanted.clone())).await {
            Ok(Ok(found)) => return (found, false),
            Ok(Err(reason)) => reason,
            Err(_) => "it takes too long".to_owned(),
        };
        tracing::warn!(reason, "the search does not work: names alone are searched");
        (titles.search_names(wanted), true)
    }

    async fn in_turn(&self, titles: Arc<Snapshot>, wanted: Wanted) -> Result<Found, String> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|error| error.to_string())?;
        let work = Arc::clone(&self.work);
        let found = tokio::task::spawn_blocking(move || {
            // The turn ends with the work, also when nobody waits for it any more.
            let _turn = turn;
            work(&titles, &wanted)
        });
        found.await.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Searching;
    use crate::domain::finder::{Found, Wanted};
    use crate::domain::tests::{records, snapshot};

    fn wanted(text: &str) -> Wanted {
        Wanted { text: text.to_owned(), limit: 20, ..Wanted::default() }
    }

    fn ids(found: &Found) -> Vec<&str> {
        found.titles.iter().map(|entry| entry.id.as_str()).collect()
    }

    #[tokio::test]
    async fn a_search_that_works_forgives_errors() {
        let titles = Arc::new(snapshot(records(), &Default::default()));
        let (found, is_simple) = Searching::default().search(&titles, &wanted("nmae film")).await;
        assert!(!is_simple && ids(&found) == ["film-a", "film-b"], "{found:?}");
        assert!(!found.filters.is_empty());
    }

    #[tokio::test]
    async fn names_are_found_when_the_search_fails() {
        let titles = Arc::new(snapshot(records(), &Default::default()));
        let searching = Searching::new(1, Arc::new(|_, _| panic!("the index is broken")));
        // The turn comes back each time.
        for _ in 0..3 {
            let (found, is_simple) = searching.search(&titles, &wanted("film nam")).await;
            assert_eq!((ids(&found), is_simple), (vec!["film-a", "film-b"], true));
            assert!(found.filters.is_empty());
        }
        let (found, _) = searching.search(&titles, &wanted("flim")).await;
        assert!(found.titles.is_empty(), "no error is forgiven");
    }

    #[tokio::test(start_paused = true)]
    async fn names_are_found_when_no_search_has_its_turn_in_time() {
        let titles = Arc::new(snapshot(records(), &Default::default()));
        let searching = Searching::new(0, Arc::new(|_, _| Found::default()));
        let (found, is_simple) = searching.search(&titles, &wanted("tide")).await;
        assert_eq!((ids(&found)[0], is_simple), ("tide", true));
    }
}
