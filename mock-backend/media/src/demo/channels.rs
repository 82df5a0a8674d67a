//! The live channels of the demo catalogue.

use jiff::Timestamp;

use super::super::live::ChannelRecord;

/// Beginning of all channels: midnight UTC of the first day of 2026, milliseconds since the Unix epoch.
const EPOCH_MS: i64 = 1_767_225_600_000;

/// Returns the records of all channels, that of low latency and without discontinuities first.
pub(super) fn all() -> Vec<ChannelRecord> {
    let channel = |id: &str, name: &str, description: &str, programmes: &[&str]| ChannelRecord {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        programmes: programmes.iter().map(|&id| id.to_owned()).collect(),
        epoch: Timestamp::from_millisecond(EPOCH_MS).unwrap_or_default(),
        part_ms: None,
        window_ms: 60_000,
        latency_ms: None,
        discontinuities: true,
    };
    vec![
        ChannelRecord {
            part_ms: Some(333),
            discontinuities: false,
            ..channel(
                "moonlight",
                "Moonlight",
                "The far side of the moon, now. Live within a second or two of when it happens.",
                &["far-side-of-noon"],
            )
        },
        ChannelRecord {
            window_ms: 600_000,
            ..channel(
                "green-channel",
                "The Green Channel",
                "Gardens, deserts and the deep sea, one after another. Go back as far as ten minutes.",
                &["the-green-hours", "the-salt-road", "what-the-deep-keeps"],
            )
        },
        ChannelRecord {
            part_ms: Some(500),
            window_ms: 120_000,
            ..channel(
                "balloon-tv",
                "Balloon TV",
                "All of Balloon Post, around the clock.",
                &["balloon-post-1-1", "balloon-post-1-2", "balloon-post-1-3"],
            )
        },
    ]
}
