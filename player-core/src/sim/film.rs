//! A film that does not exist: its description, its HLS playlists and DASH manifest, and its media made on demand.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;

use super::captions::{self, Captions};
use super::media::{self, Layout};
use super::sounds::Sounds;
use crate::container::mp4::testmux::{self, TestCodec, TestTrack};
use crate::container::{self, DemuxOutput};
use crate::drm::KeyId;
use crate::model::Protocol;
use crate::text::{Cue, CueLayout, CueSpan};
use crate::time::MediaTime;

/// Number of the one track of each file.
pub const TRACK: u32 = 1;
/// Ticks per second of the pictures.
const VIDEO_SCALE: u32 = 24_000;
/// Ticks per second of the sound, which is also its sample rate.
const AUDIO_SCALE: u32 = 48_000;
/// Samples of a frame of AAC (ISO/IEC 14496-3 §4.5.1.1).
const AAC_FRAME: u32 = 1024;

/// One rung of the ladder.
#[derive(Clone, Debug)]
pub struct Rung {
    /// Its name.
    pub id: String,
    /// Bits per second.
    pub bitrate: u64,
    /// Pixels.
    pub size: (u16, u16),
}

/// One rendition of sound.
#[derive(Clone, Debug)]
pub struct Voice {
    /// BCP 47.
    pub language: String,
    /// Bits per second.
    pub bitrate: u64,
}

/// A span without media of one kind. Every segment keeps some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Pictures, or else sound. Pictures go on at the next key frame.
    pub pictures: bool,
    /// The begin.
    pub from: Duration,
    /// The end.
    pub until: Duration,
}

/// From a segment on, the film is encrypted in this way. The key's name is the key with every bit turned over.
#[derive(Clone, Copy, Debug)]
pub struct Lock {
    /// Number of the first segment.
    pub first: u64,
    /// How.
    pub kind: LockKind,
    /// The key.
    pub key: [u8; 16],
}

impl Lock {
    /// The key's name.
    pub fn id(&self) -> KeyId {
        KeyId(self.key.map(|byte| !byte))
    }
}

/// What is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// Nothing.
    Nothing,
    /// Segments as a whole; announced in HLS only.
    Segments,
    /// Samples, with a key that has an address in HLS and a name in DASH.
    Samples,
    /// Samples, with a key of a system that is not supported.
    Foreign,
}

/// A film.
#[derive(Clone, Debug)]
pub struct Film {
    /// How it is described.
    pub protocol: Protocol,
    /// How long it is; a multiple of the segment.
    pub duration: Duration,
    /// How long a segment is; a multiple of a second.
    pub segment: Duration,
    /// Pictures, ascending.
    pub ladder: Vec<Rung>,
    /// Sound; the first is the default.
    pub voices: Vec<Voice>,
    /// The rates of every voice, when there are several, and the pictures that each goes with.
    pub sounds: Sounds,
    /// What the HLS playlist says of the outputs that a rung of pictures may be shown on (`HDCP-LEVEL`).
    pub hdcp_levels: Vec<(String, String)>,
    /// Languages of the subtitles.
    pub subtitles: Vec<String>,
    /// Captions inside the pictures (`CC1`).
    pub captions: Captions,
    /// The sound ends so much before the pictures.
    pub audio_short: Duration,
    /// Bytes are muxed and read by the real demuxer, instead of samples being made directly.
    pub real_bytes: bool,
    /// Segments of pictures bring their initialisation data themselves and are complete at their end only, as in the
    /// models of adaptive streaming; in DASH.
    pub at_once: bool,
    /// The film is cut into so many DASH periods of equal length.
    pub periods: u32,
    /// Media that is not there.
    pub missing: Vec<Missing>,
    /// Nanoseconds by which HLS media timestamps run ahead of the playlist.
    pub media_offset: Duration,
    /// Hosts that hold all of it: the HLS playlist names one pathway for each.
    pub pathways: Vec<String>,
    /// Host of the renditions of an HLS playlist without pathways; that of the playlist if `None`.
    pub rendition_host: Option<String>,
    /// What the steering server answers; the HLS playlist names one when this is told.
    pub steering: Option<String>,
    /// Where the author of the HLS playlist wants playback to begin, in seconds; negative from the end.
    pub authored_start: Option<f64>,
    /// Segments that the HLS playlist of a rung or a voice announces as missing.
    pub gaps: Vec<(String, u64)>,
    /// Events that a DASH manifest tells: when each begins and how long it lasts, in the first period.
    pub events: Vec<(Duration, Duration)>,
    /// The last period of a DASH manifest lies in a file of its own.
    pub remote_period: bool,
    /// With real bytes, each segment of pictures begins with an event message for its second second, which lasts half
    /// a second; its id is the segment's number.
    pub event_messages: bool,
    /// What is encrypted, ascending.
    pub locks: Vec<Lock>,
    /// The DASH manifest names a licence server.
    pub licence_server: bool,
}

