//! Files that are not what they are called: `ingest` opens nothing but the file it is given, and ends when it is told to.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use mock_backend::media::{self, Cancel, IngestError, Request, Silent};

use crate::stage::PATIENCE;

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

#[test]
fn a_signal_ends_an_ingest_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let long = dir.path().join("long.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=30:d=60", "-c:v", "mjpeg", "-q:v", "20"])
        .arg(&long)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    let data = dir.path().join("data");
    let mut ingest = Command::new(env!("CARGO_BIN_EXE_kinora-backend"))
        .arg("ingest")
        .arg("--data")
        .arg(&data)
        .arg(&long)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let media = media::media_dir(&data);
    // The share of the encoding is reported once the title's directory is there.
    let mut progress = BufReader::new(ingest.stderr.take().unwrap());
    let (ingest, (said, status)) = within_patience(ingest, move |ingest| {
        let mut said = String::new();
        while !said.ends_with("%\n") {
            assert!(progress.read_line(&mut said).unwrap() > 0, "it does not begin: {said}");
        }
        assert!(Command::new("kill").arg(ingest.id().to_string()).status().unwrap().success());
        // Read on, so that it never waits for a reader.
        std::io::copy(&mut progress, &mut std::io::sink()).unwrap();
        (said, ingest.wait().unwrap())
    });
    drop(ingest);
    assert_eq!(status.code(), Some(1), "{said}");
    assert_eq!(fs::read_dir(&media).unwrap().count(), 0);
}

/// Runs `work` with a child on a thread of its own, and kills the child when it takes longer than any wait of a test.
fn within_patience<T: Send + 'static>(
    mut child: Child,
    work: impl FnOnce(&mut Child) -> T + Send + 'static,
) -> (Child, T) {
    let pid = child.id().to_string();
    let (sender, done) = mpsc::channel();
    let working = thread::spawn(move || {
        let result = work(&mut child);
        let _ = sender.send(());
        (child, result)
    });
    if done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
        let _ = Command::new("kill").args(["-KILL", &pid]).status();
        panic!("it does not end");
    }
    working.join().unwrap()
}
