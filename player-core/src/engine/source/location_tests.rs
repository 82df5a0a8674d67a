//! Tests of where resources are, of pathways and of the order of services.

use super::*;

pub(in crate::engine) const REST: Duration = Duration::from_secs(60);

pub(in crate::engine) fn url(text: &str) -> Url {
    text.parse().expect("a valid address")
}

pub(in crate::engine) fn two() -> Locations {
    Locations::new(&[url("http://a/t/TOK/film/master.m3u8?x=1"), url("http://b:81/v/film/master.m3u8")])
}

pub(in crate::engine) fn at(seconds: u64) -> Now {
    Now::ZERO + Duration::from_secs(seconds)
}

fn clone(base: &str, id: &str, host: &str) -> PathwayClone {
    PathwayClone {
        base: base.to_owned(),
        id: id.to_owned(),
        host: Some(host.to_owned()),
        params: Vec::new(),
        addresses: BTreeMap::new(),
    }
}

#[test]
fn addresses_below_the_manifest_exist_everywhere_and_others_only_where_they_are() {
    let locations = two();
    let resource = Resource {
        urls: vec![url("http://a/t/TOK/film/v1/seg-3.m4s?k=1"), url("http://cdn.example/seg-3.m4s")],
        range: None,
    };
    let urls: Vec<String> = locations.candidates(&resource).into_iter().map(|c| c.url.to_string()).collect();
    assert_eq!(
        urls,
        ["http://a/t/TOK/film/v1/seg-3.m4s?k=1", "http://b:81/v/film/v1/seg-3.m4s?k=1", "http://cdn.example/seg-3.m4s"]
    );
}

#[test]
fn folders_that_were_learned_of_a_pathway_outlast_a_reload_once() {
    let pathway = |id: &str, prefix: &str| Pathway { id: id.to_owned(), prefixes: vec![url(prefix)] };
    let listed = [pathway("a", "http://a/film/"), pathway("b", "http://b/film/")];
    let mut locations = two();
    locations.set_pathways(&listed, None);
    locations.add_prefix("a", &url("http://a/audio/de.m3u8"));
    let prefixes = |locations: &Locations| -> Vec<Vec<String>> {
        let of = |route: &Route| route.prefixes.iter().map(ToString::to_string).collect();
        locations.routes.iter().map(of).collect()
    };
    let known = [vec!["http://a/film/", "http://a/audio/"], vec!["http://b/film/"]];
    assert_eq!(prefixes(&locations), known);
    for _ in 0..2 {
        locations.renew_pathways(&listed);
        assert_eq!(prefixes(&locations), known);
    }
}

#[test]
fn as_many_pathways_are_made_as_there_is_room_for() {
    let pathway = Pathway { id: "a".to_owned(), prefixes: vec![url("http://a/film/")] };
    let mut locations = two();
    locations.set_pathways(&[pathway], None);
    let mut made = 0;
    while locations.add_clone(&clone("a", &format!("c{made}"), "c.example")) {
        made += 1;
    }
    assert_eq!((made, locations.routes.len(), locations.order.len()), (MOST_ROUTES - 1, MOST_ROUTES, MOST_ROUTES));
}

#[test]
fn redirects_move_the_directory() {
    let mut locations = two();
    locations.manifest_came_from(&ServiceLocation::Location(0), &url("http://edge7/x/master.m3u8"));
    let candidates = locations.candidates(&Resource::new(url("http://edge7/x/s/1.m4s")));
    assert_eq!(candidates[1].url, url("http://b:81/v/film/s/1.m4s"));
}

#[test]
fn the_place_in_use_is_kept_until_it_is_excluded_and_then_the_next_one_is() {
    let mut locations = two();
    let candidates = locations.candidates(&Resource::new(url("http://a/t/TOK/film/1.m4s")));
    let place = |locations: &Locations, now| locations.pick(&candidates, &[], now).map(|c| c.place);
    assert_eq!(place(&locations, at(0)), Some(ServiceLocation::Location(0)));
    assert!(locations.exclude(&ServiceLocation::Location(0), REST, at(0)));
    assert!(!locations.exclude(&ServiceLocation::Location(0), REST, at(1)), "one failover, not one per request");
    assert_eq!(place(&locations, at(1)), Some(ServiceLocation::Location(1)));
    locations.served(&ServiceLocation::Location(1), at(1));
    assert_eq!(place(&locations, at(100)), Some(ServiceLocation::Location(1)), "no going back without need");
    assert_eq!(locations.left(&candidates, &[], &ServiceLocation::Location(1), at(30)), 0);
    assert_eq!(locations.left(&candidates, &[], &ServiceLocation::Location(1), at(100)), 1);
    assert!(locations.exclude(&ServiceLocation::Location(0), REST, at(100)));
    assert!(locations.is_excluded(&ServiceLocation::Location(0), at(100 + 119)), "the second time twice as long");
    assert_eq!(locations.label(&ServiceLocation::Location(1)), "http://b:81");
}

