//! The virtual live origin alone, asked at given times and read by the player's readers.

#![expect(clippy::unwrap_used, reason = "tests")]

mod bodies;
mod dash;
mod hls;
mod link;
mod sessions;
mod troubles;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::super::film::Content;
use super::*;
use crate::manifest;
use crate::model::ByteRange;
use crate::time::{Now, WallClock};

const SECOND: Duration = Duration::from_secs(1);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Now {
    Now::ZERO + ms(millis)
}

fn base() -> Url {
    Url::parse("http://h/live/").unwrap()
}

/// Asks for an address at a time of the session in milliseconds.
fn ask(origin: &LiveOrigin, address: &str, millis: u64) -> LiveAnswer {
    origin.answer(&LiveQuery::of(address), at(millis))
}

fn ask_range(origin: &LiveOrigin, address: &str, (offset, length): (u64, Option<u64>), millis: u64) -> LiveAnswer {
    let range = Some(ByteRange { offset, length });
    origin.answer(&LiveQuery { range, ..LiveQuery::of(address) }, at(millis))
}

fn text(answer: &LiveAnswer) -> String {
    match &answer.content {
        Some(Content::File { bytes, .. }) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("{other:?} is no text: {:?}", answer.status),
    }
}

/// Reads the manifest at an address, which must give no warning.
fn described(origin: &LiveOrigin, address: &str, millis: u64) -> Value {
    let answer = ask(origin, address, millis);
    let text = text(&answer);
    let now = WallClock::from_unix_nanos(origin.utc(answer.ready));
    let value = manifest::describe(text.as_bytes(), &base().join(address).unwrap(), Some(now)).unwrap();
    assert_eq!(value["warnings"], serde_json::json!([]), "{text}");
    value
}

/// Returns the segments of a media playlist by number.
fn by_number(playlist: &Value) -> BTreeMap<u64, Value> {
    let segments = playlist["segments"].as_array().unwrap().iter();
    segments.map(|segment| (segment["sequence"].as_u64().unwrap(), segment.clone())).collect()
}

const VIDEO: &str = "/live/v/720p/index.m3u8";
const AUDIO: &str = "/live/a/en/index.m3u8";
