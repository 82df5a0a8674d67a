//! A clock that a test moves on: from one moment for which a sink waits to the next.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::glib::subclass::prelude::*;
use gstreamer::subclass::prelude::*;

mod imp {
    use super::*;

    #[derive(Default)]
    pub(in crate::render::gst::tests) struct StepClock {
        state: Mutex<State>,
        changed: Condvar,
    }

    #[derive(Default)]
    struct State {
        now: gst::ClockTime,
        waiting: Vec<gst::ClockId>,
    }

    impl StepClock {
        pub(super) fn next(&self, waiters: usize, patience: Duration) -> Option<gst::ClockTime> {
            let state = self.state.lock().unwrap();
            let few = |state: &mut State| state.waiting.len() < waiters;
            let (state, _) = self.changed.wait_timeout_while(state, patience, few).unwrap();
            state.waiting.iter().map(gst::ClockId::time).min()
        }

        pub(super) fn set(&self, now: gst::ClockTime) {
            let mut state = self.state.lock().unwrap();
            state.now = state.now.max(now);
            let now = state.now;
            state.waiting.retain(|id| id.time() > now);
            self.changed.notify_all();
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for StepClock {
        const NAME: &'static str = "KinoraStepClock";
        type Type = super::StepClock;
        type ParentType = gst::Clock;
    }

    impl ObjectImpl for StepClock {}
    impl GstObjectImpl for StepClock {}

    impl ClockImpl for StepClock {
        fn internal_time(&self) -> gst::ClockTime {
            self.state.lock().unwrap().now
        }

        fn wait(&self, id: &gst::ClockId) -> (Result<gst::ClockSuccess, gst::ClockError>, gst::ClockTimeDiff) {
            let unscheduled = || id.status().load() == gst::ClockReturn::Unscheduled;
            let mut state = self.state.lock().unwrap();
            let jitter = state.now.nseconds() as i64 - id.time().nseconds() as i64;
            if jitter < 0 && !unscheduled() {
                state.waiting.push(id.clone());
                self.changed.notify_all();
                let waits = |state: &mut State| !unscheduled() && state.now < id.time();
                state = self.changed.wait_while(state, waits).unwrap();
                state.waiting.retain(|other| other != id);
            }
            drop(state);
            let result = match (unscheduled(), jitter > 0) {
                (true, _) => Err(gst::ClockError::Unscheduled),
                (false, true) => Err(gst::ClockError::Early),
                (false, false) => Ok(gst::ClockSuccess::Ok),
            };
            (result, jitter)
        }

        fn unschedule(&self, id: &gst::ClockId) {
            let _state = self.state.lock().unwrap();
            id.status().store(gst::ClockReturn::Unscheduled);
            self.changed.notify_all();
        }
    }
}

glib::wrapper! {
    /// The clock.
    pub(super) struct StepClock(ObjectSubclass<imp::StepClock>) @extends gst::Clock, gst::Object;
}

impl StepClock {
    /// At zero.
    pub(super) fn new() -> Self {
        glib::Object::new()
    }

    /// Returns the earliest time for which a sink waits, once `waiters` of them wait or after `patience`.
    pub(super) fn next(&self, waiters: usize, patience: Duration) -> Option<gst::ClockTime> {
        self.imp().next(waiters, patience)
    }

    /// Moves the clock on.
    pub(super) fn set(&self, now: gst::ClockTime) {
        self.imp().set(now);
    }
}
