//! Pairs of video and audio that may be presented together, as the numbers that `abr::joint` chooses from. Pure
//! functions of what is loaded; their callers decide on the time of the question and on what follows.
//!
//! In DASH every audio representation goes with every video representation. In HLS a variant names the group of
//! renditions that it is played with (RFC 8216bis §4.4.6.2.1, `AUDIO`), and its rate is that of both. There audio is a
//! separate choice only if the same video is offered with several groups; otherwise it follows the video.

use std::collections::BTreeMap;

use crate::engine::ids::{KeyedPresentation, RepKey};
use crate::engine::selection::{self, representation};
use crate::model::Representation;

/// Both ladders, and the pairs that may be played.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::engine) struct Pairing {
    /// Pictures, ascending; those that differ only in the sound that goes with them are one rung.
    pub pictures: Vec<abr::Rung>,
    /// Rungs of audio, ascending by rate.
    pub sound: Vec<abr::Rung>,
    /// The rungs of sound as representations.
    pub keys: Vec<RepKey>,
    /// For each rung of the pictures its rungs of sound, as bits.
    pub pairs: Option<Vec<u64>>,
    /// The rung of each representation of the pictures.
    places: BTreeMap<RepKey, usize>,
}

impl Pairing {
    /// Pairs these representations of video and audio. `last` is the audio that was heard before: its number of
    /// channels is kept if possible.
    pub(in crate::engine) fn new(
        presentation: &KeyedPresentation,
        pictures: &[RepKey],
        mut sound: Vec<RepKey>,
        last: Option<RepKey>,
        output: abr::Hdcp,
    ) -> Self {
        keep_channels(presentation, &mut sound, last);
        if has_groups(presentation, pictures) {
            return Self::grouped(presentation, pictures, &sound, output);
        }
        let all = selection::ladder(presentation, pictures.to_vec(), output);
        let sound = selection::ladder(presentation, sound, output);
        let places = all.keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();
        Self { pictures: all.rungs, sound: sound.rungs, keys: sound.keys, pairs: None, places }
    }

