//! The back of a track, from the queue after the decoder to the sink. It lives as long as its pipeline.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::anchor::{Anchor, to_clock};
use super::retimer::retimer;
use super::timing::Timing;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::model::MediaKind;
use crate::time::MediaTime;

/// Sinks that are never tried: DirectFB's takes the process down where there is no framebuffer.
const UNSAFE_SINKS: [&str; 1] = ["dfbvideosink"];

/// A chain of linked elements with one entrance.
pub(super) struct Tail {
    entry: gst::Pad,
    empty_caps: gst::Caps,
}

impl Tail {
    /// Links the chain inside the pipeline. `empty_caps` describe what would come, for a track that never comes.
    pub(super) fn new(
        pipeline: &gst::Pipeline,
        chain: &[gst::Element],
        empty_caps: gst::Caps,
    ) -> Result<Self, PlayerError> {
        pipeline.add_many(chain).map_err(|error| broken(&error))?;
        gst::Element::link_many(chain).map_err(|error| broken(&error))?;
        let entry = chain.first().and_then(|first| first.static_pad("sink"));
        let entry = entry.ok_or_else(|| failure("a chain without entrance".to_owned()))?;
        Ok(Self { entry, empty_caps })
    }

    /// Returns the pad that a head links to.
    pub(super) fn entry(&self) -> &gst::Pad {
        &self.entry
    }

    /// Drops everything inside and lets nothing in. No callback of the sink runs after this returns.
    pub(super) fn flush_start(&self) {
        self.entry.send_event(gst::event::FlushStart::new());
    }

    /// Lets data in again. With `reset_time`, running time begins at zero; otherwise the others go on and so
    /// does the clock.
    pub(super) fn flush_stop(&self, reset_time: bool) {
        self.entry.send_event(gst::event::FlushStop::new(reset_time));
    }

    /// Ends the track though no head feeds it.
    pub(super) fn end(&self) {
        self.entry.send_event(gst::event::Eos::new());
    }

    /// Sends a gap at `from`, so that the sink does not hold up the others. Its duration is left open: sinks wait for
    /// the end of a gap that has one, and queues count it as held.
    pub(super) fn gap(&self, from: MediaTime) {
        self.entry.send_event(gst::event::Gap::builder(to_clock(from)).build());
    }

    /// Sends the sink the caps of its coming input, when no head has.
    pub(super) fn open_stream(&self, anchor: &Anchor) {
        self.entry.send_event(gst::event::StreamStart::new("kinora-empty"));
        self.entry.send_event(gst::event::Caps::new(&self.empty_caps));
        self.entry.send_event(gst::event::Segment::new(&anchor.segment()));
    }
}

/// Makes an element.
///
/// # Errors
/// [`ErrorCode::RendererFailed`] naming the element when GStreamer lacks it.
pub(super) fn make(factory: &str, name: &str) -> Result<gst::Element, PlayerError> {
    gst::ElementFactory::make(factory)
        .name(name)
        .build()
        .map_err(|_| failure(format!("the GStreamer element {factory} is missing")).with_feature(factory))
}

/// Makes the element that stamps buffers with running time and, on audio, changes the tempo.
///
/// # Errors
/// [`ErrorCode::RendererFailed`] when GStreamer refuses its pads.
pub(super) fn make_retimer(name: &str, track: MediaKind, timing: &Arc<Timing>) -> Result<gst::Element, PlayerError> {
    retimer(name, track, timing).map_err(|error| broken(&error))
}

/// The best sink of a class that opens its device.
pub(super) fn open_device(class: gst::ElementFactoryType, name: &str) -> Option<gst::Element> {
    let class = gst::ElementFactoryType::SINK | class;
    let mut factories: Vec<_> =
        gst::ElementFactory::factories_with_type(class, gst::Rank::MARGINAL).into_iter().collect();
    factories.sort_by(|a, b| b.rank().cmp(&a.rank()).then_with(|| a.name().cmp(&b.name())));
    factories.iter().filter(|factory| !UNSAFE_SINKS.contains(&factory.name().as_str())).find_map(|factory| {
        let sink = factory.create().name(name).build().ok()?;
        if sink.set_state(gst::State::Ready).is_ok() {
            return Some(sink);
        }
        let _ = sink.set_state(gst::State::Null);
        None
    })
}

fn broken(error: &gst::glib::BoolError) -> PlayerError {
    failure(error.to_string())
}

fn failure(what: String) -> PlayerError {
    PlayerError::fatal(ErrorCode::RendererFailed, what).at(Stage::Render)
}
