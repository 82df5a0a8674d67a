//! Pictures: fetched and decoded away from the interface, scaled to what a screen can use.

use std::io::Cursor;

use image::{ImageReader, Limits};

use super::{Client, Failure};

/// The largest file of a picture.
const MAX_FILE: usize = 8 << 20;
/// The largest picture that is decoded, in pixels of width or height.
const MAX_SIDE: u32 = 8192;
/// The memory that decoding may take.
const MAX_DECODE: u64 = 192 << 20;
/// The longest side that is kept: a hero banner on a large window.
const KEPT_SIDE: u32 = 1600;

/// A decoded picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Width and height of the file's own picture, before it was made smaller.
    pub source: (u32, u32),
    /// Red, green, blue, alpha; not premultiplied; top line first.
    pub rgba: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

/// Fetches and decodes a picture; `None` when it is not there or not a picture, which a poster survives.
pub async fn fetch(client: &Client, path: &str) -> Option<Picture> {
    let bytes = match client.file(path, MAX_FILE).await {
        Ok(bytes) => bytes,
        Err(Failure { error, .. }) => {
            tracing::info!(path, %error, "a picture could not be fetched");
            return None;
        }
    };
    let picture = tokio::task::spawn_blocking(move || decode(&bytes)).await.ok().flatten();
    if picture.is_none() {
        tracing::info!(path, "a picture could not be decoded");
    }
    picture
}

fn decode(bytes: &[u8]) -> Option<Picture> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODE);
    reader.limits(limits);
    let mut image = reader.decode().ok()?;
    let source = (image.width(), image.height());
    if image.width().max(image.height()) > KEPT_SIDE {
        image = image.resize(KEPT_SIDE, KEPT_SIDE, image::imageops::FilterType::Triangle);
    }
    let rgba = image.into_rgba8();
    Some(Picture { width: rgba.width(), height: rgba.height(), source, rgba: rgba.into_raw() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let image = image::RgbaImage::from_pixel(width, height, image::Rgba([10, 20, 30, 255]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Png).expect("writes to memory");
        bytes.into_inner()
    }

    #[test]
    fn pictures_are_decoded_and_large_ones_made_smaller() {
        let small = decode(&png(6, 4)).expect("a picture");
        assert_eq!((small.width, small.height, &small.rgba[..4]), (6, 4, &[10, 20, 30, 255][..]));
        let large = decode(&png(3200, 100)).expect("a picture");
        assert_eq!((large.width, large.height), (1600, 50));
        assert_eq!(large.source, (3200, 100));
        assert_eq!(large.rgba.len(), 1600 * 50 * 4);
    }

    #[test]
    fn what_is_not_a_picture_is_none() {
        assert_eq!(decode(b"<html>"), None);
        assert_eq!(decode(&png(6, 4)[..40]), None);
        assert_eq!(decode(&png(8200, 1)), None);
    }
}
