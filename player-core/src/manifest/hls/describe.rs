//! Describes a playlist as JSON, for tools. Live playlists too; nothing is resolved or chosen.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::date_ranges::DateRange;
use super::is_media;
use super::lexer::{Lexer, Variables};
use super::live::{HintKind, LiveTags};
use super::media::{self, MediaPlaylist, Start};
use super::multivariant::{self, MultivariantPlaylist, Variant};
use crate::manifest::ManifestError;
use crate::manifest::document::Warnings;
use crate::model::INHERITED;

/// Reads a playlist of either kind and lists its contents in document order.
pub(in crate::manifest) fn describe(text: &str, base: &Url, warnings: &mut Warnings) -> Result<Value, ManifestError> {
    let none = Variables::new();
    let mut lexer = Lexer::new(text, base, &none);
    if is_media(text) {
        Ok(media(&media::read(&mut lexer, warnings)?))
    } else {
        Ok(multivariant(&multivariant::read(&mut lexer, warnings)?))
    }
}

fn media(playlist: &MediaPlaylist<'_>) -> Value {
    let segments: Vec<Value> = playlist
        .segments
        .iter()
        .map(|segment| {
            let in_force = segment
                .map
                .filter(|map| *map != INHERITED)
                .or(playlist.map_before_skip.filter(|_| segment.map.is_some()));
            let map = in_force.and_then(|map| playlist.maps.get(map as usize));
            json!({
                "uri": segment.uri,
                "duration_s": segment.duration.as_secs_f64(),
                "sequence": segment.sequence,
                "discontinuity": segment.discontinuity,
                "byte_range": segment.range.map(|range| json!([range.offset, range.length])),
                "key_method": playlist.keys(segment).first().map(|key| key.method.as_str()),
                "map_uri": map.map(|map| map.uri.as_ref()),
                "gap": segment.gap,
                "program_date_time": segment.program_date_time.and_then(date),
                "bitrate_kbps": segment.bitrate_kbps.filter(|rate| *rate != INHERITED),
                "title": segment.title,
            })
        })
        .collect();
    json!({
        "protocol": "hls",
        "kind": "media",
        "live": !playlist.ended,
        "version": playlist.version,
        "target_duration_s": playlist.target_duration.map(|duration| duration.as_secs_f64()),
        "media_sequence": playlist.media_sequence,
        "discontinuity_sequence": playlist.discontinuity_sequence,
        "playlist_type": playlist.playlist_type,
        "i_frames_only": playlist.i_frames_only,
        "independent_segments": playlist.independent_segments,
        "start": playlist.start.map(start),
        "ended": playlist.ended,
        "duration_s": playlist.duration().as_secs_f64(),
        "segments": segments,
        "parts": playlist.live.parts.len(),
        "low_latency": live(&playlist.live),
        "date_ranges": playlist.date_ranges.iter().map(date_range).collect::<Vec<_>>(),
    })
}

fn start(start: Start) -> Value {
    json!({"time_offset_s": start.offset_nanos as f64 / 1e9, "precise": start.precise})
}

fn date_range(range: &DateRange) -> Value {
    json!({
        "id": range.id,
        "line": range.line,
        "class": range.class,
        "start_date": range.start.and_then(date),
        "end_date": range.end.and_then(date),
        "duration_s": range.duration.map(|duration| duration.as_secs_f64()),
        "planned_duration_s": range.planned_duration.map(|duration| duration.as_secs_f64()),
        "end_on_next": range.end_on_next,
        "cue": range.cue,
        "attributes": range.attributes.iter().cloned().collect::<BTreeMap<_, _>>(),
    })
}

