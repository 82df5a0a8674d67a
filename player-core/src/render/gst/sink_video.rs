//! The end of the video branch: the sink, the counts at it, and the frames handed to the host.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::config::{FrameCallback, VideoOutput};
use super::events::EventQueue;
use super::retimer::presentation;
use super::tail::{Tail, make, make_retimer, open_device};
use super::timing::Timing;
use crate::error::PlayerError;
use crate::model::MediaKind;
use crate::render::{Colorimetry, Epoch, FramePlane, PixelLayout, RenderEvent, VideoFrame};
use crate::time::MediaTime;

/// Decoded pictures between decoder and sink. With the one that the decoder waits to hand over and the one that the sink
/// waits to show, they bridge a decoder that is replaced. A picture of 720p takes 1.4 MB.
const QUEUED_PICTURES: u32 = 2;

/// The newest late picture that is still shown to a viewer.
const MAX_LATENESS: gst::ClockTime = gst::ClockTime::from_mseconds(40);

/// Pictures shown so far.
#[derive(Default)]
struct Shown {
    epoch: Epoch,
    /// The epoch's first picture was announced.
    announced: bool,
    /// The end of the newest picture on screen.
    until: Option<MediaTime>,
    /// Skip what was on screen already: the pipeline was set up again in the middle of an epoch.
    resumed: bool,
    /// Shown while the clock was held; it comes once more when its time has come.
    prerolled: Option<MediaTime>,
    presented: u64,
    corrupt: u64,
    /// Those later than [`MAX_LATENESS`].
    late: u64,
    serial: u64,
    lateness: Option<i64>,
    rotations: VecDeque<(MediaTime, u16)>,
    info: Option<(gst::Caps, gst_video::VideoInfo)>,
}

/// Counts pictures and hands them out. Shared by the render thread and the sink's.
pub(super) struct VideoPresenter {
    events: Arc<EventQueue>,
    shown: Mutex<Shown>,
    callback: Mutex<Option<FrameCallback>>,
}

impl VideoPresenter {
    /// For an output; `events` gets the first picture of each epoch.
    pub(super) fn new(output: &VideoOutput, events: Arc<EventQueue>) -> Self {
        let callback = match output {
            VideoOutput::Frames(callback) => Some(callback.clone()),
            VideoOutput::Window | VideoOutput::Count => None,
        };
        Self { events, shown: Mutex::default(), callback: Mutex::new(callback) }
    }

    /// A new epoch begins. The tail must be flushing.
    pub(super) fn begin(&self, epoch: Epoch) {
        let mut shown = self.shown();
        shown.epoch = epoch;
        (shown.announced, shown.resumed) = (false, false);
        (shown.until, shown.prerolled, shown.lateness) = (None, None, None);
        shown.rotations.clear();
    }

    /// The same epoch goes on in a pipeline that was flushed or made anew. The tail must be flushing.
    pub(super) fn resume(&self) {
        let mut shown = self.shown();
        shown.resumed = true;
        shown.prerolled = None;
    }

    /// Turns pictures from `from` on clockwise by this number of degrees.
    pub(super) fn rotate(&self, from: MediaTime, degrees: u16) {
        const MAX_ROTATIONS: usize = 64;
        let mut shown = self.shown();
        if shown.rotations.len() == MAX_ROTATIONS {
            shown.rotations.pop_front();
        }
        shown.rotations.push_back((from, degrees));
    }

    /// Pictures presented and damaged so far.
    pub(super) fn counts(&self) -> (u64, u64) {
        let shown = self.shown();
        (shown.presented, shown.corrupt)
    }

    /// Returns the number of pictures so far that were shown more than 40 ms late.
    pub(super) fn late(&self) -> u64 {
        self.shown().late
    }

    /// Returns true if a picture of this epoch was announced.
    pub(super) fn has_shown(&self) -> bool {
        self.shown().announced
    }

    /// Takes the lateness of the last picture, in nanoseconds.
    pub(super) fn take_lateness(&self) -> Option<i64> {
        self.shown().lateness.take()
    }

