//! Changes of track and quality: which media goes, which stays, and what a decoder that fails takes with it.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::tests::{add, ms, session_of};
use super::*;
use crate::config::PlayerConfig;
use crate::engine::context;
use crate::engine::ids::ItemId;

fn context() -> Context {
    let config = PlayerConfig::default();
    let rule = context::make_rule(&config).unwrap();
    Context::new(config, rule)
}

#[test]
fn audio_that_begins_where_the_dropped_video_of_its_files_began_goes_with_it() {
    for (border, kept) in [(4000, 4000), (3900, 7900)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, true)))]);
        for (buffer, begins) in [(&mut session.video, [0, 4000, 8000]), (&mut session.audio, [0, border, border + 4000])] {
            for (number, span) in begins.windows(2).enumerate() {
                add(buffer, number as u64, span[0], span[1], None);
                buffer.complete();
            }
        }
        let doomed = session.video.back().unwrap().seq;
        session.truncate_main(&mut cx, &[doomed], Departure::Discarded(Discard::Switch));
        assert_eq!((session.video.end(), session.audio.end()), (Some(ms(4000)), Some(ms(kept))), "{border}");
    }
}