    /// Pairs variants that name audio groups. The rate of a group alone is not declared: it is the difference between
    /// variants of the same video with different groups.
    fn grouped(presentation: &KeyedPresentation, pictures: &[RepKey], sound: &[RepKey], output: abr::Hdcp) -> Self {
        let twins = twins(presentation, pictures);
        let mut extra: BTreeMap<&str, u64> = BTreeMap::new();
        for same in twins.iter().filter(|same| same.len() > 1) {
            let least = same.iter().map(|variant| variant.rate).min().unwrap_or(0);
            for variant in same {
                let more = variant.rate - least;
                extra.entry(variant.group).and_modify(|known| *known = more.min(*known)).or_insert(more);
            }
        }
        let group = |key: &RepKey| representation(presentation, *key).and_then(|rep| rep.audio_group.as_deref());
        let costs = |key: &RepKey| Some((group(key).and_then(|group| extra.get(group)).copied()?, *key));
        let mut rungs: Vec<(u64, RepKey)> = sound.iter().filter_map(costs).collect();
        rungs.sort_unstable();
        rungs.truncate(u64::BITS as usize);
        let bit = |variant: &Variant<'_>| {
            let at = rungs.iter().position(|(_, key)| group(key) == Some(variant.group));
            at.map_or(0, |at| 1u64 << at)
        };
        let alone = |variant: &Variant<'_>| {
            let rung = selection::rung(presentation, variant.key, output);
            let own = extra.get(variant.group).copied().unwrap_or(0);
            abr::Rung { bitrate_bps: rung.bitrate_bps.saturating_sub(own).max(1), ..rung }
        };
        let mut shown: Vec<(abr::Rung, u64, Vec<RepKey>)> = twins
            .iter()
            .filter_map(|same| {
                let rung = same.iter().map(alone).min_by_key(|rung| rung.bitrate_bps)?;
                let mask = same.iter().map(bit).fold(0, |mask, bit| mask | bit);
                Some((rung, mask, same.iter().map(|variant| variant.key).collect()))
            })
            .collect();
        shown.sort_by_key(|(rung, ..)| rung.bitrate_bps);
        let places = shown.iter().enumerate().flat_map(|(at, (.., keys))| keys.iter().map(move |key| (*key, at)));
        Self {
            places: places.collect(),
            pictures: shown.iter().map(|(rung, ..)| *rung).collect(),
            pairs: Some(shown.iter().map(|(_, mask, _)| *mask).collect()),
            sound: rungs.iter().map(|(rate, _)| abr::Rung::new(*rate)).collect(),
            keys: rungs.into_iter().map(|(_, key)| key).collect(),
        }
    }

    /// The rung of a representation of the pictures.
    pub(in crate::engine) fn picture(&self, key: RepKey) -> Option<usize> {
        self.places.get(&key).copied()
    }

    /// The rung of sound that was heard; of another period, the best that costs no more.
    pub(in crate::engine) fn heard(&self, presentation: &KeyedPresentation, last: RepKey) -> Option<usize> {
        let same = self.keys.iter().position(|key| *key == last);
        let elsewhere = || {
            let rate = selection::rate(presentation, last);
            self.sound.iter().rposition(|rung| rung.bitrate_bps <= rate).or(Some(0))
        };
        same.or_else(|| self.keys.first().filter(|key| key.period != last.period).and_then(|_| elsewhere()))
    }

    /// Of pictures that are offered with several sounds, those with the one that is to be heard.
    pub(in crate::engine) fn prefer(&self, presentation: &KeyedPresentation, pictures: &mut Vec<RepKey>, sound: usize) {
        if self.pairs.is_none() || self.keys.is_empty() {
            return;
        }
        let situation = abr::joint::Situation {
            pairs: self.pairs.as_deref(),
            ..abr::joint::Situation::new(&self.pictures, &self.sound)
        };
        let group = |key: RepKey| representation(presentation, key).and_then(|rep| rep.audio_group.as_deref());
        let fits = |key: RepKey| {
            let partner = self.picture(key).and_then(|at| self.keys.get(situation.partner(at, sound)));
            partner.is_some_and(|partner| group(*partner) == group(key))
        };
        let served: Vec<usize> =
            pictures.iter().filter(|key| fits(**key)).filter_map(|key| self.picture(*key)).collect();
        pictures.retain(|key| fits(*key) || self.picture(*key).is_none_or(|at| !served.contains(&at)));
    }
}

/// Memory of the choice of audio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct AudioChoice {
    /// Hysteresis of the choice: it limits how often audio may change.
    pub chooser: abr::joint::Chooser,
    /// Audio representation that was chosen.
    pub wanted: Option<RepKey>,
}

/// A variant that names a group.
struct Variant<'a> {
    key: RepKey,
    group: &'a str,
    rate: u64,
}

/// True when these pictures name different groups of sound.
pub(in crate::engine) fn has_groups(presentation: &KeyedPresentation, pictures: &[RepKey]) -> bool {
    let mut groups =
        pictures.iter().map(|key| representation(presentation, *key).and_then(|rep| rep.audio_group.as_ref()));
    let first = groups.next();
    groups.any(|group| Some(group) != first)
}

/// Variants by the media that they lead to.
fn twins<'a>(presentation: &'a KeyedPresentation, pictures: &[RepKey]) -> Vec<Vec<Variant<'a>>> {
    let mut places: BTreeMap<u32, usize> = BTreeMap::new();
    let mut twins: Vec<Vec<Variant<'a>>> = Vec::new();
    for key in pictures {
        let Some(rep) = representation(presentation, *key) else { continue };
        let rate = selection::rate(presentation, *key);
        let variant = Variant { key: *key, group: rep.audio_group.as_deref().unwrap_or_default(), rate };
        let place = rep.traits.same_media.map(|media| *places.entry(media).or_insert(twins.len()));
        match place.and_then(|place| twins.get_mut(place)) {
            Some(same) => same.push(variant),
            None => twins.push(vec![variant]),
        }
    }
    twins
}

