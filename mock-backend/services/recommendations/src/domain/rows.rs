//! The rows of a profile's home screen, with a reason for each title.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use kinora_api::internal::{Pick, PickedKind, PickedRow, TitleFacts};
use kinora_api::{ProfileId, ReasonKind as Reason, TitleId, TitleKind, UnixMillis};

use super::evaluate::Random;
use super::memory::Memory;
use super::model::{UNIT, Weights};

/// Titles of a row.
const ROW: usize = 40;

/// Minimum titles of a row other than "for you".
const LEAST: usize = 3;

/// Rows that go with a title that was watched, and rows of genres, at most.
const OF_A_KIND: usize = 2;

/// Place of the title that is shown to learn who likes it, from 0.
const EXPLORING_PLACE: usize = 3;

/// Titles of the ranking, and of each genre that is liked, that are considered.
const CONSIDERED: usize = 150;

/// Minimum weight of a title for a row that goes with it.
const WATCHED_WELL: u8 = 20;

/// Minimum strength between a title and those of its row.
const RELATED: f64 = 0.01;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The titles to choose from.
#[derive(Clone, Debug, Default)]
pub struct Library {
    titles: Vec<TitleFacts>,
    numbers: HashMap<TitleId, usize>,
    /// Titles of each genre, the latest first.
    genres: BTreeMap<String, Vec<usize>>,
}

impl Library {
    /// Returns a library of those titles that are no parts of others.
    pub fn new(mut titles: Vec<TitleFacts>) -> Self {
        let is_part = |facts: &TitleFacts| matches!(facts.kind, TitleKind::Episode | TitleKind::Trailer);
        titles.retain(|facts| facts.part_of.is_none() && !is_part(facts));
        titles.sort_by(|a, b| b.added_at.cmp(&a.added_at).then_with(|| a.id.as_str().cmp(b.id.as_str())));
        let numbers = titles.iter().enumerate().map(|(number, facts)| (facts.id.clone(), number)).collect();
        let mut genres: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, facts) in titles.iter().enumerate() {
            facts.genres.iter().for_each(|genre| genres.entry(genre.clone()).or_default().push(number));
        }
        Self { titles, numbers, genres }
    }

    /// Returns what is known of a title.
    pub fn get(&self, title: &TitleId) -> Option<&TitleFacts> {
        self.titles.get(*self.numbers.get(title)?)
    }

    /// Returns the number of titles.
    pub const fn len(&self) -> usize {
        self.titles.len()
    }

    /// Returns true if there is none.
    pub const fn is_empty(&self) -> bool {
        self.titles.is_empty()
    }
}

/// Titles by how many watched them lately, the most first; made once for many profiles.
#[derive(Clone, Debug, Default)]
pub struct Ranking(Vec<(TitleId, u32)>);

impl Ranking {
    /// Ranks the titles that anybody watched in the last 30 days.
    pub fn new(memory: &Memory, now: UnixMillis) -> Self {
        let mut ranked: Vec<(TitleId, u32)> = memory
            .audiences()
            .map(|(title, audience)| (title.clone(), audience.recent(now)))
            .filter(|(_, viewers)| *viewers > 0)
            .collect();
        ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.as_str().cmp(b.0.as_str())));
        Self(ranked)
    }
}

/// Whose rows are asked for.
#[derive(Clone, Debug)]
pub struct Viewer<'a> {
    /// Profile.
    pub profile: &'a ProfileId,
    /// Age up to which titles are shown; `None` shows all. With a limit, titles without a rating are left out.
    pub limit: Option<u8>,
    /// Time.
    pub now: UnixMillis,
}

/// Returns the rows of a profile, the best first; none if nothing is known to recommend.
pub fn rows(memory: &Memory, library: &Library, ranking: &Ranking, viewer: &Viewer<'_>) -> Vec<PickedRow> {
    let taste = Taste::new(memory, library, ranking, viewer);
    let mut rows = vec![taste.for_you()];
    rows.extend(taste.because_watched());
    rows.push(taste.popular());
    rows.extend(taste.of_genres());
    rows.retain(|row| !row.picks.is_empty() && (row.kind == PickedKind::ForYou || row.picks.len() >= LEAST));
    rows
}

