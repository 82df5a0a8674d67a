//! Decoded pictures for hosts that draw themselves.

use std::sync::{Arc, Mutex, PoisonError};

use crate::time::MediaTime;

/// Layout of the planes of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PixelLayout {
    /// Three planes Y, U, V of 8 bits, chroma halved both ways.
    I420,
    /// Two planes Y and interleaved UV of 8 bits, chroma halved both ways.
    Nv12,
    /// Three planes of 10 bits in 16 (little endian), chroma halved both ways.
    I420P10,
}

/// Mapping from sample values to colours (ITU-T H.273).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colorimetry {
    /// MatrixCoefficients code point: 1 BT.709, 5 or 6 BT.601, 9 BT.2020.
    pub matrix: u8,
    /// TransferCharacteristics code point: 1 BT.709, 16 PQ, 18 HLG.
    pub transfer: u8,
    /// ColourPrimaries code point (H.273 §8.1).
    pub primaries: u8,
    /// Black is 0 and white 255 (true), or 16 and 235.
    pub full_range: bool,
}

/// One plane of a picture.
#[derive(Clone)]
pub struct FramePlane {
    /// Owner of the memory.
    pub data: Arc<dyn AsRef<[u8]> + Send + Sync>,
    /// Bytes from one line to the next.
    pub stride: usize,
    /// Bytes to skip at the beginning.
    pub offset: usize,
}

impl FramePlane {
    /// The plane's bytes, first line first.
    pub fn bytes(&self) -> &[u8] {
        let all: &[u8] = (*self.data).as_ref();
        all.get(self.offset..).unwrap_or_default()
    }
}

/// A decoded picture, shared and never copied.
#[derive(Clone)]
pub struct VideoFrame {
    /// Presentation time of the picture.
    pub pts: MediaTime,
    /// Visible width in pixels.
    pub width: u32,
    /// Visible height in pixels.
    pub height: u32,
    /// Width and height of a pixel, relative.
    pub pixel_aspect: (u32, u32),
    /// Clockwise rotation to apply: 0, 90, 180 or 270 degrees.
    pub rotation: u16,
    /// Layout of the planes.
    pub layout: PixelLayout,
    /// Mapping from sample values to colours.
    pub colorimetry: Colorimetry,
    /// The planes, in the order of `layout`.
    pub planes: Vec<FramePlane>,
    /// Counts the frames of a session from one, so that a host knows a new one when it sees it.
    pub serial: u64,
}

impl std::fmt::Debug for VideoFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VideoFrame({:?}, {}x{}, #{})", self.pts, self.width, self.height, self.serial)
    }
}

/// Holds the newest picture for a host that draws when it likes. Cloning gives another handle on the same slot.
#[derive(Clone, Default)]
pub struct FrameSlot {
    inner: Arc<SlotInner>,
}

#[derive(Default)]
struct SlotInner {
    frame: Mutex<Option<VideoFrame>>,
    wake: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
}

impl FrameSlot {
    /// Returns an empty slot.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the function that is called after each new picture, on the renderer's thread. It must only wake.
    pub fn set_wake(&self, wake: impl Fn() + Send + Sync + 'static) {
        *self.inner.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(wake));
    }

    /// Puts a picture in, replacing the one before.
    pub fn put(&self, frame: VideoFrame) {
        *self.inner.frame.lock().unwrap_or_else(PoisonError::into_inner) = Some(frame);
        let wake = self.inner.wake.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(wake) = wake {
            wake();
        }
    }

    /// The newest picture, which stays in the slot.
    pub fn latest(&self) -> Option<VideoFrame> {
        self.inner.frame.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Drops the picture that is held.
    pub fn clear(&self) {
        *self.inner.frame.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
