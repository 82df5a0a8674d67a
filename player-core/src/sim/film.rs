//! A film that does not exist: its description, its HLS playlists and DASH manifest, and its media made on demand.

use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use kinora_manifests::{Layout, ManifestError};

use super::captions::Captions;
use super::relist::Relisting;
use super::shape::{Muxed, Shape};
use crate::container::DemuxOutput;
use crate::container::mp4::testmux;
use crate::drm::KeyId;
use crate::model::Protocol;
use crate::text::webvtt::TimestampMap;
use crate::text::{Cue, CueLayout, CueSpan};
use crate::time::MediaTime;

/// Number of the first track of each file.
pub const TRACK: u32 = 1;
/// Ticks per second of the pictures.
pub(super) const VIDEO_SCALE: u32 = 24_000;
/// Ticks per second of the sound, which is also its sample rate.
pub(super) const AUDIO_SCALE: u32 = 48_000;
/// Samples of a frame of AAC (ISO/IEC 14496-3 §4.5.1.1).
pub(super) const AAC_FRAME: u32 = 1024;

/// One rung of the ladder.
#[derive(Clone, Debug)]
pub struct Rung {
    /// Name in manifests and addresses.
    pub id: String,
    /// Mean rate in bits per second.
    pub bitrate: u64,
    /// Width and height in pixels.
    pub size: (u16, u16),
}

/// One rendition of sound.
#[derive(Clone, Debug)]
pub struct Voice {
    /// BCP 47 tag, which is also the name in addresses.
    pub language: String,
    /// Rate in bits per second.
    pub bitrate: u64,
}

/// Rates of sound, and which of them the pictures go with.
#[derive(Clone, Debug, Default)]
pub struct Sounds {
    /// Bits per second, ascending; empty for the one rate of each voice. In HLS each rate is a group.
    pub rates: Vec<u64>,
    /// For each rung of pictures by name the rates, by place, with which the HLS playlist offers it. A rung that is
    /// not here is offered with all.
    pub pairs: Vec<(String, Vec<usize>)>,
}

impl Sounds {
    /// These rates, each with all pictures.
    pub fn new(rates: &[u64]) -> Self {
        Self { rates: rates.to_vec(), pairs: Vec::new() }
    }
}

/// A span without media of one kind. Every segment keeps some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Pictures, or else sound. Pictures go on at the next key frame.
    pub pictures: bool,
    /// Start of the span on the presentation timeline.
    pub from: Duration,
    /// End of the span on the presentation timeline.
    pub until: Duration,
}

/// From a segment on, the film is encrypted in this way. The key's name is the key with every bit turned over.
#[derive(Clone, Copy, Debug)]
pub struct Lock {
    /// Number of the first segment.
    pub first: u64,
    /// Way of encryption from there on.
    pub kind: LockKind,
    /// Key of all segments that the lock covers.
    pub key: [u8; 16],
}

impl Lock {
    /// Returns the key's name.
    pub fn id(&self) -> KeyId {
        KeyId(self.key.map(|byte| !byte))
    }
}

/// Way in which a lock encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// Segments are clear again.
    Nothing,
    /// Segments as a whole; announced in HLS only.
    Segments,
    /// Samples, with a key that has an address in HLS and a name in DASH.
    Samples,
    /// Samples, with a key of a system that is not supported.
    Foreign,
}

