//! The log of events on NATS JetStream (`docs/adr/0029-event-log.md`), for services of several machines.
//!
//! Each partition is a stream, `kinora-events-N`, so that its sequence numbers are the offsets, without gaps, from 1. A key is the last
//! part of the subject, in hexadecimal digits, by which a key is erased. The identifier of an event is its `Nats-Msg-Id`, which the
//! server remembers for [`WINDOW`]. Places of groups are in the bucket `kinora-groups`.
//!
//! The server answers when a message is in its file; it makes the file durable every two minutes unless it is set up otherwise
//! (`sync_interval`), so that what a crash of the whole machine costs is up to its configuration.

#![warn(missing_docs)]

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::stream::{self, DiscardPolicy, Stream};
use async_nats::jetstream::{self, Context, Message};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use kinora_eventlog::{Answer, Event, EventLog, LogError, Place, Record, check_event, check_group};

/// Time for which identifiers are remembered.
pub const WINDOW: Duration = Duration::from_secs(3600);

/// Time for which events are kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Bytes of a partition that are kept.
const KEPT_BYTES: i64 = 64 << 20;

/// Bucket with the places of groups.
const GROUPS: &str = "kinora-groups";

/// Number of partitions.
const PARTITIONS: u32 = 8;

/// Maximum number of events in an answer.
const MAX_READ: usize = 1_000;

/// Tries to move the place of a group while others move it too.
const TRIES: usize = 16;

/// Header with the time of an event, in milliseconds since the Unix epoch.
const AT: &str = "Kinora-At";

/// A log on JetStream.
pub struct JetStream {
    context: Context,
    streams: Vec<Stream>,
    groups: Store,
}

impl JetStream {
    /// Connects to a server, such as `nats://127.0.0.1:4222`, and makes the streams that are not there.
    ///
    /// # Errors
    /// When the server cannot be reached, or has no JetStream.
    pub async fn connect(url: &str) -> Result<Self, LogError> {
        let client = async_nats::connect(url).await.map_err(away)?;
        let context = jetstream::new(client);
        let mut streams = Vec::new();
        for partition in 0..PARTITIONS {
            let config = stream::Config {
                name: format!("kinora-events-{partition}"),
                subjects: vec![format!("kinora.events.{partition}.*")],
                max_age: KEPT,
                max_bytes: KEPT_BYTES,
                discard: DiscardPolicy::Old,
                duplicate_window: WINDOW,
                ..stream::Config::default()
            };
            streams.push(context.get_or_create_stream(config).await.map_err(away)?);
        }
        // The stream of a bucket (ADR 8 of NATS), made as a stream: the call for buckets asks for details of the account that
        // servers before 2.10 do not give.
        let bucket = stream::Config {
            name: format!("KV_{GROUPS}"),
            subjects: vec![format!("$KV.{GROUPS}.>")],
            max_messages_per_subject: 1,
            discard: DiscardPolicy::New,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            ..stream::Config::default()
        };
        context.get_or_create_stream(bucket).await.map_err(away)?;
        let groups = context.get_key_value(GROUPS).await.map_err(away)?;
        Ok(Self { context, streams, groups })
    }

    fn stream(&self, partition: u32) -> Result<&Stream, LogError> {
        self.streams.get(partition as usize).ok_or(LogError::Refused("there is no such partition"))
    }

    async fn append_all(&self, events: Vec<Event>) -> Result<Vec<Place>, LogError> {
        events.iter().try_for_each(check_event)?;
        let mut waiting = Vec::with_capacity(events.len());
        for event in events {
            let partition = crc32fast::hash(event.key.as_bytes()) % PARTITIONS;
            let mut headers = HeaderMap::new();
            headers.insert(async_nats::header::NATS_MESSAGE_ID, hexadecimal(&event.id));
            headers.insert(AT, event.at_ms.to_string());
            let subject = subject(partition, &event.key);
            // The messages of one connection reach the server in order.
            let sent = self.context.publish_with_headers(subject, headers, Bytes::from(event.body)).await;
            waiting.push((partition, sent.map_err(away)?));
        }
        let mut places = Vec::with_capacity(waiting.len());
        for (partition, answer) in waiting {
            let answer = answer.await.map_err(away)?;
            places.push(Place { partition, offset: offset(answer.sequence) });
        }
        Ok(places)
    }

