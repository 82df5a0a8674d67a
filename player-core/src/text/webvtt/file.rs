//! The blocks of a file (W3C TR webvtt1 §6.1): header, cues, style sheets, regions, comments.

use std::sync::Arc;

use super::style::StyleSheet;
use super::{Document, TimestampMap, WebVttError};
use super::{cue_text, settings, timing};
use crate::text::lines::Lines;
use crate::text::{Cue, MAX_CUES, Region};

/// Regions of a file at most; later ones are ignored.
const MAX_REGIONS: usize = 64;

/// Reads a file whose encoding was put right.
pub(super) fn parse(text: &str) -> Result<Document, WebVttError> {
    let mut lines = Lines::new(text);
    let signature = lines.next().unwrap_or_default();
    match signature.strip_prefix("WEBVTT") {
        Some(rest) if rest.is_empty() || rest.starts_with([' ', '\t']) => {}
        _ => return Err(WebVttError::NoSignature),
    }
    let mut reader = Reader {
        lines,
        document: Document::default(),
        regions: Vec::new(),
        sheet: StyleSheet::default(),
        budget: cue_text::Budget::default(),
        seen_cue: false,
    };
    reader.read_header();
    while let Some(line) = reader.lines.next() {
        if !line.is_empty() {
            reader.lines.give_back(line);
            reader.read_block()?;
        }
    }
    Ok(reader.document)
}

struct Reader<'a> {
    lines: Lines<'a>,
    document: Document,
    regions: Vec<Arc<Region>>,
    sheet: StyleSheet,
    budget: cue_text::Budget,
    seen_cue: bool,
}

/// Kind of a block.
enum Block {
    Unknown,
    Cue(timing::Timing),
    Style,
    Region,
}

impl Reader<'_> {
    /// The lines after the signature, up to an empty one or the first cue.
    fn read_header(&mut self) {
        while let Some(line) = self.lines.next() {
            if line.contains("-->") {
                self.lines.give_back(line);
                return;
            }
            if line.is_empty() {
                return;
            }
            self.read_timestamp_map(line);
        }
    }

    fn read_timestamp_map(&mut self, line: &str) {
        if let Some(value) = line.strip_prefix("X-TIMESTAMP-MAP=")
            && let Some(map) = timestamp_map(value)
        {
            self.document.timestamp_map = Some(map);
        }
    }

    fn read_block(&mut self) -> Result<(), WebVttError> {
        let mut block = Block::Unknown;
        let mut id = None;
        let mut buffer = String::new();
        let mut arrow = false;
        let mut count = 0u32;
        while let Some(line) = self.lines.next() {
            count = count.saturating_add(1);
            if line.contains("-->") {
                if count > 2 || arrow {
                    self.lines.give_back(line);
                    break;
                }
                arrow = true;
                if let Some(timing) = timing::line(line) {
                    block = Block::Cue(timing);
                    id = Some(std::mem::take(&mut buffer)).filter(|id| !id.is_empty());
                    self.seen_cue = true;
                }
                continue;
            }
            if line.is_empty() {
                break;
            }
            if count == 1 && !self.seen_cue {
                // Some writers put an empty line before it.
                self.read_timestamp_map(line);
            }
            if count == 2 && !self.seen_cue {
                match buffer.trim_end_matches(timing::is_space) {
                    "STYLE" => block = Block::Style,
                    "REGION" => block = Block::Region,
                    _ => {}
                }
                if !matches!(block, Block::Unknown) {
                    buffer.clear();
                }
            }
            if !buffer.is_empty() {
                buffer.push('\n');
            }
            buffer.push_str(line);
        }
        self.finish_block(block, id, &buffer)
    }

    fn finish_block(&mut self, block: Block, id: Option<String>, buffer: &str) -> Result<(), WebVttError> {
        match block {
            Block::Unknown => {}
            Block::Style => self.sheet.add(buffer),
            Block::Region if self.regions.len() < MAX_REGIONS => self.regions.push(Arc::new(settings::region(buffer))),
            Block::Region => {}
            Block::Cue(timing) => {
                if self.document.cues.len() == MAX_CUES {
                    return Err(WebVttError::TooManyCues(MAX_CUES));
                }
                let layout = settings::parse(timing.settings(), &self.regions);
                let spans = cue_text::parse(buffer, id.as_deref(), &self.sheet, &mut self.budget);
                self.document.cues.push(Cue { id, start: timing.start, end: timing.end, spans, layout, forced: false });
            }
        }
        Ok(())
    }
}

/// The value of `X-TIMESTAMP-MAP`: `LOCAL:` a time and `MPEGTS:` a number, in either order.
fn timestamp_map(value: &str) -> Option<TimestampMap> {
    let (mut local, mut mpegts) = (None, None);
    for part in value.split(',') {
        match part.trim().split_once(':') {
            Some(("LOCAL", time)) => local = timing::timestamp(time.trim()),
            Some(("MPEGTS", ticks)) => mpegts = ticks.trim().parse().ok(),
            _ => {}
        }
    }
    Some(TimestampMap { mpegts: mpegts?, local: local? })
}
