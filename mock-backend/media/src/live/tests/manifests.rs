//! Playlists and MPDs at times.

use kinora_manifests::Layout;
use kinora_manifests::dash::Patch;
use proptest::prelude::*;

use super::super::mpd::with_places;
use super::*;

const PLAYLIST: &str = "video/240p/playlist.m3u8";

#[test]
fn a_reload_is_answered_when_the_playlist_has_what_it_waits_for() {
    let Channels { low, through, .. } = &channels();
    let wait = |channel, query: &str, after| match ask(channel, &format!("{PLAYLIST}?{query}"), after) {
        Answer::Later(at) => Some(at - EPOCH),
        Answer::Manifest { .. } => None,
        other => panic!("{query}: {other:?}"),
    };
    // At 10.5 s five segments are complete, and one part of the next.
    assert_eq!(wait(low, "_HLS_msn=5&_HLS_part=0", 10_500), None);
    assert_eq!(wait(low, "_HLS_msn=5&_HLS_part=1", 10_500), Some(10_667));
    assert_eq!(wait(low, "_HLS_msn=5", 10_500), Some(12_000));
    assert_eq!(wait(low, "_HLS_msn=5&_HLS_part=6", 10_500), Some(12_334), "the first part of the next segment");
    assert_eq!(wait(low, "_HLS_msn=6&_HLS_part=0", 10_500), Some(12_334));
    assert_eq!(wait(low, "_HLS_msn=2", 10_500), None);
    assert_eq!(wait(low, "", 500), Some(2_000), "there is no playlist without a segment");
    assert_eq!(wait(through, "_HLS_msn=3", 7_000), Some(8_000));
    let file: Vec<String> = PLAYLIST.split('/').map(str::to_owned).collect();
    let before = |ms| Asked { file: &file, query: None, now_ms: EPOCH - ms, edges: &[], is_filtered: false };
    assert_eq!(low.answer(&before(18_000)), Answer::Later(EPOCH + 2_000));
    assert_eq!(low.answer(&before(18_001)), Answer::Early, "a channel that has not begun holds nobody");
    for refused in ["_HLS_msn=7", "_HLS_part=1", "_HLS_msn=x", "_HLS_msn=-1", "_HLS_msn=18446744073709551615"] {
        let answer = ask(low, &format!("{PLAYLIST}?{refused}"), 10_500);
        assert!(matches!(answer, Answer::Refused(_)), "{refused}: {answer:?}");
    }
}

/// Number of the first segment, and of each segment the lines that it has, the address last.
fn listed(text: &str) -> (u64, Vec<Vec<String>>) {
    let (mut sequence, mut segments, mut lines) = (0, Vec::new(), Vec::new());
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
            sequence = value.parse().unwrap();
        }
        let tags = ["#EXTINF", "#EXT-X-PART:", "#EXT-X-PROGRAM-DATE-TIME"];
        if line == "#EXT-X-DISCONTINUITY" || tags.iter().any(|tag| line.starts_with(tag)) {
            lines.push(line.to_owned());
        } else if !line.starts_with('#') {
            lines.push(line.to_owned());
            segments.push(std::mem::take(&mut lines));
        }
    }
    (sequence, segments)
}

/// The same without parts, which go in time.
fn lasting(segments: &[Vec<String>]) -> Vec<Vec<&String>> {
    let lasting = |lines: &Vec<String>| !lines.is_empty();
    let kept = segments.iter().filter(|lines| lasting(lines));
    kept.map(|lines| lines.iter().filter(|line| !line.starts_with("#EXT-X-PART:")).collect()).collect()
}

