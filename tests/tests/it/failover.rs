//! An edge dies in the middle of a film; the other takes over, and the viewer sees nothing of it.

use std::path::Path;

use player_core::{Event, LoadRequest, MediaTime, PlayerConfig};
use serde_json::Value;

use crate::support::servers::{edge, python};
use crate::support::show::{Counter, Show};
use crate::support::{film, films};

/// Media requests that an edge answered in full, from its log.
fn served(log: &Path) -> usize {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["status"] == 200 && line["path"].as_str().is_some_and(|path| path.ends_with(".m4s")))
        .count()
}

#[test]
fn the_death_of_the_serving_edge_costs_no_stall() {
    let film = film(5);
    let origin = python(&films());
    let folder = tempfile::tempdir().unwrap();
    let logs = [folder.path().join("a.ndjson"), folder.path().join("b.ndjson")];
    let mut edges = logs.each_ref().map(|log| edge(&origin.url, &["--log", log.to_str().unwrap()]));
    let show = Show::new(
        PlayerConfig { buffer_goal: std::time::Duration::from_secs(6), ..PlayerConfig::default() },
        Counter::Demo,
    );
    let mut request = LoadRequest::new(edges[0].url.join(&format!("{}/master.m3u8", film.id)).unwrap());
    request.locations.push(edges[1].url.join(&format!("{}/master.m3u8", film.id)).unwrap());
    show.load(request);
    show.until_position(MediaTime::from_millis(3_000));
    edges[0].kill();
    assert!(served(&logs[0]) > 0, "the edge that died was the one that served");
    assert_eq!(served(&logs[1]), 0, "the other had nothing to do before");
    let event = show.until("failover", |event| matches!(event, Event::Failover { .. }));
    let Event::Failover { from, to, .. } = event else { unreachable!() };
    let port = |edge: usize| edges[edge].url.port().unwrap().to_string();
    assert!(from.ends_with(&port(0)) && to.ends_with(&port(1)), "{from} → {to}");
    show.until("end", |event| matches!(event, Event::Ended));
    let stats = &show.player.snapshot().stats;
    assert_eq!(stats.failovers.len(), 1, "{:?}", stats.failovers);
    assert!(stats.stalls.is_empty(), "{:?}", stats.stalls);
    assert!(served(&logs[1]) > 0, "the other edge took over");
    assert_eq!(show.runs(), [(0, u32::try_from(film.frames).unwrap())]);
}
