//! A very small muxer for tests and the simulator: valid initialisation segments and fragments whose payloads are
//! a pattern, so that no files are needed. Decoders reject what comes out; readers must not.

use bytes::Bytes;

use crate::model::MediaKind;

/// Codec that a track pretends to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestCodec {
    /// H.264 Main profile, level 3.1.
    H264 {
        /// Width in whole pixels.
        width: u16,
        /// Height in whole pixels.
        height: u16,
    },
    /// AAC of low complexity.
    Aac {
        /// One of the thirteen rates of MPEG-4.
        sample_rate: u32,
        /// Number of channels, one to seven.
        channels: u8,
    },
    /// Cues as WebVTT boxes.
    WebVtt,
}

impl TestCodec {
    /// Returns the kind of media.
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::H264 { .. } => MediaKind::Video,
            Self::Aac { .. } => MediaKind::Audio,
            Self::WebVtt => MediaKind::Text,
        }
    }
}

/// A track of an initialisation segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestTrack {
    /// Track identifier in the file.
    pub id: u32,
    /// Ticks of its times per second.
    pub timescale: u32,
    /// Codec that it pretends to carry.
    pub codec: TestCodec,
    /// Language by ISO 639-2.
    pub language: [u8; 3],
    /// Ticks that an edit list cuts from the beginning; zero writes none.
    pub media_time: u32,
    /// Length of an empty edit in front, in milliseconds; zero writes none.
    pub empty_edit: u32,
    /// Encryption that its samples pretend to have, if any.
    pub protection: Option<TestProtection>,
}

/// Common encryption of a track, for its sample entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestProtection {
    /// Scheme such as `cenc` or `cbcs`.
    pub scheme: [u8; 4],
    /// Identifier of the key.
    pub key_id: [u8; 16],
    /// Bytes of each sample's vector, 8 or 16; zero gives all samples the vector of sixteen sevens.
    pub iv_size: u8,
    /// Encrypted and clear blocks of a pattern.
    pub pattern: (u8, u8),
}

impl TestTrack {
    /// A track without language, edit list and encryption.
    pub const fn new(id: u32, timescale: u32, codec: TestCodec) -> Self {
        Self { id, timescale, codec, language: *b"und", media_time: 0, empty_edit: 0, protection: None }
    }
}

/// A sample: ticks it lasts, bytes, whether decoding can begin with it, ticks from decoding to composition.
pub type SampleSpec = (u32, u32, bool, i32);

/// Makes a box of its content.
pub fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut out = (content.len() as u32 + 8).to_be_bytes().to_vec();
    out.extend(kind);
    out.extend(content);
    out
}

