//! The front of a track: `appsrc ! parser ! decoder` in its own bin, so that it can be drained and replaced while the
//! converter, the resampler and the sink after it stay.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_audio as gst_audio;

use super::anchor::{Anchor, from_clock, to_clock};
use super::caps::{same_decoder, sample_caps};
use super::decoders::{candidates, describe, parser_name};
use super::feeder::Entry;
use super::threads::Threads;
use super::warm;
use crate::container::CodecConfig;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::model::MediaKind;
use crate::render::Window;
use crate::time::MediaTime;

/// Name of the message that a drained head posts after its last picture or audio.
pub(super) const DRAINED: &str = "kinora-head-drained";

/// Slack by which each buffer duration is shortened. Durations are rounded up to whole nanoseconds by the container's
/// timescale, and a picture that ends exactly where a segment starts must be clipped, not shown.
const DURATION_SLACK: gst::ClockTime = gst::ClockTime::from_useconds(1);

/// Decodes the samples of one track.
pub(super) struct Head {
    id: u64,
    bin: gst::Bin,
    source: gst_app::AppSrc,
    decoder: String,
    /// Bound of the decoder's threads, if it was given one.
    threads: Option<u32>,
    /// Start of the epoch, if the head gives way to another one after it; see [`Threads::catches_up`].
    catches_up: Option<MediaTime>,
    config: Arc<CodecConfig>,
    /// Window of the samples that may leave it; shared with the thread that decodes.
    window: Arc<Mutex<Window>>,
    /// Window of the last pushed sample.
    latest: Window,
    /// End of the last pushed sample.
    end: Option<MediaTime>,
    draining: Arc<AtomicBool>,
    decoded: Arc<AtomicU64>,
    pushed: u64,
}

impl Head {
    /// Makes a head with the best decoder that opens and is not in `excluded`, for an epoch that begins at `start`. Nothing
    /// runs yet. `threads` is for decoders that have a choice.
    ///
    /// # Errors
    /// [`ErrorCode::DecoderUnavailable`] when there is none.
    pub(super) fn new(
        kind: MediaKind,
        id: u64,
        (config, window): (&Arc<CodecConfig>, Window),
        (threads, start): (Threads, MediaTime),
        excluded: &[String],
    ) -> Result<Self, PlayerError> {
        let unavailable = || {
            let codec = describe(config);
            PlayerError::fatal(ErrorCode::DecoderUnavailable, format!("no decoder for {codec}"))
                .with_feature(codec)
                .at(Stage::Render)
        };
        let caps = sample_caps(config).ok_or_else(unavailable)?;
        let factories = candidates(&config.codec);
        let decoder = factories
            .iter()
            .filter(|factory| !excluded.iter().any(|name| *name == factory.name()))
            .find_map(open)
            .ok_or_else(unavailable)?;
        let has_choice = decoder.has_property("max-threads");
        let catches_up = (threads.catches_up && has_choice).then_some(start);
        let threads = threads.most.filter(|_| has_choice);
        if let Some(threads) = threads {
            decoder.set_property_from_str("max-threads", &threads.to_string());
        }
        let name = decoder.factory().map(|factory| factory.name().to_string()).unwrap_or_default();
        let parser = parser_name(&config.codec).and_then(|name| gst::ElementFactory::make(name).build().ok());

        let bin = gst::Bin::with_name(&format!("{}-head-{id}", kind.as_str()));
        let source = gst_app::AppSrc::builder()
            .caps(&caps)
            .format(gst::Format::Time)
            .stream_type(gst_app::AppStreamType::Stream)
            .is_live(false)
            .build();
        // The engine limits what is appended; a second limit here would only hide samples.
        source.set_max_bytes(0);
        source.set_block(false);
        let mut chain = vec![source.clone().upcast::<gst::Element>()];
        chain.extend(parser);
        chain.push(decoder.clone());
        let broken = |what: String| PlayerError::fatal(ErrorCode::RendererFailed, what).at(Stage::Render);
        bin.add_many(&chain).map_err(|error| broken(error.to_string()))?;
        gst::Element::link_many(&chain).map_err(|error| broken(error.to_string()))?;
        let end = decoder.static_pad("src").ok_or_else(|| broken(format!("{name} has no src pad")))?;
        let ghost = gst::GhostPad::with_target(&end).map_err(|error| broken(error.to_string()))?;
        let (draining, decoded) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let latest = window;
        let window = Arc::new(Mutex::new(window));
        watch_end(&ghost, &bin, id, &draining, &decoded);
        clip(&ghost, kind, &window);
        bin.add_pad(&ghost).map_err(|error| broken(error.to_string()))?;
        let config = config.clone();
        Ok(Self {
            id,
            bin,
            source,
            decoder: name,
            threads,
            catches_up,
            config,
            window,
            latest,
            end: None,
            draining,
            decoded,
            pushed: 0,
        })
    }