/// Description of a virtual film.
#[derive(Clone, Debug)]
pub struct Film {
    /// Protocol of its manifest.
    pub protocol: Protocol,
    /// Duration; a multiple of `segment`.
    pub duration: Duration,
    /// Duration of a segment; a multiple of a second.
    pub segment: Duration,
    /// Its differences from the simplest film.
    pub shape: Shape,
    /// Qualities of the video, ascending by bitrate.
    pub ladder: Vec<Rung>,
    /// Sound; the first is the default.
    pub voices: Vec<Voice>,
    /// The rates of every voice, when there are several, and the pictures that each goes with.
    pub sounds: Sounds,
    /// Copy protection that the HLS playlist demands for a rung of the video (`HDCP-LEVEL`).
    pub hdcp_levels: Vec<(String, String)>,
    /// `SCORE` that the HLS playlist gives the variants of a rung of the video.
    pub scores: Vec<(String, f64)>,
    /// Languages of the subtitles.
    pub subtitles: Vec<String>,
    /// Languages of forced subtitles in an HLS playlist; their files are in `t/forced-` and the language.
    pub forced: Vec<String>,
    /// Captions inside the pictures (`CC1`).
    pub captions: Captions,
    /// Time by which the audio ends before the video.
    pub audio_short: Duration,
    /// Audio in the files of the video; needs real bytes.
    pub muxed: Option<Muxed>,
    /// Bytes are muxed and read by the real demuxer, instead of samples being made directly.
    pub real_bytes: bool,
    /// Segments of pictures bring their initialisation data themselves and are complete at their end only, as in the
    /// models of adaptive streaming; in DASH.
    pub at_once: bool,
    /// Number of DASH periods of equal length.
    pub periods: u32,
    /// Media that is not there.
    pub missing: Vec<Missing>,
    /// Time by which media timestamps run ahead of the presentation. A DASH manifest declares it
    /// (`presentationTimeOffset`).
    pub media_offset: Duration,
    /// Hosts that hold all of it: the HLS playlist names one pathway for each.
    pub pathways: Vec<String>,
    /// Host of the renditions of an HLS playlist without pathways; that of the playlist if `None`.
    pub rendition_host: Option<String>,
    /// Gives each variant of HLS a `STABLE-VARIANT-ID`: `s-` and its name.
    pub stable_ids: bool,
    /// Answer of the steering server, if the HLS playlist names one.
    pub steering: Option<String>,
    /// Start position that the HLS playlist declares, in seconds; negative values count from the end.
    pub authored_start: Option<f64>,
    /// `EXT-X-START` of each HLS media playlist, in seconds; negative values count from the end.
    pub media_start: Option<f64>,
    /// Segments that the HLS playlist of a rung or a voice announces as missing, and that a DASH list of byte ranges
    /// leaves out.
    pub gaps: Vec<(String, u64)>,
    /// Events of a DASH manifest, in the first period: start and duration of each.
    pub events: Vec<(Duration, Duration)>,
    /// The last period of a DASH manifest lies in a separate file.
    pub remote_period: bool,
    /// With real bytes, each segment of pictures begins with an event message for its second second, which lasts half
    /// a second; its id is the segment's number.
    pub event_messages: bool,
    /// Differences of its manifests from the simplest that describe it.
    pub relisting: Relisting,
    /// `availabilityStartTime` of a DASH manifest, as written.
    pub available_from: Option<String>,
    /// Encryption, ascending by the first segment.
    pub locks: Vec<Lock>,
    /// The first key of an HLS playlist covers the initialisation data too: `EXT-X-MAP` comes after it.
    pub locked_init: bool,
    /// The DASH manifest names a licence server.
    pub licence_server: bool,
    /// Keys that its licences lack, by their place among `locks`.
    pub licence_lacks: Vec<usize>,
}

/// Content at an address.
#[derive(Clone, Debug)]
pub enum Content {
    /// A file with its bytes.
    File {
        /// Value of its `Content-Type`.
        content_type: &'static str,
        /// Bytes of the file.
        bytes: Bytes,
    },
    /// Media as a demuxer returns it.
    Media {
        /// Length of the file in bytes.
        size: u64,
        /// Outputs in order, each with the number of bytes after which it is complete.
        pieces: Vec<(u64, Vec<DemuxOutput>)>,
    },
}

impl Film {
    /// A film with five qualities from 240p to 1080p and one voice, of an irregular [`Shape`]: tests that need a
    /// simpler one ask for [`plain`](Self::plain).
    pub fn new(protocol: Protocol, duration: Duration) -> Self {
        Self::plain(protocol, duration).made_irregular()
    }

    /// The same film, as regular as can be: [`Shape::PLAIN`], and timestamps that begin at zero.
    pub fn plain(protocol: Protocol, duration: Duration) -> Self {
        let rung = |id: &str, bitrate, size| Rung { id: id.to_owned(), bitrate, size };
        Self {
            protocol,
            duration,
            segment: Duration::from_secs(4),
            shape: Shape::PLAIN,
            ladder: vec![
                rung("240p", 400_000, (426, 240)),
                rung("360p", 800_000, (640, 360)),
                rung("480p", 1_500_000, (854, 480)),
                rung("720p", 3_000_000, (1280, 720)),
                rung("1080p", 6_000_000, (1920, 1080)),
            ],
            voices: vec![Voice { language: "en".into(), bitrate: 128_000 }],
            sounds: Sounds::default(),
            hdcp_levels: Vec::new(),
            scores: Vec::new(),
            subtitles: Vec::new(),
            forced: Vec::new(),
            captions: Captions::None,
            audio_short: Duration::ZERO,
            muxed: None,
            real_bytes: false,
            at_once: false,
            periods: 1,
            missing: Vec::new(),
            media_offset: Duration::ZERO,
            pathways: Vec::new(),
            rendition_host: None,
            stable_ids: false,
            steering: None,
            authored_start: None,
            media_start: None,
            gaps: Vec::new(),
            events: Vec::new(),
            remote_period: false,
            event_messages: false,
            relisting: Relisting::default(),
            available_from: None,
            locks: Vec::new(),
            locked_init: false,
            licence_server: false,
            licence_lacks: Vec::new(),
        }
    }

