//! The bitrate ladder: which sizes a title is encoded in, and at what rate.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// One size and rate of the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Directory name and representation id; `<height>p` when the file leaves it out.
    #[serde(default)]
    pub name: String,
    /// Height of the picture in pixels; even. The width follows from the source's shape.
    pub height: u32,
    /// Mean rate that the encoder aims at, bits per second.
    pub video_bps: u32,
    /// Peak rate, bits per second; a quarter above the mean when the file leaves it out.
    #[serde(default)]
    pub max_bps: u32,
}

/// The rungs in order of rate, and the rate of the sound.
///
/// As TOML:
///
/// ```toml
/// audio_bps = 128000
/// [[rung]]
/// height = 360
/// video_bps = 800000
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// Rate of each audio rendition, bits per second.
    #[serde(default = "default_audio_bps")]
    pub audio_bps: u32,
    /// The rungs, lowest first after [`Ladder::parse`].
    #[serde(rename = "rung")]
    pub rungs: Vec<Rung>,
}

/// Why a ladder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LadderError {
    /// The file cannot be read.
    #[error("cannot read the ladder {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The text is not a ladder in TOML.
    #[error("the ladder is not valid: {0}")]
    Syntax(#[from] toml::de::Error),
    /// The values do not make a ladder.
    #[error("the ladder is not valid: {0}")]
    Value(String),
}

fn default_audio_bps() -> u32 {
    128_000
}

/// Most rungs that one title may have: each costs an encoder that runs at the same time as the others.
const MAX_RUNGS: usize = 12;

impl Default for Ladder {
    /// 240p to 1080p, rates for H.264 at up to 30 frames a second.
    fn default() -> Self {
        let rung =
            |height, video_bps: u32| Rung { name: format!("{height}p"), height, video_bps, max_bps: video_bps / 4 * 5 };
        Self {
            audio_bps: default_audio_bps(),
            rungs: vec![
                rung(240, 300_000),
                rung(360, 700_000),
                rung(480, 1_300_000),
                rung(720, 2_800_000),
                rung(1080, 5_000_000),
            ],
        }
    }
}

impl Ladder {
    /// Reads a ladder from a TOML file.
    ///
    /// # Errors
    /// When the file cannot be read or is not a ladder.
    pub fn load(path: &Path) -> Result<Self, LadderError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| LadderError::Read { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// Reads a ladder from TOML text, fills in what is left out and sorts the rungs by rate.
    ///
    /// # Errors
    /// When the text is not TOML, has unknown keys, or describes no usable ladder.
    pub fn parse(text: &str) -> Result<Self, LadderError> {
        let mut ladder: Self = toml::from_str(text)?;
        for rung in &mut ladder.rungs {
            if rung.name.is_empty() {
                rung.name = format!("{}p", rung.height);
            }
            if rung.max_bps == 0 {
                rung.max_bps = rung.video_bps / 4 * 5;
            }
        }
        ladder.rungs.sort_by_key(|r| (r.video_bps, r.height));
        ladder.check()?;
        Ok(ladder)
    }

    /// Checks what the encoder relies on; a ladder built by hand is checked again before it is used.
    ///
    /// # Errors
    /// [`LadderError::Value`], in words.
    pub fn check(&self) -> Result<(), LadderError> {
        let fail = |message: String| Err(LadderError::Value(message));
        if self.rungs.is_empty() || self.rungs.len() > MAX_RUNGS {
            return fail(format!("{} rungs; 1 to {MAX_RUNGS} are possible", self.rungs.len()));
        }
        if !(16_000..=512_000).contains(&self.audio_bps) {
            return fail(format!("audio_bps = {} is outside 16000 to 512000", self.audio_bps));
        }
        for (i, rung) in self.rungs.iter().enumerate() {
            if !super::slug::is_valid(&rung.name) {
                return fail(format!("the name {:?} is not a plain word", rung.name));
            }
            if self.rungs[..i].iter().any(|r| r.name == rung.name) {
                return fail(format!("two rungs are called {:?}", rung.name));
            }
            if !(64..=4320).contains(&rung.height) || rung.height % 2 != 0 {
                return fail(format!("height {} is not an even number from 64 to 4320", rung.height));
            }
            if !(20_000..=200_000_000).contains(&rung.video_bps) || rung.max_bps < rung.video_bps {
                return fail(format!("the rates of {:?} make no sense", rung.name));
            }
        }
        Ok(())
    }

    /// The rungs that fit a source of the given height: none above it, but always at least one (the lowest, at the source's own height).
    pub fn capped(&self, source_height: u32) -> Vec<Rung> {
        let mut rungs: Vec<Rung> = self.rungs.iter().filter(|r| r.height <= source_height).cloned().collect();
        if rungs.is_empty()
            && let Some(lowest) = self.rungs.iter().min_by_key(|r| r.height)
        {
            let height = (source_height & !1).max(2);
            rungs.push(Rung { name: format!("{height}p"), height, ..lowest.clone() });
        }
        rungs
    }

    /// The same ladder without the rungs above `height`.
    #[must_use]
    pub fn up_to(&self, height: u32) -> Self {
        Self { audio_bps: self.audio_bps, rungs: self.capped(height) }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn toml_fills_in_and_sorts() {
        let ladder = Ladder::parse(
            "[[rung]]\nheight = 720\nvideo_bps = 2000000\n[[rung]]\nheight = 240\nvideo_bps = 200000\nmax_bps = 220000\n",
        )
        .unwrap();
        assert_eq!(ladder.audio_bps, 128_000);
        let seen: Vec<_> = ladder.rungs.iter().map(|r| (r.name.as_str(), r.max_bps)).collect();
        assert_eq!(seen, [("240p", 220_000), ("720p", 2_500_000)]);
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        let check = |text: &str, expect: &str| {
            let error = Ladder::parse(text).unwrap_err().to_string();
            assert!(error.contains(expect), "{error:?} does not mention {expect:?}");
        };
        check("rung = []", "0 rungs");
        check("[[rung]]\nheight = 241\nvideo_bps = 200000", "241");
        check("[[rung]]\nheight = 240\nvideo_bps = 1", "rates");
        check("[[rung]]\nheight = 240\nvideo_bps = 200000\nname = \"../x\"", "plain word");
        check("[[rung]]\nheight = 240\nvideo_bps = 200000\nheigth = 1", "unknown field");
    }

    #[test]
    fn the_source_caps_the_ladder() {
        let names = |h| Ladder::default().capped(h).iter().map(|r| r.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(1080).len(), 5);
        assert_eq!(names(576), ["240p", "360p", "480p"]);
        assert_eq!(names(121), ["120p"]);
        Ladder::default().check().unwrap();
    }
}
