//! A live channel on the stage: a title of five segments whose media means nothing and whose boxes are right.

use std::fs;
use std::path::Path;

use serde_json::json;

/// The channel.
pub const CHANNEL: &str = "small-channel";
/// The title that it loops.
pub const LOOPED: &str = "small-loop";
/// Segments of the title.
pub const SEGMENTS: u64 = 5;
/// Milliseconds of a segment.
pub const SEGMENT_MS: i64 = 2_000;
/// Milliseconds of a part.
pub const PART_MS: i64 = 500;

/// Pictures of a segment, 24 a second.
const PICTURES: u32 = 48;

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes(), &kind[..], body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn init() -> Vec<u8> {
    let media = boxed(b"mdia", &boxed(b"mdhd", &words(&[0, 0, 0, 24_000, 0, 0])));
    let extends = boxed(b"mvex", &boxed(b"trex", &words(&[0, 1, 1, 0, 0, 0])));
    boxed(b"moov", &[boxed(b"trak", &media), extends].concat())
}

/// A segment of [`PICTURES`] samples of eight bytes each, the first of which is a key frame.
fn segment(index: u64) -> Vec<u8> {
    let flags = |picture| if picture == 0 { 0x0200_0000 } else { 0x0101_0000 };
    let samples: Vec<u8> = (0..PICTURES).flat_map(|picture| words(&[1000, 8, flags(picture)])).collect();
    let fragment = |offset: u32| {
        let run = [words(&[0x0100_0701, PICTURES, offset]), samples.clone()].concat();
        let time = [words(&[0x0100_0000]), (index * 48_000).to_be_bytes().to_vec()].concat();
        let track = [boxed(b"tfhd", &words(&[0x0002_0000, 1])), boxed(b"tfdt", &time), boxed(b"trun", &run)].concat();
        boxed(b"moof", &[boxed(b"mfhd", &words(&[0, index as u32 + 1])), boxed(b"traf", &track)].concat())
    };
    let offset = fragment(0).len() as u32 + 8;
    let media: Vec<u8> = (0..PICTURES).flat_map(|picture| words(&[index as u32, picture])).collect();
    [fragment(offset), boxed(b"mdat", &media)].concat()
}

/// Writes the channel, whose timeline begins at `epoch_ms`, and its title.
///
/// # Panics
/// When the directory cannot be written.
pub fn write(data: &Path, epoch_ms: i64) {
    let title = data.join("media").join(LOOPED);
    let rung = title.join("video/240p");
    fs::create_dir_all(&rung).unwrap();
    fs::write(rung.join("init.mp4"), init()).unwrap();
    for index in 0..SEGMENTS {
        fs::write(rung.join(format!("seg-{:05}.m4s", index + 1)), segment(index)).unwrap();
    }
    let record = json!({
        "id": LOOPED, "title": "Small Loop", "duration_ms": 10_000, "frames": 240,
        "frame_rate": { "num": 24, "den": 1 },
        "rungs": [{ "name": "240p", "width": 426, "height": 240, "codec": "avc1.42c015",
                    "average_bps": 1000, "peak_bps": 2000 }],
        "audio": [], "text": [], "files": kinora_media::Files::default(),
        "media_bytes": 1, "created": "2026-01-01T00:00:00Z",
    });
    fs::write(title.join("title.json"), record.to_string()).unwrap();
    let epoch = kinora_media::live::record::timestamp(epoch_ms).unwrap();
    let channel = kinora_media::live::ChannelRecord {
        id: CHANNEL.to_owned(),
        name: "Small Channel".to_owned(),
        description: String::new(),
        programmes: vec![LOOPED.to_owned()],
        epoch,
        part_ms: Some(PART_MS as u32),
        window_ms: 30_000,
        latency_ms: None,
        discontinuities: false,
    };
    kinora_media::live::record::write(data, &channel).unwrap();
}