/// Taste of a profile, for one answer.
struct Taste<'a> {
    memory: &'a Memory,
    library: &'a Library,
    viewer: &'a Viewer<'a>,
    weights: Weights,
    /// Titles that are not shown: begun, finished, or unwanted.
    done: HashSet<&'a TitleId>,
    /// Titles that are not shown even where begun ones are.
    unwanted: HashSet<&'a TitleId>,
    /// Liking of each genre, 0 to 1.
    genres: BTreeMap<&'a str, f64>,
    lately: HashMap<&'a TitleId, u32>,
    ranking: &'a [(TitleId, u32)],
}

struct Candidate<'a> {
    facts: &'a TitleFacts,
    score: f64,
    reason: Reason,
}

impl<'a> Taste<'a> {
    fn new(memory: &'a Memory, library: &'a Library, ranking: &'a Ranking, viewer: &'a Viewer<'a>) -> Self {
        let (mut done, mut unwanted, mut genres) = (HashSet::new(), HashSet::new(), BTreeMap::<&str, f64>::new());
        for (title, interest) in memory.interests(viewer.profile) {
            if interest.is_unwanted() {
                unwanted.insert(title);
            }
            if interest.is_begun() || interest.is_unwanted() {
                done.insert(title);
            }
            let weight = f64::from(interest.weight());
            if weight > 0.0
                && let Some(facts) = library.get(title)
            {
                facts.genres.iter().for_each(|genre| *genres.entry(genre).or_default() += weight);
            }
        }
        let most = genres.values().copied().fold(0.0, f64::max);
        genres.values_mut().for_each(|liked| *liked /= most);
        let lately = ranking.0.iter().map(|(title, viewers)| (title, *viewers)).collect();
        let weights = memory.weights(viewer.profile);
        Self { memory, library, viewer, weights, done, unwanted, genres, lately, ranking: &ranking.0 }
    }

    fn allows(&self, facts: &TitleFacts) -> bool {
        self.viewer.limit.is_none_or(|limit| facts.min_age.is_some_and(|age| age <= limit))
    }

