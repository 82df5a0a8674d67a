//! The sound of a film that does not exist: the rates of its voices, and the groups that its HLS playlist puts them in.

use std::fmt::Write as _;

use super::film::{Film, Voice};

/// Rates of sound, and which of them the pictures go with.
#[derive(Clone, Debug, Default)]
pub struct Sounds {
    /// Bits per second, ascending; empty for the one rate of each voice. In HLS each rate is a group.
    pub rates: Vec<u64>,
    /// For each rung of pictures by name the rates, by place, with which the HLS playlist offers it. A rung that is
    /// not here is offered with all.
    pub pairs: Vec<(String, Vec<usize>)>,
}

impl Sounds {
    /// These rates, each with all pictures.
    pub fn new(rates: &[u64]) -> Self {
        Self { rates: rates.to_vec(), pairs: Vec::new() }
    }
}

impl Film {
    /// The rate of a file of sound.
    pub(super) fn sound_rate(&self, name: &str) -> Option<u64> {
        let mut files = self.voices.iter().flat_map(|voice| self.sounds_of(voice));
        files.find(|(file, _)| file == name).map(|(_, rate)| rate)
    }

    /// The files of a voice with their rates.
    pub(super) fn sounds_of(&self, voice: &Voice) -> Vec<(String, u64)> {
        if self.sounds.rates.is_empty() {
            return vec![(voice.language.clone(), voice.bitrate)];
        }
        self.sounds.rates.iter().map(|rate| (format!("{}-{rate}", voice.language), *rate)).collect()
    }

    /// The voices in all groups.
    pub(super) fn voice_renditions(&self, text: &mut String, group: &str, root: &str) {
        for (index, voice) in self.voices.iter().enumerate() {
            let default = if index == 0 { "YES" } else { "NO" };
            let language = &voice.language;
            for (place, (file, _)) in self.sounds_of(voice).iter().enumerate() {
                let group = self.group(group, place);
                let _ = writeln!(
                    text,
                    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"{language}\",LANGUAGE=\"{language}\",\
                     DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"2\",URI=\"{root}a/{file}/index.m3u8\""
                );
            }
        }
    }

    /// Returns the groups that the variants of a rung name, as attributes, with the part of the variant's rate that is
    /// due to each group.
    pub(super) fn groups_of(&self, rung: &str, group: &str) -> Vec<(String, u64)> {
        if self.voices.is_empty() {
            return vec![(String::new(), 0)];
        }
        let attribute = |place| format!(",AUDIO=\"{}\"", self.group(group, place));
        if self.sounds.rates.is_empty() {
            return vec![(attribute(0), 0)];
        }
        let pairs = self.sounds.pairs.iter().find(|(name, _)| name == rung).map(|(_, places)| places);
        let rates = self.sounds.rates.iter().enumerate();
        let offered = rates.filter(|(place, _)| pairs.is_none_or(|places| places.contains(place)));
        offered.map(|(place, rate)| (attribute(place), *rate)).collect()
    }

    fn group(&self, group: &str, place: usize) -> String {
        match self.sounds.rates.get(place) {
            Some(rate) => format!("{group}-{rate}"),
            None => group.to_owned(),
        }
    }

    /// Returns the copy protection that the variant of a rung demands, as an attribute.
    pub(super) fn hdcp_level(&self, rung: &str) -> String {
        let level = self.hdcp_levels.iter().find(|(name, _)| name == rung);
        level.map_or_else(String::new, |(_, level)| format!(",HDCP-LEVEL={level}"))
    }
}
