//! The HLS playlists of a virtual film.

use std::time::Duration;

use kinora_manifests::hls::{
    ClosedCaptions, ContentSteering, EncryptionMethod, Key, KeyAttributes, MediaPlaylist, Multivariant,
    MultivariantTag, PlaylistType, Rendition, RenditionKind, Segment, SegmentTag, Variant,
};

use super::captions::Captions;
use super::film::{Film, LockKind, Rung};
use super::shape::Addressing;

/// The parts of group names and addresses that differ from pathway to pathway.
pub(super) struct PathwayNaming<'a> {
    /// Name of the pathway, if there are any.
    pathway: Option<&'a str>,
    /// Beginning of all addresses.
    pub root: String,
}

impl PathwayNaming<'_> {
    /// Returns the name of a group of the pathway.
    pub fn group(&self, name: &str) -> String {
        self.pathway.map_or_else(|| name.to_owned(), |pathway| format!("{name}-{pathway}"))
    }
}

impl Film {
    /// Returns the multivariant playlist.
    pub(super) fn multivariant(&self) -> Multivariant {
        let steering = self.steering.as_ref().map(|_| ContentSteering {
            server_uri: "orders.json".to_owned(),
            pathway_id: self.pathways.first().cloned(),
        });
        let mut tags = Vec::new();
        let root = |host: &String| format!("http://{host}/film/");
        let pathways =
            self.pathways.iter().map(|host| (PathwayNaming { pathway: Some(host), root: root(host) }, root(host)));
        let only = || {
            let renditions = self.rendition_host.as_ref().map(root).unwrap_or_default();
            (PathwayNaming { pathway: None, root: renditions }, String::new())
        };
        for (renditions, variants) in pathways.chain(self.pathways.is_empty().then(only)) {
            tags.extend(self.renditions(&renditions).into_iter().map(MultivariantTag::Media));
            tags.extend(self.variants(&PathwayNaming { root: variants, ..renditions }).map(MultivariantTag::StreamInf));
        }
        Multivariant {
            independent_segments: true,
            start_time_offset: self.authored_start,
            content_steering: steering,
            // All pathways have their subtitles and captions in the same groups.
            repeats_names: self.pathways.len() > 1,
            tags,
        }
    }

    fn renditions(&self, naming: &PathwayNaming<'_>) -> Vec<Rendition> {
        let mut renditions = self.voice_renditions(naming);
        let subtitles = |name: String, language: &String, is_forced| Rendition {
            kind: RenditionKind::Subtitles { is_forced, uri: format!("{}t/{name}/index.m3u8", naming.root) },
            group_id: "sub".to_owned(),
            name,
            language: Some(language.clone()),
            is_default: Some(false),
            is_autoselect: Some(true),
        };
        renditions.extend(self.subtitles.iter().map(|language| subtitles(language.clone(), language, None)));
        let forced = |language: &String| subtitles(format!("forced-{language}"), language, Some(true));
        renditions.extend(self.forced.iter().map(forced));
        if let Captions::Announced(language) = &self.captions {
            renditions.push(Rendition {
                kind: RenditionKind::ClosedCaptions { instream_id: "CC1".to_owned() },
                group_id: "cc".to_owned(),
                name: language.clone(),
                language: Some(language.clone()),
                is_default: None,
                is_autoselect: Some(true),
            });
        }
        renditions
    }

    fn variants(&self, naming: &PathwayNaming<'_>) -> impl Iterator<Item = Variant> {
        let of_rung = |rung: &Rung| {
            let groups = self.groups_of(&rung.id, naming);
            groups.into_iter().map(|(audio, sound)| self.variant(rung, naming, audio, sound)).collect::<Vec<_>>()
        };
        self.ladder.iter().flat_map(of_rung)
    }

    fn variant(&self, rung: &Rung, naming: &PathwayNaming<'_>, audio: Option<String>, sound: u64) -> Variant {
        let closed_captions = match self.captions {
            Captions::None | Captions::Unannounced => None,
            Captions::Announced(_) => Some(ClosedCaptions::Group("cc".to_owned())),
            Captions::Denied => Some(ClosedCaptions::None),
        };
        let has_audio = !self.voices.is_empty() || self.muxed.is_some();
        let codecs: &[&str] = if has_audio { &["avc1.4d401f", "mp4a.40.2"] } else { &["avc1.4d401f"] };
        let (width, height) = rung.size;
        let level = self.hdcp_levels.iter().find(|(name, _)| *name == rung.id);
        Variant {
            bandwidth: rung.bitrate + sound,
            average_bandwidth: Some(rung.bitrate + sound),
            codecs: codecs.iter().map(|codec| (*codec).to_owned()).collect(),
            resolution: Some((width.into(), height.into())),
            frame_rate: None,
            audio,
            subtitles: self.subtitles.first().or(self.forced.first()).map(|_| "sub".to_owned()),
            closed_captions,
            score: self.scores.iter().find(|(name, _)| *name == rung.id).map(|(_, score)| *score),
            hdcp_level: level.map(|(_, level)| level.clone()),
            stable_variant_id: self.stable_ids.then(|| format!("s-{}", rung.id)),
            pathway_id: naming.pathway.map(str::to_owned),
            uri: format!("{}v/{}/index.m3u8", naming.root, rung.id),
        }
    }

