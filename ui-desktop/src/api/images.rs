//! Pictures: fetched and decoded away from the interface, scaled to what a screen can use.

use std::io::Cursor;

use image::{ImageReader, Limits};

use super::{Client, Failure};
use crate::picture_cache::PictureCache;

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

/// Reads a picture from the disk or fetches it, and decodes it; `None` when it is not there or not a picture, which a
/// poster survives. With a picture that was fetched comes its file, for [`keep`].
pub async fn fetch(client: &Client, cache: &PictureCache, path: &str) -> Option<(Picture, Option<Vec<u8>>)> {
    let kept = {
        let (cache, path) = (cache.clone(), path.to_owned());
        tokio::task::spawn_blocking(move || kept(&cache, &path)).await.ok().flatten()
    };
    if let Some(picture) = kept {
        return Some((picture, None));
    }
    let bytes = match client.file(path, MAX_FILE).await {
        Ok(bytes) => bytes,
        Err(Failure { error, .. }) => {
            tracing::info!(path, %error, "a picture could not be fetched");
            return None;
        }
    };
    let decoded = tokio::task::spawn_blocking(move || decode(&bytes).map(|picture| (picture, bytes))).await;
    let Some((picture, bytes)) = decoded.ok().flatten() else {
        tracing::info!(path, "a picture could not be decoded");
        return None;
    };
    Some((picture, Some(bytes)))
}

/// Keeps the file of a picture for the next start.
pub async fn keep(cache: &PictureCache, path: String, file: Vec<u8>) {
    let cache = cache.clone();
    if tokio::task::spawn_blocking(move || cache.store(&path, &file)).await.is_err() {
        tracing::info!("a picture could not be kept");
    }
}

fn kept(cache: &PictureCache, path: &str) -> Option<Picture> {
    let bytes = cache.load(path)?;
    let picture = decode(&bytes);
    if picture.is_none() {
        cache.forget(path);
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
    fn a_damaged_file_is_deleted_and_not_shown() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let cache = PictureCache::new(Some(directory.path()), "http://a".to_owned());
        cache.store("/whole.png", &png(6, 4));
        cache.store("/cut.png", &png(6, 4)[..40]);
        assert_eq!(kept(&cache, "/whole.png").map(|picture| (picture.width, picture.height)), Some((6, 4)));
        assert_eq!((kept(&cache, "/cut.png"), cache.load("/cut.png")), (None, None));
    }

    #[test]
    fn what_is_not_a_picture_is_none() {
        assert_eq!(decode(b"<html>"), None);
        assert_eq!(decode(&png(6, 4)[..40]), None);
        assert_eq!(decode(&png(8200, 1)), None);
    }
}