    /// With these languages of sound.
    #[must_use]
    pub fn voices(mut self, languages: &[&str]) -> Self {
        let voice = |language: &&str| Voice { language: (*language).to_owned(), bitrate: 128_000 };
        self.voices = languages.iter().map(voice).collect();
        self
    }

    /// The path of its manifest.
    pub const fn manifest_path(&self) -> &'static str {
        match self.protocol {
            Protocol::Hls => "/film/master.m3u8",
            Protocol::Dash => "/film/manifest.mpd",
        }
    }

    /// The whole file at a path; `None` when there is none.
    ///
    /// # Panics
    /// If the film has a name or a number that its manifest cannot hold.
    pub fn content(&self, path: &str) -> Option<Content> {
        let text = |content_type, text: String| Some(Content::File { content_type, bytes: text.into() });
        let manifest = |content_type, written: Result<String, ManifestError>| match written {
            Ok(written) => text(content_type, written),
            Err(error) => panic!("the film cannot be described: {error}"),
        };
        let rest = path.strip_prefix("/film/")?;
        match rest {
            "master.m3u8" => {
                let playlist = self.relisting.multivariant(self.multivariant());
                return manifest("application/vnd.apple.mpegurl", playlist.to_text(Layout::Compact));
            }
            "manifest.mpd" => {
                return manifest("application/dash+xml", self.relisting.mpd(self.mpd()).to_text(Layout::Compact));
            }
            "orders.json" => return text("application/json", self.steering.clone()?),
            "period.xml" if self.remote_period => {
                let period = self.period(self.periods.saturating_sub(1));
                return manifest("application/xml", period.to_text(Layout::Compact));
            }
            "licence" => return text("application/json", self.licence()),
            _ => {}
        }
        let (group, rest) = rest.split_once('/')?;
        if group == "key" {
            let lock = self.locks.iter().find(|lock| rest == format!("{}.bin", lock.id()))?;
            let bytes = Bytes::copy_from_slice(&lock.key);
            return Some(Content::File { content_type: "application/octet-stream", bytes });
        }
        let (name, file) = rest.split_once('/')?;
        match (group, file) {
            ("v" | "a" | "t", "index.m3u8") => {
                manifest("application/vnd.apple.mpegurl", self.playlist(group, name).to_text(Layout::Compact))
            }
            ("v" | "a", "init.mp4") => {
                let bytes = testmux::init(&self.tracks(group, name)?);
                Some(Content::File { content_type: "video/mp4", bytes })
            }
            ("t", file) => {
                let number = self.place_of("t", file.strip_suffix(".vtt")?)?;
                Some(Content::Media { size: 200, pieces: vec![(200, vec![self.cues(name, number)])] })
            }
            ("v" | "a", file) => {
                let number = self.place_of(group, file.strip_suffix(".m4s")?)?;
                self.segment_content(group, name, number)
            }
            _ => None,
        }
    }

    pub(super) fn lock(&self, number: u64) -> Option<&Lock> {
        self.locks.iter().rfind(|lock| lock.first <= number)
    }

    fn licence(&self) -> String {
        let encode = |key: &[u8; 16]| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(key);
        let locks = self.locks.iter().enumerate().filter(|(place, _)| !self.licence_lacks.contains(place));
        let keys = locks.map(|(_, lock)| lock).filter(|lock| lock.kind == LockKind::Samples);
        let key = |lock: &Lock| serde_json::json!({"kty": "oct", "kid": encode(&lock.id().0), "k": encode(&lock.key)});
        serde_json::json!({"keys": keys.map(key).collect::<Vec<_>>(), "type": "temporary"}).to_string()
    }

    fn cues(&self, language: &str, number: u64) -> DemuxOutput {
        let start = MediaTime::ZERO + self.segment * u32::try_from(number).unwrap_or(u32::MAX);
        let cue = Cue {
            id: None,
            start,
            end: start + Duration::from_secs(2),
            spans: vec![CueSpan { text: format!("{language} {number}"), ..CueSpan::default() }],
            layout: CueLayout::default(),
            forced: language.starts_with("forced-"),
        };
        // Ticks of 90 kHz since the media's clock began, which wrap at 33 bits (ISO/IEC 13818-1 §2.4.3.7).
        let ticks = ((self.media_offset + start.since(MediaTime::ZERO)).as_nanos() * 9 / 100_000) % (1 << 33);
        let map = TimestampMap { mpegts: ticks as u64, local: start };
        DemuxOutput::Cues { cues: vec![cue], timestamp_map: (!self.media_offset.is_zero()).then_some(map) }
    }
}
