//! `kinora-backend ingest` as a process.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use kinora_media as media;
use kinora_stage::PATIENCE;

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