/// The number of channels stays what it was.
fn keep_channels(presentation: &KeyedPresentation, sound: &mut Vec<RepKey>, last: Option<RepKey>) {
    let channels = |key: RepKey| representation(presentation, key).and_then(|rep: &Representation| rep.channels);
    let Some(before) = last.and_then(channels) else { return };
    if sound.iter().any(|key| channels(*key) == Some(before)) {
        sound.retain(|key| channels(*key) == Some(before));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ids::{PeriodKey, SetKey};
    use crate::manifest;
    use crate::model::MediaKind;

    fn read(text: &str) -> KeyedPresentation {
        let url = "http://h/dir/film".parse().expect("a valid address");
        manifest::parse(text.as_bytes(), &url, None).expect("a valid manifest").presentation.into()
    }

    fn keys(presentation: &KeyedPresentation, kind: MediaKind) -> Vec<RepKey> {
        let is_wanted = |key: &SetKey| presentation.set(*key).is_some_and(|set| set.kind == kind);
        let set = presentation.set_keys(PeriodKey::FIRST).find(is_wanted).expect("a set");
        presentation.rep_keys(set).to_vec()
    }

    fn pairing(presentation: &KeyedPresentation, last: Option<RepKey>) -> Pairing {
        let [pictures, sound] = [MediaKind::Video, MediaKind::Audio].map(|kind| keys(presentation, kind));
        Pairing::new(presentation, &pictures, sound, last, abr::Hdcp::None)
    }

    fn rates(rungs: &[abr::Rung]) -> Vec<u64> {
        rungs.iter().map(|rung| rung.bitrate_bps).collect()
    }

    fn playlist(variants: &[(u64, &str, &str)], channels: [u32; 2]) -> String {
        let mut text = "#EXTM3U\n".to_owned();
        for (group, channels) in ["lo", "hi"].into_iter().zip(channels) {
            text += &format!(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"e\",CHANNELS=\"{channels}\",URI=\"{group}.m3u8\"\n"
            );
        }
        for (rate, group, address) in variants {
            text += &format!(
                "#EXT-X-STREAM-INF:BANDWIDTH={rate},CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"{group}\"\n{address}.m3u8\n"
            );
        }
        text
    }

    const CROSSED: [(u64, &str, &str); 5] = [
        (464_000, "lo", "240"),
        (528_000, "hi", "240"),
        (1_064_000, "lo", "480"),
        (1_128_000, "hi", "480"),
        (3_128_000, "hi", "720"),
    ];

    #[test]
    fn what_a_group_costs_is_the_difference_between_variants_of_the_same_pictures() {
        let presentation = read(&playlist(&CROSSED, [2, 2]));
        let found = pairing(&presentation, None);
        assert_eq!(rates(&found.sound), [0, 64_000]);
        assert_eq!(rates(&found.pictures), [464_000, 1_064_000, 3_064_000]);
        assert_eq!(found.pairs, Some(vec![0b11, 0b11, 0b10]));
        let left = |sound| {
            let mut pictures = keys(&presentation, MediaKind::Video);
            found.prefer(&presentation, &mut pictures, sound);
            let rate = |key: &RepKey| representation(&presentation, *key).map(|rep| rep.bandwidth);
            pictures.iter().filter_map(rate).collect::<Vec<_>>()
        };
        assert_eq!(left(0), [464_000, 1_064_000, 3_128_000]);
        assert_eq!(left(1), [528_000, 1_128_000, 3_128_000]);
    }

    #[test]
    fn a_group_costs_the_least_that_it_adds_to_any_pictures() {
        for (low, high) in [(64_000, 100_000), (100_000, 64_000)] {
            let variants = [
                (464_000, "lo", "240"),
                (464_000 + low, "hi", "240"),
                (1_064_000, "lo", "480"),
                (1_064_000 + high, "hi", "480"),
            ];
            let found = pairing(&read(&playlist(&variants, [2, 2])), None);
            assert_eq!(rates(&found.sound), [0, 64_000], "{low} {high}");
        }
    }

    #[test]
    fn pictures_without_the_preferred_sound_keep_their_nearest() {
        let mut text = "#EXTM3U\n".to_owned();
        for group in ["lo", "mid", "hi"] {
            text += &format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"e\",URI=\"{group}.m3u8\"\n");
        }
        for (rate, group, address) in [
            (464_000, "lo", "240"),
            (496_000, "mid", "240"),
            (528_000, "hi", "240"),
            (1_096_000, "mid", "480"),
            (1_128_000, "hi", "480"),
        ] {
            let codecs = "CODECS=\"avc1.64001f,mp4a.40.2\"";
            text += &format!("#EXT-X-STREAM-INF:BANDWIDTH={rate},{codecs},AUDIO=\"{group}\"\n{address}.m3u8\n");
        }
        let presentation = read(&text);
        let found = pairing(&presentation, None);
        for (sound, left) in [(0, [464_000, 1_096_000]), (1, [496_000, 1_096_000]), (2, [528_000, 1_128_000])] {
            let mut pictures = keys(&presentation, MediaKind::Video);
            found.prefer(&presentation, &mut pictures, sound);
            let rate = |key: &RepKey| representation(&presentation, *key).map(|rep| rep.bandwidth);
            assert_eq!(pictures.iter().filter_map(rate).collect::<Vec<_>>(), left, "{sound}");
        }
    }

    #[test]
    fn where_pictures_have_one_group_each_there_is_nothing_to_choose() {
        let presentation = read(&playlist(&[(464_000, "lo", "240"), (3_128_000, "hi", "720")], [2, 2]));
        let found = pairing(&presentation, None);
        assert_eq!((found.sound.len(), rates(&found.pictures)), (0, vec![464_000, 3_128_000]));
        let mut pictures = keys(&presentation, MediaKind::Video);
        found.prefer(&presentation, &mut pictures, 0);
        assert_eq!(pictures.len(), 2);
    }

    #[test]
    fn the_number_of_channels_stays() {
        let presentation = read(&playlist(&CROSSED, [2, 6]));
        let sound = keys(&presentation, MediaKind::Audio);
        assert_eq!(pairing(&presentation, None).sound.len(), 2);
        for key in sound {
            assert_eq!(pairing(&presentation, Some(key)).keys, [key]);
        }
        // Without any of that number all others stay.
        let [pictures, sound] = [MediaKind::Video, MediaKind::Audio].map(|kind| keys(&presentation, kind));
        let other = Pairing::new(&presentation, &pictures, vec![sound[1]], Some(sound[0]), abr::Hdcp::None);
        assert_eq!(other.keys, [sound[1]]);
    }

    #[test]
    fn in_dash_all_goes_with_all_and_the_next_period_goes_on_alike() {
        let sound = [64, 128, 256]
            .map(|rate| format!("<Representation id=\"a{rate}\" bandwidth=\"{rate}000\" codecs=\"mp4a.40.2\"/>"));
        let period = format!(
            "<Period duration=\"PT8S\"><SegmentTemplate duration=\"4\" media=\"$RepresentationID$-$Number$.m4s\"/>\
             <AdaptationSet mimeType=\"video/mp4\"><Representation id=\"v\" bandwidth=\"900000\" codecs=\"avc1.64001f\"/>\
             </AdaptationSet><AdaptationSet mimeType=\"audio/mp4\">{}</AdaptationSet></Period>",
            sound.concat()
        );
        let presentation = read(&format!(
            "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT16S\">{period}{period}</MPD>"
        ));
        let found = pairing(&presentation, None);
        assert_eq!((rates(&found.sound), found.pairs.clone()), (vec![64_000, 128_000, 256_000], None));
        let next = presentation.period_key(1).expect("two periods");
        let audio = presentation.set_keys(next).nth(1).expect("a set of audio");
        let elsewhere = |rep: usize| presentation.rep_keys(audio)[rep];
        assert_eq!([0, 1, 2].map(|rep| found.heard(&presentation, elsewhere(rep))), [Some(0), Some(1), Some(2)]);
        assert_eq!(found.heard(&presentation, found.keys[1]), Some(1));
        let pictures = keys(&presentation, MediaKind::Video);
        let dear = Pairing::new(&presentation, &pictures, found.keys[1..].to_vec(), None, abr::Hdcp::None);
        assert_eq!(dear.heard(&presentation, elsewhere(0)), Some(0), "all of this period cost more");
        assert_eq!(dear.heard(&presentation, found.keys[0]), None, "it is of this period and may not be played");
    }
}