#[test]
fn a_playlist_has_what_low_latency_needs() {
    let Channels { two, .. } = &channels();
    let text = text(two, PLAYLIST, 33_700);
    for line in [
        "#EXT-X-TARGETDURATION:2",
        "#EXT-X-PART-INF:PART-TARGET=0.512",
        "#EXT-X-MEDIA-SEQUENCE:1",
        "#EXT-X-DISCONTINUITY-SEQUENCE:0",
        "CAN-BLOCK-RELOAD=YES",
        "CAN-SKIP-UNTIL=12.0",
        "PART-HOLD-BACK=1.53",
        "CAN-SKIP-DATERANGES=YES",
        "#EXT-X-MAP:URI=\"init-0.mp4\"",
        "#EXT-X-MAP:URI=\"init-1.mp4\"",
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02Z",
        "ID=\"programme-1\",CLASS=\"kinora.programme\",START-DATE=\"2026-01-01T00:00:10Z\",DURATION=14.000000",
        "X-TITLE=\"The 'drawn'\"",
        "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"seg-16.3.m4s\"",
        "#EXT-X-RENDITION-REPORT:URI=\"../../audio/en/playlist.m3u8\",LAST-MSN=16,LAST-PART=2",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 2, "{text}");
    assert!(text.contains("INDEPENDENT=YES"), "{text}");
    let multivariant = super::text(two, "master.m3u8", 0);
    assert!(multivariant.contains("CODECS=\"avc1.64001f,mp4a.40.2\""), "{multivariant}");
    assert!(multivariant.contains("URI=\"audio/en/playlist.m3u8\""), "{multivariant}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// A later playlist goes on where an earlier one ends: same addresses, dates and discontinuities for what both have.
    #[test]
    fn a_playlist_at_a_later_time_extends_the_one_before(
        start in 5_000_u64..200_000,
        steps in proptest::collection::vec(1_u64..3_000, 1..8),
    ) {
        let Channels { low, through, plain, two, .. } = &channels();
        for channel in [low, through, plain, two] {
            for folder in ["video/720p", "audio/en"] {
                let path = format!("{folder}/playlist.m3u8");
                let mut now = start;
                let (mut first, mut segments) = listed(&text(channel, &path, now));
                for step in &steps {
                    now += step;
                    let (later_first, later) = listed(&text(channel, &path, now));
                    prop_assert!(later_first >= first && later_first + later.len() as u64 >= first + segments.len() as u64);
                    let gone = ((later_first - first) as usize).min(segments.len());
                    let common = segments.len() - gone;
                    prop_assert_eq!(lasting(&segments[gone..]), lasting(&later[..common]));
                    (first, segments) = (later_first, later);
                }
            }
        }
    }

    /// Discontinuity sequence numbers follow from the playlist as they do from the timeline.
    #[test]
    fn discontinuity_sequences_count_what_left(now in 30_000_u64..400_000) {
        let Channels { two, .. } = &channels();
        let text = text(two, PLAYLIST, now);
        let declared = text.lines().find_map(|line| line.strip_prefix("#EXT-X-DISCONTINUITY-SEQUENCE:")).unwrap();
        let mut sequence: u64 = declared.parse().unwrap();
        let (first, segments) = listed(&text);
        for (number, segment) in (first..).zip(&segments) {
            sequence += u64::from(segment.iter().any(|line| line == "#EXT-X-DISCONTINUITY"));
            prop_assert_eq!(sequence, two.inner().timeline.place(number).occurrence);
        }
    }

    /// A delta update and the playlist before it are the full playlist.
    #[test]
    fn a_delta_update_completes_the_playlist_before_it(now in 40_000_u64..200_000, step in 0_u64..5_000, v2: bool) {
        let Channels { low, two, .. } = &channels();
        for channel in [low, two] {
            let (before_first, before) = listed(&text(channel, PLAYLIST, now));
            let skip = if v2 { "v2" } else { "YES" };
            let delta = text(channel, &format!("{PLAYLIST}?_HLS_skip={skip}"), now + step);
            let full = text(channel, PLAYLIST, now + step);
            prop_assert!(delta.len() < full.len());
            let skipped = delta.lines().find_map(|line| {
                line.strip_prefix("#EXT-X-SKIP:SKIPPED-SEGMENTS=")?.split(',').next()?.parse::<u64>().ok()
            });
            let skipped = skipped.unwrap();
            let (first, rest) = listed(&delta);
            let (full_first, all) = listed(&full);
            prop_assert_eq!(first, full_first);
            let known = (first..first + skipped).map(|number| before[(number - before_first) as usize].clone());
            let merged: Vec<Vec<String>> = known.chain(rest).collect();
            prop_assert_eq!(lasting(&merged), lasting(&all));
        }
    }

    /// A patch says what lies between the MPD that it names and the present one, and is there while that can be patched.
    #[test]
    fn a_patch_leads_from_an_mpd_to_a_later_one(now in 30_000_u64..200_000, step in 0_u64..60_000) {
        let Channels { through, plain, .. } = &channels();
        for channel in [through, plain] {
            let inner = channel.inner();
            let at = |after: u64| inner.mpd_at(inner.since_epoch(EPOCH + after as i64));
            let (old, new) = (at(now), at(now + step));
            prop_assert!(old.publish_time <= new.publish_time);
            let expected = Patch::between(&old, &new, Layout::Readable).unwrap();
            let patch = text(channel, &old.patch_locations[0].url, now + step);
            let expected = with_places(expected).to_text(Layout::Readable).unwrap();
            prop_assert!(old == new || expected.contains("sel=\"/MPD/PatchLocation[1]\""), "{}", expected);
            prop_assert_eq!(patch, expected);
            let far = ask(channel, &old.patch_locations[0].url, now + 300_000);
            prop_assert_eq!(far, Answer::Gone);
        }
    }
}

#[test]
fn an_mpd_names_what_the_clock_has_reached() {
    let Channels { low, through, plain, two, .. } = &channels();
    let number = text(low, "manifest.mpd", 100_000);
    for part in [
        "availabilityStartTime=\"2026-01-01T00:00:00Z\"",
        "type=\"dynamic\"",
        "timeShiftBufferDepth=\"PT30",
        "availabilityTimeOffset=\"1.",
        "availabilityTimeComplete=\"false\"",
        "startNumber=\"0\"",
        "duration=\"48000\"",
        "duration=\"96000\"",
        "<Latency referenceId=\"0\" target=\"3000\"",
        "<PlaybackRate min=\"0.96\" max=\"1.04\"",
        "urn:mpeg:dash:utc:http-iso:2014\" value=\"time\"",
        "inband=\"true\"",
        "media=\"video/$RepresentationID$/seg-$Number$.m4s\"",
        "publishTime=\"2026-01-01T00:01:38Z\"",
    ] {
        assert!(number.contains(part), "{part} in {number}");
    }
    let timeline = text(through, "manifest.mpd", 100_000);
    assert_eq!(timeline.matches("<Period").count(), 1);
    // From the segment at 70 s on, each of two seconds but for one of one in each loop.
    assert!(timeline.contains("<S t=\"1656000\" d=\"48000\""), "{timeline}");
    assert!(timeline.contains("<S d=\"24000\""), "{timeline}");
    let ids = |mpd: &str| {
        let ids = mpd.split("<Period id=\"").skip(1).filter_map(|rest| rest.split('"').next());
        ids.map(str::to_owned).collect::<Vec<_>>()
    };
    let periods = text(plain, "manifest.mpd", 60_000);
    assert_eq!(ids(&periods), ["2", "3", "4", "5"], "{periods}");
    assert!(periods.contains("start=\"PT46.000S\""), "{periods}");
    assert!(periods.contains("PatchLocation"), "{periods}");
    let file = ["manifest.mpd".to_owned()];
    let filtered = Asked { file: &file, query: None, now_ms: EPOCH + 60_000, edges: &[], is_filtered: true };
    let Answer::Manifest { text: filtered, .. } = plain.answer(&filtered) else { panic!("it is there") };
    assert!(!filtered.contains("PatchLocation"), "a patch would bring back what was left out: {filtered}");
    assert!(periods.contains("<S ") && !periods.contains("availabilityTimeOffset"), "{periods}");
    assert!(matches!(ask(plain, "manifest.mpd", 1_000), Answer::Later(at) if at > EPOCH + 1_900));
    // In low latency a period is announced half a minute before it begins, and its segments follow from the clock.
    let periods = text(two, "manifest.mpd", 60_000);
    assert_eq!(ids(&periods), ["2", "3", "4", "5", "6", "7"], "{periods}");
    assert!(periods.contains("startNumber=\"36\"") && !periods.contains("<S "), "{periods}");
    assert!(periods.contains("publishTime=\"2026-01-01T00:00:54Z\""), "{periods}");
}

#[test]
fn a_channel_on_two_edges_is_steered() {
    let Channels { low, .. } = &channels();
    let edges = ["127.0.0.1:8001".to_owned(), "b.example".to_owned()];
    let text = |file: &str, edges: &[String]| match ask_among(low, file, 5_000, edges) {
        Answer::Manifest { text, .. } => text,
        other => panic!("{file}: {other:?}"),
    };
    let multivariant = text("master.m3u8", &edges);
    assert!(multivariant.contains("#EXT-X-CONTENT-STEERING:SERVER-URI=\"steering.json\",PATHWAY-ID=\"here\""));
    assert_eq!(multivariant.matches(",PATHWAY-ID=\"here\"").count(), 3, "{multivariant}");
    let steering: serde_json::Value = serde_json::from_str(&text("steering.json", &edges)).unwrap();
    let expected = serde_json::json!({
        "VERSION": 1, "TTL": 30, "PATHWAY-PRIORITY": ["here", "127-0-0-1-8001", "b-example"],
        "PATHWAY-CLONES": [
            { "BASE-ID": "here", "ID": "127-0-0-1-8001", "URI-REPLACEMENT": { "HOST": "127.0.0.1:8001" } },
            { "BASE-ID": "here", "ID": "b-example", "URI-REPLACEMENT": { "HOST": "b.example" } },
        ],
    });
    assert_eq!(steering, expected);
    assert!(!text("master.m3u8", &edges[..1]).contains("STEERING"), "there is nothing to choose from");
    assert_eq!(ask_among(low, "steering.json", 5_000, &edges[..1]), Answer::Absent);
}
