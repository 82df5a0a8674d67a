//! From retained samples to decoders: pushes, switches configurations, replaces heads, ends tracks.

use super::feeder::Item;
use super::head::Head;
use super::pipeline::Feed;
use super::session::Session;
use super::threads::{Threads, decoder_threads};
use super::unneeded::is_unneeded;
use crate::error::PlayerError;
use crate::model::MediaKind;
use crate::render::RenderEvent;

/// Next step of a branch.
enum Step {
    Push,
    Reconfigure,
    Drain,
    Start,
    Gap,
    End,
    Wait,
}

impl Session {
    /// Pushes everything that can be pushed on one track.
    pub(super) fn feed(&mut self, kind: MediaKind) {
        loop {
            match self.step(kind) {
                Step::Wait => return,
                Step::Start => {
                    if let Err(error) = self.start_head(kind) {
                        self.fail_track(kind, error);
                        return;
                    }
                }
                step => self.carry_out(kind, &step),
            }
        }
    }

    fn step(&mut self, kind: MediaKind) -> Step {
        let Some(feeder) = self.feeders.iter().find(|feeder| feeder.kind() == kind) else { return Step::Wait };
        let Some(branch) = self.graph.as_mut().and_then(|graph| graph.branch(kind)) else { return Step::Wait };
        match (&branch.feed, feeder.peek()) {
            (Feed::Draining(_) | Feed::Ended(_), _) => Step::Wait,
            (Feed::Running(head), Some(Item::Sample(entry))) if !head.takes(entry) => Step::Drain,
            (Feed::Running(head), Some(Item::Sample(entry))) if *entry.config == **head.config() => Step::Push,
            (Feed::Running(_), Some(Item::Sample(_))) => Step::Reconfigure,
            (Feed::Running(_), Some(Item::Gap(..))) => Step::Drain,
            (Feed::Empty | Feed::Skipped, Some(Item::Sample(_))) => Step::Start,
            (Feed::Empty | Feed::Skipped, Some(Item::Gap(..))) => Step::Gap,
            (_, None) if feeder.is_finished() => Step::End,
            (_, None) => Step::Wait,
        }
    }

    fn carry_out(&mut self, kind: MediaKind, step: &Step) {
        let anchor = self.anchor;
        let Some(feeder) = self.feeders.iter_mut().find(|feeder| feeder.kind() == kind) else { return };
        let Some(branch) = self.graph.as_mut().and_then(|graph| graph.branch(kind)) else { return };
        match (step, &mut branch.feed) {
            (Step::Push, Feed::Running(head)) => {
                if let Some(Item::Sample(entry)) = feeder.peek()
                    && !is_unneeded(entry, anchor.start)
                {
                    head.push(entry);
                }
                feeder.advance();
            }
            (Step::Reconfigure, Feed::Running(head)) => {
                if let Some(Item::Sample(entry)) = feeder.peek() {
                    head.reconfigure(&entry.config);
                }
            }
            (Step::Gap, _) => {
                if let Some(Item::Gap(from, until)) = feeder.peek() {
                    tracing::debug!(track = kind.as_str(), ?from, ?until, "gap");
                    if *until > anchor.start {
                        branch.skip(&anchor, *from);
                    }
                }
                feeder.advance();
                if kind == MediaKind::Video && !self.video.has_shown() {
                    // There is no picture where the epoch begins.
                    self.audio.stand_in();
                }
            }
            (Step::Drain, _) => branch.drain(),
            (Step::End, _) => branch.end(&anchor),
            _ => {}
        }
    }

    fn start_head(&mut self, kind: MediaKind) -> Result<(), PlayerError> {
        let (anchor, id) = (self.anchor, self.heads);
        self.heads += 1;
        let feeder = self.feeders.iter().find(|feeder| feeder.kind() == kind);
        let Some(Item::Sample(entry)) = feeder.and_then(|feeder| feeder.peek()) else { return Ok(()) };
        let threads = if kind == MediaKind::Video {
            let (sample, ahead) = (&entry.sample, anchor.start.since(entry.sample.pts));
            decoder_threads(&entry.config, sample.duration, self.rate, self.one_thread_was_slow, ahead)
        } else {
            Threads::default()
        };
        let head = Head::new(kind, id, (&entry.config, entry.window), (threads, anchor.start), &self.excluded)?;
        tracing::debug!(track = kind.as_str(), decoder = head.decoder(), "decoder chosen");
        let Some(graph) = &mut self.graph else { return Ok(()) };
        let handle = graph.handle();
        let Some(branch) = graph.branch(kind) else { return Ok(()) };
        branch.start(&handle, head, &anchor)
    }

    /// Goes on without a track until it gets another configuration.
    pub(super) fn fail_track(&mut self, kind: MediaKind, error: PlayerError) {
        let anchor = self.anchor;
        if let Some(graph) = &mut self.graph {
            let handle = graph.handle();
            let _ = graph.set_playing(false);
            if let Some(branch) = graph.branch(kind) {
                branch.abandon(&handle, &anchor);
            }
            self.apply_playing();
        }
        let config = self.feeder(kind).and_then(|feeder| {
            feeder.clear();
            // So that it does not hold up the others when the pipeline is set up again.
            feeder.end();
            feeder.config().cloned()
        });
        self.failed.retain(|(track, _)| *track != kind);
        self.failed.push((kind, config));
        self.events.push(RenderEvent::TrackFailed { track: kind, error });
        if kind == MediaKind::Video && !self.video.has_shown() {
            self.audio.stand_in();
        }
    }
}
