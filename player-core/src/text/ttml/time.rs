//! Time expressions (TTML2 §12.3.1): clock times and offset times, in integers throughout.

/// Nanoseconds; [`INDEFINITE`] has no end.
pub(super) type Nanos = i64;

/// Later than any time.
pub(super) const INDEFINITE: Nanos = i64::MAX;

const SECOND: i128 = 1_000_000_000;

/// Frame numbers that an hour of SMPTE time leaves out (TTML2 §7.2.3 `ttp:dropMode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum DropMode {
    #[default]
    NonDrop,
    Ntsc,
    Pal,
}

/// Time base of a document: its rates of frames and ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// Frames a second before the multiplier; not zero.
    pub frame_rate: u32,
    /// Numerator and denominator; neither zero.
    pub multiplier: (u32, u32),
    /// Sub-frames in a frame; never zero.
    pub sub_frame_rate: u32,
    /// Ticks a second; not zero.
    pub tick_rate: u32,
    /// Clock times count frames (`ttp:timeBase="smpte"`) and leave these out; else they are media time.
    pub smpte: Option<DropMode>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { frame_rate: 30, multiplier: (1, 1), sub_frame_rate: 1, tick_rate: 1, smpte: None }
    }
}

impl Clock {
    /// Reads a time expression; `None` when it is none.
    pub fn read(&self, text: &str) -> Option<Nanos> {
        let nanos = if text.contains(':') { self.clock_time(text)? } else { self.offset_time(text)? };
        Some(i64::try_from(nanos).unwrap_or(INDEFINITE).min(INDEFINITE - 1))
    }

    /// `hours:minutes:seconds`, then `.fraction` or `:frames` or `:frames.sub-frames`.
    fn clock_time(&self, text: &str) -> Option<i128> {
        let mut parts = text.split(':');
        let (hours, minutes, seconds) = (whole(parts.next()?)?, whole(parts.next()?)?, parts.next()?);
        let frames = parts.next();
        if parts.next().is_some() || minutes > 59 {
            return None;
        }
        let minutes = hours * 60 + minutes;
        let Some(frames) = frames else {
            let (mantissa, scale) = decimal(seconds)?;
            return (mantissa <= 60 * scale).then_some(minutes * 60 * SECOND + rounded(mantissa * SECOND, scale));
        };
        let seconds = whole(seconds).filter(|&seconds| seconds <= 60)?;
        let (frames, sub_frames) = match frames.split_once('.') {
            Some((frames, sub_frames)) => (whole(frames)?, whole(sub_frames)?),
            None => (whole(frames)?, 0),
        };
        let sub_frame_rate = i128::from(self.sub_frame_rate);
        let parts = frames * sub_frame_rate + sub_frames;
        match self.smpte {
            None => Some((minutes * 60 + seconds) * SECOND + self.frames(parts, sub_frame_rate)?),
            Some(mode) => {
                let counted = (minutes * 60 + seconds) * i128::from(self.frame_rate) - dropped(mode, minutes);
                self.frames(counted * sub_frame_rate + parts, sub_frame_rate)
            }
        }
    }

    /// A number and its unit.
    fn offset_time(&self, text: &str) -> Option<i128> {
        let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, unit) = text.split_at(unit);
        let (mantissa, scale) = decimal(number)?;
        let of = |nanos: i128| mantissa.checked_mul(nanos).map(|product| rounded(product, scale));
        match unit {
            "h" => of(3600 * SECOND),
            "m" => of(60 * SECOND),
            "s" => of(SECOND),
            "ms" => of(SECOND / 1000),
            "f" => self.frames(mantissa, scale),
            "t" => Some(rounded(mantissa.checked_mul(SECOND)?, scale.checked_mul(self.tick_rate.into())?)),
            _ => None,
        }
    }

    /// `count / scale` frames.
    fn frames(&self, count: i128, scale: i128) -> Option<i128> {
        let (up, down) = (i128::from(self.multiplier.0), i128::from(self.multiplier.1));
        let nanos = count.checked_mul(SECOND)?.checked_mul(down)?;
        Some(rounded(nanos, scale.checked_mul(i128::from(self.frame_rate) * up)?))
    }
}

