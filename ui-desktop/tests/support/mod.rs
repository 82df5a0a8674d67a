//! The app with everything around it replaced: a service that answers from a list, a player that only writes down what
//! it is told. Shared by the tests of the interface.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use kinora_api::{
    Account, AgeRating, Chapter, Episode, EpisodePlace, Heartbeat, Home, Image, Language, Marks, PlaybackGrant,
    PlaybackSource, Profile, Protocol, ResumePosition, Row, RowKind, SearchResults, Season, Span, TitleCard,
    TitleDetail, TitleKind,
};
use player_core::command::QualityChoice;
use player_core::model::{MediaKind, TrackId};
use player_core::render::FrameSlot;
use player_core::snapshot::{Quality, Track};
use player_core::{Command, CommandId, Event, MediaTime, Now, PlayerError, Snapshot, State};
use ui_desktop::api::{Probe, Reply, Request, SearchQuery, Wake};
use ui_desktop::app::{App, Parts, ServicePort};
use ui_desktop::player_port::{PlayerFactory, PlayerHandle, PlayerPort};
use ui_desktop::settings_file::SettingsFile;
use ui_desktop::state::Launch;

/// A window with the app in it, made in the first frame.
pub type Window = Harness<'static, Option<App>>;

/// What the outside saw and what it will answer.
#[derive(Default)]
pub struct World {
    pub asked: Vec<Request>,
    pub replies: VecDeque<Reply>,
    pub watched: Vec<PlaybackGrant>,
    pub stopped: Vec<Heartbeat>,
    pub commands: Vec<Command>,
    pub events: VecDeque<Event>,
    pub snapshot: Arc<Snapshot>,
    pub players: usize,
}

/// A handle on the world.
#[derive(Clone, Default)]
pub struct Outside(pub Arc<Mutex<World>>);

impl Outside {
    pub fn with<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        look(&mut self.0.lock().expect("no test holds the lock while it fails"))
    }

    pub fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        self.with(|world| {
            let mut snapshot = (*world.snapshot).clone();
            change(&mut snapshot);
            world.snapshot = Arc::new(snapshot);
        });
    }

    pub fn take_commands(&self) -> Vec<Command> {
        // The size of the picture is told whenever it changes and is not what tests are about.
        let commands = self.with(|world| std::mem::take(&mut world.commands));
        commands.into_iter().filter(|command| !matches!(command, Command::SetViewport { .. })).collect()
    }

    pub fn take_asked(&self) -> Vec<Request> {
        let asked = self.with(|world| std::mem::take(&mut world.asked));
        // Pictures and what goes with a film are asked for by the way and are not what tests are about.
        let by_the_way = |request: &Request| {
            matches!(
                request,
                Request::Image(_)
                    | Request::Companion(_)
                    | Request::Prepare { .. }
                    | Request::NowPlaying
                    | Request::Watched
            ) || *request == Request::Search(SearchQuery::default())
        };
        asked.into_iter().filter(|request| !by_the_way(request)).collect()
    }

    /// Returns what was asked about permission to play, and forgets the rest.
    pub fn take_permissions(&self) -> Vec<Request> {
        let asked = self.with(|world| std::mem::take(&mut world.asked));
        let is_about = |request: &Request| {
            use Request::{Abandon, Authorize, Claim, Prepare};
            matches!(request, Prepare { .. } | Claim(_) | Abandon(_) | Authorize(_))
        };
        asked.into_iter().filter(is_about).collect()
    }

    pub fn reply(&self, reply: Reply) {
        self.with(|world| world.replies.push_back(reply));
    }

    pub fn announce(&self, event: Event) {
        self.with(|world| world.events.push_back(event));
    }
}

struct FakeService(Outside);

impl ServicePort for FakeService {
    fn ask(&mut self, request: Request) {
        self.0.with(|world| world.asked.push(request));
    }

    fn watch(&mut self, grant: PlaybackGrant, _probe: Probe) {
        self.0.with(|world| world.watched.push(grant));
    }

    fn stop(&mut self, last: Heartbeat) {
        self.0.with(|world| world.stopped.push(last));
    }

    fn poll(&mut self) -> Option<Reply> {
        self.0.with(|world| world.replies.pop_front())
    }
}

struct FakePlayer(Outside);

impl PlayerPort for FakePlayer {
    fn send(&self, command: Command) -> Result<CommandId, PlayerError> {
        self.0.with(|world| world.commands.push(command));
        Ok(CommandId(0))
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.0.with(|world| Arc::clone(&world.snapshot))
    }

    fn now(&self) -> Now {
        Now::ZERO
    }

    fn try_event(&self) -> Option<Event> {
        self.0.with(|world| world.events.pop_front())
    }
}

impl PlayerFactory for Outside {
    fn open(&self, _wake: Wake) -> Result<PlayerHandle, PlayerError> {
        self.with(|world| world.players += 1);
        Ok(PlayerHandle { port: Arc::new(FakePlayer(self.clone())), frames: FrameSlot::new() })
    }
}

