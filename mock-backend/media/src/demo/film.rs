//! One film of the catalogue as data, and how it becomes an ingest request: picture, overlay, sound and subtitles.

use std::fmt::Write;

use super::super::{About, AgeRecord, Effort, Ladder, Metadata, Rate, Request, Rung, Source, Synthetic, counter};
use super::REVISION;

/// A generated film.
#[derive(Debug, Clone)]
pub(super) struct Film {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    pub(super) year: u16,
    pub(super) genres: &'static [&'static str],
    /// Frames per second.
    pub(super) fps: u32,
    pub(super) seconds: u32,
    pub(super) format: Format,
    /// A lavfi graph without its scaling to full size; `FPS` in it stands for the frame rate.
    pub(super) picture: &'static str,
    /// Enlarged with hard edges (cells) or soft ones (light).
    pub(super) edges: Edges,
    pub(super) melody: Melody,
    /// Lines of dialogue, English and French; used in turn.
    pub(super) lines: &'static [(&'static str, &'static str)],
}

/// Size and ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// 240p to 1080p.
    Full,
    /// 240p to 480p, at rates for a long film.
    Small,
}

/// How a small generated picture is enlarged.
#[derive(Debug, Clone, Copy)]
pub(super) enum Edges {
    Hard,
    Soft,
}

/// An arpeggio of four notes over four chords, eight seconds long and repeated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Melody {
    /// Frequency of the lowest note, Hz.
    pub(super) root: f64,
    /// Semitones above the chord's root.
    pub(super) notes: [i8; 4],
    /// Semitones of each chord's root above the melody's.
    pub(super) chords: [i8; 4],
}

/// Language, frequency of the beep in Hz, and the factor on the melody's root that tells the two sound tracks apart.
const VOICES: [(&str, u32, f64); 2] = [("en", 1000, 1.0), ("fr", 1400, 1.5)];
/// How long a beep is, seconds.
const BEEP: f64 = 0.05;
/// A new cue this often, seconds; each is shown for half a second less.
const CUE_EVERY: u32 = 3;

impl Film {
    /// The film as a request to the packager.
    pub(super) fn request(&self) -> Request {
        let (width, height) = self.format.size();
        let synthetic = Synthetic {
            video: self.video(width, height),
            width,
            height,
            rate: Rate::new(self.fps, 1),
            duration_ms: u64::from(self.seconds) * 1000,
            overlay: self.overlay(),
            audio: VOICES.map(|(language, beep, pitch)| (language.to_owned(), self.sound(beep, pitch))).into(),
            text: VOICES.map(|(language, ..)| (language.to_owned(), self.subtitles(language))).into(),
        };
        let everyone = AgeRecord { regions: Vec::new(), label: "ALL".to_owned(), min_age: 0 };
        Request {
            id: Some(self.id.to_owned()),
            metadata: Metadata {
                title: self.title.to_owned(),
                description: self.description.to_owned(),
                year: Some(self.year),
                genres: self.genres.iter().map(|&g| g.to_owned()).collect(),
                about: About { ratings: vec![everyone], is_hidden: true, ..About::default() },
            },
            ladder: self.format.ladder(),
            effort: Effort::Fast,
            replace: true,
            demo_revision: REVISION,
            ..Request::new(Source::Synthetic(synthetic))
        }
    }

    fn video(&self, width: u32, height: u32) -> String {
        let flags = match self.edges {
            Edges::Hard => "neighbor",
            Edges::Soft => "bilinear",
        };
        let picture = self.picture.replace("FPS", &self.fps.to_string());
        format!("{picture},scale={width}:{height}:flags={flags}:out_color_matrix=bt709:out_range=tv,format=yuv420p")
    }

    /// Counter and flash, the clock, and the title for the first four seconds.
    fn overlay(&self) -> String {
        let clock = "drawtext=font='DejaVu Sans Mono':text='%{pts\\:hms}':x=w*0.014:y=h*0.112:fontsize=h*0.03:\
                     fontcolor=white@0.9:box=1:boxcolor=black@0.55:boxborderw=6";
        let title = format!(
            "drawtext=font='DejaVu Sans':text='{}':x=(w-tw)/2:y=(h-th)/2:fontsize=h*0.09:fontcolor=white:borderw=2:bordercolor=white:\
             shadowcolor=black@0.7:shadowx=3:shadowy=3:alpha='min(1\\,4-t)':enable='lt(t\\,4)'",
            self.title
        );
        format!("{},{clock},{title}", counter::filters(self.fps))
    }

    /// A beep at every whole second over the melody. Both loops are whole seconds long, so the beep never drifts.
    fn sound(&self, beep: u32, pitch: f64) -> String {
        let Melody { root, notes, chords } = self.melody;
        let root = root * pitch;
        let pick = |index: &str, of: [i8; 4]| {
            let [a, b, c, d] = of;
            format!("if(eq({index},0),{a},if(eq({index},1),{b},if(eq({index},2),{c},{d})))")
        };
        let chord = pick("floor(t/2)", chords);
        let note = pick("mod(floor(t*2),4)", notes);
        let pluck = format!("0.09*exp(-5*mod(t,0.5))*sin(2*PI*{root}*pow(2,({chord}+{note})/12)*mod(t,0.5))");
        let pad = format!("0.04*sin(PI*mod(t,2)/2)*sin(PI*{root}*pow(2,({chord})/12)*mod(t,2))");
        format!(
            "aevalsrc='0.5*sin(2*PI*{beep}*t)*lt(t,{BEEP})':s=48000:d=1,aloop=loop=-1:size=48000[beep];\
             aevalsrc='{pluck}+{pad}':s=48000:d=8,aloop=loop=-1:size=384000[music];\
             [beep][music]amix=inputs=2:normalize=0"
        )
    }

    fn subtitles(&self, language: &str) -> String {
        let mut vtt = String::from("WEBVTT\n");
        let lines = self.lines.iter().cycle();
        for (n, (en, fr)) in (0..self.seconds.div_ceil(CUE_EVERY)).zip(lines) {
            let start = n * CUE_EVERY;
            let end_ms = (start * 1000 + CUE_EVERY * 1000 - 500).min(self.seconds * 1000);
            let line = if language == "fr" { fr } else { en };
            let (from, to) = (clock(start * 1000), clock(end_ms));
            // Appending to a `String` cannot fail.
            let _ = write!(vtt, "\n{}\n{from} --> {to}\n{line}\n[{:02}:{:02}]\n", n + 1, start / 60, start % 60);
        }
        vtt
    }
}

impl Format {
    fn size(self) -> (u32, u32) {
        match self {
            Self::Full => (1920, 1080),
            Self::Small => (854, 480),
        }
    }

    fn ladder(self) -> Ladder {
        let rates: &[(u32, u32)] = match self {
            Self::Full => &[(240, 300_000), (360, 700_000), (480, 1_300_000), (720, 2_800_000), (1080, 5_000_000)],
            Self::Small => &[(240, 250_000), (360, 500_000), (480, 900_000)],
        };
        let rung = |&(height, video_bps): &(u32, u32)| Rung {
            name: format!("{height}p"),
            height,
            video_bps,
            max_bps: video_bps / 4 * 5,
        };
        Ladder { audio_bps: 96_000, rungs: rates.iter().map(rung).collect() }
    }
}

fn clock(ms: u32) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}
