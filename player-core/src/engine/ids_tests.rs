//! Manifests that are read again: what is the same keeps its key and its public name.
#![expect(clippy::unwrap_used, reason = "tests")]
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::manifest;

fn read(text: &str) -> Presentation {
    let url = "http://h/dir/film".parse().unwrap();
    manifest::parse(text.as_bytes(), &url, None).unwrap().presentation
}

/// Key of each representation by what it is: period, kind, language, and first address or codecs.
fn keys(known: &KeyedPresentation) -> BTreeMap<String, (RepKey, String, String)> {
    let mut all = BTreeMap::new();
    for (position, period) in known.periods.iter().enumerate() {
        let key = known.period_key(position).unwrap();
        for set in known.set_keys(key) {
            let found = known.set(set).unwrap();
            for (rep, representation) in known.reps_of(set) {
                let what = match &representation.index {
                    SegmentIndex::External(source) => source.resource.urls[0].path().to_owned(),
                    SegmentIndex::Known(list) => list.get(0).unwrap().resource.urls[0].path().to_owned(),
                };
                let name = format!("{:?} {} {:?} {what}", period.start, found.kind.as_str(), found.language);
                let before = all.insert(name, (rep, found.id.0.clone(), representation.id.clone()));
                assert_eq!(before, None);
                assert_eq!(known.representation(rep).map(|rep| &rep.id), Some(&representation.id));
            }
        }
    }
    all
}

fn variant(bandwidth: u64, group: &str, address: &str) -> String {
    format!(
        "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION=640x360,CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"{group}\"\n{address}\n"
    )
}

fn rendition(group: &str, name: &str, language: &str, address: &str) -> String {
    format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"{name}\",LANGUAGE=\"{language}\",URI=\"{address}\"\n")
}

fn hls_entries() -> Vec<String> {
    vec![
        variant(800_000, "lo", "v/a.m3u8"),
        variant(900_000, "hi", "v/a.m3u8"),
        variant(2_000_000, "lo", "v/b.m3u8"),
        variant(3_000_000, "lo", "v/c.m3u8"),
        rendition("lo", "English", "en", "a/lo/en.m3u8"),
        rendition("hi", "English", "en", "a/hi/en.m3u8"),
        rendition("lo", "Deutsch", "de", "a/lo/de.m3u8"),
        rendition("lo", "Deutsch für Blinde", "de", "a/lo/ad.m3u8"),
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"x\",LANGUAGE=\"en\",FORCED=YES,URI=\"t/f.m3u8\"\n"
            .to_owned(),
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"x\",LANGUAGE=\"en\",URI=\"t/e.m3u8\"\n".to_owned(),
    ]
}

fn hls(entries: &[String]) -> Presentation {
    read(&format!("#EXTM3U\n{}", entries.concat()))
}

fn hls_keys(known: &KeyedPresentation) -> BTreeMap<String, (RepKey, String, String)> {
    // Two variants lead to the same playlist: the group distinguishes them.
    let mut all = BTreeMap::new();
    for set in known.set_keys(PeriodKey::FIRST) {
        let found = known.set(set).unwrap();
        for (key, rep) in known.reps_of(set) {
            let SegmentIndex::External(source) = &rep.index else { panic!("a playlist") };
            let name = format!("{} {:?}", source.resource.urls[0].path(), rep.audio_group);
            assert_eq!(all.insert(name, (key, found.id.0.clone(), rep.id.clone())), None);
        }
    }
    all
}

fn representation(id: &str, rate: u64) -> String {
    format!("<Representation id='{id}' bandwidth='{rate}' codecs='avc1.64001f' width='16' height='9'/>")
}

/// A period without an id is named by its start; sets and representations by their ids, where they have any.
fn dash_sets(with_ids: bool) -> Vec<String> {
    let set = |number: u32, kind: &str, rest: &str, reps: &str| {
        let id = if with_ids { format!("id='{number}'") } else { String::new() };
        format!(
            "<AdaptationSet {id} contentType='{kind}' mimeType='{kind}/mp4' {rest}><SegmentTemplate duration='2' \
             media='{number}-$RepresentationID$-$Number$.m4s'/>{reps}</AdaptationSet>"
        )
    };
    let audio = |id: &str| format!("<Representation id='{id}' bandwidth='64000' codecs='mp4a.40.2'/>");
    vec![
        set(1, "video", "", &(representation("a", 1000) + &representation("b", 2000))),
        set(2, "audio", "lang='en'", &audio("e")),
        set(3, "audio", "lang='de'", &audio("d")),
        set(4, "audio", "lang='de'", &audio("c").replace("mp4a.40.2", "ac-3")),
    ]
}

