//! The shape of a virtual film: its differences from the simplest one, and the files that its media lies in.

/// Differences of a film from the simplest one, which is [`Shape::PLAIN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of the first segment of video and text: `EXT-X-MEDIA-SEQUENCE` or `startNumber`.
    pub first_number: u64,
    /// Number of the first segment of audio.
    pub first_audio_number: u64,
    /// Neighbouring segments differ in length: the end of every second segment of video lies half a segment later, as
    /// far as there is a key frame, and the end of every third segment of audio a second later.
    pub uneven: bool,
    /// B pictures: two of three are decoded after the one that follows them. Those before a key frame are decoded
    /// after it, in the next segment.
    pub reordered: bool,
    /// The HLS playlists begin with a discontinuity and with a discontinuity sequence above zero.
    pub opening_discontinuity: bool,
    /// Segments differ in rate, and the HLS playlists of video announce it (`EXT-X-BITRATE`) from the segment at this
    /// place on.
    pub announced_from: Option<u64>,
    /// Frames of audio that are absent at the beginning.
    pub late_audio: u64,
    /// Addressing of video in the manifest.
    pub video: Addressing,
    /// Addressing of audio in the manifest.
    pub audio: Addressing,
    /// Bytes between the segment index of a file and its media.
    pub media_away: u64,
    /// Files of real bytes have edit lists, each with an empty edit.
    pub edit_lists: bool,
    /// Other key formats are in force as well as the one that playback can use.
    pub other_key_formats: bool,
}

impl Shape {
    /// Numbers begin at zero, all segments are equal, presentation order is decoding order.
    pub const PLAIN: Self = Self {
        first_number: 0,
        first_audio_number: 0,
        uneven: false,
        reordered: false,
        opening_discontinuity: false,
        announced_from: None,
        late_audio: 0,
        video: Addressing::Files,
        audio: Addressing::Files,
        media_away: 0,
        edit_lists: false,
        other_key_formats: false,
    };

    /// Everything at once; numbers begin beyond 32 bits.
    pub const IRREGULAR: Self = Self {
        first_number: (1 << 32) + 9,
        first_audio_number: (1 << 33) + 4,
        uneven: true,
        reordered: true,
        opening_discontinuity: true,
        announced_from: Some(0),
        late_audio: 2,
        video: Addressing::Files,
        audio: Addressing::Indexed,
        media_away: (1 << 32) + 7,
        edit_lists: true,
        other_key_formats: true,
    };
}

/// Addressing of the segments of a representation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addressing {
    /// A file for each segment.
    #[default]
    Files,
    /// One file with a segment index: `SegmentBase@indexRange` in DASH, `EXT-X-BYTERANGE` in HLS.
    Indexed,
    /// One file whose segment index the DASH manifest does not announce; as [`Self::Indexed`] in HLS.
    Unannounced,
    /// One file, with the byte range of each segment in the DASH manifest (`SegmentURL@mediaRange`); as
    /// [`Self::Indexed`] in HLS.
    Listed,
}

/// Audio in the files of the video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Muxed {
    /// In each movie fragment the audio comes before the video.
    pub audio_first: bool,
    /// Bits per second of the audio.
    pub bitrate: u64,
}
