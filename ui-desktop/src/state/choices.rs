//! Choices of the viewer for a title, remembered by account: audio, subtitles, speed.

use kinora_api::{AccountId, TitleId};
use player_core::command::TrackChoice;
use player_core::model::{MediaKind, TrackId};
use player_core::snapshot::Track;
use player_core::{Command, Snapshot};
use serde::{Deserialize, Serialize};

use super::Effect;

/// Maximum titles that are remembered; the one chosen for longest ago goes first.
const MAX_TITLES: usize = 400;

/// A track by what the viewer sees of it. Identifiers differ between the protocols and editions of a title.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrackMark {
    /// Language as a BCP 47 tag.
    pub language: Option<String>,
    /// Name in the menu.
    pub label: Option<String>,
}

impl TrackMark {
    fn of(track: &Track) -> Self {
        Self { language: track.language.clone(), label: track.label.clone() }
    }

    /// Returns the track that fits best: by language and name, else by language alone.
    fn find<'a>(&self, tracks: &'a [Track], kind: MediaKind) -> Option<&'a Track> {
        let of_kind = || tracks.iter().filter(|track| track.kind == kind && !track.forced);
        let exact = of_kind().find(|track| Self::of(track) == *self);
        exact.or_else(|| of_kind().find(|track| track.language.is_some() && track.language == self.language))
    }
}

/// Choices for one title.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TitleChoice {
    /// The account that chose.
    pub account: String,
    /// The title.
    pub title: String,
    /// The audio; `None` when the viewer chose none for this title.
    pub audio: Option<TrackMark>,
    /// The subtitles: `Some(None)` is off, `None` when the viewer chose nothing for this title.
    #[serde(skip_serializing_if = "Option::is_none", with = "chosen_text")]
    pub text: Option<Option<TrackMark>>,
    /// The speed; `None` is 1.
    pub rate: Option<f64>,
}

/// `"off"` or a track, so that "off" and "nothing chosen" differ on disk.
mod chosen_text {
    use super::TrackMark;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Form {
        Off,
        Track(TrackMark),
    }

    pub fn serialize<S: Serializer>(text: &Option<Option<TrackMark>>, out: S) -> Result<S::Ok, S::Error> {
        let form = text.clone().map(|text| text.map_or(Form::Off, Form::Track));
        form.serialize(out)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<TrackMark>>, D::Error> {
        let form = Option::<Form>::deserialize(input)?;
        Ok(form.map(|form| match form {
            Form::Off => None,
            Form::Track(track) => Some(track),
        }))
    }
}

/// Everything that was chosen for titles, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Choices(Vec<TitleChoice>);

impl Choices {
    /// Returns what an account chose for a title.
    pub fn of(&self, account: &AccountId, title: &TitleId) -> Option<&TitleChoice> {
        let is_it = |choice: &&TitleChoice| choice.account == account.as_str() && choice.title == title.as_str();
        self.0.iter().find(is_it)
    }