fn with_pathways() -> Locations {
    let mut locations = Locations::new(&[url("http://m/film/master.m3u8")]);
    let pathway = |id: &str, prefix: &str| Pathway { id: id.to_owned(), prefixes: vec![url(prefix)] };
    locations.set_pathways(&[pathway("a", "http://a/"), pathway("b", "http://b/x/")], Some("b"));
    locations
}

fn places(locations: &Locations, resource: &Resource) -> Vec<String> {
    locations.candidates(resource).into_iter().map(|c| format!("{} {}", locations.label(&c.place), c.url)).collect()
}

#[test]
fn pathways_are_places_and_the_ordered_one_is_used_unless_it_is_excluded() {
    let mut locations = with_pathways();
    let urls = vec![url("http://a/1.m3u8"), url("http://b/x/1.m3u8"), url("http://c/1.m3u8")];
    let resource = Resource { urls, range: None };
    assert_eq!(places(&locations, &resource), ["a http://a/1.m3u8", "b http://b/x/1.m3u8", "http://c http://c/1.m3u8"]);
    let candidates = locations.candidates(&resource);
    let pick = |locations: &Locations, now| locations.pick(&candidates, &[], now).map(|c| locations.label(&c.place));
    assert_eq!(pick(&locations, at(0)).as_deref(), Some("b"), "as the manifest says");
    assert!(locations.prefer(&["z".to_owned(), "a".to_owned(), "b".to_owned()], at(1)));
    assert_eq!((pick(&locations, at(1)).as_deref(), locations.pathway()), (Some("a"), Some("a")));
    assert!(locations.exclude(&ServiceLocation::Pathway("a".to_owned()), REST, at(2)));
    assert!(locations.prefer(&["a".to_owned(), "b".to_owned()], at(3)), "a penalised pathway is passed over");
    assert_eq!(pick(&locations, at(3)).as_deref(), Some("b"));
    assert!(!locations.prefer(&["z".to_owned()], at(100)), "orders that name nobody change nothing");
    locations.served(&ServiceLocation::Origin("http://keys".to_owned()), at(100));
    assert_eq!(locations.pathway(), Some("b"));
    assert!(locations.exclude(&ServiceLocation::Pathway("b".to_owned()), REST, at(100)));
    locations.served(&ServiceLocation::Origin("http://keys".to_owned()), at(101));
    assert_eq!(locations.pathway(), Some("b"), "an address without a pathway moves none that is excluded");
    locations.served(&ServiceLocation::Pathway("a".to_owned()), at(101));
    assert_eq!(locations.pathway(), Some("a"));
}

#[test]
fn clones_rewrite_all_addresses_of_their_base_and_may_be_cloned_again() {
    let mut locations = with_pathways();
    assert!(locations.add_clone(&clone("a", "c", "c.example")) && locations.add_clone(&clone("c", "d", "d.example")));
    assert!(!locations.add_clone(&clone("a", "c", "again")) && !locations.add_clone(&clone("nil", "e", "e")));
    let resource = Resource::new(url("http://a/v/1.ts"));
    assert_eq!(
        places(&locations, &resource),
        ["a http://a/v/1.ts", "c http://c.example/v/1.ts", "d http://d.example/v/1.ts"]
    );
    let from = locations.candidates(&resource)[0].clone();
    locations.redirected(&from, &url("http://edge/v/1.ts"));
    assert_eq!(places(&locations, &Resource::new(url("http://edge/v/2.ts")))[0], "a http://edge/v/2.ts");
}

#[test]
fn when_all_are_excluded_the_one_that_returns_first_is_asked() {
    let mut locations = two();
    let candidates = locations.candidates(&Resource::new(url("http://a/t/TOK/film/1.m4s")));
    locations.exclude(&ServiceLocation::Location(1), REST, at(0));
    locations.exclude(&ServiceLocation::Location(0), REST, at(5));
    assert_eq!(locations.pick(&candidates, &[], at(10)).map(|c| c.place), Some(ServiceLocation::Location(1)));
}

#[test]
fn priority_comes_first_and_weight_decides_among_equals() {
    let service = |base: &str, priority, weight| BaseWeight { base: url(base), priority, weight };
    let services = [service("http://c/", 2, 1), service("http://a/x", 1, 1), service("http://b/", 1, 9)];
    let urls = ["http://c/1", "http://a/1", "http://b/1"].map(url).to_vec();
    let resource = Resource { urls, range: None };
    let (mut first_b, mut last_c) = (0, 0);
    for seed in 0..200 {
        let mut locations = two();
        locations.weigh(&services, &mut Jitter::new(seed));
        let hosts: Vec<_> =
            locations.candidates(&resource).iter().map(|c| c.url.host_str().map(str::to_owned)).collect();
        first_b += u32::from(hosts[0].as_deref() == Some("b"));
        last_c += u32::from(hosts[2].as_deref() == Some("c"));
    }
    assert_eq!(last_c, 200);
    assert!((160..200).contains(&first_b), "nine of ten choose b: {first_b}");
}

