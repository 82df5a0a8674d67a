//! The service over a log on disk: what is learned from it, once, by whoever asks, after any restart.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kinora_api::events::{LoggedEvent, Rating, ViewerEvent};
use kinora_api::internal::{Catalogue, CatalogueFacts, PickedKind, PlayableTitle, Reply, TitleFacts};
use kinora_api::{ApiError, ErrorCode, Profile, ProfileId, ReasonKind, TitleId, TitleKind};
use kinora_eventlog::embedded::{Log, Settings};
use kinora_eventlog::{Answer, Event, EventLog, LogError, Place, Record};
use kinora_kit::clock::Clock;
use kinora_recommendations::{Deps, Recommendations, start};
use kinora_store::Location;

/// 20 titles, ten of each genre, and two episodes of the last one.
struct Titles;

impl Catalogue for Titles {
    fn title<'a>(&'a self, _: &'a str, _: Option<&'a Profile>) -> Reply<'a, PlayableTitle> {
        Box::pin(async { Err(ApiError::new(ErrorCode::TitleNotFound, "there is no such title")) })
    }

    fn visible<'a>(&'a self, ids: &'a [TitleId], _: &'a Profile) -> Reply<'a, Vec<TitleId>> {
        Box::pin(async { Ok(ids.to_vec()) })
    }

    fn facts(&self, known: Option<u64>) -> Reply<'_, Option<CatalogueFacts>> {
        let titles = (0..20).map(|number| TitleFacts {
            id: title(number),
            genres: vec![if number < 10 { "Drama" } else { "Nature" }.to_owned()],
            min_age: Some(0),
            added_at: number.into(),
            ..TitleFacts::default()
        });
        let episode = |number| TitleFacts {
            id: title(number),
            kind: TitleKind::Episode,
            part_of: Some(title(19)),
            genres: vec!["Nature".to_owned()],
            min_age: Some(0),
            added_at: number.into(),
        };
        let titles = titles.chain([episode(30), episode(31)]).collect();
        let facts = CatalogueFacts { version: 7, titles };
        Box::pin(async move { Ok(Some(facts).filter(|facts| known != Some(facts.version))) })
    }

    fn has_version<'a>(&'a self, _: &'a str, _: i64) -> Reply<'a, bool> {
        Box::pin(async { Ok(false) })
    }
}

fn title(number: u32) -> TitleId {
    TitleId::new(format!("t{number:02}"))
}

fn event(profile: &str, id: u32, event: ViewerEvent) -> Event {
    let logged = LoggedEvent { account: None, profile: Some(ProfileId::new(profile)), at: 1_000, event };
    Event {
        key: profile.to_owned(),
        id: format!("{profile}-{id}"),
        at_ms: 1_000,
        body: serde_json::to_vec(&logged).unwrap(),
    }
}

fn finish(profile: &str, id: u32, number: u32) -> Event {
    event(profile, id, ViewerEvent::Finish { title: title(number), playback: None })
}

fn open_log(folder: &Path) -> Arc<Log> {
    Arc::new(Log::open(folder, Settings::default(), Clock::system()).unwrap())
}

async fn open(log: &Arc<Log>, location: &Location) -> Arc<Recommendations> {
    let (clock, _) = Clock::manual(1_000);
    let (recommendations, _) = Recommendations::open(clock, location).await.unwrap();
    let log: Arc<dyn EventLog> = Arc::<Log>::clone(log);
    start(&recommendations, Deps { catalogue: Arc::new(Titles), log });
    recommendations
}

/// Waits until something holds. The loops behind it look at the log four times a second.
async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never came to be that {what}");
}

/// Profiles that watch three titles of one half.
fn crowd() -> Vec<Event> {
    (0..60_u32)
        .flat_map(|profile| {
            (0..3).map(move |at| finish(&format!("p{profile}"), at, profile % 2 * 10 + (profile * 7 / 2 + at * 3) % 8))
        })
        .collect()
}

fn location(folder: &Path) -> Location {
    Location::parse(None, folder).unwrap()
}

#[tokio::test]
async fn an_event_changes_the_rows_of_its_profile_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    log.append(crowd()).await.unwrap();
    let service = open(&log, &location(folder.path())).await;
    let me = ProfileId::new("me");
    until("what many watch is known", || service.rows(&me, None).iter().any(|row| row.kind == PickedKind::Popular))
        .await;
    let leads_to = |number: u32| {
        let rows = service.rows(&me, None);
        let wanted = PickedKind::BecauseWatched { title: title(number) };
        rows.into_iter().find(|row| row.kind == wanted)
    };
    assert!(leads_to(13).is_none());
    log.append(vec![finish("me", 0, 13)]).await.unwrap();
    until("the title that was watched has a row", || leads_to(13).is_some()).await;
    let row = leads_to(13).unwrap();
    assert!(row.picks.iter().all(|pick| pick.title.as_str() >= "t10"), "{row:?}");
    assert!(row.picks.iter().all(|pick| pick.reason == ReasonKind::Watched { title: title(13) }));

    let unwanted = row.picks[0].title.clone();
    let rating = ViewerEvent::Rating { title: unwanted.clone(), rating: Some(Rating::NotInterested) };
    log.append(vec![event("me", 1, rating)]).await.unwrap();
    let shows = || service.rows(&me, None).iter().any(|row| row.picks.iter().any(|pick| pick.title == unwanted));
    until("what is not wanted is gone", || !shows()).await;
}

