//! Time from an event in the log to the row that it changes, at 1,000 events a second.
//!
//! `cargo bench -p kinora-recommendations --bench follow -- --bench`: half a minute. 2,000 profiles have a history of ten of 500
//! titles each; then a thousand events a second of those profiles are appended in batches of ten, and ten times a second one of a
//! profile that nothing is known of, whose rows are asked for every 5 ms until they change. An event of a service waits up to
//! 200 ms more in its store (`services::events`). Prints the percentiles, how many events a second were appended, the load of the
//! machine and the memory of the process. Without `--bench` a second at a hundred events shows that it runs.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kinora_api::events::{LoggedEvent, ViewerEvent};
use kinora_api::internal::{Catalogue, CatalogueFacts, PlayableTitle, Reply, TitleFacts};
use kinora_api::{ApiError, ErrorCode, Profile, ProfileId, TitleId};
use kinora_eventlog::embedded::{Log, Settings};
use kinora_eventlog::{Event, EventLog};
use kinora_kit::clock::Clock;
use kinora_recommendations::domain::evaluate::Random;
use kinora_recommendations::{Deps, Recommendations, start};
use kinora_store::Location;

const TITLES: u64 = 500;
const PROFILES: u64 = 2_000;
const GENRES: [&str; 8] = ["Action", "Comedy", "Crime", "Documentary", "Drama", "Family", "Mystery", "Romance"];

struct Titles;

impl Catalogue for Titles {
    fn title<'a>(&'a self, _: &'a str, _: Option<&'a Profile>) -> Reply<'a, PlayableTitle> {
        Box::pin(async { Err(ApiError::new(ErrorCode::TitleNotFound, "there is no such title")) })
    }

    fn visible<'a>(&'a self, ids: &'a [TitleId], _: &'a Profile) -> Reply<'a, Vec<TitleId>> {
        Box::pin(async { Ok(ids.to_vec()) })
    }

    fn facts(&self, known: Option<u64>) -> Reply<'_, Option<CatalogueFacts>> {
        let titles = (0..TITLES).map(|number| TitleFacts {
            id: title(number),
            genres: vec![GENRES[usize::try_from(number % 8).unwrap_or(0)].to_owned()],
            min_age: Some(0),
            added_at: number.cast_signed(),
            ..TitleFacts::default()
        });
        let facts = CatalogueFacts { version: 1, titles: titles.collect() };
        Box::pin(async move { Ok(Some(facts).filter(|facts| known != Some(facts.version))) })
    }

    fn has_version<'a>(&'a self, _: &'a str, _: i64) -> Reply<'a, bool> {
        Box::pin(async { Ok(false) })
    }
}

fn title(number: u64) -> TitleId {
    TitleId::new(format!("title-{number}"))
}

/// Makes events, each with an identifier of its own.
struct Events {
    random: Random,
    made: u64,
}

impl Events {
    fn next(&mut self, profile: String) -> Event {
        self.made += 1;
        // Titles of low numbers are watched more.
        let number = self.random.below(TITLES).min(self.random.below(TITLES));
        let (title, playback) = (title(number), "p".to_owned());
        let from_ms = self.random.below(5_000_000);
        let event = match self.random.below(6) {
            0 => ViewerEvent::Finish { title, playback: None },
            1 => ViewerEvent::Abandon { title, playback, position_ms: from_ms, duration_ms: 6_000_000 },
            2 => ViewerEvent::Rewind { title, playback, from_ms, to_ms: from_ms / 2 },
            _ => ViewerEvent::Watch { title, playback, from_ms, to_ms: from_ms + 600_000, duration_ms: 6_000_000 },
        };
        self.of(profile, event)
    }

    fn of(&self, profile: String, event: ViewerEvent) -> Event {
        let logged = LoggedEvent { account: None, profile: Some(ProfileId::new(&profile)), at: 1_000, event };
        let body = serde_json::to_vec(&logged).unwrap_or_default();
        Event { key: profile, id: format!("event-{}", self.made), at_ms: 1_000, body }
    }

