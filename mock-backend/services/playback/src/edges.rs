//! The edges that grants name, and which of them answer: a dead or hung one is left out of new grants until it answers again.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use url::Url;

use kinora_kit::http::probe::Probe;

/// Time between two questions to each edge.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// Questions in a row without an answer after which an edge is left out: with the pauses and the patience of [`Probe`] at most 8 s.
const MAX_UNANSWERED: u32 = 2;

/// The edges of a service.
#[derive(Debug, Default)]
pub struct Edges(RwLock<Vec<Edge>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Edge {
    /// Without a slash at its end.
    base: String,
    unanswered: u32,
}

impl Edge {
    fn answers(&self) -> bool {
        self.unanswered < MAX_UNANSWERED
    }
}

impl Edges {
    /// Edges that count as answering until they have been asked.
    pub fn new(urls: &[Url]) -> Self {
        let edges = Self::default();
        edges.set(urls);
        edges
    }

    /// Replaces the list; grants from now on name the new ones. What is known of an edge that stays is kept.
    pub fn set(&self, urls: &[Url]) {
        let mut edges = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = std::mem::take(&mut *edges);
        *edges = urls
            .iter()
            .map(|url| {
                let base = url.as_str().trim_end_matches('/').to_owned();
                let unanswered = known.iter().find(|edge| edge.base == base).map_or(0, |edge| edge.unanswered);
                Edge { base, unanswered }
            })
            .collect();
    }

    /// Returns the edges in the order to try them for a title: by rendezvous hashing (Thaler and Ravishankar, 1998), so that each
    /// title lives in the cache of one edge, and losing an edge moves only its titles.
    ///
    /// Edges that do not answer are left out, unless none answers: then the fault may lie with the one who asks.
    pub fn ranked(&self, title: &str) -> Vec<String> {
        let edges = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let any_answers = edges.iter().any(Edge::answers);
        let mut ranked: Vec<([u8; 32], String)> = edges
            .iter()
            .filter(|edge| edge.answers() || !any_answers)
            .map(|edge| (Sha256::digest(format!("{}\n{title}", edge.base).as_bytes()).into(), edge.base.clone()))
            .collect();
        ranked.sort();
        ranked.into_iter().map(|(_, base)| base).collect()
    }

    /// Records whether an edge answered.
    fn record(&self, base: &str, answered: bool) {
        let mut edges = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(edge) = edges.iter_mut().find(|edge| edge.base == base) else { return };
        let before = edge.answers();
        edge.unanswered = if answered { 0 } else { edge.unanswered.saturating_add(1) };
        match (before, edge.answers()) {
            (true, false) => tracing::warn!(edge = base, "an edge does not answer: grants no longer name it"),
            (false, true) => tracing::info!(edge = base, "an edge answers again: grants name it"),
            _ => {}
        }
    }

    fn bases(&self) -> Vec<String> {
        let edges = self.0.read().unwrap_or_else(PoisonError::into_inner);
        edges.iter().map(|edge| edge.base.clone()).collect()
    }
}

/// Asks the edges whether they answer, every few seconds, for as long as anyone else holds them.
pub async fn watch(edges: Arc<Edges>, probe: Probe) {
    let edges = {
        let weak = Arc::downgrade(&edges);
        drop(edges);
        weak
    };
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        let Some(bases) = edges.upgrade().map(|edges| edges.bases()) else { return };
        let asked = bases.into_iter().map(async |base| {
            let answered = probe.answers(&base).await;
            (base, answered)
        });
        for (base, answered) in futures_util::future::join_all(asked).await {
            let Some(edges) = edges.upgrade() else { return };
            edges.record(&base, answered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Edges, MAX_UNANSWERED};
    use proptest::prelude::*;
    use url::Url;

    fn edges() -> Edges {
        let urls = ["http://a:1/", "http://b:2", "http://c:3"].map(|url| Url::parse(url).expect("a URL"));
        Edges::new(&urls)
    }

    fn silence(edges: &Edges, base: &str) {
        for _ in 0..MAX_UNANSWERED {
            edges.record(base, false);
        }
    }

    #[test]
    fn a_silent_edge_is_left_out_until_it_answers_again() {
        let edges = edges();
        let before = edges.ranked("tears");
        assert_eq!(before.len(), 3);
        silence(&edges, &before[0]);
        assert_eq!(edges.ranked("tears"), before[1..], "the order of the others is the same");
        edges.set(&[Url::parse(&before[0]).expect("a URL"), Url::parse(&before[1]).expect("a URL")]);
        assert_eq!(edges.ranked("tears"), before[1..2], "a new list does not bring it back");
        edges.record(&before[0], true);
        assert_eq!(edges.ranked("tears"), before[..2]);
    }

    #[test]
    fn when_none_answers_all_are_named() {
        let edges = edges();
        for base in edges.bases() {
            silence(&edges, &base);
        }
        assert_eq!(edges.ranked("tears").len(), 3);
    }

    proptest! {
        #[test]
        fn losing_an_edge_moves_only_its_titles(title in "[a-z]{1,12}", lost in 0_usize..3) {
            let edges = edges();
            let before = edges.ranked(&title);
            let lost = edges.bases()[lost].clone();
            silence(&edges, &lost);
            let expected: Vec<String> = before.into_iter().filter(|base| *base != lost).collect();
            prop_assert_eq!(edges.ranked(&title), expected);
        }
    }
}
