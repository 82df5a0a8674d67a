//! Periodic work of the render thread: messages of the bus, the position, counts, and tracks or decoders that give no
//! output.

use gstreamer as gst;

use super::config::VideoOutput;
use super::feeder::Feeder;
use super::head::Head;
use super::pipeline::{Feed, Notice, Origin};
use super::session::{Session, Watch};
use super::threads::Pictures;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::model::MediaKind;
use crate::render::{FrameCounts, RenderEvent};
use crate::time::MediaTime;

/// Time between two ticks at first after each set-up; later it is twice as long, which is still less than the 100 ms that
/// the contract of `RenderEvent::Position` allows. A tick wakes this thread and the renderer's owner.
const QUICK_MILLIS: u64 = 40;

/// Number of ticks after a set-up that follow each other quickly: two seconds.
const QUICK_TICKS: u32 = 50;

/// Time between two sync samples in quick ticks: a second.
const SYNC_TICKS: u64 = 25;

/// Time of playing in quick ticks (a second) for which a track without any sample holds the others up, when each of them
/// has [`ENOUGH`] media. Then the others go on; it joins them when its samples arrive.
const PATIENCE: u32 = 25;

/// Nanoseconds of media that make a track ready to play without the other.
const ENOUGH: i64 = 1_000_000_000;

/// Samples that a working decoder cannot take without giving anything: 16 pictures for reordering (ITU-T H.264 §A.3.1,
/// H.265 §A.4.2), and one for each of 16 threads that decode side by side. Media time is no measure here: a picture may
/// last for seconds.
const MOST_HELD: u64 = 32;

/// More recoveries in one epoch mean that it is not going to work.
const MAX_RECOVERIES: u32 = 8;

impl Watch {
    /// Returns the length of the present tick in quick ticks.
    fn step(&self) -> u32 {
        if self.since_set_up < QUICK_TICKS { 1 } else { 2 }
    }
}

impl Session {
    /// True while there is something to look after.
    pub(super) fn is_active(&self) -> bool {
        self.graph.is_some()
    }

    /// Reads everything that the bus has.
    pub(super) fn read_bus(&mut self) {
        while let Some(notice) = self.graph.as_ref().and_then(|graph| graph.notice()) {
            match notice {
                Notice::Error { origin, text } => self.recover(origin, &text),
                Notice::Warning { origin: Origin::Head(_), text } => {
                    self.watch.decoder_warnings += 1;
                    self.warn(ErrorCode::DecoderFailed, &text);
                }
                Notice::Warning { origin, text } => tracing::debug!(?origin, text, "pipeline warning"),
                Notice::Drained { head } => self.replace_head(head),
                Notice::Ended => self.end(),
                Notice::Dropped { element, buffers } => self.count_dropped(element, buffers),
                Notice::ClockLost => {
                    let wanted = std::mem::replace(&mut self.playing, false);
                    self.apply_playing();
                    self.playing = wanted;
                    self.apply_playing();
                }
            }
        }
    }

    /// Returns the time until the next [`Session::tick`]: 40 ms or, once playback has gone on for two seconds, 80 ms.
    pub(super) fn tick_period(&self) -> gst::ClockTime {
        gst::ClockTime::from_mseconds(QUICK_MILLIS * u64::from(self.watch.step()))
    }

    /// Called every [`Session::tick_period`] while there is a graph.
    pub(super) fn tick(&mut self) {
        if let Some(graph) = &self.graph {
            graph.settle(self.playing);
        }
        self.watch.since_set_up = self.watch.since_set_up.saturating_add(1);
        let position = self.position();
        self.report_switches(position);
        for feeder in &mut self.feeders {
            feeder.trim(position);
        }
        self.report_counts();
        self.skip_missing_track();
        self.find_mute_decoder();
        if self.playing && !self.ended {
            self.events.push(RenderEvent::Position { epoch: self.epoch, position });
            let before = self.watch.ticks;
            self.watch.ticks += u64::from(self.watch.step());
            if self.watch.ticks / SYNC_TICKS > before / SYNC_TICKS {
                self.report_sync();
                self.check_pace();
            }
        }
    }

    fn end(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        let position = self.position();
        self.report_switches(position);
        self.report_counts();
        self.report_position();
        self.events.push(RenderEvent::Ended { epoch: self.epoch });
    }

    fn replace_head(&mut self, head: u64) {
        let mut kinds = Vec::new();
        if let Some(graph) = &mut self.graph {
            let handle = graph.handle();
            for kind in [MediaKind::Video, MediaKind::Audio] {
                if let Some(branch) = graph.branch(kind) {
                    branch.drained(&handle, head);
                    kinds.push(kind);
                }
            }
        }
        for kind in kinds {
            self.feed(kind);
        }
    }

    fn report_switches(&mut self, position: MediaTime) {
        for feeder in &mut self.feeders {
            while let Some((from, config)) = feeder.take_switch(position) {
                let before = self.watch.on_screen.insert(feeder.kind(), config.clone());
                if before.is_some_and(|before| *before != *config) {
                    self.events.push(RenderEvent::Reconfigured { track: feeder.kind(), from });
                }
            }
        }
    }

    fn report_counts(&mut self) {
        let (presented, corrupt) = self.video.counts();
        let counts = FrameCounts {
            presented: presented.saturating_sub(self.watch.dropped_by_window),
            dropped: self.watch.dropped,
            repeated: 0,
            corrupt: corrupt + self.watch.decoder_warnings,
        };
        if counts != self.watch.reported {
            self.watch.reported = counts;
            self.events.push(RenderEvent::Frames(counts));
        }
    }