/// A box with version and flags.
pub fn full(kind: &[u8; 4], version: u8, flags: u32, content: &[u8]) -> Vec<u8> {
    let mut body = (u32::from(version) << 24 | flags).to_be_bytes().to_vec();
    body.extend(content);
    boxed(kind, &body)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Makes an initialisation segment for these tracks.
pub fn init(tracks: &[TestTrack]) -> Bytes {
    let mut moov = full(b"mvhd", 0, 0, &[words(&[0, 0, 1000, 0]), vec![0; 80]].concat());
    let mut mvex = Vec::new();
    for track in tracks {
        moov.extend(trak(track));
        mvex.extend(full(b"trex", 0, 0, &words(&[track.id, 1, 0, 0, 0])));
    }
    moov.extend(boxed(b"mvex", &mvex));
    let mut out = boxed(b"ftyp", b"cmfc\0\0\0\0iso6");
    out.extend(boxed(b"moov", &moov));
    out.into()
}

fn trak(track: &TestTrack) -> Vec<u8> {
    let matrix = words(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
    let (width, height) = match track.codec {
        TestCodec::H264 { width, height } => (u32::from(width) << 16, u32::from(height) << 16),
        _ => (0, 0),
    };
    let tkhd = [words(&[0, 0, track.id, 0, 0]), vec![0; 16], matrix, words(&[width, height])].concat();
    let mut out = full(b"tkhd", 0, 3, &tkhd);
    if track.media_time > 0 || track.empty_edit > 0 {
        // The movie has a thousand ticks per second; a media time of −1 marks an empty edit.
        let empty = [track.empty_edit, u32::MAX, 0x1_0000];
        let empty = if track.empty_edit > 0 { &empty[..] } else { &[] };
        let edits = [empty, &[0, track.media_time, 0x1_0000]].concat();
        let elst = full(b"elst", 0, 0, &[words(&[edits.len() as u32 / 3]), words(&edits)].concat());
        out.extend(boxed(b"edts", &elst));
    }
    let language =
        track.language.iter().fold(0u32, |packed, &letter| packed << 5 | u32::from(letter.saturating_sub(0x60) & 31));
    let mut mdia = full(b"mdhd", 0, 0, &words(&[0, 0, track.timescale, 0, language << 16]));
    let handler: &[u8; 4] = match track.codec.kind() {
        MediaKind::Video => b"vide",
        MediaKind::Audio => b"soun",
        MediaKind::Text => b"text",
    };
    mdia.extend(full(b"hdlr", 0, 0, &[&[0; 4][..], handler, &[0; 13]].concat()));
    let mut stbl = full(b"stsd", 0, 0, &[words(&[1]), protected(sample_entry(track.codec), track.protection)].concat());
    for kind in [b"stts", b"stsc", b"stco"] {
        stbl.extend(full(kind, 0, 0, &words(&[0])));
    }
    stbl.extend(full(b"stsz", 0, 0, &words(&[0, 0])));
    mdia.extend(boxed(b"minf", &boxed(b"stbl", &stbl)));
    out.extend(boxed(b"mdia", &mdia));
    boxed(b"trak", &out)
}

/// Reserved bytes and the data reference index that begin every sample entry.
const ENTRY: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];

fn sample_entry(codec: TestCodec) -> Vec<u8> {
    match codec {
        TestCodec::H264 { width, height } => {
            let parameter_sets = [0xe1, 0, 4, 0x67, 0x4d, 0x40, 0x1f, 1, 0, 2, 0x68, 0xce];
            let avcc = [&[1, 0x4d, 0x40, 0x1f, 0xff][..], &parameter_sets].concat();
            let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
            boxed(b"avc1", &[&ENTRY[..], &[0; 16], &size, &[0; 50], &boxed(b"avcC", &avcc)].concat())
        }
        TestCodec::Aac { sample_rate, channels } => {
            const RATES: [u32; 13] =
                [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
            let index = RATES.iter().position(|&rate| rate == sample_rate).unwrap_or(3) as u16;
            let asc = (2 << 11 | index << 7 | u16::from(channels & 15) << 3).to_be_bytes();
            let specific = [&[5, 2][..], &asc].concat();
            let decoder = [&[4, 13 + specific.len() as u8, 0x40, 0x15][..], &[0; 11], &specific].concat();
            let stream = [&[3, 3 + decoder.len() as u8, 0, 1, 0][..], &decoder].concat();
            let fixed = [vec![0; 8], u16::from(channels).to_be_bytes().to_vec(), vec![0, 16, 0, 0, 0, 0]].concat();
            let rate = words(&[sample_rate.min(0xffff) << 16]);
            boxed(b"mp4a", &[&ENTRY[..], &fixed, &rate, &full(b"esds", 0, 0, &stream)].concat())
        }
        TestCodec::WebVtt => boxed(b"wvtt", &[&ENTRY[..], &boxed(b"vttC", b"WEBVTT")].concat()),
    }
}

/// Turns a sample entry into an encrypted one (ISO/IEC 14496-12 §8.12).
fn protected(mut entry: Vec<u8>, protection: Option<TestProtection>) -> Vec<u8> {
    let Some(protection) = protection else { return entry };
    let original = entry.get(4..8).unwrap_or_default().to_vec();
    let (pattern, version) = match protection.pattern {
        (0, 0) => (0, 0),
        (encrypted, clear) => (encrypted << 4 | clear & 15, 1),
    };
    let mut tenc = vec![0, pattern, 1, protection.iv_size];
    tenc.extend(protection.key_id);
    if protection.iv_size == 0 {
        tenc.push(16);
        tenc.extend([7; 16]);
    }
    let mut sinf = boxed(b"frma", &original);
    sinf.extend(full(b"schm", 0, 0, &[&protection.scheme[..], &words(&[0x1_0000])].concat()));
    sinf.extend(boxed(b"schi", &full(b"tenc", version, 0, &tenc)));
    entry.extend(boxed(b"sinf", &sinf));
    let kind: &[u8; 4] = if original == b"mp4a" { b"enca" } else { b"encv" };
    boxed(kind, entry.get(8..).unwrap_or_default())
}

/// The bytes that [`segment`] gives the `index`th sample of a fragment: they differ from sample to sample.
pub fn payload(track: u32, sequence: u32, index: usize, size: u32) -> Vec<u8> {
    let seed = track.wrapping_mul(7).wrapping_add(sequence.wrapping_mul(31)).wrapping_add(index as u32);
    (0..size).map(|position| position.wrapping_mul(5).wrapping_add(seed) as u8).collect()
}

/// An event message of version 0: it begins `delay` milliseconds after its segment and lasts `length` milliseconds.
pub fn event_message(scheme: &str, id: u32, delay: u32, length: u32) -> Vec<u8> {
    let texts = [scheme.as_bytes(), b"\0\0"].concat();
    full(b"emsg", 0, 0, &[texts, words(&[1000, delay, length, id]), b"data".to_vec()].concat())
}

/// A movie fragment with its media data, without `styp`. Decoding begins at `base_decode_time` ticks.
pub fn segment(track: u32, sequence: u32, base_decode_time: u64, samples: &[SampleSpec]) -> Bytes {
    let payloads: Vec<_> =
        samples.iter().enumerate().map(|(index, sample)| payload(track, sequence, index, sample.1)).collect();
    segment_of(track, sequence, base_decode_time, samples, &payloads.concat())
}

/// As [`segment`], with payloads of one's own: `media` are the samples one after the other.
pub fn segment_of(track: u32, sequence: u32, base_decode_time: u64, samples: &[SampleSpec], media: &[u8]) -> Bytes {
    let fragment = TestFragment { track, sequence, base_decode_time, boxes: &[] };
    fragment.build(samples, media)
}

/// Content of a movie fragment apart from its samples.
#[derive(Clone, Copy, Debug)]
pub struct TestFragment<'a> {
    /// Identifier of the track.
    pub track: u32,
    /// Number of the fragment in the file.
    pub sequence: u32,
    /// Decoding time of the first sample, in ticks.
    pub base_decode_time: u64,
    /// Further boxes for the track fragment, such as `senc`.
    pub boxes: &'a [u8],
}

impl TestFragment<'_> {
    /// The fragment with its media data.
    pub fn build(&self, samples: &[SampleSpec], media: &[u8]) -> Bytes {
        fragment_of(&[(*self, samples)], media)
    }

    /// The track fragment, whose samples begin at an offset from the movie fragment.
    fn traf(&self, samples: &[SampleSpec], data_offset: u32) -> Vec<u8> {
        let mut run = words(&[samples.len() as u32, data_offset]);
        for &(duration, size, key, composition_offset) in samples {
            let flags = if key { 0x0200_0000 } else { 0x0101_0000 };
            run.extend(words(&[duration, size, flags, composition_offset as u32]));
        }
        let mut traf = full(b"tfhd", 0, 0x2_0000, &words(&[self.track]));
        traf.extend(full(b"tfdt", 1, 0, &self.base_decode_time.to_be_bytes()));
        traf.extend(full(b"trun", 1, 0xf01, &run));
        traf.extend(self.boxes);
        boxed(b"traf", &traf)
    }
}

