//! Pathways: redundant streams take over from each other, and a steering server is obeyed. Gaps and authored starts of
//! playlists are here too.

use player_core::engine::io::FetchKind;
use player_core::model::Protocol;
use player_core::sim::{Effect, Fault, Film, Outcome, World};
use player_core::telemetry::FrameLosses;
use player_core::{Command, Event, MediaTime, PlayerConfig};

use crate::support::{self, MINUTE, assert_played, count, events, fast, play, seconds};

/// A film that the playlist on `origin` names on the hosts `one` and `two`.
fn film(orders: Option<&str>) -> Film {
    let mut film = Film::new(Protocol::Hls, MINUTE * 3).voices(&["en", "de"]);
    film.pathways = vec!["one".to_owned(), "two".to_owned()];
    film.steering = orders.map(str::to_owned);
    film
}

/// A world that knows the film on `origin` alone and keeps what is requested.
fn world(film: &Film, faults: Vec<Fault>) -> World {
    let mut world =
        World::with_mirrors(PlayerConfig::default(), film, &["origin"], &["one", "two", "three"], fast(), faults)
            .unwrap();
    world.record();
    world
}

/// Addresses of a kind of request, in order.
fn requests(world: &World, kind: FetchKind) -> Vec<String> {
    let requests = support::requests(world).filter(|request| request.kind == kind);
    requests.map(|request| request.url.to_string()).collect()
}

fn share(world: &World, host: &str) -> (usize, usize) {
    let all = requests(world, FetchKind::Segment);
    (all.iter().filter(|url| url.contains(&format!("//{host}/"))).count(), all.len())
}

#[test]
fn a_pathway_that_dies_is_left_for_another_without_a_stall() {
    for effect in [Effect::Refuse, Effect::Silence, Effect::Status(503), Effect::Status(404), Effect::Stall(300)] {
        let dead = Fault::new("http://one", effect.clone()).from(seconds(25));
        let mut world = world(&film(None), vec![dead]);
        assert_eq!(play(&mut world), Outcome::Ended, "{effect:?}");
        let stats = world.stats();
        assert_eq!(stats.stalls, [], "{effect:?}");
        assert_eq!(stats.failovers.len(), 1, "{effect:?} {:?}", stats.failovers);
        assert_eq!((&stats.failovers[0].from[..], &stats.failovers[0].to[..]), ("one", "two"));
        assert_played(&world, MINUTE * 3);
        assert_eq!(stats.frames.presented, 180 * 24, "{effect:?}: no picture twice, none missing");
        let (from_two, _) = share(&world, "two");
        assert!(from_two > 20, "{effect:?}: {from_two}");
    }
}

#[test]
fn orders_of_the_steering_server_move_the_rest_of_the_film() {
    let orders = r#"{"VERSION":1,"TTL":30,"PATHWAY-PRIORITY":["two","one"]}"#;
    let mut world = world(&film(Some(orders)), Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    let (from_two, all) = share(&world, "two");
    assert!(from_two + 4 >= all && all > 80, "{from_two} of {all}");
    assert_eq!((world.stats().stalls.len(), world.stats().failovers.len()), (0, 0), "an order is no failure");
    let asked: Vec<String> =
        requests(&world, FetchKind::Manifest).into_iter().filter(|url| url.contains("orders")).collect();
    assert!(asked.len() >= 4, "every thirty seconds: {asked:?}");
    assert_eq!(asked[0], "http://origin/film/orders.json?_HLS_pathway=one");
    assert!(asked[1].starts_with("http://origin/film/orders.json?_HLS_pathway=two&_HLS_throughput="), "{}", asked[1]);
}

#[test]
fn the_pathway_in_use_stays_when_the_playlist_is_read_again() {
    let orders = r#"{"VERSION":1,"TTL":30,"PATHWAY-PRIORITY":["two","one"]}"#;
    let mut world = world(&film(Some(orders)), Vec::new());
    world.load();
    world.run_for(seconds(10));
    world.refresh();
    world.run_for(seconds(30));
    let manifests = requests(&world, FetchKind::Manifest);
    assert_eq!(manifests.iter().filter(|url| url.ends_with("master.m3u8")).count(), 2);
    let asked = manifests.iter().rfind(|url| url.contains("orders")).unwrap();
    assert!(asked.contains("_HLS_pathway=two&"), "{manifests:?}");
    let (from_two, all) = share(&world, "two");
    assert!(from_two + 4 >= all, "{from_two} of {all}");
}

#[test]
fn playlists_on_their_way_are_asked_for_on_the_pathway_that_is_ordered() {
    let orders = r#"{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["two","one"]}"#;
    let silent = Fault::new("http://one/", Effect::Silence).of(FetchKind::Index);
    let mut world = world(&film(Some(orders)), vec![silent]);
    assert_eq!(play(&mut world), Outcome::Ended);
    assert!(!world.faults_fired().is_empty(), "the pathway is silent");
    let stats = world.stats();
    assert!(stats.startup < Some(seconds(3)), "no time limit of a request was waited for: {:?}", stats.startup);
    assert_eq!((stats.stalls.len(), stats.failovers.len()), (0, 0));
    let lists = requests(&world, FetchKind::Index);
    let (old, new): (Vec<&String>, Vec<&String>) = lists.iter().partition(|url| url.starts_with("http://one/"));
    assert!(!old.is_empty() && new.len() >= old.len(), "{lists:?}");
}

#[test]
fn a_pathway_may_be_made_by_the_steering_server() {
    let orders = r#"{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["made","one"],"PATHWAY-CLONES":[
        {"BASE-ID":"one","ID":"made","URI-REPLACEMENT":{"HOST":"three","PARAMS":{"t":"7"}}}]}"#;
    let mut world = world(&film(Some(orders)), Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    let (from_three, all) = share(&world, "three");
    assert!(from_three + 4 >= all, "{from_three} of {all}");
    assert_eq!(world.stats().stalls, []);
}