#[test]
fn each_habit_of_a_server_is_reported_once_and_missing_bytes_every_time() {
    let mut locations = two();
    let past = RangeNotice::PastEnd { received: 1 };
    let notices =
        [RangeNotice::Ignored, RangeNotice::Unlabelled, past, RangeNotice::Ignored, RangeNotice::Unlabelled, past];
    assert_eq!(notices.map(|notice| locations.is_news(notice)), [true, true, true, false, false, true]);
}

#[test]
fn an_address_belongs_to_the_pathway_with_the_longest_folder_wherever_it_is_redirected_to() {
    let pathway = |id: &str, prefix: &str| Pathway { id: id.to_owned(), prefixes: vec![url(prefix)] };
    let mut locations = two();
    locations.set_pathways(&[pathway("inner", "http://h/x/"), pathway("outer", "http://h/")], None);
    let of = |locations: &Locations, address: &str| places(locations, &Resource::new(url(address))).remove(0);
    assert_eq!(of(&locations, "http://h/x/1.ts"), "inner http://h/x/1.ts");
    assert_eq!(of(&locations, "http://h/y/1.ts"), "outer http://h/y/1.ts");
    let from = locations.candidates(&Resource::new(url("http://h/y/1.ts"))).remove(0);
    locations.redirected(&from, &url("http://h/x/deep/1.ts"));
    assert_eq!(of(&locations, "http://h/x/deep/2.ts"), "inner http://h/x/deep/2.ts", "it has a pathway");
}

#[test]
fn without_pathways_the_location_whose_manifest_was_read_is_used_again() {
    let mut locations = two();
    locations.manifest_came_from(&ServiceLocation::Location(1), &url("http://b:81/v/film/master.m3u8"));
    let pathway = Pathway { id: "a".to_owned(), prefixes: vec![url("http://a/")] };
    locations.set_pathways(&[pathway], None);
    assert_eq!(locations.pathway(), Some("a"));
    locations.renew_pathways(&[]);
    assert_eq!(locations.current(), &ServiceLocation::Location(1));
}

#[test]
fn an_address_of_no_declared_service_comes_before_the_first() {
    let mut locations = two();
    let service = BaseWeight { base: url("http://cdn/"), priority: 1, weight: 1 };
    locations.weigh(&[service], &mut Jitter::new(0));
    let resource = Resource { urls: vec![url("http://cdn/1"), url("http://other/1")], range: None };
    assert_eq!(places(&locations, &resource), ["http://other http://other/1", "http://cdn http://cdn/1"]);
}

#[test]
fn a_pathway_without_a_written_name_is_reported_by_its_origin() {
    let mut locations = two();
    let pathway = |id: &str, prefix: &str| Pathway { id: id.to_owned(), prefixes: vec![url(prefix)] };
    locations.set_pathways(&[pathway(".", "http://h:8080/x/"), pathway("b", "http://b/")], None);
    let label = |id: &str| locations.label(&ServiceLocation::Pathway(id.to_owned()));
    assert_eq!([label("."), label("b"), label(".9")], ["http://h:8080", "b", ".9"]);
}

#[test]
fn an_address_to_which_two_rules_lead_is_one_candidate() {
    let urls = vec![url("http://a/t/TOK/film/1.m4s"), url("http://b:81/v/film/1.m4s")];
    let found = two().candidates(&Resource { urls, range: None });
    let listed: Vec<_> = found.iter().map(|candidate| (candidate.index, candidate.place.clone())).collect();
    assert_eq!(listed, [(0, ServiceLocation::Location(0)), (1, ServiceLocation::Location(1))]);
}

#[test]
fn a_failover_lasts_from_an_exclusion_until_media_has_come() {
    let mut locations = two();
    assert!(!locations.is_failing_over());
    assert!(!locations.exclude(&ServiceLocation::Location(0), Duration::ZERO, at(0)), "it stays in use");
    assert!(!locations.is_failing_over());
    assert!(locations.exclude(&ServiceLocation::Location(0), REST, at(0)) && locations.is_failing_over());
    locations.end_failover();
    assert!(!locations.is_failing_over());
}

#[test]
fn a_manifest_that_is_read_again_does_not_move_playback_off_its_pathway() {
    let mut locations = with_pathways();
    let before = locations.pathway().map(str::to_owned);
    assert!(before.is_some());
    locations.manifest_came_from(&ServiceLocation::Location(0), &url("http://edge7/x/master.m3u8"));
    assert_eq!(locations.pathway().map(str::to_owned), before);
}
