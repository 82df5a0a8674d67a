//! The snapshot describes the failed request that is made again, from its failure until an answer begins.

use player_core::engine::io::FetchKind;
use player_core::error::Stage;
use player_core::model::Protocol;
use player_core::sim::{Effect, Fault, Film, Outcome};
use player_core::{ErrorCode, Severity};

use crate::support::{BOTH, MINUTE, fast, millis, play, seconds, world};

#[test]
fn a_retry_is_in_the_snapshot_until_an_answer_begins() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE);
        let busy = Fault::new("", Effect::Status(503)).of(FetchKind::Manifest).until(seconds(2));
        let mut world = world(&film, fast(), vec![busy]);
        assert_eq!(world.snapshot().pending_retry, None);
        world.load();
        world.run_for(millis(100));
        let first = world.snapshot().pending_retry.unwrap();
        assert_eq!((first.stage, first.host.as_str(), first.attempt), (Stage::Manifest, "http://edge", 1));
        assert_eq!((first.error.code, first.error.severity), (ErrorCode::HttpStatus, Severity::Warning));
        assert!(first.next_attempt_at > world.now() && first.next_attempt_at < first.gives_up_at, "{first:?}");
        world.run_for(seconds(1));
        let later = world.snapshot().pending_retry.unwrap();
        assert!(later.attempt > 1 && later.next_attempt_at > first.next_attempt_at, "{later:?}");
        world.run_for(seconds(4));
        assert_eq!(world.snapshot().pending_retry, None);
        assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
    }
}

#[test]
fn nothing_is_pending_after_the_end_of_playback() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = world(&film, fast(), vec![Fault::new("/v/", Effect::Silence)]);
    let outcome = play(&mut world);
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert_eq!(world.snapshot().pending_retry, None);
}
