//! A drawn title with scenes that repeat: each segment that is served, and the whole as a decoder sees it.

use std::fs;
use std::path::Path;
use std::process::Command;

use kinora_art::{
    films,
    music::{Score, Voice},
};
use kinora_kit::http::path::SafePath;
use kinora_media::{
    Cancel, Content, Drawn, DrawnScene, Ladder, Made, Request, Silent, Source, Still, TitleRecord, Words, ingest,
    media_dir, versions,
};

fn request() -> Request {
    let looks = films::paper_valley();
    let scene = |index: usize, seconds, times, words| DrawnScene { scene: looks[index].clone(), seconds, times, words };
    let still = Still { scene: looks[0].clone(), phase: 0.0 };
    let drawn = Drawn {
        scenes: vec![
            scene(0, 2, 1, Words::Title("It's: a 100% film".to_owned(), "small".to_owned())),
            scene(1, 4, 2, Words::None),
            scene(3, 2, 1, Words::Credits(vec!["One".to_owned(), String::new(), "Two".to_owned()])),
        ],
        poster: still.clone(),
        key_art: still,
        music: Score {
            root: 110.0,
            chords: vec![[0, 7, 12, 16]],
            scale: vec![0, 2, 4, 7, 9],
            beat: 0.5,
            dense: 0.5,
            voice: Voice::Harp,
            air: 0.1,
            seed: 1,
        },
        language: "zxx".to_owned(),
        text: vec![("en".to_owned(), "WEBVTT\n\n00:01.000 --> 00:03.000\nHello\n".to_owned())],
    };
    let ladder = "[[rung]]\nheight = 144\nvideo_bps = 200000\n[[rung]]\nheight = 240\nvideo_bps = 400000\n";
    Request {
        id: Some("looped".to_owned()),
        ladder: Ladder::parse(ladder).unwrap(),
        ..Request::new(Source::Drawn(Box::new(drawn)))
    }
}

fn open(data: &Path, address: &str) -> std::io::Result<Content> {
    versions::open(data, &SafePath::parse(address).unwrap()).map(|opened| opened.content)
}

fn made(data: &Path, address: &str) -> Made {
    match open(data, address).unwrap() {
        Content::Made(made) => made,
        Content::File(_) => panic!("{address} is a file"),
    }
}

/// The sequence number and decode time of a segment, and its bytes without them. Reads nothing but what ISO/IEC 14496-12 says.
fn times(segment: &[u8]) -> (u32, u64, Vec<u8>) {
    let at = |kind: &[u8; 4]| segment.windows(4).position(|bytes| bytes == kind).unwrap() + 4;
    let (number, time) = (at(b"mfhd") + 4, at(b"tfdt") + 4);
    assert_eq!(segment[time - 4], 1, "a decode time of 64 bits");
    let mut rest = segment.to_vec();
    rest[number..number + 4].fill(0);
    rest[time..time + 8].fill(0);
    let number = u32::from_be_bytes(segment[number..number + 4].try_into().unwrap());
    (number, u64::from_be_bytes(segment[time..time + 8].try_into().unwrap()), rest)
}

/// Each segment is that of a stored part but for its number and time, which are those of its place.
fn assert_segments(data: &Path, record: &TitleRecord) {
    let title = media_dir(data).join(&record.id);
    let version = record.version();
    for rung in &record.rungs {
        let mut tags = Vec::new();
        for (index, part) in [0, 1, 2, 1, 2, 3].into_iter().enumerate() {
            let name = format!("video/{}/seg-{:05}.m4s", rung.name, index + 1);
            assert!(!title.join(&name).exists(), "{name} is not stored");
            let segment = made(data, &format!("{}/{name}", record.id));
            assert_eq!(segment, made(data, &format!("{}/v{version}/{name}", record.id)), "{name}");
            let stored = fs::read(title.join(format!("video/{}/part-{:05}.m4s", rung.name, part + 1))).unwrap();
            let ((number, time, bytes), (_, stored_time, stored_bytes)) = (times(&segment.bytes), times(&stored));
            assert_eq!((number, time), (index as u32 + 1, index as u64 * 48_000), "{name}");
            assert_eq!((stored_time, bytes), (part * 48_000, stored_bytes), "{name}");
            tags.push(segment.etag);
        }
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 6, "each segment has a tag of its own");
    }
    for absent in
        ["video/240p/seg-00007.m4s", "video/720p/seg-00001.m4s", "audio/240p/seg-00001.m4s", "video/240p/seg-1.m4s"]
    {
        let error = open(data, &format!("{}/{absent}", record.id)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{absent}");
    }
}

