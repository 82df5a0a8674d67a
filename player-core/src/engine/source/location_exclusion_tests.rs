//! Lengths of exclusions, what forgives them, and the addresses that are used meanwhile.

use super::tests::{REST, at, two, url};
use super::*;

#[test]
fn a_place_that_serves_again_is_forgiven() {
    let mut locations = two();
    let first = ServiceLocation::Location(0);
    for (from, span) in [(0, 60), (100, 120), (300, 240)] {
        assert!(locations.exclude(&first, REST, at(from)));
        assert!(locations.is_excluded(&first, at(from + span - 1)), "{from}");
        assert!(!locations.is_excluded(&first, at(from + span)), "{from}: the exclusion ends on the second");
    }
    locations.served(&first, at(600));
    assert!(locations.exclude(&first, REST, at(601)));
    assert!(!locations.is_excluded(&first, at(661)), "as for the first time");
    assert!(locations.exclude(&first, REST, at(661)));
    locations.served(&ServiceLocation::Location(1), at(662));
    assert!(locations.is_excluded(&first, at(780)), "what another place serves forgives nothing");
}

#[test]
fn exclusions_grow_to_ten_minutes_and_longer_ones_are_kept() {
    let mut locations = two();
    let first = ServiceLocation::Location(0);
    let mut now = 0;
    for _ in 0..12 {
        assert!(locations.exclude(&first, REST, at(now)));
        let until = (now..).find(|second| !locations.is_excluded(&first, at(*second))).expect("it ends");
        assert!(until - now <= 600);
        now = until;
    }
    assert!(locations.exclude(&first, REST, at(now)));
    assert!(locations.is_excluded(&first, at(now + 599)) && !locations.is_excluded(&first, at(now + 600)));
    assert!(locations.exclude(&first, Duration::from_secs(900), at(now + 600)), "a server that announced it");
    assert!(locations.is_excluded(&first, at(now + 1499)) && !locations.is_excluded(&first, at(now + 1500)));
    assert!(!locations.exclude(&ServiceLocation::Location(1), Duration::ZERO, at(0)), "no span is no exclusion");
    assert!(!locations.is_excluded(&ServiceLocation::Location(1), at(0)));
}

#[test]
fn the_place_in_use_is_left_when_it_is_excluded_and_something_else_served() {
    let mut locations = two();
    locations.served(&ServiceLocation::Location(1), at(0));
    assert_eq!(*locations.current(), ServiceLocation::Location(0), "a single file from elsewhere moves nothing");
    locations.exclude(&ServiceLocation::Location(0), REST, at(0));
    locations.served(&ServiceLocation::Location(1), at(60));
    assert_eq!(*locations.current(), ServiceLocation::Location(0), "the exclusion is over");
    locations.exclude(&ServiceLocation::Location(0), REST, at(61));
    locations.served(&ServiceLocation::Location(1), at(62));
    assert_eq!(*locations.current(), ServiceLocation::Location(1));
    locations.exclude(&ServiceLocation::Location(1), REST, at(300));
    let candidates = locations.candidates(&Resource::new(url("http://a/t/TOK/film/1.m4s")));
    let pick = |tried: &[usize], now| locations.pick(&candidates, tried, at(now)).map(|c| c.place);
    assert_eq!(pick(&[], 301), Some(ServiceLocation::Location(0)), "it fails back");
    assert_eq!(pick(&[0], 301), Some(ServiceLocation::Location(1)), "tried ones are passed over");
    assert_eq!(pick(&[0, 1], 301), None);
}

#[test]
fn addresses_of_a_manifest_from_the_second_location_are_rewritten_to_the_first() {
    let mut locations = two();
    locations.manifest_came_from(&ServiceLocation::Location(1), &url("http://b:81/v/film/master.m3u8"));
    let found = locations.candidates(&Resource::new(url("http://b:81/v/film/s/1.m4s")));
    let found: Vec<_> = found.iter().map(|c| (c.index, c.place.clone(), c.url.as_str())).collect();
    assert_eq!(
        found,
        [
            (0, ServiceLocation::Location(1), "http://b:81/v/film/s/1.m4s"),
            (1, ServiceLocation::Location(0), "http://a/t/TOK/film/s/1.m4s")
        ]
    );
    assert_eq!(*locations.current(), ServiceLocation::Location(1));
    assert_eq!(
        locations.left(
            &locations.candidates(&Resource::new(url("http://c/1"))),
            &[],
            &ServiceLocation::Location(1),
            at(0)
        ),
        1
    );
    assert!(!locations.has_loaded_media(&ServiceLocation::Location(1)));
    locations.record_media(&ServiceLocation::Location(1));
    assert!(
        locations.has_loaded_media(&ServiceLocation::Location(1))
            && !locations.has_loaded_media(&ServiceLocation::Location(0))
    );
}

#[test]
fn orders_say_which_pathway_comes_after_the_first() {
    let mut locations = Locations::new(&[url("http://m/film/master.m3u8")]);
    let address = |host: &str| format!("http://{host}/");
    let pathway = |id: &str| Pathway { id: id.to_owned(), prefixes: vec![url(&address(id))] };
    locations.set_pathways(&["a", "b", "c"].map(pathway), None);
    let urls = ["a", "b", "c"].map(|host| url(&(address(host) + "1.m4s"))).to_vec();
    let resource = Resource { urls, range: None };
    let next = |locations: &Locations| {
        let candidates = locations.candidates(&resource);
        locations.pick(&candidates, &[], at(1)).map(|candidate| locations.label(&candidate.place)).unwrap_or_default()
    };
    assert_eq!(next(&locations), "a");
    assert!(locations.prefer(&["c", "b"].map(str::to_owned), at(0)));
    for (expected, then) in [("c", "b"), ("b", "a")] {
        assert_eq!(next(&locations), expected);
        assert!(locations.exclude(&ServiceLocation::Pathway(expected.to_owned()), REST, at(0)));
        assert_eq!(next(&locations), then);
    }
}