/// Frame numbers that were left out before a minute (TTML2 §J.2).
fn dropped(mode: DropMode, minutes: i128) -> i128 {
    match mode {
        DropMode::NonDrop => 0,
        DropMode::Ntsc => (minutes - minutes / 10) * 2,
        DropMode::Pal => (minutes / 2 - minutes / 20) * 4,
    }
}

fn rounded(dividend: i128, divisor: i128) -> i128 {
    (dividend + divisor / 2) / divisor
}

/// A number of digits only.
fn whole(text: &str) -> Option<i128> {
    let digits = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// A decimal number as mantissa and scale. Digits after the ninth of a fraction do not count.
fn decimal(text: &str) -> Option<(i128, i128)> {
    let (number, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(number) || !digits(fraction) || number.len() > 15 {
        return None;
    }
    let fraction = fraction.get(..fraction.len().min(9))?;
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    Some((number.parse::<i128>().ok()? * scale + fraction.parse::<i128>().ok()?, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILM: Clock =
        Clock { frame_rate: 24, multiplier: (1000, 1001), sub_frame_rate: 4, tick_rate: 60, smpte: None };

    #[test]
    fn every_form_of_time_is_read() {
        for (text, nanos) in [
            ("1.2s", 1_200_000_000),
            ("1.2m", 72_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("7ms", 7_000_000),
            ("24f", 1_001_000_000),
            ("12.5f", 521_354_167),
            ("120t", 2_000_000_000),
            ("01:02:03", 3_723_000_000_000),
            ("1:02:03.2350", 3_723_235_000_000),
            ("01:02:03:20", 3_723_834_166_667),
            ("00:00:00:01.2", 62_562_500),
            ("100:00:00.1", 360_000_100_000_000),
            ("00:00:60", 60_000_000_000),
            ("0.1234567894s", 123_456_789),
        ] {
            assert_eq!(FILM.read(text), Some(nanos), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "1",
            "s",
            "-1s",
            "+1s",
            "1.s",
            ".5s",
            "1x",
            "1sec",
            "1 s",
            "1e3s",
            "00:01",
            "00:60:00",
            "00:00:61",
            "00:00:60.5",
            "a:00:00",
            "00:00:00:",
            "00:00:00:1:2",
            "00:00:00:0.5.5",
            "00:00:-1",
            "1234567890:00:00",
            "wallclock(12:00)",
        ] {
            assert_eq!(FILM.read(text), None, "{text}");
        }
        assert_eq!(Clock::default().read("999999999999999h"), Some(INDEFINITE - 1));
        assert_eq!(Clock::default().read("9223372036.854775807s"), Some(INDEFINITE - 1), "no time lasts for ever");
    }

    #[test]
    fn smpte_time_counts_frames() {
        let ntsc = Clock { frame_rate: 30, multiplier: (1000, 1001), smpte: Some(DropMode::Ntsc), ..Clock::default() };
        // The first frame of the second minute is number 2; an hour lacks 108 numbers.
        assert_eq!(ntsc.read("00:01:00:02"), Some(60_060_000_000));
        assert_eq!(ntsc.read("01:00:00:00"), Some(3_599_996_400_000));
        let plain = Clock { smpte: Some(DropMode::NonDrop), ..ntsc };
        assert_eq!(plain.read("01:00:00:00"), Some(3_603_600_000_000));
        assert_eq!(plain.read("00:00:02:15"), Some(2_502_500_000));
        assert_eq!(ntsc.read("00:01:02:15"), Some(62_495_766_667));
        let pal = Clock { smpte: Some(DropMode::Pal), ..ntsc };
        assert_eq!(dropped(DropMode::Pal, 60), 108);
        assert!(pal.read("00:02:00:04").is_some());
    }
}