    /// No callback runs after this returns.
    pub(super) fn close(&self) {
        *self.callback.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A picture is due (`preroll` is false), or is the first one while the clock is held.
    fn picture(&self, sample: &gst::Sample, preroll: bool, late: Option<i64>) {
        let Some(buffer) = sample.buffer() else { return };
        let Some((pts, end)) = presentation(buffer) else { return };
        let mut shown = self.shown();
        if preroll && shown.announced {
            return;
        }
        let repeated = shown.prerolled.take() == Some(pts);
        // Cut off by the segment, a picture that was on screen begins anew, but still before its end.
        if shown.resumed && shown.until.is_some_and(|until| pts < until) {
            return;
        }
        shown.until = Some(end);
        if !repeated {
            shown.presented += 1;
            shown.corrupt += u64::from(buffer.flags().contains(gst::BufferFlags::CORRUPTED));
        }
        if preroll {
            shown.prerolled = Some(pts);
        } else {
            shown.resumed = false;
            shown.lateness = late;
            shown.late += u64::from(late.is_some_and(|nanos| nanos > MAX_LATENESS.nseconds() as i64));
        }
        let first = (!shown.announced).then_some(shown.epoch);
        shown.announced = true;
        let frame = if repeated || !self.wants_frames() { None } else { frame(sample, pts, &mut shown) };
        drop(shown);
        if let Some(frame) = frame {
            // Held while it runs, so that `close` waits for the last call.
            let callback = self.callback.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(callback) = callback.as_ref() {
                callback(frame);
            }
        }
        if let Some(epoch) = first {
            self.events.push(RenderEvent::FirstFrame { epoch, pts });
            #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
            super::libraries::after_first_picture();
        }
    }

    fn wants_frames(&self) -> bool {
        self.callback.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// Makes the tail for pictures. The second value is false when a window was wanted and could not be had.
pub(super) fn video_tail(
    pipeline: &gst::Pipeline,
    (output, drop_late): (&VideoOutput, bool),
    presenter: &Arc<VideoPresenter>,
    timing: &Arc<Timing>,
) -> Result<(Tail, bool), PlayerError> {
    let queue = make("queue", "video-queue")?;
    queue.set_property("max-size-buffers", QUEUED_PICTURES);
    queue.set_property("max-size-bytes", 0u32);
    queue.set_property("max-size-time", 0u64);
    // Passes pictures through untouched unless the decoder gives a layout that hosts do not take (4:2:2, RGB).
    let convert = make("videoconvert", "video-convert")?;
    let retimer = make_retimer("video-retimer", MediaKind::Video, timing)?;
    let window = match output {
        VideoOutput::Window => open_device(gst::ElementFactoryType::MEDIA_VIDEO, "video-sink"),
        VideoOutput::Frames(_) | VideoOutput::Count => None,
    };
    let opened = window.is_some() || !matches!(output, VideoOutput::Window);
    let sink = match window {
        Some(window) => {
            watch_window(&window, presenter);
            window
        }
        None => frame_sink(drop_late, presenter).upcast(),
    };
    let empty = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 16, 16).build().and_then(|i| i.to_caps());
    let empty = empty.map_err(|error| {
        PlayerError::fatal(crate::error::ErrorCode::Internal, format!("no caps for an empty picture: {error}"))
    })?;
    Ok((Tail::new(pipeline, &[queue, convert, retimer, sink], empty)?, opened))
}

fn frame_sink(drop_late: bool, presenter: &Arc<VideoPresenter>) -> gst_app::AppSink {
    let caps = gst_video::VideoCapsBuilder::new()
        .format_list([gst_video::VideoFormat::I420, gst_video::VideoFormat::Nv12, gst_video::VideoFormat::I42010le])
        .build();
    let sink = gst_app::AppSink::builder()
        .name("video-sink")
        .caps(&caps)
        .sync(true)
        .max_buffers(1)
        .drop(false)
        .enable_last_sample(false)
        .qos(drop_late)
        .max_lateness(if drop_late { MAX_LATENESS.nseconds() as i64 } else { -1 })
        .build();
    let (due, held) = (presenter.clone(), presenter.clone());
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Flushing)?;
                due.picture(&sample, false, lateness(sink.upcast_ref(), &sample));
                Ok(gst::FlowSuccess::Ok)
            })
            .new_preroll(move |sink| {
                let sample = sink.pull_preroll().map_err(|_| gst::FlowError::Flushing)?;
                held.picture(&sample, true, None);
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    if let Some(pad) = sink.static_pad("sink") {
        accept_strides(&pad);
    }
    sink
}

/// Lets the decoder give pictures with its own strides: they are read with their metadata, so no copy is needed.
fn accept_strides(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| {
        if let Some(query) = info.query_mut()
            && let gst::QueryViewMut::Allocation(allocation) = query.view_mut()
        {
            allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
            return gst::PadProbeReturn::Handled;
        }
        gst::PadProbeReturn::Ok
    });
}

