//! Decoded pictures for C.

use player_core::render::{PixelLayout, VideoFrame};

use crate::boundary::{destroy, give, guarded, invalid, shared};
use crate::player::kinora_player;

/// Layout of the planes of a picture.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_pixel_layout {
    /// Three planes Y, U, V of 8 bits, chroma halved both ways.
    I420 = 0,
    /// Two planes Y and interleaved UV of 8 bits, chroma halved both ways.
    Nv12 = 1,
    /// Three planes of 10 bits in 16 (little endian), chroma halved both ways.
    I420P10 = 2,
    /// A layout that this version of the interface has no number for.
    Other = 99,
}

/// One plane of a picture.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_plane {
    /// The first byte of the first line.
    pub data: *const u8,
    /// Bytes that may be read from `data`.
    pub size: usize,
    /// Bytes from one line to the next.
    pub stride: usize,
}

/// A decoded picture. Its memory lives as long as it; give it back with kinora_frame_destroy().
#[repr(C)]
pub struct kinora_frame {
    /// Presentation time, in nanoseconds.
    pub pts_ns: i64,
    /// Counts the pictures of a player.
    pub serial: u64,
    /// Width of the visible part, in pixels.
    pub width: u32,
    /// Height of the visible part, in pixels.
    pub height: u32,
    /// Relative width of a pixel.
    pub pixel_aspect_horizontal: u32,
    /// Relative height of a pixel.
    pub pixel_aspect_vertical: u32,
    /// Clockwise rotation to apply: 0, 90, 180 or 270 degrees.
    pub rotation: u32,
    /// Layout of the planes.
    pub layout: kinora_pixel_layout,
    /// MatrixCoefficients of ITU-T H.273.
    pub matrix: u32,
    /// TransferCharacteristics of ITU-T H.273.
    pub transfer: u32,
    /// ColourPrimaries of ITU-T H.273.
    pub primaries: u32,
    /// Black is 0 and white 255 (1), or 16 and 235 (0).
    pub full_range: u32,
    /// Number of planes in use.
    pub plane_count: u32,
    /// Planes in the order of `layout`.
    pub planes: [kinora_plane; 4],
}

/// A picture together with the memory that its planes point to; `frame` comes first, so that a pointer to it is a pointer to this.
#[repr(C)]
struct Owned {
    frame: kinora_frame,
    memory: VideoFrame,
}

fn owned(memory: VideoFrame) -> *mut kinora_frame {
    let empty = kinora_plane { data: std::ptr::null(), size: 0, stride: 0 };
    let mut planes = [empty; 4];
    for (slot, plane) in planes.iter_mut().zip(&memory.planes) {
        let bytes = plane.bytes();
        *slot = kinora_plane { data: bytes.as_ptr(), size: bytes.len(), stride: plane.stride };
    }
    let frame = kinora_frame {
        pts_ns: memory.pts.as_nanos(),
        serial: memory.serial,
        width: memory.width,
        height: memory.height,
        pixel_aspect_horizontal: memory.pixel_aspect.0,
        pixel_aspect_vertical: memory.pixel_aspect.1,
        rotation: u32::from(memory.rotation),
        layout: match memory.layout {
            PixelLayout::I420 => kinora_pixel_layout::I420,
            PixelLayout::Nv12 => kinora_pixel_layout::Nv12,
            PixelLayout::I420P10 => kinora_pixel_layout::I420P10,
            _ => kinora_pixel_layout::Other,
        },
        matrix: u32::from(memory.colorimetry.matrix),
        transfer: u32::from(memory.colorimetry.transfer),
        primaries: u32::from(memory.colorimetry.primaries),
        full_range: u32::from(memory.colorimetry.full_range),
        plane_count: u32::try_from(memory.planes.len().min(4)).unwrap_or(0),
        planes,
    };
    // The planes' memory is shared and stays where it is when the handle on it moves into the box.
    Box::into_raw(Box::new(Owned { frame, memory })).cast()
}

/// Takes the newest picture if its serial is greater than `after_serial` (0 at first). `*out` is the picture, or NULL
/// when there is no newer one. KINORA_ERROR_INVALID_ARGUMENT for a player that was not made with
/// KINORA_VIDEO_OUTPUT_FRAMES: it keeps no pictures.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `player` is a live player; `out` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_acquire_frame(
    player: *const kinora_player,
    after_serial: u64,
    out: *mut *mut kinora_frame,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        unsafe { give(out, std::ptr::null_mut(), "out") }?;
        // SAFETY: the caller's promise.
        let handle = unsafe { shared(player, "player") }?;
        let frames = handle.frames.as_ref();
        let frames = frames.ok_or_else(|| invalid("player was not made with KINORA_VIDEO_OUTPUT_FRAMES"))?;
        match frames.latest().filter(|frame| frame.serial > after_serial) {
            // SAFETY: `out` was written through above.
            Some(frame) => unsafe { give(out, owned(frame), "out") },
            None => Ok(()),
        }
    })
}

/// Gives a picture back and sets `*frame` to NULL. NULL does nothing.
///
/// Thread-safety: any thread, when no other uses the picture any more.
///
/// # Safety
/// `frame` is NULL or points to NULL or to a picture that was not given back yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_frame_destroy(frame: *mut *mut kinora_frame) {
    // SAFETY: every picture that is handed out is the first field of an `Owned` made by `Box::into_raw`.
    unsafe { destroy(frame.cast::<*mut Owned>()) }
}