fn mpd(periods: &[(u64, Option<&str>, Vec<String>)]) -> Presentation {
    let end = periods.iter().map(|(start, ..)| start + 10).max().unwrap_or(0);
    let periods: String = periods
        .iter()
        .map(|(start, id, sets)| {
            let id = id.map_or_else(String::new, |id| format!("id='{id}'"));
            format!("<Period {id} start='PT{start}S' duration='PT10S'>{}</Period>", sets.concat())
        })
        .collect();
    read(&format!("<MPD type='static' mediaPresentationDuration='PT{end}S'>{periods}</MPD>"))
}

#[test]
fn keys_count_in_the_order_of_the_first_manifest() {
    let mut identities = Identities::default();
    let known = identities.intern(mpd(&[(0, None, dash_sets(true)), (10, None, dash_sets(true))]));
    let second = known.period_key(1).unwrap();
    assert_eq!((known.period_key(0), second), (Some(PeriodKey::FIRST), PeriodKey(1)));
    let sets: Vec<SetKey> = known.set_keys(second).collect();
    assert_eq!(sets, [4, 5, 6, 7].map(SetKey));
    assert_eq!(known.rep_keys(sets[0]), [5, 6].map(|rep| RepKey::for_tests(1, 4, rep)));
    assert_eq!(known.period_position(PeriodKey(2)), None);
    assert_eq!(known.representation(RepKey::none(second)), None);
}

#[test]
fn periods_in_front_go_and_come_and_the_others_keep_their_keys() {
    for id in [None, Some(())] {
        let mut identities = Identities::default();
        let name = |name| id.map(|()| name);
        let sets = dash_sets(id.is_some());
        let all = [(0, name("x"), sets.clone()), (10, name("y"), sets.clone()), (20, name("z"), sets)];
        let before = keys(&identities.intern(mpd(&all)));
        let known = identities.intern(mpd(&all[1..]));
        let after = keys(&known);
        assert_eq!(after.len(), before.len() - 5);
        assert!(after.iter().all(|(what, key)| before.get(what) == Some(key)), "{after:#?}\n{before:#?}");
        assert_eq!(known.period(PeriodKey::FIRST), None);
        assert!(identities.knows(PeriodKey::FIRST));
        assert_eq!(keys(&identities.intern(mpd(&all))), before, "what comes back is recognised");
    }
}

#[test]
fn an_id_counts_more_than_the_start_of_a_period_and_than_what_a_representation_is() {
    let mut identities = Identities::default();
    identities.intern(mpd(&[(0, Some("x"), dash_sets(true)), (10, Some("y"), dash_sets(true))]));
    let known = identities.intern(mpd(&[(10, Some("x"), dash_sets(true)), (20, Some("y"), dash_sets(true))]));
    assert_eq!([0, 1].map(|at| known.period_key(at)), [Some(PeriodKey(0)), Some(PeriodKey(1))]);
    let other = dash_sets(true).iter().map(|set| set.replace("bandwidth='1000'", "bandwidth='1500'")).collect();
    let known = identities.intern(mpd(&[(10, Some("x"), other)]));
    assert_eq!(known.rep_keys(SetKey(0)), [0, 1].map(|rep| RepKey::for_tests(0, 0, rep)));
}

#[test]
fn what_is_new_gets_a_new_key_and_a_public_name_that_nothing_else_has() {
    let mut entries = hls_entries();
    let mut identities = Identities::default();
    let before = hls_keys(&identities.intern(hls(&entries)));
    // Readers name variants by their places: the new one would be `v0`.
    entries.insert(0, variant(100_000, "lo", "v/new.m3u8"));
    let after = hls_keys(&identities.intern(hls(&entries)));
    assert!(before.iter().all(|(what, key)| after.get(what) == Some(key)), "{after:#?}\n{before:#?}");
    let ids: BTreeSet<&String> = after.values().map(|(_, _, id)| id).collect();
    assert_eq!((after.len(), ids.len()), (before.len() + 1, after.len()));
}