    fn report_sync(&self) {
        let both = self.tracks.len() == 2;
        if let Some(video) = self.video.take_lateness().filter(|_| both) {
            let nanos = video - self.audio.take_lateness().unwrap_or(0);
            self.events.push(RenderEvent::AvSync { nanos });
        }
    }

    /// Elements count from their own start; a smaller number than before means another start.
    fn count_dropped(&mut self, element: String, buffers: u64) {
        if !element.contains(":video-") {
            return;
        }
        let by_window = matches!(self.config.video, VideoOutput::Window) && element.contains(":video-sink");
        let last = self.watch.dropped_by.insert(element, buffers).unwrap_or(0);
        let more = if buffers >= last { buffers - last } else { buffers };
        self.watch.dropped += more;
        self.watch.dropped_by_window += if by_window { more } else { 0 };
    }

    /// Gives a video decoder that does not keep up more than one thread, from the last key picture on.
    fn check_pace(&mut self) {
        let (presented, _) = self.video.counts();
        let pictures = Pictures { presented, dropped: self.watch.dropped, late: self.video.late() };
        let video = self.graph.as_mut().and_then(|graph| graph.branch(MediaKind::Video));
        let has_one_thread = video.and_then(|branch| branch.head()).is_some_and(Head::has_one_thread);
        if self.watch.pace.is_behind(pictures) && has_one_thread && !self.one_thread_was_slow {
            tracing::debug!("pictures are late: the decoder gets more threads");
            self.one_thread_was_slow = true;
            self.resume_here();
        }
    }

    fn skip_missing_track(&mut self) {
        let (anchor, playing) = (self.anchor, self.playing);
        let ready = self.active_feeders().any(|feeder| {
            let enough = |end: MediaTime| feeder.is_ended() || end.nanos_from(anchor.start) >= ENOUGH;
            feeder.media_end().is_some_and(enough)
        });
        let Some(graph) = &mut self.graph else { return };
        let missing = graph.branches().iter().find(|branch| matches!(branch.feed, Feed::Empty));
        let Some(kind) = missing.map(|branch| branch.kind).filter(|_| playing && ready) else {
            self.watch.missing = 0;
            return;
        };
        self.watch.missing += self.watch.step();
        if self.watch.missing >= PATIENCE
            && let Some(branch) = graph.branch(kind)
        {
            tracing::debug!(track = kind.as_str(), "nothing came: the others go on");
            branch.skip(&anchor, anchor.start);
            self.watch.missing = 0;
        }
    }

    fn find_mute_decoder(&mut self) {
        let ready: Vec<_> = self.active_feeders().map(Feeder::kind).collect();
        let mute = self.graph.as_ref().and_then(|graph| {
            graph.branches().iter().find_map(|branch| match &branch.feed {
                Feed::Running(head) if ready.contains(&branch.kind) && head.is_mute(MOST_HELD) => Some(branch.kind),
                _ => None,
            })
        });
        let Some(kind) = mute else {
            self.watch.mute = 0;
            return;
        };
        self.watch.mute += self.watch.step();
        if self.watch.mute >= PATIENCE {
            self.watch.mute = 0;
            self.recover(Origin::Head(kind), "the decoder takes samples and gives nothing");
        }
    }

    /// Goes on after an error with what there is; [`RenderEvent::Failed`] when that is nothing.
    pub(super) fn recover(&mut self, origin: Origin, text: &str) {
        self.recoveries += 1;
        if self.recoveries > MAX_RECOVERIES {
            let error = PlayerError::fatal(ErrorCode::RendererFailed, format!("failed again and again: {text}"));
            self.fail(error.at(Stage::Render));
            return;
        }
        match origin {
            Origin::Head(kind) => self.next_decoder(kind, text),
            Origin::Tail(MediaKind::Audio) if !self.device_lost => {
                self.device_lost = true;
                self.warn(ErrorCode::AudioDeviceUnavailable, &format!("the audio device went away: {text}"));
                self.discard_graph();
            }
            Origin::Tail(MediaKind::Video) if matches!(self.config.video, VideoOutput::Window) => {
                self.config.video = VideoOutput::Count;
                self.warn(ErrorCode::VideoOutputUnavailable, &format!("the window went away: {text}"));
                self.discard_graph();
            }
            Origin::Tail(_) | Origin::Pipeline => {
                self.fail(PlayerError::fatal(ErrorCode::RendererFailed, text).at(Stage::Render));
            }
        }
    }

    /// Goes on with the next decoder by rank from the last key picture; without one the track has failed.
    fn next_decoder(&mut self, kind: MediaKind, text: &str) {
        let Some(branch) = self.graph.as_mut().and_then(|graph| graph.branch(kind)) else { return };
        let Some(head) = branch.head() else { return };
        let (failed, more) = (head.decoder().to_owned(), head.has_other_decoder(&self.excluded));
        self.excluded.push(failed.clone());
        if more {
            self.warn(ErrorCode::DecoderFailed, &format!("{failed}: {text}; trying another decoder"));
            self.resume_here();
        } else {
            let error = PlayerError::fatal(ErrorCode::DecoderFailed, format!("{failed}: {text}")).at(Stage::Render);
            self.fail_track(kind, error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_slow_down_after_a_set_up_and_keep_the_contract_of_positions() {
        let after = |since_set_up| Watch { since_set_up, ..Watch::default() }.step();
        assert_eq!((after(0), after(QUICK_TICKS - 1)), (1, 1));
        assert_eq!((after(QUICK_TICKS), after(u32::MAX)), (2, 2));
        assert!(QUICK_MILLIS * u64::from(after(u32::MAX)) < 100);
    }
}