    /// Puts the head into a running pipeline, in front of `entry`, with the anchor's segment.
    pub(super) fn start(&self, pipeline: &gst::Pipeline, entry: &gst::Pad, anchor: &Anchor) -> Result<(), PlayerError> {
        let broken = |what: String| PlayerError::fatal(ErrorCode::RendererFailed, what).at(Stage::Render);
        pipeline.add(&self.bin).map_err(|error| broken(error.to_string()))?;
        let src = self.bin.static_pad("src").ok_or_else(|| broken("a head without an end".to_owned()))?;
        src.link(entry).map_err(|error| broken(error.to_string()))?;
        self.source.send_event(gst::event::Segment::new(&anchor.segment()));
        self.bin.sync_state_with_parent().map_err(|error| broken(error.to_string()))
    }

    /// Takes the head out of the pipeline. Whatever it holds is lost; the elements after it must be flushing or
    /// the head drained, so that its thread is not held there.
    pub(super) fn remove(self, pipeline: &gst::Pipeline) {
        if let Some(src) = self.bin.static_pad("src")
            && let Some(peer) = src.peer()
        {
            let _ = src.unlink(&peer);
        }
        // The pipeline may be on its way to another state, on another thread: it must not start this again.
        self.bin.set_locked_state(true);
        // A head that does not stop is not worth an error: it is cut off and forgotten either way.
        let _ = self.bin.set_state(gst::State::Null);
        let _ = pipeline.remove(&self.bin);
    }

    /// Its number, which messages carry.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The name of its decoder.
    pub(super) fn decoder(&self) -> &str {
        &self.decoder
    }

    /// Returns true if its decoder may use one thread only.
    pub(super) fn has_one_thread(&self) -> bool {
        self.threads == Some(1)
    }

    /// Returns its present configuration.
    pub(super) fn config(&self) -> &Arc<CodecConfig> {
        &self.config
    }

    /// True when a sample can follow, perhaps after new capabilities; otherwise the head must be drained. Media of
    /// another window can when nothing of either is cut off where they meet.
    pub(super) fn takes(&self, entry: &Entry) -> bool {
        let decodes = *self.config == *entry.config || same_decoder(&self.config, &entry.config);
        let begin = entry.sample.pts;
        let gives_way = self.catches_up.is_some_and(|start| entry.sample.key && begin >= start);
        decodes
            && !gives_way
            && (self.latest == entry.window || self.latest.continues(entry.window, self.end.unwrap_or(begin), begin))
    }

    /// New capabilities for what is pushed from now on; what was pushed before keeps its own.
    pub(super) fn reconfigure(&mut self, config: &Arc<CodecConfig>) {
        self.source.set_caps(sample_caps(config).as_ref());
        self.config = config.clone();
    }

    /// Hands a sample to the decoder; the bytes are shared, not copied.
    pub(super) fn push(&mut self, entry: &Entry) {
        let sample = &entry.sample;
        if self.latest != entry.window {
            // What is still inside belongs to the window before, of which nothing needs to be cut off.
            self.latest = entry.window;
            lock(&self.window).until = entry.window.until;
        }
        self.end = self.end.max(Some(sample.end()));
        let mut buffer = gst::Buffer::from_slice(sample.payload.0.clone());
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(to_clock(sample.pts));
            // No decoding time: files with negative composition offsets (ISO/IEC 14496-12 §8.6.1.3) have pictures that
            // are presented before they are decoded, and parsers would move those to their decoding time.
            let nanos = u64::try_from(sample.duration.as_nanos()).unwrap_or(0);
            if nanos > 0 {
                let duration = gst::ClockTime::from_nseconds(nanos);
                buffer.set_duration(duration.checked_sub(DURATION_SLACK).unwrap_or(duration));
            }
            if !sample.key {
                buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
            if self.pushed == 0 {
                buffer.set_flags(gst::BufferFlags::DISCONT);
            }
        }
        self.pushed += 1;
        // Refused only while the head stops or after an error, which the bus reports.
        let _ = self.source.push_buffer(buffer);
    }

