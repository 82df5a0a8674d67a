//! The sound of a film that does not exist: the rates of its voices, and the groups that its HLS playlist puts them in.

use kinora_manifests::hls::{Rendition, RenditionKind};

use super::film::{Film, Voice};
use super::hls::PathwayNaming;

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

    /// Returns the renditions of all voices in all groups.
    pub(super) fn voice_renditions(&self, naming: &PathwayNaming<'_>) -> Vec<Rendition> {
        let mut renditions = Vec::new();
        for (index, voice) in self.voices.iter().enumerate() {
            for (rate, (file, _)) in self.sounds_of(voice).iter().enumerate() {
                let uri = format!("{}a/{file}/index.m3u8", naming.root);
                renditions.push(Rendition {
                    kind: RenditionKind::Audio { channels: Some("2".to_owned()), uri: Some(uri) },
                    group_id: self.audio_group(naming, rate),
                    name: voice.language.clone(),
                    language: Some(voice.language.clone()),
                    is_default: Some(index == 0),
                    is_autoselect: Some(true),
                });
            }
        }
        renditions
    }

    /// Returns the groups that the variants of a rung name, each with the part of the variant's rate that is due to it.
    pub(super) fn groups_of(&self, rung: &str, naming: &PathwayNaming<'_>) -> Vec<(Option<String>, u64)> {
        if self.voices.is_empty() {
            return vec![(None, 0)];
        }
        if self.sounds.rates.is_empty() {
            return vec![(Some(self.audio_group(naming, 0)), 0)];
        }
        let pairs = self.sounds.pairs.iter().find(|(name, _)| name == rung).map(|(_, rates)| rates);
        let rates = self.sounds.rates.iter().enumerate();
        let offered = rates.filter(|(index, _)| pairs.is_none_or(|rates| rates.contains(index)));
        offered.map(|(index, rate)| (Some(self.audio_group(naming, index)), *rate)).collect()
    }

    /// Returns the group of a rate by its index; without rates, the only group.
    fn audio_group(&self, naming: &PathwayNaming<'_>, index: usize) -> String {
        let group = naming.group("aud");
        match self.sounds.rates.get(index) {
            Some(rate) => format!("{group}-{rate}"),
            None => group,
        }
    }
}
