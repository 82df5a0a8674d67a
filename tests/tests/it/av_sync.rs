//! Sound and picture belong together: the beep of every second against the flash of every second.

use std::time::Duration;

use player_core::{Event, LoadRequest, MediaTime, PlayerConfig};

use crate::support::servers::python;
use crate::support::show::{Beep, Counter, Picture, Show};
use crate::support::{film, films};

/// What viewers do not notice (ITU-R BT.1359 finds 45 ms for sound that is early).
const LIMIT: Duration = Duration::from_millis(40);

fn flashes(pictures: &[Picture]) -> Vec<Picture> {
    let begins = pictures.windows(2).filter(|pair| !pair[0].flash && pair[1].flash);
    begins.map(|pair| pair[1]).collect()
}

fn nearest(flash: &Picture, beeps: &[Beep]) -> Option<Beep> {
    beeps.iter().copied().min_by_key(|beep| beep.pts.nanos_from(flash.pts).unsigned_abs())
}

#[test]
fn beep_and_flash_come_together() {
    let film = film(4);
    let server = python(&films());
    let show = Show::new(PlayerConfig::default(), Counter::Demo);
    show.load(LoadRequest::new(server.url.join(&format!("{}/master.m3u8", film.id)).unwrap()));
    show.until_position(MediaTime::from_millis(12_000));
    let (flashes, beeps) = (flashes(&show.pictures()), show.beeps());
    assert!(flashes.len() >= 10 && beeps.len() >= 10, "{} flashes, {} beeps", flashes.len(), beeps.len());
    let mut apart = Vec::new();
    // The last second may still be on its way to one of the two sinks.
    for flash in flashes.iter().filter(|flash| flash.pts < MediaTime::from_millis(11_000)) {
        let beep = nearest(flash, &beeps).unwrap();
        let media = Duration::from_nanos(beep.pts.nanos_from(flash.pts).unsigned_abs());
        assert!(media <= LIMIT, "on the timeline the beep of {:?} is {media:?} away from its flash", flash.pts);
        apart.push(if beep.at > flash.at { beep.at - flash.at } else { flash.at - beep.at });
    }
    apart.sort_unstable();
    let median = apart[apart.len() / 2];
    assert!(median <= LIMIT, "at the sinks beeps are {median:?} (median) away from their flashes: {apart:?}");
    show.player.pause().unwrap();
    show.until("hold", |event| matches!(event, Event::Reply { .. }));
}
