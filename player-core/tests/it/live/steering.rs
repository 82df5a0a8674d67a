//! Pathways in mid-live: steering, failover, and redundant streams with other numbers.

use player_core::sim::live::{LiveFilm, LivePathway, LiveSteering};

use super::*;
use crate::support::BOTH;

pub(super) fn two(film: LiveFilm) -> LiveFilm {
    let other = LivePathway { sequence_offset: 700, lag: millis(300), ..LivePathway::new("two") };
    LiveFilm { pathways: vec![LivePathway::new("one"), other], ..film }
}

pub(super) fn hosts(world: &World, from: usize) -> Vec<String> {
    let media = requests(world).skip(from).filter(|request| request.url.path().ends_with(".m4s"));
    media.filter_map(|request| request.url.host_str().map(str::to_owned)).collect()
}

#[test]
fn orders_are_followed_in_mid_live() {
    for protocol in BOTH {
        let mut film = two(plain(protocol));
        let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        film.steering = Some(LiveSteering {
            ttl: seconds(5),
            orders: vec![(Duration::ZERO, names(["one", "two"])), (seconds(20), names(["two", "one"]))],
            reload_uri: None,
            query_before_start: false,
        });
        let mut world = World::live(PlayerConfig::default(), &film, &["one"], fast(), Vec::new()).unwrap();
        world.record();
        world.load();
        go_on(&mut world, seconds(18));
        let before = requests(&world).count();
        assert!(hosts(&world, 0).iter().all(|host| host == "one"), "{:?}", hosts(&world, 0));
        go_on(&mut world, seconds(22));
        assert_eq!(hosts(&world, before).last().map(String::as_str), Some("two"), "{}", last_events(&world));
        assert_eq!(world.stats().stalls, []);
        assert_plays(&mut world);
        let asked = asked(&world, "orders.json");
        assert!((6..=12).contains(&asked.len()), "{} in eight times to live", asked.len());
    }
}
