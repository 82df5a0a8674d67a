//! Files that are not what they are called: `ingest` opens nothing but the file it is given.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kinora_media::{self as media, Cancel, IngestError, Request, Silent};

/// A small film.
fn film(path: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=10:d=1", "-pix_fmt", "yuv420p"])
        .arg(path)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    path
}

fn refusal(dir: &Path, file: &Path) -> IngestError {
    let data = dir.join("data");
    let error = media::ingest(&data, &Request::file(file), &Silent, &Cancel::new()).expect_err("it is refused");
    let left: Vec<_> = fs::read_dir(media::media_dir(&data)).map(|dir| dir.flatten().collect()).unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
    error
}

#[test]
fn a_file_that_names_other_files_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    film(&dir.path().join("private.mp4"));
    let stream = dir.path().join("private.ts");
    film(&stream);
    let playlist = |address: &str| format!("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n");
    for (name, text) in [
        ("file.mp4", playlist(&format!("file://{}", stream.display()))),
        ("beside.m3u8", playlist("private.ts")),
        ("concat.mp4", "ffconcat version 1.0\nfile private.mp4\n".to_owned()),
        ("stream.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n".to_owned()),
        ("pictures.mp4", "P6 2 2 255 ............".to_owned()),
    ] {
        let error = refusal(dir.path(), &write(dir.path(), name, &text));
        assert!(matches!(error, IngestError::NotMedia { .. }), "{name}: {error}");
    }
}

#[test]
fn only_regular_files_are_opened() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe.mp4");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe.as_path(), Path::new("/dev/zero"), dir.path()] {
        let error = refusal(dir.path(), path);
        assert!(matches!(error, IngestError::NotMedia { .. }), "{}: {error}", path.display());
    }
}
