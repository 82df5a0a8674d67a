//! The packager from outside: real files in, titles out, read back with ffprobe and ffmpeg through the manifests that players use.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kinora_media::{
    Cancel, Effort, IngestError, Ladder, Rate, Request, Silent, Source, Stage, Synthetic, Update, counter, ingest,
    media_dir, titles,
};

const FPS: usize = 25;

fn run(program: &str, args: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn ffmpeg(args: &[&str]) -> Vec<u8> {
    run("ffmpeg", &[&["-v", "error", "-y"], args].concat())
}

fn small_ladder() -> Ladder {
    Ladder::parse("[[rung]]\nheight = 240\nvideo_bps = 250000\n[[rung]]\nheight = 360\nvideo_bps = 600000\n").unwrap()
}

/// A Matroska file of 5 s: 640×360 with counter and flash, English and French sound with a beep every second, English subtitles.
fn film(dir: &Path) -> PathBuf {
    let subtitles = dir.join("film.srt");
    fs::write(&subtitles, "1\n00:00:01,000 --> 00:00:02,500\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nGood bye\n")
        .unwrap();
    let path = dir.join("My Film: it's 5s.mkv");
    let picture = format!("testsrc2=s=640x360:r={FPS}:d=5,{}", counter::filters(FPS as u32));
    let beep = |hz| format!("aevalsrc='0.5*sin(2*PI*{hz}*t)*lt(mod(t,1),0.05)':s=44100:d=5");
    let (en, fr) = (beep(1000), beep(1400));
    let mut args = vec!["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &en, "-f", "lavfi", "-i", &fr];
    args.extend(["-i", subtitles.to_str().unwrap(), "-map", "0", "-map", "1", "-map", "2", "-map", "3"]);
    args.extend(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "flac", "-c:s", "srt"]);
    args.extend([
        "-metadata:s:a:0",
        "language=eng",
        "-metadata:s:a:1",
        "language=fre",
        "-metadata:s:s:0",
        "language=eng",
    ]);
    args.push(path.to_str().unwrap());
    ffmpeg(&args);
    path
}

fn request(path: &Path) -> Request {
    Request { ladder: small_ladder(), effort: Effort::Fast, ..Request::file(path) }
}

/// Nothing but `expected` in `DATA/media`, hidden files included.
fn assert_only(data: &Path, expected: &[&str]) {
    let entries =
        fs::read_dir(media_dir(data)).map(|d| d.map(|e| e.unwrap().file_name().into_string().unwrap()).collect());
    let mut names: Vec<String> = entries.unwrap_or_default();
    names.sort();
    assert_eq!(names, expected);
}

/// `(video, audio, subtitle streams, duration in seconds)` as ffprobe sees a manifest.
fn probe(manifest: &Path) -> (usize, usize, usize, f64) {
    // Both demuxers refuse `.vtt` unless told otherwise.
    let args = ["-v", "error", "-of", "json", "-show_streams", "-show_format", "-allowed_extensions", "ALL"];
    let json = run("ffprobe", &[&args[..], &[manifest.to_str().unwrap()]].concat());
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let count = |kind: &str| json["streams"].as_array().unwrap().iter().filter(|s| s["codec_type"] == kind).count();
    let duration = json["format"]["duration"].as_str().unwrap().parse().unwrap();
    (count("video"), count("audio"), count("subtitle"), duration)
}

/// Decodes a rung through its playlist and checks every picture: its number and its flash.
fn assert_counted(title: &Path, rung: &str, width: usize, height: usize, frames: usize) {
    let playlist = title.join("video").join(rung).join("playlist.m3u8");
    let luma = ffmpeg(&["-i", playlist.to_str().unwrap(), "-f", "rawvideo", "-pix_fmt", "gray", "-"]);
    let pictures: Vec<&[u8]> = luma.chunks_exact(width * height).collect();
    let numbers: Vec<_> = pictures.iter().map(|p| counter::read(p, width, width, height)).collect();
    assert_eq!(numbers, (0..frames as u32).map(Some).collect::<Vec<_>>(), "{rung}");
    for (n, picture) in pictures.iter().enumerate() {
        let expected = n % FPS < counter::FLASH_FRAMES as usize;
        assert_eq!(counter::flash(picture, width, width, height), expected, "{rung} frame {n}");
    }
}

/// Decodes a language through its playlist and returns where each beep begins, in milliseconds of the presentation: the encoder's priming
/// has negative times and is cut off, as a player does.
fn beeps(title: &Path, language: &str) -> Vec<f64> {
    let playlist = title.join("audio").join(language).join("playlist.m3u8");
    let input = ["-copyts", "-i", playlist.to_str().unwrap(), "-af", "atrim=start=0"];
    let bytes = ffmpeg(&[&input[..], &["-f", "s16le", "-ac", "1", "-ar", "48000", "-"]].concat());
    let samples: Vec<i16> = bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    let mut found = Vec::new();
    let mut quiet_until = 0;
    for (i, sample) in samples.iter().enumerate() {
        if i >= quiet_until && sample.unsigned_abs() > 5000 {
            found.push(i as f64 / 48.0);
            quiet_until = i + 24_000;
        }
    }
    found
}

#[test]
fn a_file_becomes_a_title_that_plays_through_every_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let record = ingest(&data, &request(&film(dir.path())), &Silent, &Cancel::new()).unwrap();
    assert_eq!(record.id, "my-film-it-s-5s");
    assert_eq!((record.duration_ms, record.frames, record.frame_rate), (5000, 125, Rate::new(25, 1)));
    assert_eq!((record.languages(), record.subtitles()), (vec!["en", "fr"], vec!["en"]));
    assert_eq!(titles(&data).unwrap(), std::slice::from_ref(&record));
    assert_only(&data, &[&record.id]);

    let title = media_dir(&data).join(&record.id);
    for manifest in [&record.files.hls, &record.files.dash, &record.files.dash_number] {
        let (video, audio, _, duration) = probe(&title.join(manifest));
        assert_eq!((video, audio), (2, 2), "{manifest}");
        assert!((duration - 5.0).abs() < 0.05, "{manifest} lasts {duration}");
    }
    assert_counted(&title, "240p", 426, 240, 125);
    assert_counted(&title, "360p", 640, 360, 125);
    for language in ["en", "fr"] {
        let found = beeps(&title, language);
        let error = found.iter().enumerate().map(|(n, ms)| (ms - 1000.0 * n as f64).abs()).fold(0.0, f64::max);
        assert!(found.len() == 5 && error < 3.0, "{language}: {found:?}");
    }
    let text = fs::read_to_string(title.join("text/en/seg-00001.vtt")).unwrap();
    assert!(text.starts_with("WEBVTT\nX-TIMESTAMP-MAP=") && text.contains("Good bye"), "{text}");
    let poster = fs::read(title.join(&record.files.poster)).unwrap();
    assert_eq!(poster[..2], [0xff, 0xd8]);
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(title.join(&record.files.thumbnails)).unwrap()).unwrap();
    assert_eq!((index["count"].as_u64(), index["interval_ms"].as_f64()), (Some(3), Some(2000.0)));
    let sprites = fs::read_dir(title.join("thumbs"))
        .unwrap()
        .filter(|e| e.as_ref().unwrap().path().extension().unwrap() == "jpg");
    assert_eq!(sprites.count(), 1);
}

