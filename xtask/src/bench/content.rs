//! The film of the measurements: a synthetic ladder that ffmpeg makes once, in HLS and DASH over the same segments.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Length of the film in seconds.
pub const SECONDS: u32 = 120;
/// Length of a segment in seconds.
pub const SEGMENT_SECONDS: u32 = 4;
/// Frames in a second.
pub const FRAMES: f64 = 24.0;
/// Height and video bitrate in kbit/s of each rung. Representations are numbered by their place here, and the audio
/// comes after them.
pub const LADDER: [(u32, u32); 4] = [(240, 250), (360, 550), (480, 1200), (720, 2600)];
/// HLS multivariant playlist of the ladder.
pub const HLS: &str = "master.m3u8";
/// DASH manifest of the ladder.
pub const DASH: &str = "manifest.mpd";
/// HLS multivariant playlist of the highest rung alone.
pub const ONE_RUNG: &str = "only720.m3u8";
/// HLS media playlist with a discontinuity after [`PART_SECONDS`]: times of the media begin anew there.
pub const DISCONTINUITY: &str = "discontinuity.m3u8";
/// Length of each of the two parts of [`DISCONTINUITY`] in seconds.
pub const PART_SECONDS: u32 = 20;

/// Version of what is made; raised when a command below changes.
const VERSION: &str = "1";

/// Makes the film below `target/bench` unless it is there, and returns its folder.
pub fn prepare(target: &Path) -> anyhow::Result<PathBuf> {
    let film = target.join("bench/film");
    let made = film.join("version");
    if std::fs::read_to_string(&made).is_ok_and(|version| version == VERSION) {
        return Ok(film);
    }
    if film.exists() {
        std::fs::remove_dir_all(&film).with_context(|| format!("cannot empty {}", film.display()))?;
    }
    std::fs::create_dir_all(&film)?;
    eprintln!("making {SECONDS} s of film with ffmpeg");
    ffmpeg(&film, &encoding())?;
    ffmpeg(&film, &packaging())?;
    let read = |name: &str| std::fs::read_to_string(film.join(name)).with_context(|| format!("ffmpeg made no {name}"));
    std::fs::write(film.join(ONE_RUNG), one_rung(&read(HLS)?)?)?;
    for (name, start) in [("a", "0"), ("b", "60.1")] {
        ffmpeg(&film, &part(name, start))?;
    }
    std::fs::write(film.join(DISCONTINUITY), joined(&read("part-a.m3u8")?, &read("part-b.m3u8")?)?)?;
    std::fs::remove_file(film.join("ladder.mp4"))?;
    std::fs::write(made, VERSION)?;
    Ok(film)
}

fn ffmpeg(folder: &Path, arguments: &[String]) -> anyhow::Result<()> {
    let run = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"])
        .args(arguments)
        .current_dir(folder)
        .status()
        .context("cannot run ffmpeg")?;
    if !run.success() {
        bail!("ffmpeg {} failed: {run}", arguments.join(" "));
    }
    Ok(())
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(ToOwned::to_owned).collect()
}

/// Returns the arguments that encode the rungs and the audio into one file. Noise keeps the encoder at its bitrate.
fn encoding() -> Vec<String> {
    let video = format!("testsrc2=size=1280x720:rate=24:duration={SECONDS},noise=alls=12:allf=t+u");
    let audio = format!("sine=frequency=440:beep_factor=4:sample_rate=48000:duration={SECONDS}");
    let mut filter = format!("[0:v]format=yuv420p,split={}", LADDER.len());
    for index in 0..LADDER.len() {
        let _ = write!(filter, "[in{index}]");
    }
    let mut arguments = words("-f lavfi -i");
    arguments.extend([video, "-f".to_owned(), "lavfi".to_owned(), "-i".to_owned(), audio]);
    let mut outputs = Vec::new();
    for (index, (height, kbps)) in LADDER.into_iter().enumerate() {
        // Chroma planes need an even width.
        let width = (height * 16).div_ceil(9).next_multiple_of(2);
        let _ = write!(filter, ";[in{index}]scale={width}:{height}[out{index}]");
        outputs.extend(["-map".to_owned(), format!("[out{index}]")]);
        outputs.extend(words(&format!(
            "-b:v:{index} {kbps}k -maxrate:v:{index} {}k -bufsize:v:{index} {}k",
            kbps * 6 / 5,
            kbps * 2
        )));
    }
    arguments.extend(["-filter_complex".to_owned(), filter]);
    arguments.extend(outputs);
    // A key frame every two seconds and nowhere else.
    arguments.extend(words(
        "-map 1:a -c:v libx264 -preset veryfast -profile:v high -g 48 -keyint_min 48 -sc_threshold 0 -bf 2 \
         -c:a aac -b:a 96k -ac 2 ladder.mp4",
    ));
    arguments
}

