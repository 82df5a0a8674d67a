//! Pictures on the graphics card by their path, at most so many bytes of them. Posters only: video never comes here.

use std::cell::RefCell;
use std::collections::BTreeMap;

use egui::{ColorImage, Context, TextureHandle, TextureId, TextureOptions, Vec2};

use crate::api::Picture;
use crate::state::ByteLru;

/// What all pictures together may take.
const LIMIT: usize = 96 << 20;
/// A picture that could not be had is asked for again after this many seconds.
const RETRY_AFTER: f64 = 20.0;

/// A picture ready to be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shelved {
    /// The texture.
    pub texture: TextureId,
    /// Its size in pixels.
    pub size: Vec2,
    /// Size in pixels of the picture as the service has it.
    pub source_size: Vec2,
    /// When it came, in seconds of the interface's clock: it fades in.
    pub since: f64,
}

/// Holds the pictures that pages draw and notes which ones are missing.
pub struct ImageShelf {
    inner: RefCell<Inner>,
}

struct Inner {
    pictures: ByteLru<String, (TextureHandle, Shelved)>,
    /// When a picture was asked for or failed to come.
    asked: BTreeMap<String, f64>,
    wanted: Vec<String>,
}

impl Default for ImageShelf {
    fn default() -> Self {
        let inner = Inner { pictures: ByteLru::new(LIMIT), asked: BTreeMap::new(), wanted: Vec::new() };
        Self { inner: RefCell::new(inner) }
    }
}

impl ImageShelf {
    /// The picture of a path; when it is not here it is noted as wanted.
    pub fn get(&self, path: &str, now: f64) -> Option<Shelved> {
        let mut inner = self.inner.borrow_mut();
        if let Some((_, shelved)) = inner.pictures.get(path) {
            return Some(*shelved);
        }
        let due = inner.asked.get(path).is_none_or(|asked| now - asked > RETRY_AFTER);
        if due && !path.is_empty() {
            inner.asked.insert(path.to_owned(), now);
            inner.wanted.push(path.to_owned());
        }
        None
    }

    /// The paths that were asked for since the last call.
    pub fn take_wanted(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.borrow_mut().wanted)
    }

    /// Puts a picture on the shelf.
    pub fn put(&self, ctx: &Context, path: String, picture: &Picture, now: f64) {
        let (Ok(width), Ok(height)) = (usize::try_from(picture.width), usize::try_from(picture.height)) else { return };
        if picture.rgba.len() != width * height * 4 || width == 0 || height == 0 {
            return;
        }
        let image = ColorImage::from_rgba_unmultiplied([width, height], &picture.rgba);
        let options = TextureOptions { mipmap_mode: Some(egui::TextureFilter::Linear), ..TextureOptions::LINEAR };
        let source_size = egui::vec2(picture.source.0 as f32, picture.source.1 as f32);
        let handle = ctx.load_texture(&path, image, options);
        let shelved = Shelved { texture: handle.id(), size: handle.size_vec2(), source_size, since: now };
        let mut inner = self.inner.borrow_mut();
        inner.asked.remove(&path);
        // Mipmaps add a third.
        inner.pictures.insert(path, (handle, shelved), picture.rgba.len() / 3 * 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_asked_for_once_and_again_after_a_while() {
        let shelf = ImageShelf::default();
        assert_eq!(shelf.get("/a.jpg", 0.0), None);
        assert_eq!(shelf.get("/a.jpg", 1.0), None);
        assert_eq!(shelf.take_wanted(), ["/a.jpg"]);
        assert_eq!(shelf.get("/a.jpg", 10.0), None);
        assert!(shelf.take_wanted().is_empty());
        assert_eq!(shelf.get("/a.jpg", 30.0), None);
        assert_eq!(shelf.take_wanted(), ["/a.jpg"]);
        let picture = Picture { width: 2, height: 1, source: (2, 1), rgba: vec![255; 8] };
        shelf.put(&Context::default(), "/a.jpg".to_owned(), &picture, 31.0);
        assert_eq!(shelf.get("/a.jpg", 32.0).map(|shelved| shelved.size), Some(Vec2::new(2.0, 1.0)));
    }
}
