//! Encrypted films, decrypted and decoded: every picture is looked at.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use player_core::command::LoadRequest;
use player_core::drm::{ContentKey, KeyId};
use player_core::{Event, PlayerConfig};
use serde_json::Value;

use super::support::lock::{self, KEYS, Scheme, hex, name_of};
use super::support::servers::python;
use super::support::show::{Counter, Show};
use super::support::{film, films, material};

/// Plays the copy of a film to its end and looks at every picture.
fn shows_every_frame(scheme: Scheme, manifest: &str, index: usize, keys: bool, laurl: Option<&str>) {
    let film = film(index);
    let folder = tempfile::tempdir().unwrap();
    lock::lock(&films().join(&film.id), folder.path(), scheme);
    if let Some(url) = laurl {
        let path = folder.path().join(manifest);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("LAURL", &format!("<Laurl>{url}</Laurl>"))).unwrap();
    }
    let server = python(folder.path());
    let show = Show::new(PlayerConfig::default(), Counter::Demo);
    let mut request = LoadRequest::new(server.url.join(manifest).unwrap());
    if keys {
        request.drm.keys.insert(KeyId(name_of(KEYS[0])), ContentKey::new(&KEYS[0]).unwrap());
    }
    show.load(request);
    show.until("end", |event| matches!(event, Event::Ended));
    let frames = u32::try_from(film.frames).unwrap();
    assert_eq!(show.runs(), [(0, frames)], "first number and length of each run");
    assert!(!show.beeps().is_empty(), "the sound is heard");
    assert_eq!(show.player.snapshot().stats.frames.corrupt, 0);
}

#[test]
fn hls_segments_encrypted_as_a_whole_show_every_frame() {
    shows_every_frame(Scheme::Whole, "master.m3u8", 0, false, None);
}

#[test]
fn hls_samples_in_counter_mode_show_every_frame() {
    shows_every_frame(Scheme::Cenc, "master.m3u8", 1, false, None);
}

#[test]
fn hls_samples_in_a_chain_show_every_frame() {
    shows_every_frame(Scheme::Cbcs, "master.m3u8", 2, false, None);
}

#[test]
fn dash_with_keys_of_the_host_shows_every_frame() {
    shows_every_frame(Scheme::Cenc, "manifest.mpd", 3, true, None);
    shows_every_frame(Scheme::Cbcs, "manifest.mpd", 0, true, None);
}

/// A ClearKey licence server: answers every request with the first key, and tells what it was asked.
fn licence_server() -> (String, std::thread::JoinHandle<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/licence", listener.local_addr().unwrap());
    let serve = move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut asked = vec![0; length];
        reader.read_exact(&mut asked).unwrap();
        let asked: Value = serde_json::from_slice(&asked).unwrap();
        let licence = serde_json::json!({"keys": [{"kty": "oct", "kid": asked["kids"][0], "k": base64url(&KEYS[0])}]});
        let body = licence.to_string();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
        asked
    };
    (url, std::thread::Builder::new().name("licence-server".into()).spawn(serve).unwrap())
}

/// Sixteen bytes in base64url without padding.
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let value = |six: &[u8]| (0..6).fold(0, |value, at| value << 1 | usize::from(six.get(at).copied().unwrap_or(0)));
    bits.chunks(6).map(|six| char::from(DIGITS[value(six)])).collect()
}

#[test]
fn dash_with_a_licence_server_shows_every_frame() {
    let (url, server) = licence_server();
    shows_every_frame(Scheme::Cenc, "manifest.mpd", 1, false, Some(&url));
    let asked = server.join().unwrap();
    assert_eq!(asked["kids"][0], base64url(&name_of(KEYS[0])), "{}", hex(&KEYS[0]));
}

/// Plays an entry of the kit without decoding to its end, or to what ends it, and gives its report.
fn report(test: &str, entry: &str) -> Option<Value> {
    let folder = material(test, "conformance/public/files")?;
    let server = python(&folder.join(std::path::Path::new(entry).parent().unwrap()));
    let file = std::path::Path::new(entry).file_name().unwrap().to_str().unwrap();
    let url = server.url.join(file).unwrap();
    let arguments = ["play", url.as_str(), "--until-end", "--render", "decode"];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kinora-qa")).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    Some(serde_json::from_str(text.lines().last().unwrap()).unwrap())
}

#[test]
fn the_kit_s_encrypted_entries_play_as_far_as_their_keys_go() {
    const TEST: &str = "the_kit_s_encrypted_entries_play_as_far_as_their_keys_go";
    const SHAKA: &str = "shaka-project+shaka-player/test/test/assets";
    let Some(whole) = report(TEST, &format!("{SHAKA}/hls-sample-aes/index.m3u8")) else { return };
    assert_eq!((&whole["outcome"], &whole["frames"]["corrupt"]), (&Value::from("ended"), &Value::from(0)), "{whole}");
    assert!((whole["played_s"].as_f64().unwrap() - 60.0).abs() < 0.2, "{whole}");
    let sea = report(TEST, &format!("{SHAKA}/dash-aes-128/dash.mpd")).unwrap();
    assert!(sea["played_s"].as_f64().unwrap() > 7.5, "{sea}");
    let lead = report(TEST, &format!("{SHAKA}/clear-encrypted/manifest.mpd")).unwrap();
    assert_eq!((&lead["outcome"], &lead["error"]["code"]), (&Value::from("failed"), &Value::from(5002)), "{lead}");
    assert!(lead["played_s"].as_f64().unwrap() > 7.5, "{lead}");
    let broken =
        report(TEST, "canalplus+rx-player/tests/contents/DASH_static_broken_cenc_in_MPD/media/broken_cenc.mpd")
            .unwrap();
    assert_eq!(broken["error"]["code"], 5002, "{broken}");
}
