//! Each fault at each phase of a session.

use player_core::sim::live::LiveFilm;
use player_core::sim::{Effect, Fault};
use player_core::{Command, SeekMode};

use super::*;
use crate::support::BOTH;

/// Times at which a fault begins, in milliseconds: before the first manifest, in the first part, at a discontinuity, and
/// during a seek. Before anything is presented a typed error may be the end.
const PHASES: [u64; 4] = [0, 30, 9_900, 15_000];

#[test]
fn faults_of_two_seconds_are_survived_at_each_phase() {
    let effects = [Effect::Silence, Effect::Status(503), Effect::Refuse, Effect::Truncate(500), Effect::Html];
    for protocol in BOTH {
        for film in [plain(protocol), low_latency(protocol)] {
            for effect in effects.clone() {
                for from in PHASES {
                    let film = LiveFilm { chapter: Some(5), ..film.clone() };
                    let fault = Fault::new("", effect.clone()).from(millis(from)).until(millis(from + 2000));
                    let mut world =
                        World::live(PlayerConfig::default(), &film, &["edge"], fast(), vec![fault]).unwrap();
                    world.load();
                    let outcome = world.run_until_end(seconds(15));
                    if world.live_latency().is_none() && matches!(outcome, Outcome::Failed(_)) {
                        continue;
                    }
                    assert_eq!(outcome, Outcome::TimeUp, "{}", last_events(&world));
                    let back = live(&world).window.start + seconds(30);
                    world.command(Command::Seek { to: back, mode: SeekMode::Exact });
                    go_on(&mut world, seconds(15));
                    assert_plays(&mut world);
                }
            }
        }
    }
}