    /// Returns a title that may be shown and was not begun.
    fn fresh(&self, title: &TitleId) -> Option<&'a TitleFacts> {
        self.library.get(title).filter(|facts| self.allows(facts) && !self.done.contains(title))
    }

    fn for_you(&self) -> PickedRow {
        let mut order = self.diverse(self.candidates());
        if let Some(unseen) = self.exploring(&order) {
            order.insert(EXPLORING_PLACE.min(order.len()), unseen);
            order.truncate(ROW);
        }
        PickedRow { kind: PickedKind::ForYou, picks: order }
    }

    /// Returns the titles to choose from, with scores from 0 to 1: what the model says counts the more, the more is known of the
    /// profile; until then what many watch and what the genres suggest.
    fn candidates(&self) -> Vec<Candidate<'a>> {
        let scores = if self.weights.is_empty() { Vec::new() } else { self.memory.model().scores(&self.weights) };
        let mut wanted: HashMap<&TitleId, (&TitleFacts, Option<usize>)> = HashMap::new();
        for (place, score) in scores.iter().enumerate() {
            if *score > 0.0
                && let Some(title) = self.memory.in_place(place)
                && let Some(facts) = self.fresh(title)
            {
                wanted.insert(&facts.id, (facts, Some(place)));
            }
        }
        let popular = self.ranking.iter().filter_map(|(title, _)| self.fresh(title)).take(CONSIDERED);
        let liked = self.genres.keys().filter_map(|genre| self.library.genres.get(*genre)).flat_map(|numbers| {
            numbers.iter().filter_map(|number| self.fresh(&self.library.titles[*number].id)).take(CONSIDERED)
        });
        for facts in popular.chain(liked) {
            wanted.entry(&facts.id).or_insert((facts, None));
        }
        let highest = scores.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let most = f64::from(self.ranking.first().map_or(0, |(_, viewers)| *viewers)).ln_1p().max(f64::MIN_POSITIVE);
        #[expect(clippy::cast_precision_loss, reason = "at most 1,500")]
        let known = self.weights.len() as f64;
        let known = known / (known + 1.0);
        let mut all: Vec<Candidate<'_>> = wanted
            .into_values()
            .map(|(facts, place)| {
                let model = place.map_or(0.0, |place| scores[place] / highest);
                let (genre, liked) = self.genre_of(facts).unzip();
                let liked = liked.unwrap_or(0.0);
                let viewers = self.lately.get(&facts.id).copied().unwrap_or(0);
                let popular = f64::from(viewers).ln_1p() / most;
                let parts = [
                    known * 0.7 * model,
                    known.mul_add(0.2, (1.0 - known) * 0.3) * liked,
                    known.mul_add(0.1, (1.0 - known) * 0.7) * popular,
                ];
                let reason = self.reason(place, parts, genre, viewers, facts);
                Candidate { facts, score: parts.iter().sum(), reason }
            })
            .collect();
        all.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.facts.id.as_str().cmp(b.facts.id.as_str())));
        all
    }

    /// Returns the genre of a title that the profile likes most, and how much.
    fn genre_of(&self, facts: &'a TitleFacts) -> Option<(&'a str, f64)> {
        let liked = facts.genres.iter().filter_map(|genre| Some((genre.as_str(), *self.genres.get(genre.as_str())?)));
        liked.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, liked)| *liked > 0.0)
    }

    /// Returns the reason that counts most among those that are true; what the profile watched counts from a quarter of the score
    /// on, because it says more than that many others watched it.
    fn reason(
        &self,
        place: Option<usize>,
        [model, liked, popular]: [f64; 3],
        genre: Option<&str>,
        viewers: u32,
        facts: &TitleFacts,
    ) -> Reason {
        let watched = place
            .filter(|_| model >= 0.25 * (model + liked + popular))
            .and_then(|place| self.memory.model().reason(&self.weights, place))
            .and_then(|(of, _)| self.memory.in_place(of))
            .filter(|of| self.memory.interest(self.viewer.profile, of).is_some_and(super::interest::Interest::is_begun))
            .filter(|of| self.library.get(of).is_some_and(|facts| self.allows(facts)));
        match (watched, genre) {
            (Some(title), _) => Reason::Watched { title: title.clone() },
            (None, Some(genre)) if liked >= popular || viewers == 0 => Reason::Genre { genre: genre.to_owned() },
            (None, _) if viewers > 0 => Reason::Popular { viewers },
            (None, _) => Reason::Unseen { viewers: self.ever(&facts.id) },
        }
    }

    fn ever(&self, title: &TitleId) -> u32 {
        self.memory.audience(title).map_or(0, |audience| audience.viewers)
    }

    /// Takes one title after the other, each the best of what is left when what it has in common with those before is taken off
    /// (maximal marginal relevance, Carbonell and Goldstein, 1998).
    fn diverse(&self, mut from: Vec<Candidate<'a>>) -> Vec<Pick> {
        from.truncate(CONSIDERED * 2);
        let mut alike = vec![0.0_f64; from.len()];
        let mut picks = Vec::new();
        while picks.len() < ROW && !from.is_empty() {
            let worth = |at: usize| 0.75_f64.mul_add(from[at].score, -0.25 * alike[at]);
            let Some(best) = (0..from.len()).rev().max_by(|a, b| worth(*a).total_cmp(&worth(*b))) else { break };
            let taken = from.remove(best);
            alike.remove(best);
            for (other, alike) in from.iter().zip(&mut alike) {
                *alike = alike.max(in_common(&taken.facts.genres, &other.facts.genres) * taken.score);
            }
            picks.push(Pick { title: taken.facts.id.clone(), reason: taken.reason });
        }
        picks
    }

    /// Returns a title that few have watched, another one each day. `None` if every title has been watched by as many as the
    /// others.
    fn exploring(&self, chosen: &[Pick]) -> Option<Pick> {
        let most = self.ranking.first().map_or(0, |(_, viewers)| *viewers);
        let taken: HashSet<&TitleId> = chosen.iter().take(EXPLORING_PLACE).map(|pick| &pick.title).collect();
        let mut unseen: Vec<(u32, Reverse<i64>, &TitleId)> = self
            .library
            .titles
            .iter()
            .take(CONSIDERED * 10)
            .filter(|facts| self.allows(facts) && !self.done.contains(&facts.id) && !taken.contains(&facts.id))
            .map(|facts| (self.ever(&facts.id), Reverse(facts.added_at), &facts.id))
            .filter(|(viewers, ..)| viewers.saturating_mul(4) < most)
            .collect();
        unseen.sort_unstable_by(|a, b| (a.0, a.1, a.2.as_str()).cmp(&(b.0, b.1, b.2.as_str())));
        unseen.truncate(10);
        let seed = self.viewer.profile.as_str().bytes().fold(0_u64, |sum, byte| sum.rotate_left(7) ^ u64::from(byte));
        let day = self.viewer.now.div_euclid(DAY_MS).cast_unsigned();
        let which = Random(seed ^ day.wrapping_mul(0x9e37)).below(u64::try_from(unseen.len().max(1)).ok()?);
        let (viewers, _, title) = unseen.get(usize::try_from(which).ok()?)?;
        Some(Pick { title: (*title).clone(), reason: Reason::Unseen { viewers: *viewers } })
    }

    fn because_watched(&self) -> Vec<PickedRow> {
        let mut watched: Vec<(&TitleId, i64)> = self
            .memory
            .interests(self.viewer.profile)
            .filter(|(_, interest)| interest.is_begun() && interest.weight() >= WATCHED_WELL)
            .map(|(title, interest)| (title, interest.watched_at))
            .collect();
        watched.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.as_str().cmp(b.0.as_str())));
        let rows = watched.into_iter().filter_map(|(of, _)| {
            let place = self.memory.place(of)?;
            self.library.get(of).filter(|facts| self.allows(facts))?;
            let strengths = self.memory.model().scores(&Weights::new(vec![(u32::try_from(place).ok()?, UNIT)]));
            let mut with: Vec<(f64, &TitleFacts)> = strengths
                .into_iter()
                .enumerate()
                .filter(|(_, strength)| *strength >= RELATED)
                .filter_map(|(place, strength)| Some((strength, self.fresh(self.memory.in_place(place)?)?)))
                .collect();
            with.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.id.as_str().cmp(b.1.id.as_str())));
            with.truncate(ROW);
            let reason = Reason::Watched { title: of.clone() };
            let picks: Vec<Pick> =
                with.into_iter().map(|(_, facts)| Pick { title: facts.id.clone(), reason: reason.clone() }).collect();
            (picks.len() >= LEAST).then(|| PickedRow { kind: PickedKind::BecauseWatched { title: of.clone() }, picks })
        });
        rows.take(OF_A_KIND).collect()
    }

    fn popular(&self) -> PickedRow {
        let shown = self.ranking.iter().filter(|(title, _)| {
            !self.unwanted.contains(title) && self.library.get(title).is_some_and(|facts| self.allows(facts))
        });
        let picks = shown
            .take(ROW)
            .map(|(title, viewers)| Pick { title: title.clone(), reason: Reason::Popular { viewers: *viewers } });
        PickedRow { kind: PickedKind::Popular, picks: picks.collect() }
    }

    fn of_genres(&self) -> Vec<PickedRow> {
        let mut liked: Vec<(&str, f64)> = self.genres.iter().map(|(genre, liked)| (*genre, *liked)).collect();
        liked.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let rows = liked.into_iter().filter(|(_, liked)| *liked > 0.0).filter_map(|(genre, _)| {
            let numbers = self.library.genres.get(genre)?;
            let fresh = numbers.iter().filter_map(|number| self.fresh(&self.library.titles[*number].id));
            let mut titles: Vec<(Reverse<u32>, &TitleFacts)> = fresh
                .take(CONSIDERED * 10)
                .map(|facts| (Reverse(self.lately.get(&facts.id).copied().unwrap_or(0)), facts))
                .collect();
            titles.sort_by_key(|(viewers, _)| *viewers);
            titles.truncate(ROW);
            let reason = Reason::Genre { genre: genre.to_owned() };
            let picks: Vec<Pick> =
                titles.into_iter().map(|(_, facts)| Pick { title: facts.id.clone(), reason: reason.clone() }).collect();
            (picks.len() >= LEAST).then(|| PickedRow { kind: PickedKind::Genre { genre: genre.to_owned() }, picks })
        });
        rows.take(OF_A_KIND).collect()
    }
}

