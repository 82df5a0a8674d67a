//! Pictures for the seek bar: a WebVTT file whose cues name regions of sprite sheets (`sheet.jpg#xywh=x,y,w,h`, W3C
//! Media Fragments 1.0 §4.2.2, in pixels).

use player_core::text::webvtt;

use super::Client;

/// Maximum bytes of an index.
const MAX_INDEX: usize = 2 << 20;
/// Maximum pictures of one title: one every two seconds of ten hours.
const MAX_SPRITES: usize = 18_000;
/// Maximum side of a sheet in pixels.
const MAX_SIDE: u32 = 16_384;

/// One picture of the seek bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sprite {
    /// Start of the time that it stands for, in milliseconds.
    pub start_ms: u64,
    /// End of that time.
    pub end_ms: u64,
    /// Path of the sheet that holds it.
    pub sheet: String,
    /// Left edge in the sheet in pixels.
    pub x: u32,
    /// Upper edge in the sheet in pixels.
    pub y: u32,
    /// Width in pixels, never 0.
    pub width: u32,
    /// Height in pixels, never 0.
    pub height: u32,
}

/// The pictures of one title, ordered by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sprites(Vec<Sprite>);

impl Sprites {
    /// Reads an index whose own path is `path`. Cues that name no region of a sheet below the same folder are left out,
    /// and so is everything past the limits; a file that is no WebVTT gives none.
    pub fn read(bytes: &[u8], path: &str) -> Self {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if bytes.len() > MAX_INDEX {
            return Self::default();
        }
        let Ok(document) = webvtt::parse(bytes) else { return Self::default() };
        let millis = |time: player_core::MediaTime| u64::try_from(time.as_nanos() / 1_000_000).unwrap_or(0);
        let mut sprites: Vec<Sprite> = document
            .cues
            .iter()
            .take(MAX_SPRITES)
            .filter_map(|cue| {
                let text = cue.plain_text();
                let (sheet, region) = region(text.trim())?;
                let [x, y, width, height] = region;
                let (start_ms, end_ms) = (millis(cue.start), millis(cue.end));
                Some(Sprite { start_ms, end_ms, sheet: format!("{folder}/{sheet}"), x, y, width, height })
            })
            .collect();
        sprites.sort_by_key(|sprite| sprite.start_ms);
        Self(sprites)
    }

    /// Reads hostile bytes and checks what must hold of any outcome. For the fuzz target and its corpus.
    ///
    /// # Panics
    /// Something does not hold.
    pub fn check(bytes: &[u8]) {
        let sprites = Self::read(bytes, "/v1/images/title/thumbs/thumbs.vtt");
        assert!(sprites.0.len() <= MAX_SPRITES);
        assert!(sprites.0.is_sorted_by_key(|sprite| sprite.start_ms));
        for sprite in &sprites.0 {
            assert!(sprite.sheet.starts_with("/v1/images/title/thumbs/") && !sprite.sheet.contains(".."));
            assert!(sprite.width > 0 && sprite.height > 0 && sprite.x.max(sprite.width) <= MAX_SIDE);
        }
        assert_eq!(sprites.at(f64::NAN).is_some(), sprites.0.first().is_some_and(|first| first.start_ms == 0));
        assert_eq!(sprites.at(f64::INFINITY).is_some(), !sprites.is_empty());
    }

    /// Returns the picture that stands for a time: the last one that starts no later.
    pub fn at(&self, seconds: f64) -> Option<&Sprite> {
        let at = (seconds.max(0.0) * 1000.0) as u64;
        let next = self.0.partition_point(|sprite| sprite.start_ms <= at);
        self.0.get(next.checked_sub(1)?)
    }

