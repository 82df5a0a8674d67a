//! The same film as real bytes through the real demuxer plays the same.

use player_core::sim::{Film, Outcome};

use crate::support::{BOTH, assert_played, fast, play, seconds, world};

#[test]
fn muxed_media_plays_like_media_made_directly() {
    for protocol in BOTH {
        let direct = Film::new(protocol, seconds(40));
        let real = Film { real_bytes: true, ..direct.clone() };
        let mut a = world(&direct, fast(), Vec::new());
        let mut b = world(&real, fast(), Vec::new());
        assert_eq!(play(&mut a), Outcome::Ended);
        assert_eq!(play(&mut b), Outcome::Ended);
        assert_played(&b, seconds(40));
        assert_eq!(a.stats().frames, b.stats().frames);
        assert_eq!(b.stats().stalls, []);
        let fetched = |stats: &player_core::telemetry::SessionStats| stats.bytes_media;
        assert!(fetched(&b.stats()) > fetched(&a.stats()), "boxes cost bytes");
    }
}
