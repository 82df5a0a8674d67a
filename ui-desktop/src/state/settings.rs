//! What the viewer set, as it is written to disk. Unknown fields are ignored and absent ones take their default,
//! so that older and newer versions read each other's files.

use std::collections::BTreeMap;

use kinora_api::ProfileId;
use serde::{Deserialize, Serialize};

use crate::command::Zoom;

/// How large subtitles are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CueSize {
    /// 3.6 % of the picture's height.
    Small,
    /// 4.5 %: comfortable from where one sits at a desk.
    #[default]
    Medium,
    /// 6 %, for a screen across the room.
    Large,
}

impl CueSize {
    /// All, ascending.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// Height of the type as a share of the picture's height.
    pub const fn share(self) -> f32 {
        match self {
            Self::Small => 0.036,
            Self::Medium => 0.045,
            Self::Large => 0.06,
        }
    }

    /// The name in the settings.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Small => "Small",
            Self::Medium => "Medium",
            Self::Large => "Large",
        }
    }
}

/// How much a film may take of the viewer's data, pictures and sound together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataSaver {
    /// As much as there is.
    #[default]
    Off,
    /// 1.5 GB an hour.
    High,
    /// 0.7 GB an hour.
    Medium,
    /// 0.3 GB an hour.
    Low,
}

impl DataSaver {
    /// All, the freest first.
    pub const ALL: [Self; 4] = [Self::Off, Self::High, Self::Medium, Self::Low];

    /// Bytes that an hour may take.
    const fn bytes_an_hour(self) -> Option<u64> {
        match self {
            Self::Off => None,
            Self::High => Some(1_500_000_000),
            Self::Medium => Some(700_000_000),
            Self::Low => Some(300_000_000),
        }
    }

    /// The same in bits per second, as the player takes it.
    pub fn max_bitrate_bps(self) -> Option<u64> {
        self.bytes_an_hour().map(|bytes| bytes * 8 / 3600)
    }

    /// The name in the settings.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Off => "Off",
            Self::High => "1.5 GB/h",
            Self::Medium => "0.7 GB/h",
            Self::Low => "0.3 GB/h",
        }
    }

    /// What it means, in two sentences.
    pub fn meaning(self) -> String {
        let Some(bps) = self.max_bitrate_bps() else {
            return "The best quality that the network carries. A few kilobytes of a film are fetched while its page is \
                    open, so that it starts sooner."
                .to_owned();
        };
        let rate = bps as f64 / 1e6;
        format!(
            "At most {rate:.1} Mbit/s for pictures and sound together. Nothing of a film is fetched before you play it."
        )
    }
}

/// Smallest zoom factor of the viewer's own.
pub const MIN_ZOOM: f32 = 0.5;
/// Largest zoom factor of the viewer's own.
pub const MAX_ZOOM: f32 = 2.0;
/// One press of Ctrl and + or −.
const ZOOM_STEP: f32 = 0.1;

/// Where the window was, in points of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowPlace {
    /// Left and upper edge with the frame; `None` where the system does not say (Wayland).
    pub at: Option<(f32, f32)>,
    /// Width and height without the frame.
    pub size: (f32, f32),
    /// The window filled the screen's work area.
    pub maximized: bool,
}

impl WindowPlace {
    /// Largest width and height that are believed.
    const MOST: f32 = 16_384.0;

    /// Returns the place when a window may be put there; damaged numbers give `None`.
    pub fn checked(self) -> Option<Self> {
        let (width, height) = self.size;
        let is_size = |length: f32| (100.0..=Self::MOST).contains(&length);
        let at = self.at.filter(|(x, y)| x.abs() <= Self::MOST && y.abs() <= Self::MOST);
        (is_size(width) && is_size(height)).then_some(Self { at, ..self })
    }
}