    /// Returns true when there is no picture.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the file's name and the region of `sheet.jpg#xywh=x,y,w,h`; `None` for anything else.
fn region(text: &str) -> Option<(&str, [u32; 4])> {
    let (sheet, fragment) = text.split_once('#')?;
    // A name that leads elsewhere is not one of the title's own sheets.
    let is_plain = !sheet.is_empty()
        && !sheet.contains("..")
        && sheet.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let values = fragment.strip_prefix("xywh=")?;
    let values = values.strip_prefix("pixel:").unwrap_or(values);
    let mut numbers = values.split(',').map(|number| number.trim().parse::<u32>().ok().filter(|n| *n <= MAX_SIDE));
    let region = [numbers.next()??, numbers.next()??, numbers.next()??, numbers.next()??];
    let fits = numbers.next().is_none() && region[2] > 0 && region[3] > 0;
    (is_plain && !sheet.starts_with('.') && fits).then_some((sheet, region))
}

/// Fetches the pictures of a title; none when they are missing or cannot be read, which a seek bar survives.
pub async fn fetch(client: &Client, path: &str) -> Sprites {
    match client.file(path, MAX_INDEX).await {
        Ok(bytes) => Sprites::read(&bytes, path),
        Err(failure) => {
            tracing::info!(path, error = %failure.error, "the pictures of the seek bar could not be fetched");
            Sprites::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "WEBVTT\n\n00:00:00.000 --> 00:00:05.000\nsprite-001.jpg#xywh=0,0,160,90\n\n\
                         00:00:05.000 --> 00:00:10.000\nsprite-001.jpg#xywh=160,0,160,90\n";

    #[test]
    fn a_time_finds_its_region() {
        let sprites = Sprites::read(INDEX.as_bytes(), "/v1/images/night/thumbs/thumbs.vtt");
        let at = |seconds| sprites.at(seconds).map(|sprite| (sprite.sheet.as_str(), sprite.x));
        let sheet = "/v1/images/night/thumbs/sprite-001.jpg";
        assert_eq!(at(0.0), Some((sheet, 0)));
        assert_eq!(at(4.999), Some((sheet, 0)));
        assert_eq!(at(5.0), Some((sheet, 160)));
        assert_eq!(at(7_000.0), Some((sheet, 160)), "past the end the last one stands");
        assert_eq!(at(-1.0), Some((sheet, 0)));
        assert_eq!(Sprites::default().at(1.0), None);
    }

    #[test]
    fn damaged_and_hostile_indexes_give_what_can_be_used() {
        assert!(Sprites::read(b"<html>", "/x/y.vtt").is_empty());
        assert!(Sprites::read(b"", "/x/y.vtt").is_empty());
        assert!(Sprites::read(&vec![b'W'; MAX_INDEX + 1], "/x/y.vtt").is_empty());
        for payload in [
            "http://evil.example/a.jpg#xywh=0,0,1,1",
            "../secret.jpg#xywh=0,0,1,1",
            "..#xywh=0,0,1,1",
            "a.jpg#xywh=0,0,0,1",
            "a.jpg#xywh=0,0,1",
            "a.jpg#xywh=0,0,1,1,1",
            "a.jpg#xywh=-1,0,1,1",
            "a.jpg#xywh=0,0,4294967296,1",
            "a.jpg",
            "words",
        ] {
            let text = format!("{INDEX}\n00:00:10.000 --> 00:00:15.000\n{payload}\n");
            assert_eq!(Sprites::read(text.as_bytes(), "/x/y.vtt").0.len(), 2, "{payload}");
        }
        for length in 0..INDEX.len() {
            let _ = Sprites::read(&INDEX.as_bytes()[..length], "y.vtt");
        }
    }

    #[test]
    fn what_a_fuzzer_found_stays_found() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/sprites");
        let files: Vec<_> = std::fs::read_dir(folder).expect("the corpus is committed").flatten().collect();
        assert!(!files.is_empty());
        for file in files {
            Sprites::check(&std::fs::read(file.path()).expect("reads"));
        }
    }

    #[test]
    fn their_number_is_bounded() {
        use std::fmt::Write as _;
        let mut text = String::from("WEBVTT\n");
        for second in 0..MAX_SPRITES + 100 {
            let (minutes, seconds) = (second / 60, second % 60);
            let (hours, minutes) = (minutes / 60, minutes % 60);
            let start = format!("{hours:02}:{minutes:02}:{seconds:02}");
            write!(text, "\n{start}.000 --> {start}.900\na.jpg#xywh=0,0,1,1\n").expect("writes to memory");
        }
        assert!(Sprites::read(text.as_bytes(), "/x/y.vtt").0.len() <= MAX_SPRITES);
    }
}
