//! Indexes of a source in separate files: reloads, other locations, and the addresses that pathways add.
#![expect(clippy::unwrap_used, reason = "tests")]
use super::tests::{external, list, ms, playlist, presentation, resource, segment, source};
use super::*;
use crate::engine::ids::RepKey;
use crate::manifest::SteeringManifest;
use crate::model::{ContentSteering, IndexSource, Pathway, Representation, SegmentId, SegmentList, SegmentRef};

const ONLY: RepKey = RepKey::for_tests(0, 0, 0);
const OTHER: RepKey = RepKey::for_tests(0, 0, 1);

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn location(number: usize) -> ServiceLocation {
    ServiceLocation::Location(number)
}

/// A source at two locations, whose only playlist was read from the one with this number.
fn read_from(number: usize, segments: SegmentList) -> Source {
    let locations = Locations::new(&[url("http://h/manifest"), url("http://g/manifest")]);
    let known = presentation("p", SegmentIndex::External(playlist()));
    let mut source = Source::new(known, locations, None, &mut Jitter::new(0));
    let from = source.locations().candidates(&playlist().resource).remove(number);
    source.note_index(ONLY, playlist(), from, &url("http://h/list"));
    source.merge_index(ONLY, segments, None);
    source
}

/// Two segments at an address that one host alone has.
fn elsewhere() -> SegmentList {
    let moved =
        |number, start, end| SegmentRef { resource: Resource::new(url("http://cdn/x")), ..segment(number, start, end) };
    SegmentList::Explicit(vec![moved(0, 0, 4000), moved(1, 4000, 7000)])
}

/// A presentation of two representations, the first of which is known.
fn two(second: SegmentIndex) -> Presentation {
    let mut known = presentation("p", SegmentIndex::Known(list()));
    let second = Representation { index: second, ..Representation::for_tests("w", 2000) };
    known.periods[0].adaptation_sets[0].representations.push(second);
    known
}

#[test]
fn a_reload_keeps_what_was_read_and_takes_the_address_to_read_it_from() {
    let mut source = read_from(0, list());
    source.learn_epoch(Some(WallClock::from_unix_nanos(7)));
    let moved = IndexSource { resource: resource("new"), ..playlist() };
    source.replace(presentation("p", SegmentIndex::External(moved)));
    assert_eq!(source.presentation().known_list(ONLY).map(SegmentList::len), Some(2));
    assert_eq!(source.index_source(ONLY).map(|found| found.resource.clone()), Some(resource("new")));
    assert_eq!(source.presentation().epoch, Some(WallClock::from_unix_nanos(7)));
    assert!(source.is_playlist_read(ONLY));
}

#[test]
fn a_list_that_is_listed_no_more_is_kept_only_if_it_counts_from_its_own_beginning() {
    let gone = || presentation("p", SegmentIndex::External(playlist()));
    for (id, is_kept) in [(SegmentId::Sequence(0), true), (SegmentId::Time(MediaTime::ZERO), false)] {
        let index = SegmentList::Explicit(vec![SegmentRef { id, ..segment(0, 0, 4000) }]);
        let mut source = source(two(SegmentIndex::Known(index.clone())), None);
        source.replace(gone());
        let expected = if is_kept { index.bytes() } else { 0 };
        assert_eq!(source.footprint().indexes - list().bytes(), expected, "{id:?}");
    }
}

#[test]
fn after_a_reload_a_list_that_is_first_read_is_placed_by_a_sibling() {
    let late = || SegmentList::Explicit(vec![segment(1, 0, 3000), segment(2, 3000, 6000)]);
    let start = |source: &Source| source.presentation().known_list(OTHER).and_then(SegmentList::start);
    for (reloaded, expected) in [(false, 0), (true, 4000)] {
        let mut source = source(two(SegmentIndex::External(playlist())), None);
        if reloaded {
            source.replace(two(SegmentIndex::External(playlist())));
        }
        let merged = source.merge_index(ONLY, late(), None);
        assert_eq!((merged.shift, merged.changes.disagree()), (4_000_000_000, false), "its first segment is removed");
        let merged = source.merge_index(OTHER, late(), None);
        assert_eq!((start(&source), merged.shift), (Some(ms(expected)), expected * 1_000_000), "{reloaded}");
        assert!(!merged.changes.disagree(), "differences from another representation are no changes");
    }
}

#[test]
fn only_playlists_are_read_again() {
    let mut source = read_from(0, list());
    assert!(source.is_playlist_read(ONLY));
    let sidx = IndexSource { format: crate::model::IndexFormat::Sidx, ..playlist() };
    let from = source.locations().candidates(&sidx.resource).remove(0);
    source.note_index(ONLY, sidx, from, &url("http://h/list"));
    assert!(!source.is_playlist_read(ONLY), "a segment index does not change");
    assert!(!external().is_playlist_read(ONLY), "nothing was read");
}

#[test]
fn indexes_are_known_by_the_location_that_they_were_read_from() {
    let here = read_from(0, list());
    assert_eq!(
        (here.indexes_elsewhere(), here.indexes_of(&location(0)), here.indexes_of(&location(1))),
        (vec![], vec![ONLY], vec![])
    );
    let there = read_from(1, list());
    assert_eq!((there.indexes_elsewhere(), there.indexes_of(&location(0))), (vec![ONLY], vec![]));
}