#[test]
fn stable_ids_and_groups_name_what_moves_to_other_addresses() {
    let entry = |id: &str, rate: u64, host: &str| {
        format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={rate},CODECS=\"avc1.64001f,mp4a.40.2\",STABLE-VARIANT-ID=\"{id}\",AUDIO=\"g\"\nhttp://{host}/{rate}.m3u8\n"
        )
    };
    let audio = |host: &str| rendition("g", "English", "en", &format!("http://{host}/{host}.m3u8"));
    let mut identities = Identities::default();
    let first = [entry("lo", 1000, "one"), entry("hi", 2000, "one"), audio("one")];
    let known = identities.intern(hls(&first));
    let of = |known: &KeyedPresentation| {
        let sets: Vec<SetKey> = known.set_keys(PeriodKey::FIRST).collect();
        sets.iter().flat_map(|set| known.rep_keys(*set).to_vec()).collect::<Vec<_>>()
    };
    let before = of(&known);
    let second = [audio("two"), entry("hi", 2500, "two"), entry("lo", 1200, "two")];
    assert_eq!(of(&identities.intern(hls(&second))), before, "rates and addresses have changed, names have not");
    let third = [entry("hi", 2500, "two"), entry("low", 1200, "two"), audio("two")];
    let renamed = of(&identities.intern(hls(&third)));
    assert_eq!(
        renamed.iter().filter(|key| !before.contains(key)).count(),
        1,
        "another name at the same address is new"
    );
}

#[test]
fn a_variant_whose_rate_was_measured_anew_is_known_by_its_address() {
    let mut entries = hls_entries();
    let mut identities = Identities::default();
    let before = hls_keys(&identities.intern(hls(&entries)));
    entries[2] = variant(2_100_000, "lo", "v/b.m3u8?token=2");
    assert_eq!(hls_keys(&identities.intern(hls(&entries))), before);
}

#[test]
fn what_is_gone_is_remembered_in_bounded_number() {
    let mut identities = Identities::default();
    for round in 0..200_u64 {
        let id = format!("p{round}");
        identities.intern(mpd(&[(round * 10, Some(&id), dash_sets(true))]));
    }
    assert_eq!(identities.periods.len(), MOST_GONE + 1);
    assert!(!identities.knows(PeriodKey::FIRST) && identities.knows(PeriodKey(199)));
    let mut identities = Identities::default();
    for round in 0..200 {
        let known = identities.intern(hls(&[variant(1000 + round, "g", &format!("{round}.m3u8"))]));
        assert_eq!(known.rep_keys(SetKey(0)), [RepKey::for_tests(0, 0, round as u32)]);
    }
    assert_eq!(identities.periods[0].children[0].children.len(), MOST_GONE + 1);
}

#[test]
fn a_public_name_is_given_once() {
    let mut taken = BTreeSet::from(["x".to_owned()]);
    let names = ["x", "x-2", "x", "y"].map(|id| {
        let (mut id, mut public) = (id.to_owned(), String::new());
        adopt(&mut id, &mut public, &mut taken);
        assert_eq!(id, public);
        id
    });
    assert_eq!(names, ["x-2", "x-2-2", "x-3", "y"]);
}

#[test]
fn the_wall_clock_time_that_is_known_first_stays() {
    let at = |nanos| Some(WallClock::from_unix_nanos(nanos));
    let mut known: KeyedPresentation = mpd(&[(0, None, dash_sets(false))]).into();
    known.learn_epoch(None);
    assert_eq!(known.epoch, None);
    for (learned, expected) in [(at(5), at(5)), (None, at(5)), (at(9), at(5)), (at(1), at(5))] {
        known.learn_epoch(learned);
        assert_eq!(known.epoch, expected, "{learned:?}");
    }
}

#[test]
fn what_is_not_available_yet_is_waited_for() {
    use crate::engine::download::NextSegment;
    use crate::engine::download::schedule::{Step, step};
    let at = |seconds| Now::ZERO + Duration::from_secs(seconds);
    let utc = |seconds: i64| WallClock::from_unix_nanos(seconds * 1_000_000_000);
    let mut presentation = mpd(&[(0, None, dash_sets(true))]);
    presentation.available_from = Some(utc(1_000_060));
    let mut known = Identities::default().intern(presentation);
    let place = NextSegment::At { period: PeriodKey::FIRST, time: MediaTime::ZERO };
    let rep = known.rep_keys(SetKey(0))[0];
    assert!(matches!(step(&known, place, rep, at(0)), Step::Segment(_)), "no clock says otherwise");
    known.place_availability(Some(WallClockMapping::new(at(5), utc(1_000_000))));
    let waits = |now| match step(&known, place, rep, now) {
        Step::WaitUntil(until) => Some(until),
        _ => None,
    };
    assert_eq!([0, 64, 65].map(|now| waits(at(now))), [Some(at(65)), Some(at(65)), None]);
    let other = RepKey::none(PeriodKey::FIRST);
    assert_eq!(step(&known, place, other, at(0)), Step::Exhausted, "there is no such representation");
    known.place_availability(Some(WallClockMapping::new(at(5), utc(2_000_000))));
    assert_eq!(known.available_at(), None);
}