/// Returns the share of genres that two titles have in common, 0 to 1 (Jaccard).
#[expect(clippy::cast_precision_loss, reason = "numbers of genres")]
fn in_common(one: &[String], other: &[String]) -> f64 {
    let both = one.iter().filter(|genre| other.contains(genre)).count();
    let either = one.len() + other.len() - both;
    if either == 0 { 0.0 } else { both as f64 / either as f64 }
}

#[cfg(test)]
mod tests {
    use kinora_api::events::{LoggedEvent, Rating, ViewerEvent};
    use kinora_api::internal::{PickedKind, PickedRow, TitleFacts};
    use kinora_api::{ProfileId, ReasonKind as Reason, TitleId};

    use super::{Library, Memory, Random, Ranking, Viewer, rows};

    const GENRES: [&str; 4] = ["Drama", "Nature", "Comedy", "Science"];

    fn id(title: usize) -> TitleId {
        TitleId::new(format!("t{title:02}"))
    }

    /// 40 titles: ten of each genre, every other one for all ages.
    fn library() -> Library {
        Library::new(
            (0..40_usize)
                .map(|title| TitleFacts {
                    id: id(title),
                    genres: vec![GENRES[title / 10].to_owned()],
                    min_age: Some(if title % 2 == 0 { 0 } else { 16 }),
                    added_at: i64::try_from(title).expect("small"),
                    ..TitleFacts::default()
                })
                .collect(),
        )
    }

