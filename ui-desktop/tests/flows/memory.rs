//! Memory for a title and for this computer.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use player_core::command::TrackChoice;
use player_core::model::{MediaKind, TrackId};
use player_core::{Command, Event};
use ui_desktop::api::{Reply, Request};
use ui_desktop::settings_file::SettingsFile;
use ui_desktop::state::Launch;

use super::support::{Outside, account, grant, home, open_with, settle};
use super::{Window, click, press, show_controls};

fn start(file: &SettingsFile) -> (Window, Outside) {
    let (mut window, outside) = open_with(Launch::Service { credentials: None }, file.clone(), |app| app);
    outside.reply(Reply::Restored(Some(account())));
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    outside.take_asked();
    (window, outside)
}

fn play(window: &mut Window, outside: &Outside, id: &str) -> Vec<Command> {
    outside.take_asked();
    outside.reply(Reply::Granted(id.into(), Ok(grant(id, 0))));
    settle(window);
    outside.announce(Event::TracksChanged);
    settle(window);
    outside.take_commands()
}

#[test]
fn audio_subtitles_and_speed_of_a_title_come_back_after_a_restart() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let file = SettingsFile::new(Some(directory.path()));
    let (mut window, outside) = start(&file);
    click(&mut window, "Play");
    play(&mut window, &outside, "hero");
    show_controls(&mut window);
    click(&mut window, "Subtitles");
    window.get_by_label("Deutsch").click();
    settle(&mut window);
    show_controls(&mut window);
    click(&mut window, "Audio");
    window.get_by_label("Deutsch").click();
    settle(&mut window);
    window.key_press_modifiers(Modifiers::SHIFT, Key::Period);
    settle(&mut window);
    let commands = outside.take_commands();
    assert!(commands.contains(&Command::SetRate(1.25)), "{commands:?}");
    drop(window);

    let (mut window, outside) = start(&file);
    click(&mut window, "Play");
    let commands = play(&mut window, &outside, "hero");
    let load = commands.iter().find_map(|command| match command {
        Command::Load(request) => Some(request.clone()),
        _ => None,
    });
    let load = load.expect("the film is loaded");
    assert_eq!((load.audio_languages, load.text_languages), (vec!["de".to_owned()], vec!["de".to_owned()]));
    assert!(commands.contains(&Command::SetRate(1.25)), "{commands:?}");
    let audio = Command::SelectAudio(TrackChoice::Track(TrackId("a-de".to_owned())));
    let text = Command::SelectText(TrackChoice::Track(TrackId("s-de".to_owned())));
    assert!(commands.contains(&audio) && commands.contains(&text), "{commands:?}");
    press(&mut window, Key::Escape);
    window.get_by_label_contains("Infinite Coast").click();
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Authorize("coast".into())]);
    let commands = play(&mut window, &outside, "coast");
    assert!(!commands.iter().any(|c| matches!(c, Command::SetRate(_) | Command::SelectText(_))), "{commands:?}");
}

#[test]
fn subtitles_switched_off_stay_off_for_their_title() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let file = SettingsFile::new(Some(directory.path()));
    let mut settings = file.load();
    settings.text_language = Some("de".to_owned());
    file.save(&settings);
    let (mut window, outside) = start(&file);
    click(&mut window, "Play");
    play(&mut window, &outside, "hero");
    outside.change(|snapshot| {
        let mut tracks = (*snapshot.tracks).clone();
        for track in tracks.iter_mut().filter(|track| track.kind == MediaKind::Text) {
            track.selected = track.id.0 == "s-de";
        }
        snapshot.tracks = std::sync::Arc::new(tracks);
    });
    press(&mut window, Key::C);
    assert_eq!(outside.take_commands(), [Command::SelectText(TrackChoice::Off)]);
    press(&mut window, Key::Escape);
    click(&mut window, "Play");
    let commands = play(&mut window, &outside, "hero");
    let load = commands.iter().find_map(|command| match command {
        Command::Load(request) => Some(request.text_languages.clone()),
        _ => None,
    });
    assert_eq!(load, Some(Vec::new()));
}