fn silent_clip() -> Request {
    let synthetic = Synthetic {
        video: "testsrc2=s=320x240:r=30000/1001,format=yuv420p".to_owned(),
        width: 320,
        height: 240,
        rate: Rate::new(30_000, 1001),
        duration_ms: 3000,
        overlay: String::new(),
        audio: Vec::new(),
        text: Vec::new(),
    };
    let mut request = Request::new(Source::Synthetic(synthetic));
    request.metadata.title = "Silent".to_owned();
    request
}

#[test]
fn a_film_without_sound_works_and_a_taken_id_is_not_overwritten() {
    let data = tempfile::tempdir().unwrap();
    let stages = std::sync::Mutex::new(Vec::new());
    let progress = |update: Update<'_>| stages.lock().unwrap().push((update.stage, update.fraction));
    let first = ingest(data.path(), &silent_clip(), &progress, &Cancel::new()).unwrap();
    let second = ingest(data.path(), &silent_clip(), &Silent, &Cancel::new()).unwrap();
    assert_eq!((first.id.as_str(), second.id.as_str()), ("silent", "silent-2"));
    assert_eq!((first.frames, first.audio.len()), (90, 0));
    let third = ingest(data.path(), &Request { replace: true, ..silent_clip() }, &Silent, &Cancel::new()).unwrap();
    assert_eq!(third.id, "silent");
    assert_only(data.path(), &["silent", "silent-2"]);

    let stages = stages.into_inner().unwrap();
    assert!(stages.is_sorted_by(|a, b| a <= b), "{stages:?}");
    assert_eq!(stages.last(), Some(&(Stage::Done, 1.0)));
    let title = media_dir(data.path()).join("silent");
    let master = fs::read_to_string(title.join("master.m3u8")).unwrap();
    assert!(master.contains("FRAME-RATE=29.970") && !master.contains("AUDIO="), "{master}");
    let playlist = fs::read_to_string(title.join("video/240p/playlist.m3u8")).unwrap();
    assert!(playlist.contains("#EXTINF:2.002000,\n") && playlist.contains("#EXTINF:1.001000,\n"), "{playlist}");
    let (video, audio, _, duration) = probe(&title.join("manifest.mpd"));
    assert!((video, audio) == (1, 0) && (duration - 3.003).abs() < 0.01, "{duration}");
}

