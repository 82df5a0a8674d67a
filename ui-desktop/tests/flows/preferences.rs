//! Settings of the profile in the player.

use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use kinora_api::{Account, Profile, SubtitleBackground, SubtitleColour, SubtitleSize, SubtitleStyle};
use player_core::command::TrackChoice;
use player_core::model::{MediaKind, TrackId};
use player_core::{Command, Event};
use ui_desktop::api::Reply;
use ui_desktop::state::{CueLook, CueSize, DataSaver, Launch, cue_look, settings_in_force};

use super::support::{Outside, account, grant, home, open, settle, state};
use super::{Window, click, press};

fn profile() -> Profile {
    let style = SubtitleStyle {
        size: SubtitleSize::Large,
        colour: SubtitleColour::Yellow,
        background: SubtitleBackground::None,
    };
    Profile {
        id: "p1".into(),
        name: "Demo".to_owned(),
        language: Some("pl-PL".to_owned()),
        subtitle_style: Some(style),
        data_saver: true,
        ..Profile::default()
    }
}

/// The home screen of a profile with settings of its own, beside one without.
fn at_home() -> (Window, Outside) {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    let plain = Profile { id: "p2".into(), name: "Plain".to_owned(), ..Profile::default() };
    outside.reply(Reply::Restored(Some(Account { profiles: vec![profile(), plain], ..account() })));
    outside.reply(Reply::ProfileInUse(Some("p1".into())));
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    outside.take_asked();
    (window, outside)
}

fn play(window: &mut Window, outside: &Outside) -> Vec<Command> {
    click(window, "Play");
    outside.reply(Reply::Granted("hero".into(), Ok(grant("hero", 0))));
    settle(window);
    outside.take_commands()
}

#[test]
fn the_profiles_settings_reach_the_player() {
    let (mut window, outside) = at_home();
    let commands = play(&mut window, &outside);
    assert!(commands.contains(&Command::SetMaxBitrate(Some(1_555_555))), "{commands:?}");
    let languages = commands.iter().find_map(|command| match command {
        Command::Load(request) => Some(request.audio_languages.clone()),
        _ => None,
    });
    assert_eq!(languages, Some(vec!["pl-PL".to_owned()]));
    let (size, colour, background) = (CueSize::Large, SubtitleColour::Yellow, SubtitleBackground::None);
    assert_eq!(cue_look(state(&window)), CueLook { size, colour, background });
    assert_eq!(state(&window).settings.data_saver, DataSaver::Off, "this device's own are not touched");
}

#[test]
fn a_film_that_is_not_spoken_in_the_profiles_language_has_its_subtitles() {
    let (mut window, outside) = at_home();
    play(&mut window, &outside);
    outside.announce(Event::TracksChanged);
    settle(&mut window);
    assert_eq!(outside.take_commands(), [], "there are none in it");
    press(&mut window, egui::Key::Escape);
    outside.change(|snapshot| {
        let mut tracks = (*snapshot.tracks).clone();
        let text = tracks.iter_mut().find(|track| track.kind == MediaKind::Text).expect("subtitles");
        text.language = Some("pl".to_owned());
        snapshot.tracks = tracks.into();
    });
    play(&mut window, &outside);
    outside.announce(Event::TracksChanged);
    settle(&mut window);
    let shown = Command::SelectText(TrackChoice::Track(TrackId("s-en".to_owned())));
    assert_eq!(outside.take_commands(), [shown]);
    // Off is a choice for the title, which goes before.
    outside.change(|snapshot| {
        let mut tracks = (*snapshot.tracks).clone();
        tracks.iter_mut().filter(|track| track.kind == MediaKind::Text).for_each(|track| track.selected = true);
        snapshot.tracks = tracks.into();
    });
    press(&mut window, egui::Key::C);
    press(&mut window, egui::Key::Escape);
    outside.change(|snapshot| {
        let mut tracks = (*snapshot.tracks).clone();
        tracks.iter_mut().filter(|track| track.kind == MediaKind::Text).for_each(|track| track.selected = false);
        snapshot.tracks = tracks.into();
    });
    play(&mut window, &outside);
    outside.announce(Event::TracksChanged);
    settle(&mut window);
    assert_eq!(outside.take_commands(), []);
}

#[test]
fn a_change_here_holds_until_the_profile_is_chosen_again() {
    let (mut window, outside) = at_home();
    click(&mut window, "Settings of Demo");
    let is_chosen = |window: &Window, name: &str| {
        let chip = window.get_by_role_and_label(Role::RadioButton, name);
        chip.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
    };
    assert!(is_chosen(&window, "0.7 GB/h") && is_chosen(&window, "Large"), "the sheet shows what holds");
    window.get_by_role_and_label(Role::RadioButton, "Small").click();
    settle(&mut window);
    assert!(is_chosen(&window, "Small") && is_chosen(&window, "0.7 GB/h"));
    let own = &state(&window).settings;
    assert_eq!((own.cue_size, own.data_saver), (CueSize::Small, DataSaver::Off));
    press(&mut window, egui::Key::Escape);
    click(&mut window, "Switch profile, now Demo");
    click(&mut window, "Plain");
    outside.reply(Reply::ProfileInUse(Some("p2".into())));
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    let plain = settings_in_force(state(&window));
    assert_eq!((plain.cue_size, plain.data_saver, plain.audio_language), (CueSize::Small, DataSaver::Off, None));
    click(&mut window, "Switch profile, now Plain");
    click(&mut window, "Demo");
    assert_eq!(settings_in_force(state(&window)).cue_size, CueSize::Large);
}
