//! A log that another process has open, over HTTP behind the key of services.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinora_api::ErrorCode;
use kinora_kit::http::internal::{self, Caller, InternalKey};
use kinora_kit::http::problem::Problem;
use serde::{Deserialize, Serialize};

use super::embedded::Settings;
use super::{Answer, Event, EventLog, LogError, Place, Record};

const APPEND: &str = "/internal/events/append";
const READ: &str = "/internal/events/read";
const ERASE: &str = "/internal/events/erase";
const ACK: &str = "/internal/events/ack";
/// Time after which another try makes sense, in milliseconds.
const RETRY_AFTER_MS: u64 = 1_000;

/// An event on its way: key, id, time, content as base64.
#[derive(Serialize, Deserialize)]
struct Sent(String, String, i64, String);

impl From<Event> for Sent {
    fn from(event: Event) -> Self {
        Self(event.key, event.id, event.at_ms, STANDARD.encode(event.body))
    }
}

impl TryFrom<Sent> for Event {
    type Error = base64::DecodeError;

    fn try_from(Sent(key, id, at_ms, body): Sent) -> Result<Self, Self::Error> {
        Ok(Self { key, id, at_ms, body: STANDARD.decode(body)? })
    }
}

/// Question for events: group, partition, first number, maximum number of events.
type Question = (String, u32, Option<u64>, usize);

/// The log of another process.
pub struct Remote(Caller);

impl Remote {
    /// Asks through `caller`.
    pub fn new(caller: Caller) -> Self {
        Self(caller)
    }
}

fn away(error: impl std::fmt::Display) -> LogError {
    LogError::Away(error.to_string())
}

impl EventLog for Remote {
    fn partitions(&self) -> u32 {
        // That of every log of the services.
        Settings::default().partitions
    }

    fn append(&self, events: Vec<Event>) -> Answer<'_, Vec<Place>> {
        Box::pin(async move {
            let sent: Vec<Sent> = events.into_iter().map(Into::into).collect();
            let places: Vec<(u32, u64)> = self.0.call(APPEND, &sent).await.map_err(away)?;
            Ok(places.into_iter().map(|(partition, offset)| Place { partition, offset }).collect())
        })
    }

    fn read<'a>(&'a self, group: &'a str, partition: u32, from: Option<u64>, max: usize) -> Answer<'a, Vec<Record>> {
        Box::pin(async move {
            let records: Vec<(u64, Sent)> = self.0.call(READ, &(group, partition, from, max)).await.map_err(away)?;
            let record = |(offset, sent): (u64, Sent)| Ok(Record { offset, event: sent.try_into().map_err(away)? });
            records.into_iter().map(record).collect()
        })
    }

    fn erase<'a>(&'a self, key: &'a str, before: Place) -> Answer<'a, ()> {
        Box::pin(async move { self.0.call(ERASE, &(key, before.partition, before.offset)).await.map_err(away) })
    }

    fn ack<'a>(&'a self, group: &'a str, place: Place) -> Answer<'a, ()> {
        Box::pin(async move { self.0.call(ACK, &(group, place.partition, place.offset)).await.map_err(away) })
    }
}

type Shared = State<Arc<dyn EventLog>>;

/// Returns the routes behind [`Remote`].
pub fn routes(log: Arc<dyn EventLog>, key: InternalKey) -> Router {
    let routes = Router::new()
        .route(APPEND, post(append))
        .route(READ, post(read))
        .route(ERASE, post(erase))
        .route(ACK, post(ack));
    internal::guard(routes.with_state(log), key)
}

fn refused(error: LogError) -> Problem {
    match error {
        LogError::Refused(why) => Problem::new(ErrorCode::InvalidRequest, why),
        error => {
            tracing::warn!(%error, "the event log was not used");
            Problem::new(ErrorCode::ServiceUnavailable, "the event log cannot be used now")
                .with_retry_after_ms(RETRY_AFTER_MS)
        }
    }
}

async fn append(State(log): Shared, Json(sent): Json<Vec<Sent>>) -> Result<Json<Vec<(u32, u64)>>, Problem> {
    let events: Result<Vec<Event>, _> = sent.into_iter().map(Event::try_from).collect();
    let events = events.map_err(|_| Problem::new(ErrorCode::InvalidRequest, "the content is not base64"))?;
    let places = log.append(events).await.map_err(refused)?;
    Ok(Json(places.into_iter().map(|place| (place.partition, place.offset)).collect()))
}

async fn read(
    State(log): Shared,
    Json((group, partition, from, max)): Json<Question>,
) -> Result<Json<Vec<(u64, Sent)>>, Problem> {
    let records = log.read(&group, partition, from, max).await.map_err(refused)?;
    Ok(Json(records.into_iter().map(|record| (record.offset, record.event.into())).collect()))
}

async fn erase(
    State(log): Shared,
    Json((key, partition, offset)): Json<(String, u32, u64)>,
) -> Result<Json<()>, Problem> {
    Ok(Json(log.erase(&key, Place { partition, offset }).await.map_err(refused)?))
}

async fn ack(
    State(log): Shared,
    Json((group, partition, offset)): Json<(String, u32, u64)>,
) -> Result<Json<()>, Problem> {
    Ok(Json(log.ack(&group, Place { partition, offset }).await.map_err(refused)?))
}
