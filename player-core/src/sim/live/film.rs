//! The description of a virtual live service.

use std::time::Duration;

use kinora_manifests::dash::{Latency, PlaybackRate, UtcScheme};

use super::super::film::{Rung, Voice};
use super::troubles::Troubles;
use crate::model::Protocol;

/// Description of a virtual live service. Times in it are times of the session, from the beginning of the virtual world;
/// the service has run for [`age`](Self::age) by then.
///
/// ```
/// # use std::time::Duration;
/// # use player_core::model::Protocol;
/// # use player_core::sim::live::{LiveFilm, LiveOrigin, LiveQuery};
/// # use player_core::time::Now;
/// // Low-latency HLS with parts of half a second, whose encoder is silent for 14 s.
/// let mut film = LiveFilm::new(Protocol::Hls).low_latency(Duration::from_millis(500));
/// film.troubles.silences.push((Duration::from_secs(60), Duration::from_secs(74), Default::default()));
/// let origin = LiveOrigin::new(film);
/// let answer = origin.answer(&LiveQuery::of("/live/v/720p/index.m3u8"), Now::from_nanos(5_000_000_000));
/// assert_eq!(answer.status, Some(200));
/// ```
#[derive(Clone, Debug)]
pub struct LiveFilm {
    /// Protocol of its manifest.
    pub protocol: Protocol,
    /// Container of its segments; DASH has CMAF only.
    pub container: LiveContainer,
    /// Qualities of the video, ascending by bitrate.
    pub ladder: Vec<Rung>,
    /// Separate audio; the first is the default. Must be empty if audio is muxed or in transport streams.
    pub voices: Vec<Voice>,
    /// Audio of this rate in bits per second lies in the files of the video.
    pub muxed: Option<u64>,
    /// Video frames per second.
    pub frame_rate: u32,
    /// Distance of key frames; divides `segment`.
    pub gop: Duration,
    /// Nominal duration of a segment.
    pub segment: Duration,
    /// Time for which segments are listed; `None` lists all since the beginning.
    pub window: Option<Duration>,
    /// Time for which a segment can be fetched after it has left the window; `None` is as long again as the window.
    pub kept: Option<Duration>,
    /// Parts of HLS and chunks of DASH; `None` has neither.
    pub low_latency: Option<LowLatency>,
    /// Time by which the boundaries of audio segments lie after those of the video, but at discontinuities.
    pub audio_shift: Duration,
    /// Time for which the service has run when the world begins: a multiple of `segment`. With
    /// [`SINCE_1970`](Self::SINCE_1970), segment numbers have ten digits and `availabilityStartTime` is 1970.
    pub age: Duration,
    /// Time from the end of a sample to its publication.
    pub encoding: Duration,
    /// Number of the first segment of all, as `EXT-X-MEDIA-SEQUENCE` or `$Number$`.
    pub first_number: u64,
    /// Time by which media timestamps run ahead of the time since the beginning.
    pub media_offset: Duration,
    /// Number of segments after which a discontinuity (HLS) or a period (DASH) begins.
    pub chapter: Option<u64>,
    /// Media timestamps begin at zero behind each discontinuity, and go on otherwise.
    pub from_zero: bool,
    /// Spans of the session whose segments and parts are missing: `EXT-X-GAP`, or absent from a timeline.
    pub gaps: Vec<(Duration, Duration)>,
    /// End of the service: `EXT-X-ENDLIST`, or a static MPD.
    pub ends_at: Option<Duration>,
    /// Bytes are muxed and read by the real demuxer, instead of samples being made directly; CMAF only.
    pub real_bytes: bool,
    /// With real bytes, each chunk begins with a `prft` box; the MPD announces it.
    pub prft: bool,
    /// Event messages in segments of video.
    pub emsg: Emsg,
    /// Hosts that hold the service, each with its own numbers; empty for one that names no host in its manifest.
    pub pathways: Vec<LivePathway>,
    /// Steering server; its address is `/live/orders.json`.
    pub steering: Option<LiveSteering>,
    /// Whatever only HLS has.
    pub hls: LiveHls,
    /// Whatever only DASH has.
    pub dash: LiveDash,
    /// Misbehaviour, placed in time.
    pub troubles: Troubles,
}

/// Container of live segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveContainer {
    /// Fragmented MP4.
    Cmaf,
    /// MPEG transport streams with video and audio in one file, whose clock wraps at 33 bits.
    Ts,
}

/// Pieces of a segment that are published before it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LowLatency {
    /// Nominal duration of parts and chunks of video.
    pub part: Duration,
    /// That of audio, whose boundaries differ then.
    pub audio_part: Duration,
}

/// Dates of segments in HLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dates {
    /// None at all.
    None,
    /// At every segment whose place is a multiple of this, and behind each discontinuity.
    Every(u64),
}