#[test]
fn another_host_of_the_playlist_counts_where_its_segments_have_one_only() {
    let both = |path: &str| Resource {
        urls: ["a", "b"].map(|host| url(&format!("http://{host}/{path}"))).to_vec(),
        range: None,
    };
    let origin = |host: &str| ServiceLocation::Origin(format!("http://{host}"));
    let others = |segments: Resource, place: &ServiceLocation| {
        let mut source = external();
        let index = IndexSource { resource: both("list"), ..playlist() };
        let from = source.locations().candidates(&index.resource).remove(0);
        source.note_index(ONLY, index, from, &url("http://a/list"));
        source.merge_index(
            ONLY,
            SegmentList::Explicit(vec![SegmentRef { resource: segments, ..segment(0, 0, 4000) }]),
            None,
        );
        assert_eq!(source.other_sources(None, place, Now::ZERO), 0, "no representation");
        source.other_sources(Some(ONLY), place, Now::ZERO)
    };
    let single = || Resource::new(url("http://a/x"));
    assert_eq!(others(single(), &origin("a")), 1);
    assert_eq!(others(single(), &origin("b")), 0, "it was not read from there");
    assert_eq!(others(both("x"), &origin("a")), 0, "the segments themselves are at another host");
}

#[test]
fn a_playlist_of_another_host_is_no_other_source_of_segments() {
    let urls = ["a", "b"].map(|host| url(&format!("http://{host}/list"))).to_vec();
    let index = IndexSource { resource: Resource { urls, range: None }, ..playlist() };
    for (from, others) in [(0, 1), (1, 0)] {
        let mut source = external();
        let candidate = source.locations().candidates(&index.resource).remove(from);
        source.note_index(ONLY, index.clone(), candidate, &url("http://a/list"));
        let segments = SegmentRef { resource: Resource::new(url("http://a/x")), ..segment(0, 0, 4000) };
        source.merge_index(ONLY, SegmentList::Explicit(vec![segments]), None);
        let place = ServiceLocation::Origin("http://a".to_owned());
        assert_eq!(source.other_sources(Some(ONLY), &place, Now::ZERO), others, "{from}");
    }
}

#[test]
fn an_index_is_forgotten_where_another_one_leads_elsewhere_and_its_segments_do_not() {
    let wanted = |_: &Locations, place: &ServiceLocation| *place == location(1);
    let mut single = read_from(0, elsewhere());
    assert_eq!(single.forget_indexes(&[ONLY], |_, _| false), []);
    assert_eq!(single.forget_indexes(&[ONLY], wanted), [ONLY]);
    assert!(single.presentation().known_list(ONLY).is_none() && single.indexes_of(&location(0)).is_empty());
    assert_eq!(single.footprint().indexes, elsewhere().bytes(), "the list waits for the next one");
    assert_eq!(single.forget_indexes(&[ONLY], wanted), [], "once");
    single.merge_index(ONLY, elsewhere(), None);
    assert_eq!(single.presentation().known_list(ONLY).map(SegmentList::len), Some(2));
    assert_eq!(read_from(0, list()).forget_indexes(&[ONLY], wanted), [], "its segments are there as well");
}

#[test]
fn whole_addresses_of_a_cloned_pathway_come_first_and_outlast_a_reload() {
    let known = || {
        let mut known = presentation("p", SegmentIndex::External(playlist()));
        known.periods[0].adaptation_sets[0].representations[0].traits.stable_id = Some("low".to_owned());
        let pathway = |id: &str| Pathway { id: id.to_owned(), prefixes: vec![url(&format!("http://{id}/"))] };
        known.pathways = vec![pathway("a"), pathway("b")];
        let server = Resource::new(url("http://declared/orders.json"));
        known.steering = Some(ContentSteering { server, pathway: None });
        known
    };
    let mut source = source(known(), None);
    source.begin_steering(Now::ZERO);
    assert_eq!(source.locations().pathway(), Some("a"));
    let clone = PathwayClone {
        base: "a".to_owned(),
        id: "c".to_owned(),
        host: None,
        params: Vec::new(),
        addresses: [("low".to_owned(), "low.m3u8".to_owned())].into(),
    };
    let priority = vec!["b".to_owned(), "a".to_owned()];
    let orders = SteeringManifest { ttl: Duration::from_secs(300), reload: None, priority, clones: vec![clone] };
    assert!(source.obey_steering(&orders, &url("http://steer/x/orders.json"), Now::ZERO));
    let urls = |source: &Source| source.index_source(ONLY).unwrap().resource.urls.clone();
    let expected = [url("http://steer/x/low.m3u8"), url("http://h/list")];
    assert_eq!(urls(&source), expected, "relative to the orders");
    assert!(!source.obey_steering(&orders, &url("http://steer/x/orders.json"), Now::ZERO), "the same again");
    assert_eq!(urls(&source), expected);
    source.replace(known());
    assert_eq!(urls(&source), expected, "a reload lists the manifest's only");
    source.renew_steering(Now::ZERO);
    assert_eq!(source.locations().pathway(), Some("b"), "the one in use stays");
}
