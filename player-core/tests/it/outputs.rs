//! Copy protection of the output: what asks for more than the host vouches for is never fetched.

use std::collections::BTreeSet;

use player_core::model::Protocol;
use player_core::sim::{Film, Outcome, World};
use player_core::{Command, ErrorCode, Event, Hdcp, PlayerConfig};

use crate::support::{MINUTE, count, fast, requests, seconds};

fn film(levels: &[(&str, &str)]) -> Film {
    let levels = levels.iter().map(|(rung, level)| ((*rung).to_owned(), (*level).to_owned())).collect();
    Film { hdcp_levels: levels, ..Film::new(Protocol::Hls, MINUTE * 2) }
}

fn world(film: &Film, output_protection: Hdcp) -> World {
    let config = PlayerConfig { output_protection, ..PlayerConfig::default() };
    let mut world = World::new(config, film, &["edge"], fast(), Vec::new()).unwrap();
    world.record();
    world.load();
    world
}

/// Returns the rungs that were requested after the first `after` requests.
fn fetched(world: &World, after: usize) -> BTreeSet<String> {
    let paths = requests(world).skip(after).map(|request| request.url.path());
    paths.filter_map(|path| path.strip_prefix("/film/v/")?.split('/').next().map(str::to_owned)).collect()
}

fn shown(world: &World) -> Option<u32> {
    world.snapshot().qualities.iter().find(|quality| quality.shown).and_then(|quality| quality.height)
}

const LEVELS: [(&str, &str); 3] = [("480p", "NONE"), ("720p", "TYPE-0"), ("1080p", "TYPE-1")];

#[test]
fn what_is_not_vouched_for_is_not_fetched() {
    for (output, highest, available) in [(Hdcp::None, 480, 3), (Hdcp::Type0, 720, 4), (Hdcp::Type1, 1080, 5)] {
        let mut world = world(&film(&LEVELS), output);
        assert_eq!(world.run_until_end(MINUTE * 3), Outcome::Ended);
        assert_eq!(shown(&world), Some(highest), "{output:?}");
        let fetched = fetched(&world, 0);
        assert!(LEVELS.iter().all(|(rung, level)| Hdcp::parse(level).unwrap() <= output || !fetched.contains(*rung)));
        assert_eq!(world.snapshot().qualities.iter().filter(|quality| quality.available).count(), available);
        assert_eq!(count(&world, |event| matches!(event, Event::Warning { .. })), 0);
    }
}

#[test]
fn a_level_that_nobody_knows_is_the_strictest_and_told() {
    let unknown = film(&[("1080p", "TYPE-7")]);
    for (output, highest) in [(Hdcp::Type0, 720), (Hdcp::Type1, 1080)] {
        let mut world = world(&unknown, output);
        assert_eq!(world.run_until_end(MINUTE * 3), Outcome::Ended);
        assert_eq!(shown(&world), Some(highest));
        let told = |event: &Event| matches!(event, Event::Warning { error } if error.message.contains("TYPE-7"));
        assert_eq!(count(&world, told), 1);
    }
}

#[test]
fn where_everything_asks_for_more_playback_fails_with_the_reason() {
    let all = ["240p", "360p", "480p", "720p", "1080p"].map(|rung| (rung, "TYPE-0"));
    let mut refused = world(&film(&all), Hdcp::None);
    let Outcome::Failed(error) = refused.run_until_end(MINUTE) else { panic!("it plays") };
    assert_eq!(error.code, ErrorCode::OutputUnprotected);
    assert_eq!(fetched(&refused, 0), BTreeSet::new());
    assert_eq!(world(&film(&all), Hdcp::Type0).run_until_end(MINUTE * 3), Outcome::Ended);
}

#[test]
fn a_display_may_come_and_go() {
    let mut world = world(&film(&LEVELS), Hdcp::None);
    world.run_for(seconds(10));
    assert_eq!(shown(&world), Some(480));
    world.command(Command::SetOutputProtection(Hdcp::Type1));
    world.run_for(seconds(50));
    assert_eq!(shown(&world), Some(1080));
    let before = requests(&world).count();
    world.command(Command::SetOutputProtection(Hdcp::None));
    world.run_for(seconds(13));
    assert_eq!(shown(&world), Some(480), "what was held is dropped but for a few seconds");
    assert_eq!(world.run_until_end(MINUTE * 3), Outcome::Ended);
    assert_eq!(fetched(&world, before), BTreeSet::from(["480p".to_owned()]));
    assert_eq!(world.stats().stalls, []);
    let account = world.stats().account;
    assert_eq!((account.discarded.switch, account.departed()), (0, account.discarded.replaced));
    assert!(account.discarded.replaced > 24, "{account:?}: another output is no choice of the viewer");
}
