//! From a drawn title to what the packager cuts up: pictures are drawn into ffmpeg's input, scene by scene, each once.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use kinora_art::music::{Player, RATE};
use kinora_art::{Clock, Painter};

use super::drawn::{FPS, SEGMENT_SECONDS};
use super::encode::{COLOURS, MAX_PREVIEWS, POSTER, PREVIEW_EVERY_MS, PREVIEW_HEIGHT, mp4, strings};
use super::package::{Encoded, EncodedAudio, EncodedText, EncodedVideo, GRID, Grid};
use super::{Cancel, Drawn, IngestError, Ladder, LoopScene, Rate, Still, Words, ffmpeg};

/// Size in which pictures are drawn; they are soft enough to be enlarged.
const DRAWN: (usize, usize) = (640, 360);
/// Size of key art.
pub const KEY_ART: (u32, u32) = (1920, 1080);
/// Name of the key art.
pub(super) const KEY_ART_FILE: &str = "key-art.jpg";
/// Tools of the encoder: quick ones, and those that gradients need. Without them the same quality takes half as many bits again.
const TOOLS: &str = "open-gop=0:8x8dct=1:bframes=2:no-deblock=0:analyse=i4x4,i8x8:aq-mode=1";
/// Colour and shadow of words.
const LETTERS: &str = "fontcolor=white:shadowcolor=black@0.55:shadowx=2:shadowy=2";

/// A job for the painter.
pub(super) struct PaintJob<'a> {
    pub(super) drawn: &'a Drawn,
    pub(super) ladder: &'a Ladder,
    /// Directory for intermediate files; ffmpeg runs in it.
    pub(super) work: &'a Path,
    /// Directory of the title.
    pub(super) title: &'a Path,
}