    fn event(profile: &str, at: i64, event: ViewerEvent) -> LoggedEvent {
        LoggedEvent { account: None, profile: Some(ProfileId::new(profile)), at, event }
    }

    fn finish(profile: &str, title: usize, at: i64) -> LoggedEvent {
        event(profile, at, ViewerEvent::Finish { title: id(title), playback: None })
    }

    /// 200 profiles that watch four of the first eight titles of one genre.
    fn memory() -> Memory {
        let mut memory = Memory::default();
        let mut random = Random(3);
        for profile in 0..200_usize {
            for _ in 0..4 {
                let title = profile % 4 * 10 + usize::try_from(random.below(8)).expect("small");
                memory.take(&finish(&format!("p{profile}"), title, 1));
            }
        }
        memory.train();
        memory
    }

    fn of(memory: &Memory, profile: &str, limit: Option<u8>) -> Vec<PickedRow> {
        let profile = ProfileId::new(profile);
        rows(memory, &library(), &Ranking::new(memory, 2), &Viewer { profile: &profile, limit, now: 2 })
    }

    fn titles(row: &PickedRow) -> Vec<&str> {
        row.picks.iter().map(|pick| pick.title.as_str()).collect()
    }

    #[test]
    fn a_fresh_profile_is_shown_what_many_watch_and_something_that_few_have_seen() {
        let memory = memory();
        let rows = of(&memory, "new", None);
        assert_eq!(rows[0].kind, PickedKind::ForYou);
        assert!(rows[0].picks.iter().all(|pick| matches!(pick.reason, Reason::Popular { .. } | Reason::Unseen { .. })));
        assert!(matches!(rows[0].picks[3].reason, Reason::Unseen { viewers: 0 }));
        assert!(rows.iter().any(|row| row.kind == PickedKind::Popular));
        // Genres alternate, though the ranking has several of one genre in a row.
        let library = library();
        let first: Vec<&str> =
            rows[0].picks[..3].iter().map(|pick| library.get(&pick.title).expect("known").genres[0].as_str()).collect();
        assert_ne!(first[0], first[1]);
        assert_ne!(first[1], first[2]);
    }

    #[test]
    fn one_event_changes_the_rows_and_one_title_leads_to_its_group() {
        let mut memory = memory();
        let before = of(&memory, "new", None);
        memory.take(&finish("new", 12, 1));
        let after = of(&memory, "new", None);
        assert_ne!(before, after);
        let row = after.iter().find(|row| row.kind == PickedKind::BecauseWatched { title: id(12) }).expect("a row");
        let related = titles(row);
        assert!(related.len() >= 3 && related.iter().all(|title| title.starts_with("t1")), "{related:?}");
        assert!(!after.iter().any(|row| row.kind != PickedKind::Popular && titles(row).contains(&"t12")));
        let by_model = after[0].picks.iter().take(6).filter(|pick| pick.reason == Reason::Watched { title: id(12) });
        assert!(by_model.count() >= 2, "{:?}", after[0]);
    }

