//! Tests of the virtual world itself: conditions, events with their times, and the faults that fired.

use player_core::engine::io::FetchKind;
use player_core::model::Protocol;
use player_core::sim::{Effect, Fault, FaultPlan, Film, Outcome, World};
use player_core::time::Now;
use player_core::{Command, ErrorCode, Event, MediaTime, SeekMode, State};

use crate::support::{BOTH, HOUR, MINUTE, count, fast, millis, play, requests, seconds, world};

fn film() -> Film {
    Film::new(Protocol::Hls, MINUTE)
}

/// A world whose film is loaded.
fn loaded(faults: Vec<Fault>) -> World {
    let mut world = world(&film(), fast(), faults);
    world.load();
    world
}

#[test]
fn a_condition_is_reached_at_the_first_event_after_which_it_holds() {
    let mut world = loaded(Vec::new());
    let target = MediaTime::from_millis(10_000);
    let mut refused = Vec::new();
    let outcome = world.run_until(MINUTE, |world| {
        let position = world.snapshot().position;
        if position < target {
            refused.push((world.now(), position));
        }
        position >= target
    });
    assert_eq!(outcome, Outcome::Reached);
    let position = world.snapshot().position;
    assert!(position >= target && position < target + millis(200), "{position:?}");
    assert_eq!(refused.first(), Some(&(Now::ZERO, MediaTime::ZERO)), "it is tried before time passes");
    assert!(refused.len() > 100 && refused.is_sorted() && refused.iter().all(|(at, _)| *at <= world.now()));
    let (now, events) = (world.now(), world.events().len());
    assert_eq!(world.run_until(MINUTE, |world| world.snapshot().position >= target), Outcome::Reached);
    assert_eq!((world.now(), world.events().len()), (now, events), "it holds already");
}

#[test]
fn a_condition_on_events_stops_at_the_event() {
    let mut world = loaded(Vec::new());
    let started = |world: &World| count(world, |event| matches!(event, Event::FirstFrame { .. })) > 0;
    assert_eq!(world.run_until(MINUTE, started), Outcome::Reached);
    let first = world.events().iter().find(|event| matches!(event.event, Event::FirstFrame { .. })).unwrap();
    assert_eq!((first.at, first.position), (world.now(), MediaTime::ZERO));
    assert!(world.events().is_sorted_by_key(|event| event.at));
    assert_eq!(world.events()[0].at, Now::ZERO, "the reply to the load");
}

#[test]
fn a_run_without_its_condition_ends_with_the_reason() {
    let never = |_: &World| false;
    let mut world = loaded(Vec::new());
    assert_eq!(world.run_until(seconds(5), never), Outcome::TimeUp);
    assert_eq!(world.now(), Now::ZERO + seconds(5), "the clock stands at the limit");
    assert_eq!(world.run_until(seconds(5), |world| world.now() == Now::ZERO + seconds(10)), Outcome::Reached);
    assert_eq!(world.run_until(HOUR, never), Outcome::Ended);
    let end = world.now();
    assert_eq!((world.run_until(HOUR, never), world.now()), (Outcome::Ended, end), "it stays ended");
    world.command(Command::Seek { to: MediaTime::from_millis(50_000), mode: SeekMode::Exact });
    assert_eq!(world.run_until(seconds(1), never), Outcome::TimeUp, "until a command goes on with it");
    assert_eq!(world.run_until(HOUR, never), Outcome::Ended);

    world.command(Command::Stop);
    world.run_for(seconds(1));
    world.at(world.now().as_duration() + seconds(2), Command::SetVolume(0.5));
    assert_eq!(world.run_until(seconds(1), never), Outcome::TimeUp, "a command is pending");
    let volume = |world: &World| world.snapshot().volume == 0.5;
    assert_eq!(
        (world.run_until(seconds(5), volume), world.run_until(seconds(5), never)),
        (Outcome::Reached, Outcome::Hung)
    );

    let mut world = loaded(vec![Fault::new("", Effect::Status(404)).of(FetchKind::Manifest)]);
    let Outcome::Failed(error) = world.run_until(HOUR, never) else { panic!("the manifest is missing") };
    assert_eq!((error.code, world.snapshot().state), (ErrorCode::HttpStatus, State::Failed));
}