    /// Returns the media playlist of a rung, a rate of a voice or a language of subtitles.
    pub(super) fn playlist(&self, group: &str, name: &str) -> MediaPlaylist {
        let removed = self.relisting.removed_segments;
        let is_media = group != "t";
        let is_ranged = self.addressing(group) != Addressing::Files;
        let map = if is_ranged { self.file_map(group, name) } else { None };
        let extension = if is_media { "m4s" } else { "vtt" };
        let rung = self.ladder.iter().find(|rung| group == "v" && rung.id == name && !is_ranged);
        let mut tags = Vec::new();
        if is_media && !self.locked_init {
            tags.push(Self::map_tag(map.as_ref()));
        }
        if self.shape.opening_discontinuity {
            tags.push(SegmentTag::Discontinuity);
        }
        let mut segments = Vec::new();
        for number in removed..self.segments() {
            if is_media && self.is_gap(name, number) {
                tags.push(SegmentTag::Gap);
            }
            if let Some(rung) = rung.filter(|_| self.shape.announced_from.is_some_and(|from| from <= number)) {
                tags.push(SegmentTag::Bitrate(self.segment_rate(rung.bitrate, number) / 1000));
            }
            if is_media {
                // The key of the first segment that is listed may have come with one that is not.
                let listed = self.lock(number).filter(|_| number == removed).map_or(number, |lock| lock.first);
                tags.extend(self.keys(listed).into_iter().map(SegmentTag::Key));
                if self.locked_init && number == removed {
                    tags.push(Self::map_tag(map.as_ref()));
                }
            }
            let (begin, end) = self.span_of(group, number);
            let (uri, byte_range) = match &map {
                Some(map) => map.listed(number, number == removed),
                None => (format!("{number}.{extension}"), None),
            };
            let (tags, duration) = (std::mem::take(&mut tags), Duration::from_secs(end - begin));
            segments.push(Segment { tags, byte_range, ..Segment::new(uri, duration) });
        }
        MediaPlaylist {
            target_duration: self.longest(group),
            media_sequence: Some(self.first_number(group) + removed),
            discontinuity_sequence: self.shape.opening_discontinuity.then_some(4_294_967_299),
            playlist_type: Some(PlaylistType::Vod),
            start_time_offset: self.media_start,
            segments,
            is_ended: true,
            ..MediaPlaylist::default()
        }
    }

    /// Returns the keys that a lock puts in force at its first segment. Keys of other formats stay in force until there is
    /// none at all.
    fn keys(&self, number: u64) -> Vec<Key> {
        let Some(lock) = self.locks.iter().find(|lock| lock.first == number) else { return Vec::new() };
        let before = number.checked_sub(1).and_then(|before| self.lock(before));
        let opens = before.is_none_or(|before| before.kind != lock.kind);
        let foreign = |method, format: &str| KeyAttributes {
            method,
            uri: "skd://x".to_owned(),
            key_format: Some(format.to_owned()),
            key_format_versions: Vec::new(),
            key_id: None,
        };
        let fair_play = "com.apple.streamingkeydelivery";
        let method = match lock.kind {
            LockKind::Nothing => return vec![Key::None],
            LockKind::Foreign => {
                let key = foreign(EncryptionMethod::SampleAes, fair_play);
                return vec![Key::Encrypted(KeyAttributes { key_id: Some(lock.id().0), ..key })];
            }
            LockKind::Segments => EncryptionMethod::Aes128,
            LockKind::Samples => EncryptionMethod::SampleAesCtr,
        };
        let uri = format!("/film/key/{}.bin", lock.id());
        let mut keys =
            vec![KeyAttributes { method, uri, key_format: None, key_format_versions: Vec::new(), key_id: None }];
        if opens && self.shape.other_key_formats {
            let other = |format| KeyAttributes { key_format_versions: vec![1], ..foreign(method, format) };
            keys.insert(0, other(fair_play));
            keys.push(other("urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"));
        }
        keys.into_iter().map(Key::Encrypted).collect()
    }
}

#[cfg(test)]
mod tests {
    use kinora_manifests::Layout;

    use super::*;
    use crate::model::Protocol;

    #[test]
    fn pathways_share_the_groups_of_text_and_of_nothing_else() {
        let mut film = Film::new(Protocol::Hls, Duration::from_secs(24)).voices(&["en", "de"]);
        film.subtitles = vec!["en".to_owned()];
        film.captions = Captions::Announced("en".to_owned());
        film.pathways = vec!["one".to_owned(), "two".to_owned()];
        let text = film.multivariant().to_text(Layout::Compact).expect("a playlist");
        let count = |group: &str| text.matches(&format!("GROUP-ID=\"{group}\"")).count();
        assert_eq!(["aud-one", "aud-two", "sub", "cc"].map(count), [2, 2, 2, 2], "{text}");
    }

    #[test]
    fn forced_subtitles_scores_and_encrypted_initialisation_data_are_written() {
        let mut film = Film::plain(Protocol::Hls, Duration::from_secs(8));
        film.forced = vec!["en".to_owned()];
        film.scores = vec![("360p".to_owned(), 2.5)];
        film.locks = vec![super::super::Lock { first: 0, kind: LockKind::Segments, key: [7; 16] }];
        let text = film.multivariant().to_text(Layout::Compact).expect("a playlist");
        let count = |text: &str, part: &str| text.matches(part).count();
        assert_eq!(count(&text, "FORCED=YES,URI=\"t/forced-en/index.m3u8\""), 1, "{text}");
        assert_eq!((count(&text, "SCORE=2.500"), count(&text, "SUBTITLES=\"sub\"")), (1, 5), "{text}");
        for locked_init in [false, true] {
            film.locked_init = locked_init;
            let text = film.playlist("v", "360p").to_text(Layout::Compact).expect("a playlist");
            let place = |tag: &str| text.find(tag).expect("the tag is there");
            assert_eq!(place("#EXT-X-KEY") < place("#EXT-X-MAP"), locked_init, "{text}");
            assert_eq!(count(&text, "#EXT-X-MAP"), 1);
        }
    }
}