/// Returns the arguments that cut the file into segments and write both manifests.
fn packaging() -> Vec<String> {
    let mut arguments = words(&format!(
        "-i ladder.mp4 -map 0 -c copy -f dash -seg_duration {SEGMENT_SECONDS} -use_template 1 -use_timeline 1 \
         -hls_playlist 1 -hls_master_name {HLS} -init_seg_name init-$RepresentationID$.mp4 \
         -media_seg_name chunk-$RepresentationID$-$Number$.m4s -adaptation_sets"
    ));
    arguments.extend(["id=0,streams=v id=1,streams=a".to_owned(), DASH.to_owned()]);
    arguments
}

/// Returns the arguments that make one of the two parts around the discontinuity, with video and audio in one file.
fn part(name: &str, start: &str) -> Vec<String> {
    words(&format!(
        "-ss {start} -t {PART_SECONDS} -i ladder.mp4 -map 0:v:1 -map 0:a:0 -c copy -f hls \
         -hls_time {SEGMENT_SECONDS} -hls_playlist_type vod -hls_segment_filename part-{name}-%d.ts part-{name}.m3u8"
    ))
}

/// Returns the multivariant playlist without all variants but the last, which is the highest rung.
fn one_rung(master: &str) -> anyhow::Result<String> {
    let variants = master.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF")).count();
    let (head, _) = master.split_once("#EXT-X-STREAM-INF").context("a multivariant playlist has variants")?;
    let (_, last) = master.rsplit_once("#EXT-X-STREAM-INF").context("a multivariant playlist has variants")?;
    anyhow::ensure!(variants == LADDER.len(), "{variants} variants instead of {}", LADDER.len());
    Ok(format!("{head}#EXT-X-STREAM-INF{last}"))
}

/// Returns a playlist of two, with a discontinuity between them.
fn joined(first: &str, second: &str) -> anyhow::Result<String> {
    let first = first.strip_suffix("#EXT-X-ENDLIST\n").context("the first part has an end")?;
    let segments = second.find("#EXTINF").context("the second part has segments")?;
    Ok(format!("{first}#EXT-X-DISCONTINUITY\n{}", &second[segments..]))
}

/// Returns the rung and the number of a video segment by its path; `None` for audio, initialisation and manifests.
pub fn video_segment(path: &str) -> Option<(usize, u32)> {
    let (rung, number) = path.strip_prefix("chunk-")?.strip_suffix(".m4s")?.split_once('-')?;
    let rung: usize = rung.parse().ok()?;
    (rung < LADDER.len()).then_some((rung, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rung_keeps_the_audio_and_the_last_variant() {
        let variant = |index| format!("#EXT-X-STREAM-INF:BANDWIDTH={index}\nmedia_{index}.m3u8\n\n");
        let head = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO\n";
        let master = format!("{head}{}", (0..4).map(variant).collect::<String>());
        assert_eq!(one_rung(&master).expect("a playlist"), format!("{head}{}", variant(3)));
        assert!(one_rung(head).is_err());
    }

    #[test]
    fn parts_are_joined_by_a_discontinuity() {
        let first = "#EXTM3U\n#EXTINF:4,\na0.ts\n#EXT-X-ENDLIST\n";
        let second = "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:4,\nb0.ts\n#EXT-X-ENDLIST\n";
        let expected = "#EXTM3U\n#EXTINF:4,\na0.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nb0.ts\n#EXT-X-ENDLIST\n";
        assert_eq!(joined(first, second).expect("a playlist"), expected);
        assert!(joined("#EXTM3U\n", second).is_err());
    }

    #[test]
    fn video_segments_are_known_by_their_names() {
        assert_eq!(video_segment("chunk-2-17.m4s"), Some((2, 17)));
        for other in ["chunk-4-17.m4s", "init-2.mp4", "manifest.mpd", "chunk-x-1.m4s", "chunk-1-.m4s"] {
            assert_eq!(video_segment(other), None, "{other}");
        }
    }
}
