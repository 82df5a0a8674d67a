//! Authorising a playback and keeping it alive.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{PlaybackSessionId, ProfileId, TitleId, UnixMillis};

/// Format of the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Protocol {
    /// RFC 8216: a multivariant playlist.
    Hls,
    /// ISO/IEC 23009-1: an MPD.
    Dash,
}

/// Body of `POST /v1/playback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaybackRequest {
    /// Title to play.
    pub title_id: TitleId,
    /// Profile that watches; absent: the account's default profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<ProfileId>,
    /// Protocols that the client can play, the best first; empty: any.
    #[serde(default)]
    pub protocols: Vec<Protocol>,
    /// True if the grant is asked for before the viewer presses "Play"; false by default. Such a grant takes no place of the
    /// account and ends no playback; its first heartbeat takes the place. Error 7005 if no place is free. A sign-in has at
    /// most one such grant at a time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ahead: bool,
    /// Limits of the device; absent: none are known. Manifests of the grant, and of its renewals, have no representation beyond
    /// them; error 7030 if none is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// A playback of the account to end first, so that its place is free: one of [`crate::ApiError::playing`]. One that has
    /// ended meanwhile is no error; one that the account does not have is error 7010.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<PlaybackSessionId>,
}

/// Limits of a device, by which representations are left out of manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Capabilities {
    /// Codecs that it decodes: RFC 6381 strings, of which the part before the first dot counts, such as `avc1` or `mp4a`.
    /// Empty: all. Audio codecs are compared only if at least one is named, video codecs likewise; names that the service does
    /// not know are passed over, and so are those after the first 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codecs: Vec<String>,
    /// Maximum height of the picture in lines; absent: unlimited. Taken as the next lower of 144, 240, 360, 480, 720, 1080,
    /// 1440, 2160 and 4320.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_height: Option<u32>,
    /// Maximum bitrate in bits per second, video and audio together; absent: unlimited. Taken as the next lower of a row of
    /// values from 100,000 to 40,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bitrate: Option<u64>,
    /// False if it shows no high dynamic range; absent: true. No title has it so far, so nothing is left out by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdr: Option<bool>,
    /// Names of key systems that it has, such as `clearkey`. Titles that are not encrypted need none, and no
    /// title is encrypted so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drm: Vec<String>,
}

/// Answer to `GET /v1/playback/now`: playbacks of a profile on the devices of the account, the latest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NowPlayingList {
    /// Playbacks that have not ended and whose heartbeats come.
    pub playing: Vec<NowPlaying>,
}

/// A playback that runs on a device of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NowPlaying {
    /// Id of the playback, to stop it or to take it over.
    pub playback_id: PlaybackSessionId,
    /// Name of the device; empty if it is not known.
    pub device_name: String,
    /// True if it plays under the sign-in that asks.
    pub is_this_device: bool,
    /// Title that is played; absent if the profile that asks may not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<PlayingTitle>,
    /// Time of its beginning.
    pub started_at: UnixMillis,
    /// Position now: that of the latest heartbeat, and the time since then if it plays.
    pub position_ms: u64,
    /// Length of the title.
    pub duration_ms: u64,
    /// State by the latest heartbeat.
    pub phase: PlaybackPhase,
}

/// The title of a playback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlayingTitle {
    /// Id of the title.
    pub id: TitleId,
    /// Its name.
    pub name: String,
}

/// Body of `POST /v1/playback/{session}/take-over`. The answer is a [`PlaybackGrant`] for the device that asks, which resumes
/// where the other one is; the other one learns at its next heartbeat that it has lost its place (7005).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TakeOver {
    /// Profile of the playback; absent: the account's default profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<ProfileId>,
    /// Protocols that the client can play, the best first; empty: any.
    #[serde(default)]
    pub protocols: Vec<Protocol>,
    /// Limits of the device; absent: none are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
}

/// Permission to play one title for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaybackGrant {
    /// Names this playback in every later call and in the edges' logs.
    pub session_id: PlaybackSessionId,
    /// Title that may be played.
    pub title_id: TitleId,
    /// One entry for each protocol, the client's favourite first; never empty.
    pub sources: Vec<PlaybackSource>,
    /// Expiry of the signed addresses by the server's clock.
    pub expires_at: UnixMillis,
    /// Time for which they work from now, in milliseconds.
    pub expires_in_ms: u64,
    /// `POST` here before that for the same grant with fresh addresses; playback goes on meanwhile.
    pub renew_path: String,
    /// `POST` a [`Heartbeat`] here at every interval.
    pub heartbeat_path: String,
    /// Milliseconds between heartbeats; after three without one the stream no longer counts against the account.
    pub heartbeat_interval_ms: u64,
    /// `POST` a last [`Heartbeat`] here when playback ends.
    pub stop_path: String,
    /// Position at which the profile left off, in milliseconds; 0 to begin at the beginning.
    pub resume_position_ms: u64,
    /// The title's length; 0 for a live channel.
    pub duration_ms: u64,
}

impl PlaybackGrant {
    /// The addresses for one protocol, the preferred edge first; empty when the grant does not have the protocol.
    pub fn urls(&self, protocol: Protocol) -> &[String] {
        self.sources.iter().find(|source| source.protocol == protocol).map_or(&[], |source| source.urls.as_slice())
    }
}

/// The addresses of a title in one protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaybackSource {
    /// Protocol of the manifest at the addresses.
    pub protocol: Protocol,
    /// The same manifest on several edges, in the order to try them. The signature is a prefix of the path
    /// (`/t/TOKEN/<title>/…`), so relative references within the manifest inherit it.
    pub urls: Vec<String>,
}

/// Report of a client about a running playback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Heartbeat {
    /// Position on the presentation timeline, in milliseconds.
    pub position_ms: u64,
    /// State of the player.
    pub phase: PlaybackPhase,
}

/// State of a playback, as far as the service needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlaybackPhase {
    /// Time advances.
    Playing,
    /// The viewer paused.
    Paused,
    /// It waits for media.
    Buffering,
    /// It reached the end.
    Ended,
    /// It was stopped by the viewer or by an error.
    Stopped,
}

/// Answer to a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatReply {
    /// Expiry of the signed addresses; renew in time.
    pub expires_at: UnixMillis,
    /// Time for which they work from now, in milliseconds.
    pub expires_in_ms: u64,
    /// Milliseconds until the next heartbeat is due.
    pub heartbeat_interval_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::{PlaybackGrant, Protocol};

    #[test]
    fn a_grant_reads_from_its_documented_form() {
        let text = r#"{
            "session_id": "s1", "title_id": "tears", "expires_at": 1, "expires_in_ms": 2,
            "sources": [{"protocol": "hls", "urls": ["http://a/t/x/tears/master.m3u8", "http://b/t/x/tears/master.m3u8"]}],
            "renew_path": "/v1/playback/s1/renew", "heartbeat_path": "/v1/playback/s1/heartbeat",
            "heartbeat_interval_ms": 10000, "stop_path": "/v1/playback/s1/stop",
            "resume_position_ms": 0, "duration_ms": 30000, "a_field_of_the_future": true
        }"#;
        let grant: PlaybackGrant = serde_json::from_str(text).expect("the documented form reads");
        assert_eq!(grant.urls(Protocol::Hls).len(), 2);
        assert!(grant.urls(Protocol::Dash).is_empty());
    }
}