#[test]
fn stops_on_the_way_change_nothing() {
    for protocol in BOTH {
        let fault = || Fault::new("/7.m4s", Effect::Truncate(400)).of(FetchKind::Segment).times(2);
        let mut whole = world(&Film::new(protocol, MINUTE), fast(), vec![fault()]);
        assert_eq!(play(&mut whole), Outcome::Ended);
        let mut pieces = world(&Film::new(protocol, MINUTE), fast(), vec![fault()]);
        pieces.load();
        let mut outcome = Outcome::Reached;
        let mut stops = 0;
        while outcome == Outcome::Reached {
            let events = pieces.events().len();
            outcome = pieces.run_until(HOUR, |world| world.events().len() >= events + 3);
            stops += 1;
        }
        assert_eq!(outcome, Outcome::Ended, "{protocol:?}");
        assert!(stops > 10, "{stops}");
        assert_eq!(pieces.event_lines(), whole.event_lines(), "{protocol:?}");
        assert_eq!(pieces.faults_fired(), whole.faults_fired(), "{protocol:?}");
    }
}

#[test]
fn every_fault_that_fires_is_noted_with_its_request_and_time() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE);
        let busy = Fault::new("/v/", Effect::Status(503)).of(FetchKind::Segment).times(2).named("busy");
        let never = Fault::new("nowhere", Effect::Reset).named("elsewhere");
        let mut world = world(&film, fast(), vec![never, busy]);
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended);
        let fired = world.faults_fired();
        assert_eq!(fired.iter().map(|fired| fired.fault.as_str()).collect::<Vec<_>>(), ["busy", "busy"]);
        for fired in fired {
            let struck: Vec<_> = requests(&world).filter(|request| request.id == fired.request).collect();
            let [request] = struck[..] else { panic!("{struck:?}") };
            assert_eq!((&fired.url, fired.kind, fired.range), (&request.url, FetchKind::Segment, request.range));
            assert!(fired.url.path().starts_with("/film/v/"));
        }
        assert!(fired[0].at < fired[1].at && fired[0].request != fired[1].request);
        let warned = world.events().iter().find(|event| matches!(event.event, Event::Warning { .. })).unwrap();
        assert!(warned.at > fired[0].at && warned.at < fired[0].at + seconds(1));
        assert_eq!(world.fault_plan().fired(), [("elsewhere".to_owned(), 0), ("busy".to_owned(), 2)]);
    }
}

#[test]
fn faults_are_added_and_plans_replaced_under_way() {
    let refused = |times| Fault::new("/v/", Effect::Status(503)).of(FetchKind::Segment).times(times);
    let mut world = loaded(vec![refused(1).named("first")]);
    let fired = |world: &World, most| world.faults_fired().len() >= most;
    assert_eq!(world.run_until(MINUTE, |world| fired(world, 1)), Outcome::Reached);
    world.run_for(seconds(2));
    world.add_faults([refused(1).named("second"), Fault::new("/a/", Effect::Refuse).times(1).named("third")]);
    assert_eq!(world.run_until(MINUTE, |world| fired(world, 3)), Outcome::Reached);
    assert_eq!(world.fault_plan().fired().iter().map(|(_, times)| *times).collect::<Vec<_>>(), [1, 1, 1]);
    world.set_fault_plan(FaultPlan::new(vec![refused(1).named("fourth")]));
    assert_eq!(world.run_until(MINUTE, |world| fired(world, 4)), Outcome::Reached);
    assert_eq!(world.fault_plan().fired(), [("fourth".to_owned(), 1)], "a plan counts anew");
    let mut names: Vec<&str> = world.faults_fired().iter().map(|fired| fired.fault.as_str()).collect();
    names[1..3].sort_unstable();
    assert_eq!(names, ["first", "second", "third", "fourth"], "and the world forgets nothing");
    assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
}