    /// Nothing follows: the end goes through to the sink.
    pub(super) fn end(&self) {
        let _ = self.source.end_of_stream();
    }

    /// Decodes all samples that it holds and then posts [`DRAINED`] on the bus; the sink does not notice.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        let _ = self.source.end_of_stream();
    }

    /// Returns true if more than `most_held` samples went in, all were taken, and nothing ever left the decoder.
    pub(super) fn is_mute(&self, most_held: u64) -> bool {
        self.pushed > most_held && self.source.current_level_buffers() == 0 && self.decoded.load(Ordering::SeqCst) == 0
    }

    /// True when another decoder for the same codec has not been tried.
    pub(super) fn has_other_decoder(&self, excluded: &[String]) -> bool {
        let untried = |name: &str| name != self.decoder && !excluded.iter().any(|tried| tried == name);
        candidates(&self.config.codec).iter().any(|factory| untried(&factory.name()))
    }
}

/// The element, if it opens: hardware decoders show here whether their device is there.
fn open(factory: &gst::ElementFactory) -> Option<gst::Element> {
    warm::load_decoder(factory);
    let decoder = factory.create().build().ok()?;
    if decoder.set_state(gst::State::Ready).is_err() {
        let _ = decoder.set_state(gst::State::Null);
        tracing::debug!(decoder = %factory.name(), "decoder does not open");
        return None;
    }
    Some(decoder)
}

/// Counts the output of the decoder, and holds back the end of a head that is drained.
fn watch_end(end: &gst::GhostPad, bin: &gst::Bin, id: u64, draining: &Arc<AtomicBool>, decoded: &Arc<AtomicU64>) {
    let (draining, decoded, bin) = (draining.clone(), decoded.clone(), bin.downgrade());
    end.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        match &info.data {
            Some(gst::PadProbeData::Buffer(_)) => {
                decoded.fetch_add(1, Ordering::SeqCst);
            }
            Some(gst::PadProbeData::Event(event))
                if event.type_() == gst::EventType::Eos && draining.load(Ordering::SeqCst) =>
            {
                if let Some(bin) = bin.upgrade() {
                    let structure = gst::Structure::builder(DRAINED).field("head", id).build();
                    let _ = bin.post_message(gst::message::Element::builder(structure).src(&bin).build());
                }
                // Not dropped: GStreamer 1.22 would release once more what the binding has released.
                return gst::PadProbeReturn::Handled;
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// Lets nothing through that lies outside of the window: pictures as a whole, sound to the sample.
fn clip(end: &gst::GhostPad, kind: MediaKind, window: &Arc<Mutex<Window>>) {
    let window = window.clone();
    end.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let window = *lock(&window);
        let Some(buffer) = info.buffer().filter(|_| window != Window::ALL) else { return gst::PadProbeReturn::Ok };
        let Some(pts) = buffer.pts() else { return gst::PadProbeReturn::Ok };
        let begin = from_clock(pts);
        let last = from_clock(pts + buffer.duration().unwrap_or(gst::ClockTime::ZERO));
        if !window.shows(begin, last) {
            return gst::PadProbeReturn::Handled;
        }
        if kind == MediaKind::Audio && (begin < window.from || last > window.until) {
            let Some(gst::PadProbeData::Buffer(whole)) = info.data.take() else { return gst::PadProbeReturn::Ok };
            let Some(part) = clip_sound(pad, whole, window) else { return gst::PadProbeReturn::Handled };
            info.data = Some(gst::PadProbeData::Buffer(part));
        }
        gst::PadProbeReturn::Ok
    });
}

/// The part of a block of sound that lies in the window; the block itself when its format is not known.
fn clip_sound(pad: &gst::GhostPad, block: gst::Buffer, window: Window) -> Option<gst::Buffer> {
    let info = pad.current_caps().and_then(|caps| gst_audio::AudioInfo::from_caps(&caps).ok());
    let Some(info) = info else { return Some(block) };
    let mut span = gst::FormattedSegment::<gst::ClockTime>::new();
    span.set_start(to_clock(window.from));
    if window.until != MediaTime::MAX {
        span.set_stop(to_clock(window.until));
    }
    gst_audio::audio_buffer_clip(block, span.upcast_ref(), info.rate(), info.bpf())
}

/// The window is whole after every statement, so a panic elsewhere leaves nothing half done.
fn lock(window: &Mutex<Window>) -> std::sync::MutexGuard<'_, Window> {
    window.lock().unwrap_or_else(PoisonError::into_inner)
}
