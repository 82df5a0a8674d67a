//! Which bytes of a frame become which texture. Checks that a frame holds what it claims: a plane that is too short
//! must not make the graphics driver read beyond it.

use player_core::render::{FramePlane, PixelLayout, VideoFrame};

/// How the bytes of one texel are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Texel {
    /// One channel of 8 bits.
    R8,
    /// Two channels of 8 bits.
    Rg8,
    /// One channel of 16 bits.
    R16,
}

impl Texel {
    /// Bytes of one texel.
    pub const fn bytes(self) -> usize {
        match self {
            Self::R8 => 1,
            Self::Rg8 | Self::R16 => 2,
        }
    }
}

/// One texture to fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaneUpload<'a> {
    /// Texels.
    pub width: u32,
    /// Texels.
    pub height: u32,
    /// How its bytes are read.
    pub texel: Texel,
    /// Texels from one line to the next.
    pub row_length: u32,
    /// The bytes, long enough for all lines.
    pub bytes: &'a [u8],
}

/// The textures of a frame; `None` when it does not hold what it claims.
pub fn uploads<'a>(frame: &'a VideoFrame) -> Option<Vec<PlaneUpload<'a>>> {
    let (width, height) = (frame.width, frame.height);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let shapes: &[(u32, u32, Texel)] = match frame.layout {
        PixelLayout::I420 => {
            &[(width, height, Texel::R8), (half_width, half_height, Texel::R8), (half_width, half_height, Texel::R8)]
        }
        PixelLayout::Nv12 => &[(width, height, Texel::R8), (half_width, half_height, Texel::Rg8)],
        PixelLayout::I420P10 => {
            &[(width, height, Texel::R16), (half_width, half_height, Texel::R16), (half_width, half_height, Texel::R16)]
        }
        _ => return None,
    };
    if frame.planes.len() < shapes.len() || width == 0 || height == 0 {
        return None;
    }
    let upload = |(plane, &(width, height, texel)): (&'a FramePlane, &(u32, u32, Texel))| {
        let line = usize::try_from(width).ok()?.checked_mul(texel.bytes())?;
        let lines = usize::try_from(height).ok()?;
        let needed = plane.stride.checked_mul(lines - 1)?.checked_add(line)?;
        let fits = plane.stride >= line && plane.stride.is_multiple_of(texel.bytes());
        let bytes = plane.bytes().get(..needed)?;
        let row_length = u32::try_from(plane.stride / texel.bytes()).ok()?;
        fits.then_some(PlaneUpload { width, height, texel, row_length, bytes })
    };
    frame.planes.iter().zip(shapes).map(upload).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use player_core::MediaTime;
    use player_core::render::Colorimetry;

    use super::*;

    fn frame(layout: PixelLayout, size: (u32, u32), planes: &[(usize, usize)]) -> VideoFrame {
        let plane =
            |&(stride, bytes): &(usize, usize)| FramePlane { data: Arc::new(vec![0; bytes]), stride, offset: 0 };
        VideoFrame {
            pts: MediaTime::ZERO,
            width: size.0,
            height: size.1,
            pixel_aspect: (1, 1),
            rotation: 0,
            layout,
            colorimetry: Colorimetry { matrix: 1, transfer: 1, primaries: 1, full_range: false },
            planes: planes.iter().map(plane).collect(),
            serial: 1,
        }
    }

    #[test]
    fn odd_sizes_round_chroma_up_and_the_last_line_may_lack_its_padding() {
        let frame = frame(PixelLayout::I420, (5, 3), &[(8, 8 * 2 + 5), (4, 4 + 3), (4, 8)]);
        let uploads = uploads(&frame).expect("a whole frame");
        let shapes: Vec<_> = uploads.iter().map(|plane| (plane.width, plane.height, plane.row_length)).collect();
        assert_eq!(shapes, [(5, 3, 8), (3, 2, 4), (3, 2, 4)]);
    }

    #[test]
    fn two_byte_texels_count_their_stride_in_texels() {
        let ten = frame(PixelLayout::I420P10, (4, 2), &[(16, 32), (8, 8), (8, 8)]);
        assert_eq!(uploads(&ten).expect("a whole frame")[0].row_length, 8);
        let nv12 = frame(PixelLayout::Nv12, (4, 2), &[(4, 8), (4, 4)]);
        assert_eq!(uploads(&nv12).expect("a whole frame")[1].texel, Texel::Rg8);
    }

    #[test]
    fn frames_that_do_not_hold_what_they_claim_are_not_drawn() {
        let short = frame(PixelLayout::I420, (4, 4), &[(4, 15), (2, 4), (2, 4)]);
        let narrow = frame(PixelLayout::I420, (4, 4), &[(3, 16), (2, 4), (2, 4)]);
        let missing = frame(PixelLayout::I420, (4, 4), &[(4, 16), (2, 4)]);
        let odd = frame(PixelLayout::Nv12, (4, 2), &[(4, 8), (5, 5)]);
        let empty = frame(PixelLayout::I420, (0, 4), &[(4, 16), (2, 4), (2, 4)]);
        for frame in [short, narrow, missing, odd, empty] {
            assert_eq!(uploads(&frame), None, "{frame:?}");
        }
    }
}