/// A window shows its input, and the input is counted here; its QoS messages report the pictures that it then drops.
fn watch_window(sink: &gst::Element, presenter: &Arc<VideoPresenter>) {
    let Some(pad) = sink.static_pad("sink") else { return };
    let presenter = presenter.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer() {
            let sample = gst::Sample::builder().buffer(buffer).build();
            presenter.picture(&sample, false, None);
        }
        gst::PadProbeReturn::Ok
    });
}

/// Returns the time from a buffer's due time to its presentation, in nanoseconds.
pub(super) fn lateness(sink: &gst::Element, sample: &gst::Sample) -> Option<i64> {
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    let due = segment.to_running_time(sample.buffer()?.pts()?)?;
    let now = sink.current_running_time()?;
    i64::try_from(i128::from(now.nseconds()) - i128::from(due.nseconds())).ok()
}

/// Holds a mapped picture; each plane refers to it.
struct MappedPlane {
    frame: Arc<gst_video::VideoFrame<gst_video::video_frame::Readable>>,
    index: u32,
}

impl AsRef<[u8]> for MappedPlane {
    fn as_ref(&self) -> &[u8] {
        self.frame.plane_data(self.index).unwrap_or_default()
    }
}

fn frame(sample: &gst::Sample, pts: MediaTime, shown: &mut Shown) -> Option<VideoFrame> {
    let caps = sample.caps_owned()?;
    if shown.info.as_ref().is_none_or(|(known, _)| *known != caps) {
        let info = gst_video::VideoInfo::from_caps(&caps).ok()?;
        shown.info = Some((caps, info));
    }
    let (_, info) = shown.info.as_ref()?;
    let layout = match info.format() {
        gst_video::VideoFormat::I420 => PixelLayout::I420,
        gst_video::VideoFormat::Nv12 => PixelLayout::Nv12,
        gst_video::VideoFormat::I42010le => PixelLayout::I420P10,
        _ => return None,
    };
    let mapped = gst_video::VideoFrame::from_buffer_readable(sample.buffer_owned()?, info).ok()?;
    let mapped = Arc::new(mapped);
    let planes = (0..mapped.n_planes()).zip(mapped.plane_stride()).map(|(index, stride)| FramePlane {
        data: Arc::new(MappedPlane { frame: mapped.clone(), index }),
        stride: usize::try_from(*stride).unwrap_or(0),
        offset: 0,
    });
    let aspect = |side: i32| u32::try_from(side).unwrap_or(1).max(1);
    // Counted from one: zero is "none seen yet".
    shown.serial += 1;
    let frame = VideoFrame {
        pts,
        width: info.width(),
        height: info.height(),
        pixel_aspect: (aspect(info.par().numer()), aspect(info.par().denom())),
        rotation: shown.rotations.iter().rev().find(|(from, _)| *from <= pts).map_or(0, |(_, degrees)| *degrees),
        layout,
        colorimetry: colorimetry(&info.colorimetry()),
        planes: planes.collect(),
        serial: shown.serial,
    };
    Some(frame)
}

/// GStreamer's colorimetry as the code points of ITU-T H.273.
fn colorimetry(colors: &gst_video::VideoColorimetry) -> Colorimetry {
    let code = |value: u32| u8::try_from(value).unwrap_or(2);
    Colorimetry {
        matrix: code(colors.matrix().to_iso()),
        transfer: code(colors.transfer().to_iso()),
        primaries: code(colors.primaries().to_iso()),
        full_range: colors.range() == gst_video::VideoColorRange::Range0_255,
    }
}