    #[test]
    fn what_is_not_wanted_is_in_no_row() {
        let mut memory = memory();
        for title in 10..14 {
            memory.take(&finish("v", title, 1));
        }
        let rating = ViewerEvent::Rating { title: id(15), rating: Some(Rating::NotInterested) };
        assert!(of(&memory, "v", None).iter().any(|row| titles(row).contains(&"t15")));
        memory.take(&event("v", 1, rating));
        assert!(!of(&memory, "v", None).iter().any(|row| titles(row).contains(&"t15")));
    }

    #[test]
    fn a_limit_holds_in_every_row_and_in_every_reason() {
        let mut memory = memory();
        for title in 12..14 {
            memory.take(&finish("child", title, 1));
        }
        let library = library();
        let allowed = |title: &TitleId| library.get(title).is_some_and(|facts| facts.min_age == Some(0));
        let rows = of(&memory, "child", Some(6));
        assert!(rows.len() >= 3, "{rows:?}");
        for pick in rows.iter().flat_map(|row| &row.picks) {
            assert!(allowed(&pick.title), "{pick:?}");
            if let Reason::Watched { title } = &pick.reason {
                assert!(allowed(title), "{pick:?}");
            }
        }
        assert!(rows.iter().all(|row| !matches!(&row.kind, PickedKind::BecauseWatched { title } if !allowed(title))));
        let unrated = Library::new(vec![TitleFacts { id: id(10), ..TitleFacts::default() }]);
        let profile = ProfileId::new("kid");
        let viewer = Viewer { profile: &profile, limit: Some(18), now: 2 };
        assert!(super::rows(&memory, &unrated, &Ranking::new(&memory, 2), &viewer).is_empty());
    }

    #[test]
    fn every_reason_is_true_of_the_data() {
        let mut memory = memory();
        let library = library();
        let mut random = Random(11);
        for profile in 0..30 {
            let name = format!("v{profile}");
            for at in 0..random.below(9) {
                let title = usize::try_from(random.below(40)).expect("small");
                let at = i64::try_from(at).expect("small");
                let done = match random.below(4) {
                    0 => ViewerEvent::Rating { title: id(title), rating: Some(Rating::Up) },
                    1 => ViewerEvent::Listed { title: id(title), listed: true },
                    _ => ViewerEvent::Finish { title: id(title), playback: None },
                };
                memory.take(&event(&name, at, done));
            }
        }
        memory.learn_all();
        let mut kinds = [0; 4];
        for profile in 0..30 {
            let profile = ProfileId::new(format!("v{profile}"));
            let interest = |title: &TitleId| memory.interest(&profile, title);
            for pick in of(&memory, profile.as_str(), None).iter().flat_map(|row| &row.picks) {
                match &pick.reason {
                    Reason::Watched { title } => {
                        kinds[0] += 1;
                        assert!(interest(title).is_some_and(|interest| interest.is_begun() && interest.weight() > 0));
                        let places =
                            (memory.place(title).expect("a place"), memory.place(&pick.title).expect("a place"));
                        assert!(memory.model().strength(places.0, places.1) > 0.0);
                    }
                    Reason::Genre { genre } => {
                        kinds[1] += 1;
                        assert!(library.get(&pick.title).expect("known").genres.contains(genre));
                        let likes = |(title, interest): (&TitleId, &crate::domain::interest::Interest)| {
                            interest.weight() > 0
                                && library.get(title).is_some_and(|facts| facts.genres.contains(genre))
                        };
                        assert!(memory.interests(&profile).any(likes));
                    }
                    Reason::Popular { viewers } => {
                        kinds[2] += 1;
                        assert_eq!(memory.audience(&pick.title).map(|audience| audience.recent(2)), Some(*viewers));
                    }
                    Reason::Unseen { viewers } => {
                        kinds[3] += 1;
                        assert_eq!(memory.audience(&pick.title).map_or(0, |audience| audience.viewers), *viewers);
                    }
                    _ => unreachable!(),
                }
            }
        }
        assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
    }

    #[test]
    fn no_row_has_a_title_twice_and_titles_that_are_gone_are_in_none() {
        let mut memory = memory();
        memory.take(&finish("v", 12, 1));
        memory.take(&finish("v", 77, 1));
        for row in of(&memory, "v", None) {
            let mut seen = titles(&row);
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), row.picks.len(), "{:?}", row.kind);
            assert!(!seen.contains(&"t77"));
        }
    }
}