    async fn read_some(
        &self,
        group: &str,
        partition: u32,
        from: Option<u64>,
        max: usize,
    ) -> Result<Vec<Record>, LogError> {
        check_group(group)?;
        let stream = self.stream(partition)?;
        let from = match from {
            Some(from) => from,
            None => self.place(group, partition).await?.map_or(0, |(next, _)| next),
        };
        let end = stream.get_info().await.map_err(away)?.state.last_sequence;
        if from >= end {
            return Ok(Vec::new());
        }
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from + 1 },
            ack_policy: AckPolicy::None,
            inactive_threshold: Duration::from_secs(30),
            ..pull::Config::default()
        };
        let mut consumer: PullConsumer = stream.create_consumer(config).await.map_err(away)?;
        let messages = consumer.fetch().max_messages(max.min(MAX_READ)).messages().await.map_err(away)?;
        let messages: Vec<Message> = messages.try_collect().await.map_err(away)?;
        let name = consumer.info().await.map_err(away)?.name.clone();
        stream.delete_consumer(&name).await.map_err(away)?;
        messages.iter().map(record).collect()
    }

    /// Returns the next offset of a group, and the revision of the entry that says so.
    async fn place(&self, group: &str, partition: u32) -> Result<Option<(u64, u64)>, LogError> {
        let entry = self.groups.entry(entry_of(group, partition)).await.map_err(away)?;
        let Some(entry) = entry else { return Ok(None) };
        let next = std::str::from_utf8(&entry.value).ok().and_then(|text| text.parse().ok());
        Ok(Some((
            next.ok_or_else(|| LogError::Away("the place of a group is not a number".to_owned()))?,
            entry.revision,
        )))
    }

    async fn acknowledge(&self, group: &str, place: Place) -> Result<(), LogError> {
        check_group(group)?;
        let end = self.stream(place.partition)?.get_info().await.map_err(away)?.state.last_sequence;
        if place.offset >= end {
            return Err(LogError::Refused("an event that was not written cannot be acknowledged"));
        }
        let (name, next) = (entry_of(group, place.partition), place.offset + 1);
        let value = Bytes::from(next.to_string());
        for _ in 0..TRIES {
            let written = match self.place(group, place.partition).await? {
                Some((there, _)) if there >= next => return Ok(()),
                Some((_, revision)) => self.groups.update(&name, value.clone(), revision).await.is_ok(),
                None => self.groups.create(&name, value.clone()).await.is_ok(),
            };
            if written {
                return Ok(());
            }
        }
        Err(LogError::Away("the place of the group could not be written".to_owned()))
    }

    async fn erase_key(&self, key: &str, before: Place) -> Result<(), LogError> {
        let purge = self.stream(before.partition)?.purge().filter(subject(before.partition, key));
        // Messages below the sequence number of the place.
        purge.sequence(before.offset + 1).await.map_err(away)?;
        Ok(())
    }
}

impl EventLog for JetStream {
    fn partitions(&self) -> u32 {
        PARTITIONS
    }

    fn append(&self, events: Vec<Event>) -> Answer<'_, Vec<Place>> {
        Box::pin(self.append_all(events))
    }

    fn read<'a>(&'a self, group: &'a str, partition: u32, from: Option<u64>, max: usize) -> Answer<'a, Vec<Record>> {
        Box::pin(self.read_some(group, partition, from, max))
    }

    fn erase<'a>(&'a self, key: &'a str, before: Place) -> Answer<'a, ()> {
        Box::pin(self.erase_key(key, before))
    }

    fn ack<'a>(&'a self, group: &'a str, place: Place) -> Answer<'a, ()> {
        Box::pin(self.acknowledge(group, place))
    }
}

/// Returns the offset of a sequence number, which begins with 1.
const fn offset(sequence: u64) -> u64 {
    sequence.saturating_sub(1)
}

fn subject(partition: u32, key: &str) -> String {
    format!("kinora.events.{partition}.{}", hexadecimal(key))
}

fn entry_of(group: &str, partition: u32) -> String {
    format!("{group}.{partition}")
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the text of hexadecimal digits; `None` if they are none.
fn text(digits: &str) -> Option<String> {
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    String::from_utf8((0..digits.len()).step_by(2).map(byte).collect::<Option<Vec<u8>>>()?).ok()
}

fn record(message: &Message) -> Result<Record, LogError> {
    let foreign = || LogError::Away(format!("{} has a message that is no event", message.subject));
    let sequence = message.info().map_err(|error| LogError::Away(error.to_string()))?.stream_sequence;
    let header = |name: &str| message.headers.as_ref().and_then(|headers| headers.get(name));
    let key = message.subject.rsplit('.').next().and_then(text).ok_or_else(foreign)?;
    let id = header("Nats-Msg-Id").and_then(|id| text(id.as_str())).ok_or_else(foreign)?;
    let at_ms = header(AT).and_then(|at| at.as_str().parse().ok()).ok_or_else(foreign)?;
    Ok(Record { offset: offset(sequence), event: Event { key, id, at_ms, body: message.payload.to_vec() } })
}

fn away(error: impl std::fmt::Display) -> LogError {
    LogError::Away(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{hexadecimal, text};

    #[test]
    fn every_key_has_one_subject_and_comes_back_from_it() {
        for key in ["p", "ä.*> x", "\u{0}\n"] {
            let digits = hexadecimal(key);
            assert!(digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert_eq!(text(&digits).as_deref(), Some(key));
        }
        for none in ["0", "zz", "ä", "ff"] {
            assert_eq!(text(none), None, "{none}");
        }
    }
}