/// Form of HLS parts, and so of hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartFiles {
    /// Each part is a file; hints name whole files.
    Whole,
    /// Parts are ranges of the segment's file; hints have a start and no length.
    Ranges,
}

/// Whatever only HLS has.
#[derive(Clone, Debug)]
pub struct LiveHls {
    /// `EXT-X-PROGRAM-DATE-TIME`.
    pub dates: Dates,
    /// Nanoseconds by which dates run ahead of the clock.
    pub dates_ahead: i64,
    /// `EXT-X-DISCONTINUITY-SEQUENCE` is written.
    pub discontinuity_sequence: bool,
    /// `EXT-X-PLAYLIST-TYPE:EVENT`; needs a service without a window.
    pub is_event: bool,
    /// `EXT-X-TARGETDURATION` in seconds; `None` is the least that is allowed.
    pub target_duration: Option<u64>,
    /// `CAN-BLOCK-RELOAD`.
    pub blocks_reload: bool,
    /// Delta updates for segments older than six target durations.
    pub skips: bool,
    /// `HOLD-BACK`.
    pub hold_back: Option<Duration>,
    /// `PART-HOLD-BACK`; `None` is three part target durations.
    pub part_hold_back: Option<Duration>,
    /// Form of parts.
    pub parts: PartFiles,
    /// `EXT-X-PRELOAD-HINT` for the next part.
    pub hints: bool,
    /// `EXT-X-RENDITION-REPORT` for all other playlists.
    pub reports: bool,
    /// Interval of date ranges of two seconds.
    pub date_range_every: Option<Duration>,
    /// A service younger than its window fills the playlist up with `EXT-X-GAP` segments.
    pub young_gaps: bool,
}

/// Addressing of segments in the MPD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MpdAddressing {
    /// `$Number$` and a nominal duration: the edge follows from the clock alone.
    Number,
    /// `$Time$` and a timeline.
    Time,
    /// `$Number$` and a timeline, whose `startNumber` moves with the window.
    TimelineNumber,
}

/// A `UTCTiming` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockSource {
    /// Scheme.
    pub scheme: UtcScheme,
    /// Value that it has.
    pub value: UtcBody,
}

/// Value of a `UTCTiming` element, and what its address answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UtcBody {
    /// As the scheme demands: the time itself, or `/live/time`.
    Right,
    /// The attribute is empty.
    Empty,
    /// There is no attribute.
    Missing,
    /// The address answers 404.
    Gone,
    /// The time is off by this number of nanoseconds.
    Off(i64),
}

/// Place of the `ServiceDescription`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServiceDescribed {
    /// It stands in each period, and else in the MPD.
    pub in_period: bool,
    /// `Latency`.
    pub latency: Latency,
    /// `PlaybackRate`.
    pub playback_rate: Option<PlaybackRate>,
}

/// Event messages of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emsg {
    /// None.
    None,
    /// One in each segment, for its second half, with the number of the segment as id.
    Each,
    /// `urn:mpeg:dash:event:2012` in the last segment before the MPD changes: at periods and at the end.
    Updates,
}

/// MPD patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patching {
    /// None is announced.
    None,
    /// They are served for this long after the MPD.
    Serves(Duration),
    /// They are announced, and their address answers 404.
    Gone,
}

/// Whatever only DASH has.
#[derive(Clone, Debug)]
pub struct LiveDash {
    /// Addressing of segments.
    pub addressing: MpdAddressing,
    /// `UTCTiming` elements.
    pub clocks: Vec<ClockSource>,
    /// `minimumUpdatePeriod`; with zero, [`Emsg::Updates`] announces changes.
    pub minimum_update_period: Option<Duration>,
    /// `suggestedPresentationDelay`.
    pub suggested_delay: Option<Duration>,
    /// Service description.
    pub description: Option<ServiceDescribed>,
    /// Time before its beginning at which the next period is announced, without a start.
    pub early_period: Option<Duration>,
    /// Periods say that they continue one another (`urn:mpeg:dash:period-continuity:2015`).
    pub is_continuous: bool,
    /// `PatchLocation`.
    pub patching: Patching,
    /// `Location`: the path below `/live/` that the MPD is to be fetched from; it answers as the first one does.
    pub location: Option<String>,
    /// `availabilityTimeOffset` stands on `BaseURL` and else on each template.
    pub offset_on_base: bool,
    /// `availabilityStartTime` is cut to whole seconds, though the media is not.
    pub cuts_start: bool,
    /// `Resync` elements of low latency.
    pub resyncs: bool,
}

/// A host of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivePathway {
    /// Its name, which is also that of the pathway.
    pub host: String,
    /// Number that is added to the sequence numbers of its HLS playlists.
    pub sequence_offset: u64,
    /// Time by which everything appears later there.
    pub lag: Duration,
    /// Time of the session from which it fails: with a status, or by refusing connections.
    pub dies_at: Option<(Duration, Option<u16>)>,
}