#[test]
fn a_loop_plays_as_a_film_of_its_whole_length() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let record = ingest(data, &request(), &Silent, &Cancel::new()).unwrap();
    assert_eq!((record.frames, record.rungs.len(), record.subtitles()), (288, 2, vec!["en"]));
    assert!((12_000..12_050).contains(&record.duration_ms), "{}", record.duration_ms);
    assert_eq!(record.files.key_art.as_deref(), Some("key-art.jpg"));
    assert_segments(data, &record);

    // Written out, it is what a server gives.
    let title = media_dir(data).join(&record.id);
    for rung in &record.rungs {
        for number in 1..=6 {
            let name = format!("video/{}/seg-{number:05}.m4s", rung.name);
            fs::write(title.join(&name), made(data, &format!("{}/{name}", record.id)).bytes).unwrap();
        }
    }
    for rung in &record.rungs {
        for number in 1..=6 {
            let name = format!("{}/video/{}/seg-{number:05}.m4s", record.id, rung.name);
            assert!(matches!(open(data, &name).unwrap(), Content::File(_)), "a file is preferred");
        }
    }
    for manifest in [&record.files.hls, &record.files.dash, &record.files.dash_number] {
        let output = Command::new("ffmpeg")
            .args(["-v", "warning", "-allowed_extensions", "ALL", "-i"])
            .arg(title.join(manifest))
            .args(["-map", "0:v:1", "-map", "0:a:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"])
            .output()
            .unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let frames: Vec<(i64, &str)> = lines
            .lines()
            .filter(|line| line.starts_with("0,"))
            .map(|line| (line.split(',').nth(2).unwrap().trim().parse().unwrap(), line.rsplit(',').next().unwrap()))
            .collect();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // ffmpeg's reader of DASH loses the last picture but one of any film of 24 pictures a second with B-frames.
        let least = if *manifest == record.files.hls { 288 } else { 287 };
        assert!((least..=288).contains(&frames.len()), "{manifest}: {}", String::from_utf8_lossy(&output.stderr));
        let step = frames[1].0 - frames[0].0;
        assert!(frames[..286].windows(2).all(|pair| pair[1].0 - pair[0].0 == step), "{manifest}: a gap");
        // The second pass of the scene decodes to the same pictures as the first.
        let pass = |from: usize| frames[from..from + 96].iter().map(|frame| frame.1).collect::<Vec<_>>();
        assert_eq!(pass(48), pass(144), "{manifest}");
    }
}

#[test]
fn a_series_has_pictures_and_no_media() {
    let data = tempfile::tempdir().unwrap();
    let mut request = request();
    let Source::Drawn(drawn) = &mut request.source else { panic!("it is drawn") };
    drawn.scenes.clear();
    let record = ingest(data.path(), &request, &Silent, &Cancel::new()).unwrap();
    assert_eq!((record.duration_ms, record.rungs.len(), record.media_bytes), (0, 0, 0));
    let title = media_dir(data.path()).join(&record.id);
    for (file, limit) in [(record.files.poster.as_str(), 200_000), ("key-art.jpg", 600_000)] {
        let bytes = fs::read(title.join(file)).unwrap();
        assert!(bytes[..2] == [0xff, 0xd8] && bytes.len() < limit, "{file} has {} bytes", bytes.len());
    }
    assert!(!title.join("master.m3u8").exists());
}

#[test]
fn a_scene_that_is_not_a_number_of_segments_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let mut request = request();
    let Source::Drawn(drawn) = &mut request.source else { panic!("it is drawn") };
    drawn.scenes[1].seconds = 3;
    let error = ingest(data.path(), &request, &Silent, &Cancel::new()).unwrap_err();
    assert!(matches!(error, kinora_media::IngestError::Unsupported { .. }), "{error}");
}