    fn of_crowd(&mut self) -> Event {
        let profile = format!("profile-{}", self.random.below(PROFILES));
        self.next(profile)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let (seconds, rate) = if is_measured { (20, 1_000) } else { (1, 100) };
    match run(seconds, rate, is_measured).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(seconds: u64, rate: u64, is_measured: bool) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let clock = Clock::system();
    let log = Log::open(&folder.path().join("events"), Settings::default(), clock.clone());
    let log: Arc<dyn EventLog> = Arc::new(log.map_err(|error| error.to_string())?);
    let location = Location::parse(None, folder.path()).map_err(|error| error.to_string())?;
    let (service, _writer) = Recommendations::open(clock, &location).await.map_err(|error| error.to_string())?;
    start(&service, Deps { catalogue: Arc::new(Titles), log: Arc::clone(&log) });

    let mut events = Events { random: Random(18), made: 0 };
    let history = if is_measured { PROFILES * 10 } else { 500 };
    for _ in 0..history / 100 {
        let batch = (0..100).map(|_| events.of_crowd()).collect();
        log.append(batch).await.map_err(|error| error.to_string())?;
    }
    let last = events.of("last".to_owned(), ViewerEvent::Finish { title: title(0), playback: None });
    log.append(vec![last]).await.map_err(|error| error.to_string())?;
    let begun = Instant::now();
    while service.rows(&ProfileId::new("last"), None).is_empty() {
        if begun.elapsed() > Duration::from_secs(300) {
            return Err("the history is not learned".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let writer = tokio::spawn(write(Arc::clone(&log), events, seconds, rate));
    let mut times = Vec::new();
    let mut next = tokio::time::interval(Duration::from_millis(100));
    for probe in 0..seconds * 10 {
        next.tick().await;
        times.push(probe_once(&service, log.as_ref(), probe).await?);
    }
    let written = writer.await.map_err(|error| error.to_string())??;
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len() - 1)).copied().unwrap_or_default();
    println!("{} events in {seconds} s beside {} probes, {history} before", written, times.len());
    println!("from the log to a row: p50 {:.0?}   p99 {:.0?}   worst {:.0?}", at(50), at(99), at(100));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    println!("load {}   {}", load.trim(), resident.split_whitespace().collect::<Vec<_>>().join(" "));
    if is_measured && at(99) > Duration::from_millis(800) {
        return Err(
            "an event takes longer than 800 ms, so that one of a service may take longer than a second".to_owned()
        );
    }
    Ok(())
}

async fn write(log: Arc<dyn EventLog>, mut events: Events, seconds: u64, rate: u64) -> Result<u64, String> {
    let mut next = tokio::time::interval(Duration::from_micros(10 * 1_000_000 / rate));
    let begun = Instant::now();
    let mut written = 0;
    while begun.elapsed() < Duration::from_secs(seconds) {
        next.tick().await;
        let batch: Vec<Event> = (0..10).map(|_| events.of_crowd()).collect();
        written += batch.len() as u64;
        log.append(batch).await.map_err(|error| error.to_string())?;
    }
    Ok(written)
}

/// Returns the time from the answer of the log until the rows of a fresh profile are others.
async fn probe_once(service: &Recommendations, log: &dyn EventLog, probe: u64) -> Result<Duration, String> {
    let profile = ProfileId::new(format!("probe-{probe}"));
    let event = ViewerEvent::Finish { title: title(probe % 100), playback: None };
    let logged = LoggedEvent { account: None, profile: Some(profile.clone()), at: 1_000, event };
    let body = serde_json::to_vec(&logged).map_err(|error| error.to_string())?;
    let id = format!("probe-{probe}");
    let appended = log.append(vec![Event { key: id.clone(), id, at_ms: 1_000, body }]).await;
    let begun = Instant::now();
    appended.map_err(|error| error.to_string())?;
    loop {
        let watched = title(probe % 100);
        let rows = service.rows(&profile, None);
        let shows = |pick: &kinora_api::internal::Pick| pick.title == watched;
        // What was watched is in the ranking only.
        let for_you = rows.first().is_some_and(|row| !row.picks.is_empty() && !row.picks.iter().any(shows));
        if for_you
            && rows.iter().any(|row| {
                row.picks.iter().any(|pick| {
                    matches!(pick.reason, kinora_api::ReasonKind::Watched { .. } | kinora_api::ReasonKind::Genre { .. })
                })
            })
        {
            return Ok(begun.elapsed());
        }
        if begun.elapsed() > Duration::from_secs(30) {
            return Err("an event changes nothing".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