/// A movie fragment of several tracks, whose samples lie one after the other in the order given; the sequence number
/// is that of the first.
pub fn fragment_of(tracks: &[(TestFragment<'_>, &[SampleSpec])], media: &[u8]) -> Bytes {
    let sequence = tracks.first().map_or(0, |(fragment, _)| fragment.sequence);
    let build = |begin: u32| {
        let mut moof = full(b"mfhd", 0, 0, &words(&[sequence]));
        let mut data_offset = begin;
        for (fragment, samples) in tracks {
            moof.extend(fragment.traf(samples, data_offset));
            data_offset += samples.iter().map(|sample| sample.1).sum::<u32>();
        }
        boxed(b"moof", &moof)
    };
    let length = build(0).len() as u32;
    let mut out = build(length + 8);
    out.extend(boxed(b"mdat", media));
    out.into()
}

/// Returns the length of the output of [`fragment_of`] for tracks without further boxes: `samples` of each track, and
/// `bytes` of media in all.
pub const fn fragment_length(tracks: usize, samples: usize, bytes: usize) -> usize {
    // Headers of `moof` and `mdat`, `mfhd`; of each track `traf`, `tfhd`, `tfdt` and `trun`, with four words a sample.
    (8 + 8 + 16) + tracks * (8 + 16 + 20 + 20) + samples * 16 + bytes
}

/// A segment index (§8.16.3) of a file whose media begins `away` bytes after it: the size in bytes and the duration in
/// ticks of each segment, which begins with a key frame. The first one is presented at `begin` ticks.
pub fn index(track: u32, timescale: u32, begin: u64, away: u64, segments: &[(u32, u32)]) -> Vec<u8> {
    let mut body = words(&[track, timescale]);
    body.extend([begin.to_be_bytes(), away.to_be_bytes()].concat());
    body.extend(words(&[segments.len() as u32]));
    segments.iter().for_each(|(size, duration)| body.extend(words(&[*size, *duration, 0x9000_0000])));
    full(b"sidx", 1, 0, &body)
}