#[tokio::test]
async fn an_episode_counts_for_its_series_and_is_not_recommended() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    log.append(crowd()).await.unwrap();
    let episodes = (0..40).map(|profile| finish(&format!("p{profile}"), 9, 30 + profile % 2)).collect();
    log.append(episodes).await.unwrap();
    let service = open(&log, &Location::Memory).await;
    let me = ProfileId::new("me");
    let series_is_popular = || {
        let rows = service.rows(&me, None);
        let popular = rows.iter().find(|row| row.kind == PickedKind::Popular);
        popular.is_some_and(|row| row.picks[0].title == title(19))
    };
    until("the series is what most watch", series_is_popular).await;
    let is_episode = |pick: &kinora_api::internal::Pick| [title(30), title(31)].contains(&pick.title);
    assert!(!service.rows(&me, None).iter().flat_map(|row| &row.picks).any(is_episode));
    assert_eq!(service.insights(&title(19)).map(|of| of.viewers), Some(40));
}

#[tokio::test]
async fn a_replay_from_the_beginning_and_a_restart_give_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    log.append(crowd()).await.unwrap();
    let live = open(&log, &location(folder.path())).await;
    let last = ProfileId::new("p59");
    until("the crowd is known", || !live.rows(&last, None).is_empty()).await;
    log.append(vec![event("p3", 9, ViewerEvent::Forget), finish("p4", 9, 19)]).await.unwrap();
    // The log gives the same events again if it is asked to: an identifier is taken once.
    log.append(vec![finish("p4", 9, 19), finish("end", 0, 0)]).await.unwrap();
    until("the last events are known", || {
        live.insights(&title(19)).is_some() && live.insights(&title(0)).is_some_and(|of| of.viewers > 0)
    })
    .await;
    let seen = || live.digest();
    let replayed = open(&log, &Location::Memory).await;
    until("a replay has led to the same", || replayed.digest() == seen()).await;
    drop(replayed);

    // A second service on the same tables begins where the first one is, and reads nothing twice.
    let before = seen();
    drop(live);
    let again = open(&log, &location(folder.path())).await;
    until("the tables were read", || again.digest() == before).await;
    log.append(vec![finish("end", 1, 1)]).await.unwrap();
    until("it goes on from there", || again.digest() != before).await;
    let reference = open(&log, &Location::Memory).await;
    until("both are the same", || again.digest() == reference.digest()).await;
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let broken = Event { body: b"not an event".to_vec(), ..finish("me", 0, 1) };
    log.append(vec![broken, finish("me", 1, 2)]).await.unwrap();
    let service = open(&log, &Location::Memory).await;
    until("the event behind it is known", || service.insights(&title(2)).is_some()).await;
    assert_eq!(service.insights(&title(1)), None);
}

/// A log that can be out of reach.
struct Distant {
    log: Arc<Log>,
    is_away: AtomicBool,
}

impl EventLog for Distant {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn append(&self, events: Vec<Event>) -> Answer<'_, Vec<Place>> {
        self.log.append(events)
    }

    fn read<'a>(&'a self, group: &'a str, partition: u32, from: Option<u64>, max: usize) -> Answer<'a, Vec<Record>> {
        if self.is_away.load(Ordering::Relaxed) {
            return Box::pin(async { Err(LogError::Refused("it is away")) });
        }
        self.log.read(group, partition, from, max)
    }

    fn erase<'a>(&'a self, key: &'a str, before: Place) -> Answer<'a, ()> {
        self.log.erase(key, before)
    }

    fn ack<'a>(&'a self, group: &'a str, place: Place) -> Answer<'a, ()> {
        self.log.ack(group, place)
    }
}

#[tokio::test]
async fn recommendations_without_their_log_say_after_a_while_that_they_are_behind() {
    let folder = tempfile::tempdir().unwrap();
    let away = AtomicBool::new(true);
    let log = Arc::new(Distant { log: open_log(folder.path()), is_away: away });
    log.append(vec![finish("me", 0, 3)]).await.unwrap();
    let (clock, hand) = Clock::manual(1_000);
    let (service, _) = Recommendations::open(clock, &location(folder.path())).await.unwrap();
    let given: Arc<dyn EventLog> = Arc::<Distant>::clone(&log);
    start(&service, Deps { catalogue: Arc::new(Titles), log: given });
    assert!(!service.is_behind(), "what breaks for a moment is not said");
    until("they are behind", || {
        hand.advance_ms(kinora_recommendations::BEHIND_AFTER_MS / 4);
        service.is_behind()
    })
    .await;
    log.is_away.store(false, Ordering::Relaxed);
    until("they are no longer behind", || !service.is_behind()).await;
    let me = ProfileId::new("me");
    until("the event has been learned", || service.rows(&me, None).iter().any(|row| !row.picks.is_empty())).await;
}
