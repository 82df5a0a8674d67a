//! A line for every decoded picture: its time in nanoseconds and the SHA-256 of its visible pixels, plane by plane.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use player_core::render::{PixelLayout, VideoFrame};
use sha2::{Digest as _, Sha256};

/// Takes pictures on the renderer's thread and writes their lines.
#[derive(Clone)]
pub struct PictureLog {
    inner: Arc<Mutex<Log>>,
}

struct Log {
    target: BufWriter<File>,
    error: Option<std::io::Error>,
}

impl PictureLog {
    /// Creates the file.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { inner: Arc::new(Mutex::new(Log { target: BufWriter::new(file), error: None })) })
    }

    /// What the renderer calls for each picture.
    pub fn callback(&self) -> Arc<dyn Fn(VideoFrame) + Send + Sync> {
        let inner = Arc::clone(&self.inner);
        Arc::new(move |frame| {
            let line = format!("{} {}\n", frame.pts.as_nanos(), digest(&frame));
            let mut log = inner.lock().unwrap_or_else(PoisonError::into_inner);
            if log.error.is_none() {
                log.error = log.target.write_all(line.as_bytes()).err();
            }
        })
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The first one of all writes.
    pub fn finish(self) -> anyhow::Result<()> {
        let mut log = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = log.error.take() {
            return Err(error).context("the picture hashes are incomplete");
        }
        log.target.flush().context("the picture hashes are incomplete")
    }
}

/// The SHA-256 of the visible pixels, so that padding does not count.
fn digest(frame: &VideoFrame) -> String {
    let mut hash = Sha256::new();
    let (width, height) = (frame.width as usize, frame.height as usize);
    for (index, plane) in frame.planes.iter().enumerate() {
        let (columns, rows) = match (frame.layout, index) {
            (PixelLayout::I420P10, 0) => (width * 2, height),
            (_, 0) => (width, height),
            (PixelLayout::Nv12, _) => (width.div_ceil(2) * 2, height.div_ceil(2)),
            (PixelLayout::I420P10, _) => (width.div_ceil(2) * 2, height.div_ceil(2)),
            _ => (width.div_ceil(2), height.div_ceil(2)),
        };
        for row in plane.bytes().chunks(plane.stride.max(1)).take(rows) {
            hash.update(row.get(..columns).unwrap_or(row));
        }
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