impl PaintJob<'_> {
    /// Draws poster and key art, and everything else unless there are no scenes; `progress` hears the fraction done.
    pub(super) fn run(&self, cancel: &Cancel, mut progress: impl FnMut(f64)) -> Result<Option<Encoded>, IngestError> {
        self.still(&self.drawn.poster, POSTER, "poster.jpg", "3", cancel)?;
        self.still(&self.drawn.key_art, KEY_ART, KEY_ART_FILE, "4", cancel)?;
        if self.drawn.scenes.is_empty() {
            return Ok(None);
        }
        if self.drawn.scenes.iter().any(|scene| scene.seconds % SEGMENT_SECONDS != 0 || scene.seconds == 0) {
            return Err(IngestError::Unsupported { feature: "a scene that is not a number of segments".to_owned() });
        }
        let thumbnails = self.previews(cancel)?;
        let audio = self.sound(cancel)?;
        progress(0.1);
        let video = self.video(cancel, |done| progress(0.1 + done * 0.9))?;
        let text = self.drawn.text.iter();
        let scene =
            |scene: &super::DrawnScene| LoopScene { segments: scene.seconds / SEGMENT_SECONDS, times: scene.times };
        Ok(Some(Encoded {
            rate: Rate::new(FPS, 1),
            segment_frames: FPS * SEGMENT_SECONDS,
            video,
            audio: vec![audio],
            text: text.map(|(language, vtt)| EncodedText { language: language.clone(), vtt: vtt.clone() }).collect(),
            thumbnails,
            scenes: Some(self.drawn.scenes.iter().map(scene).collect()),
        }))
    }

    fn still(
        &self,
        still: &Still,
        (width, height): (u32, u32),
        file: &str,
        quality: &str,
        cancel: &Cancel,
    ) -> Result<(), IngestError> {
        let (width, height) = (width as usize, height as usize);
        let mut args = raw_video(width, height, "1");
        args.extend(strings(&["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", quality, "-f", "image2"]));
        args.extend(strings(&["-frames:v", "1", "-update", "1"]));
        args.push(self.title.join(file).into());
        ffmpeg::run_fed(
            &args,
            self.work,
            cancel,
            |_| (),
            |out| {
                let mut bytes = Vec::new();
                Painter::new(&still.scene, width, height).draw(Clock { phase: still.phase, seconds: 10.0 }, &mut bytes);
                out.write_all(&bytes)
            },
        )
    }

    /// Draws a small picture for each few seconds of the whole length.
    fn previews(&self, cancel: &Cancel) -> Result<Grid, IngestError> {
        let total = self.drawn.duration_ms();
        let every_ms = total.div_ceil(MAX_PREVIEWS).max(PREVIEW_EVERY_MS).div_ceil(1000) * 1000;
        let (width, height) = (PREVIEW_HEIGHT as usize * 16 / 9, PREVIEW_HEIGHT as usize);
        let thumbs = self.title.join("thumbs");
        fs::create_dir_all(&thumbs).map_err(IngestError::io(&thumbs))?;
        let mut args = raw_video(width, height, "1");
        args.extend(strings(&["-vf", &format!("tile={GRID}x{GRID}"), "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"]));
        args.extend(strings(&["-q:v", "6", "-f", "image2"]));
        args.push(thumbs.join("sprite-%03d.jpg").into());
        ffmpeg::run_fed(
            &args,
            self.work,
            cancel,
            |_| (),
            |out| {
                let mut painters: Vec<_> =
                    self.drawn.scenes.iter().map(|scene| Painter::new(&scene.scene, width, height)).collect();
                let mut bytes = Vec::new();
                for index in 0..total.div_ceil(every_ms) {
                    let Some((scene, phase)) = self.drawn.at(index * every_ms) else { break };
                    let seconds = self.drawn.scenes[scene].seconds as f32;
                    painters[scene].draw(Clock { phase, seconds }, &mut bytes);
                    out.write_all(&bytes)?;
                }
                Ok(())
            },
        )?;
        Ok(Grid { width: width as u32, height: height as u32, interval_ms: every_ms as f64 })
    }

    fn sound(&self, cancel: &Cancel) -> Result<EncodedAudio, IngestError> {
        let file = "audio-0.mp4";
        let rate = RATE.to_string();
        let mut args = strings(&["-f", "s16le", "-ar", &rate, "-ac", "2", "-i", "pipe:0"]);
        args.extend(strings(&["-c:a", "aac", "-aac_coder", "fast", "-b:a", &self.ladder.audio_bps.to_string()]));
        args.extend(strings(&["-frag_duration", "2000000"]));
        args.extend(mp4(file, "+default_base_moof+delay_moov"));
        let seconds = (self.drawn.duration_ms() / 1000) as u32;
        ffmpeg::run_fed(
            &args,
            self.work,
            cancel,
            |_| (),
            |out| {
                let (mut player, mut block) = (Player::new(&self.drawn.music, seconds), Vec::new());
                while player.play(&mut block) {
                    out.write_all(&block)?;
                }
                Ok(())
            },
        )?;
        Ok(EncodedAudio { language: self.drawn.language.clone(), file: self.work.join(file) })
    }

    fn video(&self, cancel: &Cancel, mut progress: impl FnMut(f64)) -> Result<Vec<EncodedVideo>, IngestError> {
        let rungs: Vec<EncodedVideo> = self
            .ladder
            .rungs
            .iter()
            .enumerate()
            .map(|(index, rung)| EncodedVideo {
                name: rung.name.clone(),
                width: (f64::from(rung.height) * 16.0 / 9.0 / 2.0).round() as u32 * 2,
                height: rung.height,
                file: self.work.join(format!("video-{index}.mp4")),
            })
            .collect();
        let mut args = raw_video(DRAWN.0, DRAWN.1, &FPS.to_string());
        args.extend(["-filter_complex".into(), self.graph(&rungs)?.into()]);
        let gop = (FPS * SEGMENT_SECONDS).to_string();
        for (index, rung) in self.ladder.rungs.iter().enumerate() {
            args.extend(strings(&["-map", &format!("[v{index}]"), "-c:v", "libx264", "-preset", "ultrafast"]));
            args.extend(strings(&["-profile:v", "high", "-pix_fmt", "yuv420p", "-threads", "1"]));
            args.extend(strings(&["-x264-params", TOOLS]));
            args.extend(strings(&["-g", &gop, "-keyint_min", &gop, "-sc_threshold", "0"]));
            args.extend(strings(&["-crf", "32", "-maxrate", &rung.max_bps.to_string()]));
            args.extend(strings(&["-bufsize", &(rung.max_bps / 2 * 3).to_string()]));
            args.extend(strings(&COLOURS));
            args.extend(strings(&["-video_track_timescale", &(FPS * 1000).to_string()]));
            let file = format!("video-{index}.mp4");
            args.extend(mp4(&file, "+frag_keyframe+default_base_moof+negative_cts_offsets+delay_moov"));
        }
        let total: u32 = self.drawn.scenes.iter().map(|scene| scene.seconds).sum();
        let total_us = f64::from(total) * 1e6;
        ffmpeg::run_fed(
            &args,
            self.work,
            cancel,
            |us| progress((us as f64 / total_us).min(1.0)),
            |out| self.draw(out),
        )?;
        Ok(rungs)
    }

    /// Draws one pass of each scene.
    fn draw(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut bytes = Vec::new();
        for scene in &self.drawn.scenes {
            let mut painter = Painter::new(&scene.scene, DRAWN.0, DRAWN.1);
            let frames = scene.seconds * FPS;
            for frame in 0..frames {
                let clock = Clock { phase: frame as f32 / frames as f32, seconds: scene.seconds as f32 };
                painter.draw(clock, &mut bytes);
                out.write_all(&bytes)?;
            }
        }
        Ok(())
    }

    /// The filter graph: enlarged, with the words, and then each rung from the next larger one.
    fn graph(&self, rungs: &[EncodedVideo]) -> Result<String, IngestError> {
        let Some(top) = rungs.last() else { return Err(IngestError::output("no rung")) };
        let size = format!("{}:{}:flags=bilinear", top.width, top.height);
        let mut film =
            format!("[0:v]scale={size}:in_range=pc:out_color_matrix=bt709:out_range=tv,format=yuv420p,setsar=1");
        let mut begin = 0;
        for (index, scene) in self.drawn.scenes.iter().enumerate() {
            let end = begin + scene.seconds;
            for filter in self.words(&scene.words, index, (begin, end))? {
                film.push(',');
                film.push_str(&filter);
            }
            begin = end;
        }
        let last = rungs.len() - 1;
        let mut chains = Vec::new();
        if last == 0 {
            chains.push(format!("{film}[v0]"));
        } else {
            chains.push(format!("{film},split=2[v{last}][s{last}]"));
            for index in (0..last).rev() {
                let scale = format!("scale={}:{}:flags=bilinear", rungs[index].width, rungs[index].height);
                let split = if index == 0 { "[v0]".to_owned() } else { format!(",split=2[v{index}][s{index}]") };
                chains.push(format!("[s{}]{scale}{split}", index + 1));
            }
        }
        Ok(chains.join(";"))
    }

    /// The filters that draw the words of a scene, which is shown from one second to another of the first pass.
    fn words(&self, words: &Words, index: usize, (from, to): (u32, u32)) -> Result<Vec<String>, IngestError> {
        let text = |part: usize, text: &str| -> Result<String, IngestError> {
            let name = format!("words-{index}-{part}.txt");
            let path = self.work.join(&name);
            fs::write(&path, text).map_err(IngestError::io(&path))?;
            Ok(name)
        };
        let draw = |file: &str, font: &str, size: &str, place: &str, alpha: &str| {
            format!(
                "drawtext=font='{font}':textfile={file}:expansion=none:fontsize=h*{size}:{place}:{LETTERS}:alpha='{alpha}':\
                 enable='between(t,{from},{to}-0.02)'"
            )
        };
        let fade = format!("clip((t-{from}-0.5)/1.2,0,1)*clip(({to}-0.5-t)/0.8,0,1)");
        Ok(match words {
            Words::None => Vec::new(),
            Words::Title(name, small) => vec![
                draw(&text(0, name)?, "DejaVu Serif", "0.085", "x=w*0.065:y=h*0.40", &fade),
                draw(&text(1, small)?, "DejaVu Sans", "0.034", "x=w*0.068:y=h*0.52", &format!("0.92*{fade}")),
            ],
            Words::Corner(line) => {
                let fade = format!("clip((t-{from})/0.4,0,1)*clip(({to}-t)/0.4,0,1)");
                vec![draw(&text(0, line)?, "DejaVu Sans", "0.034", "x=w*0.065:y=h*0.86", &fade)]
            }
            Words::Credits(lines) => {
                let gap = self.ladder.rungs.last().map_or(0, |rung| rung.height / 50);
                let place = format!("x=w*0.09:line_spacing={gap}:y=h-(t-{from})/({to}-{from})*(h+th)");
                vec![draw(&text(0, &lines.join("\n"))?, "DejaVu Sans", "0.036", &place, "0.95")]
            }
        })
    }
}

/// The options of a standard input of raw pictures.
fn raw_video(width: usize, height: usize, rate: &str) -> Vec<OsString> {
    let size = format!("{width}x{height}");
    strings(&["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", &size, "-framerate", rate, "-i", "pipe:0"])
}