#[test]
fn the_last_picture_stands_while_the_sound_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("short picture.mp4");
    let inputs = ["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=3.5"];
    let codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    ffmpeg(&[&inputs[..], &codecs, &[path.to_str().unwrap()]].concat());
    let record = ingest(dir.path(), &request(&path), &Silent, &Cancel::new()).unwrap();
    assert!((87..=89).contains(&record.frames), "{}", record.frames);
    let title = media_dir(dir.path()).join(&record.id);
    let segments =
        |part: &str| fs::read_to_string(title.join(part).join("playlist.m3u8")).unwrap().matches("#EXTINF").count();
    assert_eq!((segments("video/240p"), segments("audio/und")), (2, 2));
    assert_eq!(record.languages(), ["und"]);
}

#[test]
fn what_cannot_be_packaged_gives_one_error_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let try_file = |path: &Path| {
        let error = ingest(&data, &request(path), &Silent, &Cancel::new()).unwrap_err();
        assert_only(&data, &[]);
        error
    };
    let missing = try_file(&dir.path().join("none.mp4"));
    assert!(matches!(missing, IngestError::Input { .. }), "{missing}");

    let text = dir.path().join("text.mp4");
    fs::write(&text, "this is not a film".repeat(100)).unwrap();
    let error = try_file(&text);
    assert!(matches!(error, IngestError::NotMedia { .. }), "{error}");
    let error = try_file(dir.path());
    assert!(matches!(error, IngestError::NotMedia { .. }), "{error}");

    let sound = dir.path().join("sound.wav");
    ffmpeg(&["-f", "lavfi", "-i", "sine=d=1", sound.to_str().unwrap()]);
    let error = try_file(&sound);
    assert!(matches!(error, IngestError::NoVideo { .. }), "{error}");

    let whole = dir.path().join("whole.mp4");
    let picture = ["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=6", "-c:v", "libx264", "-preset", "ultrafast"];
    ffmpeg(&[&picture[..], &["-movflags", "+faststart", whole.to_str().unwrap()]].concat());
    let bytes = fs::read(&whole).unwrap();
    let cut = dir.path().join("cut.mp4");
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let error = try_file(&cut);
    assert!(matches!(error, IngestError::Truncated { declared_ms: 6000, .. }), "{error}");
}

#[test]
fn a_cancelled_ingest_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let cancel = Cancel::new();
    let raised = cancel.clone();
    let progress = move |update: Update<'_>| {
        if update.stage == Stage::Encode {
            raised.cancel();
        }
    };
    let error = ingest(data.path(), &silent_clip(), &progress, &cancel).unwrap_err();
    assert!(matches!(error, IngestError::Cancelled), "{error}");
    assert_only(data.path(), &[]);
}

#[test]
fn ids_and_ladders_are_checked_before_any_work() {
    let data = tempfile::tempdir().unwrap();
    let bad_id = Request { id: Some("../escape".to_owned()), ..silent_clip() };
    let error = ingest(data.path(), &bad_id, &Silent, &Cancel::new()).unwrap_err();
    assert!(matches!(error, IngestError::BadId { .. }), "{error}");
    let no_rungs = Request { ladder: Ladder { audio_bps: 96_000, rungs: Vec::new() }, ..silent_clip() };
    let error = ingest(data.path(), &no_rungs, &Silent, &Cancel::new()).unwrap_err();
    assert!(matches!(error, IngestError::Ladder(_)), "{error}");
    assert!(titles(data.path()).unwrap().is_empty());
}