impl LivePathway {
    /// Creates a pathway like the first.
    pub fn new(host: &str) -> Self {
        Self { host: host.to_owned(), sequence_offset: 0, lag: Duration::ZERO, dies_at: None }
    }
}

/// A steering server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSteering {
    /// Time after which it is asked again, in whole seconds.
    pub ttl: Duration,
    /// Priorities from times of the session on, ascending; the first is in force from the beginning.
    pub orders: Vec<(Duration, Vec<String>)>,
    /// `RELOAD-URI`.
    pub reload_uri: Option<String>,
    /// `@queryBeforeStart` of DASH.
    pub query_before_start: bool,
}

impl LiveFilm {
    /// Age of a service that began in 1970: the world begins in 2026.
    pub const SINCE_1970: Duration = Duration::from_secs(1_767_225_600);

    /// Creates a service without low latency: three qualities, segments of two seconds of which one minute is listed, and
    /// separate audio. It has run for an hour and has neither discontinuities nor end.
    pub fn new(protocol: Protocol) -> Self {
        let rung = |id: &str, bitrate, size| Rung { id: id.to_owned(), bitrate, size };
        Self {
            protocol,
            container: LiveContainer::Cmaf,
            ladder: vec![
                rung("360p", 800_000, (640, 360)),
                rung("720p", 3_000_000, (1280, 720)),
                rung("1080p", 6_000_000, (1920, 1080)),
            ],
            voices: vec![Voice { language: "en".to_owned(), bitrate: 128_000 }],
            muxed: None,
            frame_rate: 24,
            gop: Duration::from_secs(1),
            segment: Duration::from_secs(2),
            window: Some(Duration::from_secs(60)),
            kept: None,
            low_latency: None,
            audio_shift: Duration::ZERO,
            age: Duration::from_secs(3600),
            encoding: Duration::ZERO,
            first_number: 1,
            media_offset: Duration::ZERO,
            chapter: None,
            from_zero: false,
            gaps: Vec::new(),
            ends_at: None,
            real_bytes: false,
            prft: false,
            emsg: Emsg::None,
            pathways: Vec::new(),
            steering: None,
            hls: LiveHls {
                dates: Dates::Every(1),
                dates_ahead: 0,
                discontinuity_sequence: true,
                is_event: false,
                target_duration: None,
                blocks_reload: false,
                skips: false,
                hold_back: None,
                part_hold_back: None,
                parts: PartFiles::Whole,
                hints: false,
                reports: false,
                date_range_every: None,
                young_gaps: false,
            },
            dash: LiveDash {
                addressing: MpdAddressing::Number,
                clocks: vec![ClockSource { scheme: UtcScheme::HttpIso, value: UtcBody::Right }],
                minimum_update_period: Some(Duration::from_secs(2)),
                suggested_delay: None,
                description: None,
                early_period: None,
                is_continuous: false,
                patching: Patching::None,
                location: None,
                offset_on_base: false,
                cuts_start: false,
                resyncs: false,
            },
            troubles: Troubles::default(),
        }
    }

    /// With everything that low latency offers: parts with hints, blocking reloads, delta updates and rendition reports
    /// in HLS; chunks, an offset of availability, resynchronisation points, a latency of three chunks and an update of the
    /// MPD with each chunk in DASH.
    #[must_use]
    pub const fn low_latency(mut self, part: Duration) -> Self {
        self.low_latency = Some(LowLatency { part, audio_part: part });
        (self.hls.blocks_reload, self.hls.skips, self.hls.hints, self.hls.reports) = (true, true, true, true);
        self.dash.resyncs = true;
        self.dash.minimum_update_period = Some(part);
        let latency = Latency { reference_id: None, target: Some(part.saturating_mul(3)), min: None, max: None };
        let playback_rate = Some(PlaybackRate { min: Some(0.96), max: Some(1.04) });
        self.dash.description = Some(ServiceDescribed { in_period: false, latency, playback_rate });
        self
    }

    /// In transport streams with the audio in them.
    #[must_use]
    pub fn in_ts(mut self) -> Self {
        self.container = LiveContainer::Ts;
        self.muxed_audio()
    }

    /// With audio in the files of the video, and no other.
    #[must_use]
    pub fn muxed_audio(mut self) -> Self {
        self.muxed = Some(128_000);
        self.voices.clear();
        self
    }

    /// With real bytes.
    #[must_use]
    pub const fn with_bytes(mut self) -> Self {
        self.real_bytes = true;
        self
    }

    /// Path of its manifest.
    pub const fn manifest_path(&self) -> &'static str {
        match self.protocol {
            Protocol::Hls => "/live/master.m3u8",
            Protocol::Dash => "/live/manifest.mpd",
        }
    }
}