#[test]
fn a_list_is_placed_by_another_that_lost_its_front() {
    let mut known = Identities::default().intern(hls(&hls_entries()));
    let keys: Vec<RepKey> = known.all_reps().collect();
    let list = |known: &KeyedPresentation, key: RepKey, first: u64| {
        let Some(SegmentIndex::External(source)) = known.representation(key).map(|rep| &rep.index) else {
            panic!("no list was read yet");
        };
        let segments: String = (first..first + 4).map(|number| format!("#EXTINF:4,\n{number}.ts\n")).collect();
        let text =
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:{first}\n{segments}#EXT-X-ENDLIST\n");
        let pieces = [manifest::IndexPiece::new(None, text.into())];
        match manifest::read_index(&pieces, source, &"http://h/dir/list".parse().unwrap()) {
            Ok(manifest::IndexReading::Known(parsed)) => parsed.segments,
            other => panic!("{other:?}"),
        }
    };
    let start = |index: Option<SegmentIndex>| match index {
        Some(SegmentIndex::Known(list)) => list.start(),
        _ => None,
    };
    assert_eq!(start(known.sibling(keys[0])), None, "none was read");
    let whole = list(&known, keys[1], 10);
    *known.index_mut(keys[1]).unwrap() = SegmentIndex::Known(whole);
    assert_eq!(start(known.sibling(keys[0])), None, "it begins with the period");
    let newer = list(&known, keys[2], 12);
    known.index_mut(keys[1]).unwrap().merge(SegmentIndex::Known(newer));
    assert_eq!(start(known.sibling(keys[0])), Some(MediaTime::ZERO + Duration::from_secs(8)));
    assert_eq!(start(known.sibling(keys[1])), None, "its own list is no other");
}

proptest! {
    /// Entries of a multivariant playlist in any order: everything keeps its key and its public name.
    #[test]
    fn order_in_a_playlist_means_nothing(orders in proptest::collection::vec(Just(hls_entries()).prop_shuffle(), 1..4)) {
        let mut identities = Identities::default();
        let before = hls_keys(&identities.intern(hls(&hls_entries())));
        for entries in orders {
            prop_assert_eq!(&hls_keys(&identities.intern(hls(&entries))), &before);
        }
    }

    /// Sets of a DASH period in any order, with and without ids.
    #[test]
    fn order_in_a_period_means_nothing(
        orders in proptest::collection::vec(Just(vec![0_usize, 1, 2, 3]).prop_shuffle(), 1..4),
        with_ids in any::<bool>(),
        turned in any::<bool>(),
    ) {
        let sets = dash_sets(with_ids);
        let mut identities = Identities::default();
        let before = keys(&identities.intern(mpd(&[(0, None, sets.clone())])));
        for order in orders {
            let mut sets: Vec<String> = order.into_iter().map(|at| sets[at].clone()).collect();
            if turned {
                let (a, b) = (representation("a", 1000), representation("b", 2000));
                sets.iter_mut().for_each(|set| *set = set.replace(&(a.clone() + &b), &(b.clone() + &a)));
            }
            prop_assert_eq!(&keys(&identities.intern(mpd(&[(0, None, sets)]))), &before);
        }
    }
}

#[test]
fn a_ladder_of_several_sets_is_named_by_the_least_name_in_any_order() {
    let written = |sets: &[&str]| {
        let rep = |(rate, set): (u64, &&str)| {
            let mut rep = Representation::for_tests("v", rate);
            rep.traits.written_set = Some((*set).to_owned());
            rep
        };
        set_name(&AdaptationSet::for_tests("t", MediaKind::Video, (1..).zip(sets).map(rep).collect())).name
    };
    assert_eq!(written(&["7", "3", "5"]), "id video  3");
    assert_eq!(written(&["3", "5", "7"]), written(&["5", "7", "3"]), "bit rates may change places at a refresh");
}