/// The tags of growing playlists.
fn live(tags: &LiveTags) -> Value {
    let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64());
    json!({
        "part_target_s": seconds(tags.part_target),
        "server_control": tags.server_control.map(|control| json!({
            "can_skip_until_s": seconds(control.can_skip_until),
            "can_skip_date_ranges": control.can_skip_date_ranges,
            "hold_back_s": seconds(control.hold_back),
            "part_hold_back_s": seconds(control.part_hold_back),
            "can_block_reload": control.can_block_reload,
        })),
        "parts": tags.parts.iter().map(|part| json!({
            "uri": part.uri,
            "duration_s": part.duration.as_secs_f64(),
            "independent": part.independent,
            "gap": part.gap,
            "byte_range": part.range.map(|range| json!([range.offset, range.length])),
            "sequence": part.sequence,
            "index": part.index,
        })).collect::<Vec<_>>(),
        "preload_hints": tags.preload_hints.iter().map(|hint| json!({
            "type": match hint.kind { HintKind::Part => "PART", HintKind::Map => "MAP" },
            "uri": hint.uri,
            "byte_range": [Some(hint.start), hint.length],
        })).collect::<Vec<_>>(),
        "rendition_reports": tags.rendition_reports.iter().map(|report| json!({
            "uri": report.uri, "last_msn": report.last_sequence, "last_part": report.last_part,
        })).collect::<Vec<_>>(),
        "skip": tags.skip.as_ref().map(|skip| json!({
            "segments": skip.segments, "removed_date_ranges": skip.removed_date_ranges,
        })),
    })
}

fn date(nanos: i64) -> Option<String> {
    jiff::Timestamp::from_nanosecond(i128::from(nanos)).ok().map(|instant| instant.to_string())
}

fn multivariant(playlist: &MultivariantPlaylist) -> Value {
    let renditions: Vec<Value> = playlist
        .renditions
        .iter()
        .map(|rendition| {
            let written = |name: &str| rendition.attributes.get(name);
            let number = |name: &str| written(name).and_then(|text| text.parse::<u64>().ok());
            json!({
                "type": written("TYPE"),
                "group_id": written("GROUP-ID"),
                "name": written("NAME"),
                "language": written("LANGUAGE"),
                "uri": rendition.uri,
                "default": rendition.media.default,
                "autoselect": rendition.media.autoselect,
                "forced": rendition.media.forced,
                "characteristics": written("CHARACTERISTICS"),
                "channels": written("CHANNELS"),
                "assoc_language": written("ASSOC-LANGUAGE"),
                "stable_rendition_id": written("STABLE-RENDITION-ID"),
                "instream_id": written("INSTREAM-ID"),
                "bit_depth": number("BIT-DEPTH"),
                "sample_rate": number("SAMPLE-RATE"),
            })
        })
        .collect();
    json!({
        "protocol": "hls",
        "kind": "multivariant",
        "live": Value::Null,
        "version": playlist.version,
        "independent_segments": playlist.independent_segments,
        "start": playlist.start.map(start),
        "variants": playlist.variants.iter().map(variant).collect::<Vec<_>>(),
        "iframe_variants": playlist.iframe_variants.iter().map(variant).collect::<Vec<_>>(),
        "renditions": renditions,
        "session_keys": playlist.session_keys.len(),
        "session_data": playlist.session_data.iter().map(|data| json!({
            "id": data.data_id, "value": data.value, "uri": data.uri, "language": data.language, "format": data.format,
        })).collect::<Vec<_>>(),
        "steering": playlist.steering.as_ref().map(|steering| json!({
            "server_uri": steering.server_uri, "pathway_id": steering.pathway_id,
        })),
    })
}

fn variant(variant: &Variant) -> Value {
    let stream = &variant.stream;
    let written = |name: &str| variant.attributes.get(name);
    json!({
        "uri": variant.uri,
        "bandwidth": variant.bandwidth,
        "average_bandwidth": stream.average_bandwidth,
        "codecs": stream.codecs,
        "width": stream.resolution.map(|pixels| pixels.width),
        "height": stream.resolution.map(|pixels| pixels.height),
        "frame_rate": stream.frame_rate,
        "audio": stream.audio,
        "video": stream.video,
        "subtitles": stream.subtitles,
        "closed_captions": variant.closed_captions(),
        "name": written("NAME"),
        "score": variant.score(),
        "video_range": written("VIDEO-RANGE"),
        "supplemental_codecs": written("SUPPLEMENTAL-CODECS"),
        "hdcp_level": written("HDCP-LEVEL"),
        "allowed_cpc": written("ALLOWED-CPC"),
        "req_video_layout": written("REQ-VIDEO-LAYOUT"),
        "stable_variant_id": written("STABLE-VARIANT-ID"),
        "pathway_id": written("PATHWAY-ID"),
    })
}