/// Opens the app in a window of an ordinary size.
pub fn open(launch: Launch) -> (Window, Outside) {
    open_with(launch, SettingsFile::new(None), |app| app)
}

/// Opens the app with settings of its own; `finish` may change it before its first frame.
pub fn open_with(launch: Launch, settings: SettingsFile, finish: impl Fn(App) -> App + 'static) -> (Window, Outside) {
    let outside = Outside::default();
    outside.change(|snapshot| *snapshot = film());
    let world = outside.clone();
    let mut harness = Harness::builder().with_size([1280.0, 720.0]).with_max_steps(60).build_ui_state(
        move |ui, app: &mut Option<App>| {
            let app = app.get_or_insert_with(|| {
                let parts = Parts {
                    launch: launch.clone(),
                    service: Some(Box::new(FakeService(world.clone()))),
                    players: Box::new(world.clone()),
                    settings: settings.clone(),
                };
                finish(App::new(ui.ctx(), parts))
            });
            app.take_in(ui.ctx());
            app.draw(ui);
        },
        None,
    );
    settle(&mut harness);
    (harness, outside)
}

/// Runs some frames; spinners never settle, so this does not wait for silence.
pub fn settle(harness: &mut Window) {
    harness.run_steps(6);
}

/// The state of the app.
pub fn state(harness: &Window) -> &ui_desktop::state::AppState {
    harness.state().as_ref().expect("the app was made in the first frame").state()
}

/// The home screen of an account with one profile.
pub fn at_home() -> (Window, Outside) {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    assert_eq!(outside.take_asked(), [Request::Restore]);
    outside.reply(Reply::Restored(Some(account())));
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Home]);
    (window, outside)
}

/// A film on screen, asked for from the hero banner.
pub fn playing() -> (Window, Outside) {
    let (mut window, outside) = at_home();
    window.get_by_role_and_label(Role::Button, "Play").click();
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Authorize("hero".into())]);
    outside.reply(Reply::Granted("hero".into(), Ok(grant("hero", 0))));
    settle(&mut window);
    let commands = outside.take_commands();
    let Some(Command::Load(request)) = commands.iter().find(|command| matches!(command, Command::Load(_))) else {
        panic!("no load among {commands:?}")
    };
    let hosts: Vec<_> = request.locations.iter().filter_map(url::Url::host_str).collect();
    assert_eq!(hosts, ["edge-a.example", "edge-b.example"]);
    assert_eq!(outside.with(|world| world.watched.len()), 1);
    (window, outside)
}

/// Presses a key and lets the frames after it pass.
pub fn press(window: &mut Window, key: egui::Key) {
    window.key_press(key);
    settle(window);
}

pub fn account() -> Account {
    Account {
        id: "a1".into(),
        email: "demo@kinora.example".to_owned(),
        display_name: "Demo".to_owned(),
        max_streams: 2,
        has_pin: false,
        profiles: vec![Profile { id: "p1".into(), name: "Demo".to_owned(), ..Profile::default() }],
    }
}

pub fn card(id: &str, name: &str) -> TitleCard {
    TitleCard {
        id: id.into(),
        name: name.to_owned(),
        poster: Image { path: format!("/v1/images/{id}/poster.jpg"), width: 960, height: 540 },
        duration_ms: 600_000,
        year: Some(2026),
        rating: Some(AgeRating { label: "6".to_owned(), min_age: 6 }),
        genres: vec!["Adventure".to_owned()],
        synopsis: format!("{name} is about what its name says."),
        ..TitleCard::default()
    }
}

pub fn home() -> Home {
    let mut begun = card("coast", "Infinite Coast");
    begun.resume = Some(ResumePosition {
        title_id: "coast".into(),
        position_ms: 150_000,
        duration_ms: 600_000,
        finished: false,
        updated_at: 1,
    });
    let all = ["Colony Nine", "Slow Light", "Rule Thirty"];
    let all = all.iter().enumerate().map(|(index, name)| card(&format!("t{index}"), name)).collect();
    Home {
        hero: Some(card("hero", "Night Train North")),
        rows: vec![
            Row {
                id: "continue".to_owned(),
                kind: RowKind::ContinueWatching,
                heading: "Continue watching".to_owned(),
                titles: vec![begun],
                next: None,
            },
            Row { id: "all".to_owned(), kind: RowKind::All, heading: "All titles".to_owned(), titles: all, next: None },
        ],
        next: None,
        ..Home::default()
    }
}

pub fn detail(card: TitleCard) -> TitleDetail {
    TitleDetail {
        description: "First paragraph.\n\nSecond paragraph.".to_owned(),
        audio_languages: vec![Language { tag: "en".to_owned(), label: "English".to_owned() }],
        subtitle_languages: vec![Language { tag: "de".to_owned(), label: "Deutsch".to_owned() }],
        max_height: Some(1080),
        protocols: vec![Protocol::Hls, Protocol::Dash],
        thumbnails: None,
        similar: vec![self::card("other", "Other Title")],
        is_listed: false,
        is_watched: false,
        card,
        ..TitleDetail::default()
    }
}