/// What an address leads to.
#[derive(Clone, Debug)]
pub enum Content {
    /// A file.
    File {
        /// Its type.
        content_type: &'static str,
        /// Its bytes.
        bytes: Bytes,
    },
    /// Media, as a demuxer gives it: what is complete once so many bytes have come.
    Media {
        /// Bytes in all.
        size: u64,
        /// In order.
        pieces: Vec<(u64, Vec<DemuxOutput>)>,
    },
}

impl Film {
    /// A film with five qualities from 240p to 1080p and one voice.
    pub fn new(protocol: Protocol, duration: Duration) -> Self {
        let rung = |id: &str, bitrate, size| Rung { id: id.to_owned(), bitrate, size };
        Self {
            protocol,
            duration,
            segment: Duration::from_secs(4),
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
            subtitles: Vec::new(),
            captions: Captions::None,
            audio_short: Duration::ZERO,
            real_bytes: false,
            at_once: false,
            periods: 1,
            missing: Vec::new(),
            media_offset: Duration::ZERO,
            pathways: Vec::new(),
            rendition_host: None,
            steering: None,
            authored_start: None,
            gaps: Vec::new(),
            events: Vec::new(),
            remote_period: false,
            event_messages: false,
            locks: Vec::new(),
            licence_server: false,
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

    fn segments(&self) -> u64 {
        (self.duration.as_nanos().div_ceil(self.segment.as_nanos().max(1))) as u64
    }

    /// What lies at a path; `None` when nothing does.
    pub fn content(&self, path: &str) -> Option<Content> {
        let text = |content_type, text: String| Some(Content::File { content_type, bytes: text.into() });
        let rest = path.strip_prefix("/film/")?;
        match rest {
            "master.m3u8" => return text("application/vnd.apple.mpegurl", self.master()),
            "manifest.mpd" => return text("application/dash+xml", self.mpd()),
            "orders.json" => return text("application/json", self.steering.clone()?),
            "period.xml" if self.remote_period => {
                return text("application/xml", self.period(self.periods.saturating_sub(1)));
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
            ("v" | "a" | "t", "index.m3u8") => text("application/vnd.apple.mpegurl", self.playlist(group, name)),
            ("v" | "a", "init.mp4") => {
                let bytes = testmux::init(&[self.track(group, name)?]);
                Some(Content::File { content_type: "video/mp4", bytes })
            }
            ("t", file) => {
                let number: u64 = file.strip_suffix(".vtt")?.parse().ok()?;
                Some(Content::Media { size: 200, pieces: vec![(200, vec![self.cues(name, number)])] })
            }
            ("v" | "a", file) => {
                let number: u64 = file.strip_suffix(".m4s")?.parse().ok().filter(|n| *n < self.segments())?;
                self.segment(group, name, number)
            }
            _ => None,
        }
    }

    fn track(&self, group: &str, name: &str) -> Option<TestTrack> {
        if group == "v" {
            let (width, height) = self.ladder.iter().find(|rung| rung.id == name)?.size;
            return Some(TestTrack::new(TRACK, VIDEO_SCALE, TestCodec::H264 { width, height }));
        }
        self.sound_rate(name)?;
        Some(TestTrack::new(TRACK, AUDIO_SCALE, TestCodec::Aac { sample_rate: AUDIO_SCALE, channels: 2 }))
    }

    fn segment(&self, group: &str, name: &str, number: u64) -> Option<Content> {
        let rate = match group {
            "v" => self.ladder.iter().find(|rung| rung.id == name)?.bitrate,
            _ => self.sound_rate(name)?,
        };
        let seconds = self.segment.as_secs();
        let (begin, end) = (number * seconds, ((number + 1) * seconds).min(self.duration.as_secs()));
        let layout = if group == "v" {
            let tick = VIDEO_SCALE / 24;
            Layout { scale: VIDEO_SCALE, tick, first: begin * 24, last: end * 24, key_every: 48, rate }
        } else {
            let frame_at = |second: u64| (second * u64::from(AUDIO_SCALE)).div_ceil(u64::from(AAC_FRAME));
            let limit = (self.duration.saturating_sub(self.audio_short)).as_nanos() * u128::from(AUDIO_SCALE)
                / (1_000_000_000 * u128::from(AAC_FRAME));
            let last = frame_at(end).min(limit as u64);
            Layout { scale: AUDIO_SCALE, tick: AAC_FRAME, first: frame_at(begin).min(last), last, key_every: 1, rate }
        };
        let ahead = (self.media_offset.as_nanos() * u128::from(layout.scale) / 1_000_000_000) as u64;
        if self.real_bytes {
            let init = container::read_init(testmux::init(&[self.track(group, name)?])).ok()?;
            let messages = self.event_messages && group == "v";
            return media::muxed(&layout, ahead, number, &init, messages);
        }
        let mut content = media::direct(&layout, ahead, |number| self.lacks(group == "v", &layout, number));
        if let Content::Media { pieces, .. } = &mut content
            && group == "v"
            && self.captions != Captions::None
        {
            captions::weave(pieces, number);
        }
        if let Content::Media { size, pieces } = &mut content
            && self.at_once
            && group == "v"
        {
            let init = container::read_init(testmux::init(&[self.track(group, name)?])).ok()?;
            let media = std::mem::take(pieces).into_iter().flat_map(|(_, outputs)| outputs);
            *pieces = vec![(*size, [DemuxOutput::Init(Arc::new(init))].into_iter().chain(media).collect())];
        }
        Some(match self.lock(number) {
            Some(lock) if matches!(lock.kind, LockKind::Samples | LockKind::Foreign) => {
                media::locked(content, lock.id().0)
            }
            _ => content,
        })
    }

    /// True when a sample is missing, or what it depends on.
    fn lacks(&self, pictures: bool, layout: &Layout, number: u64) -> bool {
        let at = |number: u64| {
            Duration::from_nanos(number * u64::from(layout.tick) * 1_000_000_000 / u64::from(layout.scale))
        };
        let group = at(number / layout.key_every * layout.key_every);
        let spans = self.missing.iter().filter(|missing| missing.pictures == pictures);
        spans.into_iter().any(|missing| missing.from <= at(number) && group < missing.until)
    }

    fn lock(&self, number: u64) -> Option<&Lock> {
        self.locks.iter().rfind(|lock| lock.first <= number)
    }

    fn licence(&self) -> String {
        let encode = |key: &[u8; 16]| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(key);
        let keys = self.locks.iter().filter(|lock| lock.kind == LockKind::Samples);
        let key = |lock: &Lock| serde_json::json!({"kty": "oct", "kid": encode(&lock.id().0), "k": encode(&lock.key)});
        serde_json::json!({"keys": keys.map(key).collect::<Vec<_>>(), "type": "temporary"}).to_string()
    }

    fn key_tag(&self, number: u64) -> String {
        let Some(lock) = self.locks.iter().find(|lock| lock.first == number) else { return String::new() };
        let uri = format!("/film/key/{}.bin", lock.id());
        match lock.kind {
            LockKind::Nothing => "#EXT-X-KEY:METHOD=NONE\n".to_owned(),
            LockKind::Segments => format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{uri}\"\n"),
            LockKind::Samples => format!("#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"{uri}\"\n"),
            LockKind::Foreign => format!(
                "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYID=0x{}\n",
                lock.id()
            ),
        }
    }

    /// What a period says about its protection.
    fn descriptors(&self, begin: u64, end: u64) -> String {
        let mut text = String::new();
        let locks = (begin..end)
            .filter_map(|number| self.lock(number))
            .filter(|lock| matches!(lock.kind, LockKind::Samples | LockKind::Foreign));
        for lock in locks {
            let id = lock.id();
            if text.contains(&id.to_string()) {
                continue;
            }
            let _ = writeln!(
                text,
                "<ContentProtection schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" value=\"cenc\" default_KID=\"{id}\"/>"
            );
            let system = match lock.kind {
                LockKind::Foreign => "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
                LockKind::Nothing | LockKind::Segments | LockKind::Samples => "e2719d58-a985-b3c9-781a-b030af78d30e",
            };
            let server = if self.licence_server { "<Laurl>/film/licence</Laurl>" } else { "" };
            let _ = writeln!(text, "<ContentProtection schemeIdUri=\"urn:uuid:{system}\">{server}</ContentProtection>");
        }
        text
    }

    fn cues(&self, language: &str, number: u64) -> DemuxOutput {
        let start = MediaTime::ZERO + self.segment * u32::try_from(number).unwrap_or(u32::MAX);
        let cue = Cue {
            id: None,
            start,
            end: start + Duration::from_secs(2),
            spans: vec![CueSpan { text: format!("{language} {number}"), ..CueSpan::default() }],
            layout: CueLayout::default(),
            forced: false,
        };
        DemuxOutput::Cues { cues: vec![cue], timestamp_map: None }
    }

    fn master(&self) -> String {
        let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
        if let Some(start) = self.authored_start {
            let _ = writeln!(text, "#EXT-X-START:TIME-OFFSET={start}");
        }
        if self.steering.is_some() {
            let first = self.pathways.first().map(String::as_str).unwrap_or_default();
            let _ = writeln!(text, "#EXT-X-CONTENT-STEERING:SERVER-URI=\"orders.json\",PATHWAY-ID=\"{first}\"");
        }
        if self.pathways.is_empty() {
            let root = self.rendition_host.as_ref().map(|host| format!("http://{host}/film/")).unwrap_or_default();
            self.renditions(&mut text, "aud", &root);
            self.variants(&mut text, "aud", "", "");
        }
        for host in &self.pathways {
            let (group, root) = (format!("aud-{host}"), format!("http://{host}/film/"));
            self.renditions(&mut text, &group, &root);
            self.variants(&mut text, &group, &root, &format!(",PATHWAY-ID=\"{host}\""));
        }
        text
    }

    fn renditions(&self, text: &mut String, group: &str, root: &str) {
        self.voice_renditions(text, group, root);
        for language in &self.subtitles {
            let _ = writeln!(
                text,
                "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"sub\",NAME=\"{language}\",LANGUAGE=\"{language}\",\
                 DEFAULT=NO,AUTOSELECT=YES,URI=\"{root}t/{language}/index.m3u8\""
            );
        }
        if let Captions::Announced(language) = &self.captions {
            let _ = writeln!(
                text,
                "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"{language}\",LANGUAGE=\"{language}\",\
                 AUTOSELECT=YES,INSTREAM-ID=\"CC1\""
            );
        }
    }

    fn variants(&self, text: &mut String, group: &str, root: &str, more: &str) {
        for rung in &self.ladder {
            let closed = match self.captions {
                Captions::None | Captions::Unannounced => "",
                Captions::Announced(_) => ",CLOSED-CAPTIONS=\"cc\"",
                Captions::Denied => ",CLOSED-CAPTIONS=NONE",
            };
            let subtitles = if self.subtitles.is_empty() { "" } else { ",SUBTITLES=\"sub\"" };
            let codecs = if self.voices.is_empty() { "avc1.4d401f" } else { "avc1.4d401f,mp4a.40.2" };
            let (width, height) = rung.size;
            for (audio, sound) in self.groups_of(&rung.id, group) {
                let rate = rung.bitrate + sound;
                let _ = writeln!(
                    text,
                    "#EXT-X-STREAM-INF:BANDWIDTH={rate},AVERAGE-BANDWIDTH={rate},RESOLUTION={width}x{height},\
                     CODECS=\"{codecs}\"{audio}{subtitles}{closed}{}{more}\n{root}v/{}/index.m3u8",
                    self.hdcp_level(&rung.id),
                    rung.id
                );
            }
        }
    }

    fn playlist(&self, group: &str, name: &str) -> String {
        let seconds = self.segment.as_secs();
        let mut text =
            format!("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{seconds}\n#EXT-X-PLAYLIST-TYPE:VOD\n");
        if group != "t" {
            text.push_str("#EXT-X-MAP:URI=\"init.mp4\"\n");
        }
        let extension = if group == "t" { "vtt" } else { "m4s" };
        for number in 0..self.segments() {
            if group != "t" && self.gaps.iter().any(|(rung, gap)| rung == name && *gap == number) {
                text.push_str("#EXT-X-GAP\n");
            }
            let length = seconds.min(self.duration.as_secs() - number * seconds);
            if group != "t" {
                text.push_str(&self.key_tag(number));
            }
            let _ = writeln!(text, "#EXTINF:{length}.000,\n{number}.{extension}");
        }
        text.push_str("#EXT-X-ENDLIST\n");
        text
    }

    fn mpd(&self) -> String {
        let mut text = format!(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
             profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" minBufferTime=\"PT2S\" \
             mediaPresentationDuration=\"PT{}S\">\n",
            self.duration.as_secs()
        );
        for period in 0..self.periods {
            if self.remote_period && period + 1 == self.periods {
                text.push_str("<Period xlink:href=\"period.xml\" xlink:actuate=\"onLoad\"/>\n");
            } else {
                text.push_str(&self.period(period));
            }
        }
        text.push_str("</MPD>\n");
        text
    }

    fn period(&self, period: u32) -> String {
        let length = self.duration.as_secs() / u64::from(self.periods);
        let begin = u64::from(period) * length;
        let mut text = format!("<Period id=\"p{period}\" start=\"PT{begin}S\" duration=\"PT{length}S\">\n");
        if period == 0 {
            self.event_stream(&mut text);
        }
        let segment = self.segment.as_secs();
        let protection = self.descriptors(begin / segment, (begin + length).div_ceil(segment));
        text.push_str("<AdaptationSet id=\"1\" contentType=\"video\" mimeType=\"video/mp4\">\n");
        text.push_str(&protection);
        if let Captions::Announced(language) = &self.captions {
            let _ = writeln!(
                text,
                "<Accessibility schemeIdUri=\"urn:scte:dash:cc:cea-608:2015\" value=\"CC1={language}\"/>"
            );
        }
        self.template(&mut text, "v", VIDEO_SCALE, begin);
        for rung in &self.ladder {
            let (width, height) = rung.size;
            let _ = writeln!(
                text,
                "<Representation id=\"{}\" bandwidth=\"{}\" width=\"{width}\" height=\"{height}\" \
                     codecs=\"avc1.4d401f\"/>",
                rung.id, rung.bitrate
            );
        }
        text.push_str("</AdaptationSet>\n");
        for (index, voice) in self.voices.iter().enumerate() {
            let _ = writeln!(
                text,
                "<AdaptationSet id=\"{}\" contentType=\"audio\" mimeType=\"audio/mp4\" lang=\"{}\">",
                index + 2,
                voice.language
            );
            text.push_str(&protection);
            self.template(&mut text, "a", AUDIO_SCALE, begin);
            for (name, rate) in self.sounds_of(voice) {
                let _ = writeln!(
                    text,
                    "<Representation id=\"{name}\" bandwidth=\"{rate}\" codecs=\"mp4a.40.2\" audioSamplingRate=\"48000\"/>"
                );
            }
            text.push_str("</AdaptationSet>\n");
        }
        text.push_str("</Period>\n");
        text
    }

    fn event_stream(&self, text: &mut String) {
        if self.events.is_empty() {
            return;
        }
        text.push_str("<EventStream schemeIdUri=\"urn:example:events\" value=\"1\" timescale=\"1000\">\n");
        for (id, (begin, length)) in self.events.iter().enumerate() {
            let (begin, length) = (begin.as_millis(), length.as_millis());
            let _ = writeln!(text, "<Event id=\"{id}\" presentationTime=\"{begin}\" duration=\"{length}\">e</Event>");
        }
        text.push_str("</EventStream>\n");
    }

    fn template(&self, text: &mut String, group: &str, scale: u32, begin: u64) {
        let init = if self.at_once { "" } else { "initialization=\"{group}/$RepresentationID$/init.mp4\" " };
        let init = init.replace("{group}", group);
        let _ = writeln!(
            text,
            "<SegmentTemplate timescale=\"{scale}\" duration=\"{}\" startNumber=\"{}\" presentationTimeOffset=\"{}\" \
             {init}media=\"{group}/$RepresentationID$/$Number$.m4s\"/>",
            u64::from(scale) * self.segment.as_secs(),
            begin / self.segment.as_secs(),
            begin * u64::from(scale)
        );
    }
}