    /// Changes what an account chose for a title.
    pub fn change(&mut self, account: &AccountId, title: &TitleId, change: impl FnOnce(&mut TitleChoice)) {
        let mut choice = self.of(account, title).cloned().unwrap_or_else(|| TitleChoice {
            account: account.as_str().to_owned(),
            title: title.as_str().to_owned(),
            ..TitleChoice::default()
        });
        change(&mut choice);
        self.0.retain(|other| other.account != choice.account || other.title != choice.title);
        self.0.push(choice);
        let excess = self.0.len().saturating_sub(MAX_TITLES);
        self.0.drain(..excess);
    }
}

/// Returns the mark of a track that a command names; `None` when the film has no such track.
pub fn mark_of(snapshot: &Snapshot, id: &TrackId) -> Option<TrackMark> {
    snapshot.tracks.iter().find(|track| track.id == *id).map(TrackMark::of)
}

impl TitleChoice {
    /// Commands that bring the film's tracks to what was chosen, as far as it has such tracks.
    pub fn track_commands(&self, snapshot: &Snapshot) -> Vec<Effect> {
        let mut effects = Vec::new();
        let audio = self.audio.as_ref().and_then(|mark| mark.find(&snapshot.tracks, MediaKind::Audio));
        if let Some(track) = audio.filter(|track| !track.selected) {
            effects.push(Effect::Player(Command::SelectAudio(TrackChoice::Track(track.id.clone()))));
        }
        let text = self.text.as_ref().and_then(Option::as_ref);
        let text = text.and_then(|mark| mark.find(&snapshot.tracks, MediaKind::Text));
        if let Some(track) = text.filter(|track| !track.selected) {
            effects.push(Effect::Player(Command::SelectText(TrackChoice::Track(track.id.clone()))));
        }
        let is_shown = |track: &&Track| track.kind == MediaKind::Text && track.selected && !track.forced;
        if self.text == Some(None) && snapshot.tracks.iter().any(|track| is_shown(&track)) {
            effects.push(Effect::Player(Command::SelectText(TrackChoice::Off)));
        }
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(id: &str, kind: MediaKind, language: &str, label: Option<&str>, selected: bool) -> Track {
        Track {
            id: TrackId(id.to_owned()),
            kind,
            language: Some(language.to_owned()),
            label: label.map(str::to_owned),
            roles: Vec::new(),
            forced: false,
            selected,
        }
    }

    #[test]
    fn choices_belong_to_an_account_and_a_title_and_are_bounded() {
        let (one, two, film) = (AccountId::from("one"), AccountId::from("two"), TitleId::from("film"));
        let mut choices = Choices::default();
        choices.change(&one, &film, |choice| choice.rate = Some(1.5));
        choices.change(&one, &film, |choice| choice.text = Some(None));
        let kept = choices.of(&one, &film).expect("it was chosen");
        assert_eq!((kept.rate, kept.text.clone()), (Some(1.5), Some(None)));
        assert_eq!(choices.of(&two, &film), None);
        let text = serde_json::to_string(&choices).expect("writes");
        assert_eq!(serde_json::from_str::<Choices>(&text).expect("reads"), choices);
        for number in 0..2 * MAX_TITLES {
            choices.change(&two, &number.to_string().as_str().into(), |choice| choice.rate = Some(2.0));
        }
        assert_eq!(choices.0.len(), MAX_TITLES);
        assert_eq!(choices.of(&one, &film), None, "the oldest goes first");
    }

    #[test]
    fn a_choice_finds_its_track_again_by_what_the_viewer_saw() {
        let mark = |language: &str, label: Option<&str>| TrackMark {
            language: Some(language.to_owned()),
            label: label.map(str::to_owned),
        };
        let snapshot = Snapshot {
            tracks: std::sync::Arc::new(vec![
                track("1", MediaKind::Audio, "en", None, true),
                track("2", MediaKind::Audio, "en", Some("Described"), false),
                track("3", MediaKind::Text, "fr", None, false),
                track("4", MediaKind::Text, "de", None, true),
            ]),
            ..Snapshot::default()
        };
        let audio = |id: &str| Effect::Player(Command::SelectAudio(TrackChoice::Track(TrackId(id.to_owned()))));
        let text = |id: &str| Effect::Player(Command::SelectText(TrackChoice::Track(TrackId(id.to_owned()))));
        let check = |choice: TitleChoice, want: &[Effect]| assert_eq!(choice.track_commands(&snapshot), want);
        check(TitleChoice::default(), &[]);
        let described = Some(mark("en", Some("Described")));
        check(TitleChoice { audio: described, ..TitleChoice::default() }, &[audio("2")]);
        check(TitleChoice { audio: Some(mark("pl", None)), ..TitleChoice::default() }, &[]);
        let french = Some(Some(mark("fr", Some("another name"))));
        check(TitleChoice { text: french, ..TitleChoice::default() }, &[text("3")]);
        let off = Effect::Player(Command::SelectText(TrackChoice::Off));
        check(TitleChoice { text: Some(None), ..TitleChoice::default() }, &[off]);
        check(TitleChoice { text: Some(Some(mark("de", None))), ..TitleChoice::default() }, &[]);
    }
}
