//! The index of the preview pictures: which part of which sprite belongs to which time, as JSON and as WebVTT.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::super::IngestError;

/// Pictures in a row, and in a column, of a sprite.
pub(crate) const GRID: u32 = 5;

/// Size of one preview, and how far apart they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Milliseconds from one preview to the next, possibly fractional.
    pub(crate) interval_ms: f64,
}

#[derive(Serialize)]
struct Index {
    columns: u32,
    rows: u32,
    width: u32,
    height: u32,
    interval_ms: f64,
    count: u64,
    /// In order; each holds `columns × rows` pictures, row by row, the last one padded with black.
    sprites: Vec<String>,
}

/// The file name of sprite `index`, counted from 0; ffmpeg writes it as `sprite-%03d.jpg`.
fn sprite(index: u64) -> String {
    format!("sprite-{:03}.jpg", index + 1)
}

/// Writes `thumbs.json` and `thumbs.vtt` for the sprites that ffmpeg left in `dir`.
pub(super) fn write(dir: &Path, grid: Grid, duration_ms: u64) -> Result<(), IngestError> {
    let count = (duration_ms as f64 / grid.interval_ms).ceil().max(1.0) as u64;
    let per_sprite = u64::from(GRID * GRID);
    let sprites: Vec<String> = (0..count.div_ceil(per_sprite)).map(sprite).collect();
    if let Some(missing) = sprites.iter().find(|name| !dir.join(name).is_file()) {
        return Err(IngestError::output(format!("no preview picture {missing}")));
    }
    let mut vtt = String::from("WEBVTT\n");
    for n in 0..count {
        let start = (n as f64 * grid.interval_ms) as u64;
        let end = (((n + 1) as f64 * grid.interval_ms) as u64).min(duration_ms.max(start + 1));
        let (column, row) = (n % u64::from(GRID), n % per_sprite / u64::from(GRID));
        let (x, y) = (column * u64::from(grid.width), row * u64::from(grid.height));
        let file = sprite(n / per_sprite);
        // Appending to a `String` cannot fail.
        let _ =
            write!(vtt, "\n{} --> {}\n{file}#xywh={x},{y},{},{}\n", clock(start), clock(end), grid.width, grid.height);
    }
    let index = Index {
        columns: GRID,
        rows: GRID,
        width: grid.width,
        height: grid.height,
        interval_ms: grid.interval_ms,
        count,
        sprites,
    };
    let json = serde_json::to_vec_pretty(&index).map_err(|e| IngestError::output(format!("thumbs.json: {e}")))?;
    for (name, bytes) in [("thumbs.json", json), ("thumbs.vtt", vtt.into_bytes())] {
        let path = dir.join(name);
        fs::write(&path, bytes).map_err(IngestError::io(&path))?;
    }
    Ok(())
}

fn clock(ms: u64) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}