/// What is kept from one start to the next. No secret belongs here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where the volume slider stands, 0–1.
    pub volume: f32,
    /// Silence.
    pub muted: bool,
    /// How large subtitles are.
    pub cue_size: CueSize,
    /// How much a film may take.
    pub data_saver: DataSaver,
    /// The audio to choose where a film has it (BCP 47); `None` takes the film's own choice.
    pub audio_language: Option<String>,
    /// The subtitles to show where a film has them; `None` shows none.
    pub text_language: Option<String>,
    /// The end of an episode, and some seconds of its credits, begin the next one.
    pub plays_next: bool,
    /// The address that signed in last, to fill in the form.
    pub last_email: String,
    /// This installation's id in the account's list of devices.
    pub device_id: String,
    /// The viewer's own factor over the scale that follows the window, [`MIN_ZOOM`]–[`MAX_ZOOM`].
    pub zoom: f32,
    /// The notice about where tokens are kept has been read.
    pub secrets_notice_shown: bool,
    /// The profile that watched last, by account.
    pub profiles: BTreeMap<String, ProfileId>,
    /// Where the window was; `None` before the first start.
    pub window: Option<WindowPlace>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            volume: 0.8,
            muted: false,
            cue_size: CueSize::Medium,
            data_saver: DataSaver::Off,
            audio_language: None,
            text_language: None,
            plays_next: true,
            last_email: String::new(),
            device_id: String::new(),
            zoom: 1.0,
            secrets_notice_shown: false,
            profiles: BTreeMap::new(),
            window: None,
        }
    }
}

impl Settings {
    /// Changes the zoom by one step, in whole tenths and within its limits.
    pub fn change_zoom(&mut self, zoom: Zoom) {
        let steps = (self.zoom / ZOOM_STEP).round();
        let steps = match zoom {
            Zoom::In => steps + 1.0,
            Zoom::Out => steps - 1.0,
            Zoom::Reset => 1.0 / ZOOM_STEP,
        };
        self.zoom = (steps * ZOOM_STEP).clamp(MIN_ZOOM, MAX_ZOOM);
    }

    /// The slider's place as the loudness that the player takes: a cubic scale is close to how loud it seems.
    pub fn loudness(&self) -> f64 {
        f64::from(self.volume.clamp(0.0, 1.0)).powi(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_versions_read() {
        let settings: Settings = serde_json::from_str(r#"{"volume": 0.5, "of_the_future": 1}"#).expect("reads");
        assert_eq!(settings, Settings { volume: 0.5, ..Settings::default() });
        assert!((settings.loudness() - 0.125).abs() < 1e-9);
    }

    #[test]
    fn zoom_goes_in_tenths_and_stops_at_its_limits() {
        let mut settings = Settings::default();
        settings.change_zoom(Zoom::In);
        assert!((settings.zoom - 1.1).abs() < 1e-6, "{}", settings.zoom);
        for _ in 0..30 {
            settings.change_zoom(Zoom::Out);
        }
        assert!((settings.zoom - MIN_ZOOM).abs() < 1e-6, "{}", settings.zoom);
        for _ in 0..30 {
            settings.change_zoom(Zoom::In);
        }
        assert!((settings.zoom - MAX_ZOOM).abs() < 1e-6, "{}", settings.zoom);
        settings.change_zoom(Zoom::Reset);
        assert!((settings.zoom - 1.0).abs() < 1e-6, "{}", settings.zoom);
    }

    #[test]
    fn a_window_is_put_only_where_one_can_be() {
        let place = |at, size| WindowPlace { at, size, maximized: false }.checked();
        assert_eq!(place(Some((-50.0, 20.0)), (1500.0, 900.0)).expect("usable").at, Some((-50.0, 20.0)));
        assert_eq!(place(Some((f32::NAN, 20.0)), (1500.0, 900.0)).expect("usable").at, None);
        assert_eq!(place(None, (0.0, 900.0)), None);
        assert_eq!(place(None, (1500.0, f32::INFINITY)), None);
    }

    #[test]
    fn gigabytes_an_hour_are_bits_per_second() {
        let rates = DataSaver::ALL.map(DataSaver::max_bitrate_bps);
        assert_eq!(rates, [None, Some(3_333_333), Some(1_555_555), Some(666_666)]);
        let meaning = DataSaver::Medium.meaning();
        assert!(meaning.starts_with("At most 1.6 Mbit/s for pictures and sound together. Nothing "), "{meaning}");
    }
}
