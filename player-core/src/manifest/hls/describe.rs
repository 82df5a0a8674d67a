//! What a playlist says, as JSON, for tools. Live playlists too; nothing is resolved or chosen.

use serde_json::{Value, json};
use url::Url;

use super::is_media;
use super::lexer::{Lexer, Variables};
use super::media::{self, MediaPlaylist};
use super::multivariant::{self, MultivariantPlaylist, Variant};
use crate::manifest::ManifestError;
use crate::manifest::document::Warnings;

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
            let map = segment.map.and_then(|map| playlist.maps.get(map as usize));
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
                "bitrate_kbps": segment.bitrate_kbps,
            })
        })
        .collect();
    let low = &playlist.low_latency;
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
        "start_s": playlist.start.map(|start| start.offset_nanos as f64 / 1e9),
        "ended": playlist.ended,
        "duration_s": playlist.duration().as_secs_f64(),
        "segments": segments,
        "parts": low.parts.len(),
        "part_target_s": low.part_target.map(|duration| duration.as_secs_f64()),
        "preload_hints": low.preload_hints,
        "rendition_reports": low.rendition_reports,
        "skipped_segments": low.skipped,
        "date_ranges": playlist.date_ranges.iter().map(|range| json!({
            "id": range.id,
            "line": range.line,
            "attributes": range.attributes.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        })).collect::<Vec<_>>(),
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
            })
        })
        .collect();
    json!({
        "protocol": "hls",
        "kind": "multivariant",
        "live": Value::Null,
        "version": playlist.version,
        "independent_segments": playlist.independent_segments,
        "start_s": playlist.start.map(|start| start.offset_nanos as f64 / 1e9),
        "variants": playlist.variants.iter().map(variant).collect::<Vec<_>>(),
        "iframe_variants": playlist.iframe_variants.iter().map(variant).collect::<Vec<_>>(),
        "renditions": renditions,
        "session_keys": playlist.session_keys.len(),
        "session_data": playlist.session_data.iter().map(|data| json!({
            "id": data.data_id, "value": data.value, "uri": data.uri, "language": data.language,
        })).collect::<Vec<_>>(),
        "steering": playlist.steering.as_ref().map(|steering| json!({
            "server_uri": steering.server_uri, "pathway_id": steering.pathway_id,
        })),
    })
}

fn variant(variant: &Variant) -> Value {
    let stream = &variant.stream;
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
        "video_range": variant.attributes.get("VIDEO-RANGE"),
        "pathway_id": variant.attributes.get("PATHWAY-ID"),
    })
}