/// An episode of the series "harbour".
pub fn episode(season: u16, number: u16, name: &str) -> TitleCard {
    let (series, series_name) = ("harbour".into(), "Harbour Lights".to_owned());
    TitleCard {
        kind: TitleKind::Episode,
        episode: Some(EpisodePlace { series, series_name, season, number }),
        ..card(&format!("s{season}e{number}"), name)
    }
}

/// The page of a series of two seasons, of which the first episode was watched and the second one begun.
pub fn series() -> TitleDetail {
    let card = TitleCard { kind: TitleKind::Series, ..card("harbour", "Harbour Lights") };
    let mut second = episode(1, 2, "The Lock");
    second.resume = Some(ResumePosition {
        title_id: second.id.clone(),
        position_ms: 200_000,
        duration_ms: 600_000,
        finished: false,
        updated_at: 1,
    });
    let listed = |card: TitleCard, is_watched: bool| Episode { card, is_watched };
    let season = |number: u16, episodes| Season { number, name: format!("Season {number}"), episodes };
    TitleDetail {
        up_next: Some(second.clone()),
        seasons: vec![
            season(
                1,
                vec![
                    listed(episode(1, 1, "The Quay"), true),
                    listed(second, false),
                    listed(episode(1, 3, "The Tide"), false),
                ],
            ),
            season(2, vec![listed(episode(2, 1, "The Return"), false)]),
        ],
        ..detail(card)
    }
}

/// The page of an episode with chapters and marks, in a film of 600 s; another one follows it.
pub fn episode_page() -> TitleDetail {
    let chapter = |seconds: u64, name: &str| Chapter { start_ms: seconds * 1000, name: name.to_owned() };
    let span = |from: u64, to: u64| Some(Span { start_ms: from * 1000, end_ms: to * 1000 });
    TitleDetail {
        up_next: Some(episode(1, 3, "The Tide")),
        chapters: vec![chapter(0, "Cold Open"), chapter(90, "The Lock"), chapter(300, "High Water")],
        marks: Marks { recap: span(0, 15), intro: span(15, 40), credits_from_ms: Some(560_000) },
        ..detail(episode(1, 2, "The Lock"))
    }
}

/// The answer to a search for a text without filters.
pub fn found(text: &str, titles: Vec<TitleCard>) -> Reply {
    Reply::Found(text.into(), Ok(SearchResults { query: text.to_owned(), titles, ..SearchResults::default() }))
}

pub fn grant(id: &str, resume_position_ms: u64) -> PlaybackGrant {
    let urls = ["http://edge-a.example/t/T/x/master.m3u8", "http://edge-b.example/t/T/x/master.m3u8"];
    PlaybackGrant {
        session_id: "s1".into(),
        title_id: id.into(),
        sources: vec![PlaybackSource { protocol: Protocol::Hls, urls: urls.map(str::to_owned).to_vec() }],
        expires_at: 0,
        expires_in_ms: 600_000,
        renew_path: "/v1/playback/s1/renew".to_owned(),
        heartbeat_path: "/v1/playback/s1/heartbeat".to_owned(),
        heartbeat_interval_ms: 10_000,
        stop_path: "/v1/playback/s1/stop".to_owned(),
        resume_position_ms,
        duration_ms: 600_000,
    }
}

/// A film that plays, 100 s into 600 s.
pub fn film() -> Snapshot {
    let track = |id: &str, kind: MediaKind, language: &str, selected: bool| Track {
        id: TrackId(id.to_owned()),
        kind,
        language: Some(language.to_owned()),
        label: None,
        roles: Vec::new(),
        forced: false,
        selected,
    };
    let quality = |id: &str, height: u32, bitrate: u64, shown: bool| Quality {
        id: id.to_owned(),
        bitrate,
        width: Some(height * 16 / 9),
        height: Some(height),
        codec: Some("avc1.64001f".to_owned()),
        shown,
        available: height < 2000,
    };
    Snapshot {
        state: State::Ready,
        play_when_ready: true,
        position: MediaTime::from_millis(100_000),
        rate: 1.0,
        duration: Some(std::time::Duration::from_secs(600)),
        tracks: Arc::new(vec![
            track("a-en", MediaKind::Audio, "en", true),
            track("a-de", MediaKind::Audio, "de", false),
            track("s-en", MediaKind::Text, "en", false),
            track("s-de", MediaKind::Text, "de", false),
        ]),
        qualities: Arc::new(vec![
            quality("360", 360, 600_000, false),
            quality("720", 720, 2_500_000, true),
            quality("2160", 2160, 16_000_000, false),
        ]),
        quality_choice: Some(QualityChoice::Auto),
        volume: 0.5,
        ..Snapshot::default()
    }
}