#[test]
fn a_clone_may_give_the_whole_address_of_each_variant() {
    let mut film = film(None);
    film.stable_ids = true;
    let addresses: Vec<String> =
        film.ladder.iter().map(|rung| format!(r#""s-{0}":"http://three/film/v/{0}/index.m3u8""#, rung.id)).collect();
    let orders = format!(
        r#"{{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["made","one"],"PATHWAY-CLONES":[{{"BASE-ID":"one","ID":"made",
        "URI-REPLACEMENT":{{"HOST":"three","PARAMS":{{"t":"7"}},"PER-VARIANT-URIS":{{{}}}}}}}]}}"#,
        addresses.join(",")
    );
    film.steering = Some(orders);
    let mut world = world(&film, Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    // The list of the first rung was requested before the orders arrived.
    let lists = requests(&world, FetchKind::Index);
    let of_top: Vec<&str> = lists.iter().map(String::as_str).filter(|url| url.contains("/1080p/")).collect();
    assert_eq!(of_top, ["http://three/film/v/1080p/index.m3u8"], "the whole address, without the parameters");
    let (from_three, all) = share(&world, "three");
    assert!(from_three + 4 >= all, "{from_three} of {all}");
    assert_eq!(world.stats().stalls, []);
}

#[test]
fn a_dead_pathway_is_not_returned_to_because_it_is_ordered() {
    let orders = r#"{"VERSION":1,"TTL":5,"PATHWAY-PRIORITY":["one","two"]}"#;
    let dead = Fault::new("http://one", Effect::Refuse).from(seconds(25));
    let mut world = world(&film(Some(orders)), vec![dead]);
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_eq!(world.stats().stalls, []);
    assert_eq!(world.stats().frames.presented, 180 * 24);
}

#[test]
fn a_steering_server_that_is_gone_or_broken_costs_a_warning_and_nothing_else() {
    for effect in [Effect::Status(410), Effect::Refuse, Effect::Html] {
        let fault = Fault::new("orders.json", effect.clone());
        let mut world = world(&film(Some("{}")), vec![fault]);
        assert_eq!(play(&mut world), Outcome::Ended, "{effect:?}");
        assert_eq!(world.stats().stalls, []);
        assert_eq!(count(&world, |event| matches!(event, Event::Warning { .. })), 1, "{effect:?}");
        assert_eq!(share(&world, "two").0, 0);
    }
}

#[test]
fn a_gap_of_one_rung_is_filled_from_another_and_a_gap_of_all_is_never_fetched() {
    let mut film = Film::new(Protocol::Hls, MINUTE);
    film.gaps = film.ladder.iter().skip(1).map(|rung| (rung.id.clone(), 7)).collect();
    let mut filled = support::world(&film, fast(), Vec::new());
    assert_eq!(play(&mut filled), Outcome::Ended);
    assert_eq!(filled.stats().frames.presented, 60 * 24);
    assert_eq!(count(&filled, |event| matches!(event, Event::GapSkipped { .. })), 0);
    film.gaps.push((film.ladder[0].id.clone(), 7));
    let mut world = world(&film, Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    // The sound goes on, so the last picture before the gap stays: nothing is jumped over.
    assert_eq!(count(&world, |event| matches!(event, Event::GapSkipped { .. })), 0);
    assert_played(&world, seconds(60));
    assert!(world.stats().frames.presented < 60 * 24);
    assert_eq!(
        requests(&world, FetchKind::Segment)
            .iter()
            .filter(|url| url.contains("/v/") && url.ends_with("/7.m4s"))
            .count(),
        0
    );
    assert_eq!(world.stats().stalls, []);
}

#[test]
fn playback_begins_where_the_author_says_from_either_end() {
    for (start, played) in [(20.0, seconds(40)), (-15.0, seconds(15)), (-45.0, seconds(45))] {
        let mut film = Film::new(Protocol::Hls, MINUTE);
        film.authored_start = Some(start);
        let mut world = support::world(&film, fast(), Vec::new());
        assert_eq!(play(&mut world), Outcome::Ended);
        assert_played(&world, played);
        // Pictures before it are decoded for those after it only: that is no loss.
        assert_eq!(count(&world, |event| matches!(event, Event::Warning { .. })), 0, "{start}");
        assert_eq!(world.stats().account.lost, FrameLosses::default(), "{start}");
    }
}

#[test]
fn the_viewer_s_start_precedes_that_of_the_manifest_and_that_one_the_media_playlists() {
    let starts = |chosen: Option<i64>, authored: Option<f64>| {
        let mut film = Film::new(Protocol::Hls, MINUTE);
        (film.authored_start, film.media_start) = (authored, Some(20.0));
        let mut world = support::world(&film, fast(), Vec::new());
        let mut request = world.request();
        request.start = chosen.map(MediaTime::from_millis);
        world.command(Command::Load(request));
        assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
        let first = events(&world, |event| matches!(event, Event::FirstFrame { .. }));
        match &first[0].event {
            Event::FirstFrame { pts, .. } => pts.as_nanos() / 1_000_000,
            other => panic!("{other:?}"),
        }
    };
    // A viewer's start is exact, an author's may begin with the key frame before it.
    let [ten, twenty] = [starts(None, Some(10.0)), starts(None, None)];
    assert!(7_000 < ten && ten <= 10_000 && 15_000 < twenty && twenty < 20_000, "{ten} {twenty}");
    let chosen = |authored| [Some(0), Some(40_000)].map(|chosen| (starts(chosen, authored) + 50) / 100);
    assert_eq!([None, Some(10.0)].map(chosen), [[0, 400]; 2]);
}
