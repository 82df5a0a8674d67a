//! The glue: carries effects out, brings answers back, draws the page. No rule of the interface lives here.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui;
use egui::ViewportCommand;
use kinora_api::TitleId;
use player_core::{Command, Event, MediaTime, Snapshot};

use crate::api::{Probe, Reply, Request, Service, Wake};
use crate::command::UiCommand;
use crate::player_port::{PlayerFactory, PlayerHandle};
use crate::settings_file::SettingsFile;
use crate::state::{
    AppState, Effect, Launch, Message, Moment, WindowPlace, next_tick, settings_in_force, start, update,
};
use crate::theme;
use crate::theme::tokens::color;
use crate::video::VideoSurface;
use crate::views::{self, View};
use crate::wall_clock::WallClock;
use crate::widgets::ImageShelf;

/// Replies and events that are taken in one frame at most, so that a flood cannot stop the drawing.
const PER_FRAME: usize = 256;
/// Wakes the interface from another thread. `request_repaint()` would paint twice.
const WAKE_AFTER: Duration = Duration::from_millis(1);

/// What the app is made of.
pub struct Parts {
    /// Why it was started.
    pub launch: Launch,
    /// The client of the service; none when one address is played.
    pub service: Option<Box<dyn ServicePort>>,
    /// Makes players.
    pub players: Box<dyn PlayerFactory>,
    /// Where the settings are.
    pub settings: SettingsFile,
}

/// What the app needs of the client of the service, so that tests can put another in its place.
pub trait ServicePort {
    /// Asks for something.
    fn ask(&mut self, request: Request);
    /// Reports on a playback.
    fn watch(&mut self, grant: kinora_api::PlaybackGrant, probe: Probe);
    /// Ends the report.
    fn stop(&mut self, last: kinora_api::Heartbeat);
    /// The next reply.
    fn poll(&mut self) -> Option<Reply>;
}

impl ServicePort for Service {
    fn ask(&mut self, request: Request) {
        if !Self::ask(self, request) {
            tracing::warn!("a request was dropped: too many are waiting");
        }
    }

    fn watch(&mut self, grant: kinora_api::PlaybackGrant, probe: Probe) {
        if !Self::watch(self, grant, probe) {
            tracing::warn!("a playback is not reported on: too many requests are waiting");
        }
    }

    fn stop(&mut self, last: kinora_api::Heartbeat) {
        if !Self::stop(self, last) {
            tracing::warn!("the last position was dropped: too many requests are waiting");
        }
    }

    fn poll(&mut self) -> Option<Reply> {
        Self::poll(self)
    }
}

/// The app.
pub struct App {
    state: AppState,
    service: Option<Box<dyn ServicePort>>,
    players: Box<dyn PlayerFactory>,
    player: Option<PlayerHandle>,
    settings: SettingsFile,
    images: ImageShelf,
    video: VideoSurface,
    wake: Wake,
    /// Time of day.
    wall: WallClock,
    /// Title of the window.
    title: String,
    /// The settings that wait to be written, and since when.
    unsaved: Option<f64>,
}

/// A wake-up for other threads.
pub fn wake(ctx: &egui::Context) -> Wake {
    let ctx = ctx.clone();
    Arc::new(move || ctx.request_repaint_after(WAKE_AFTER))
}

impl App {
    /// The app in its first state; its first effects are carried out at once.
    pub fn new(ctx: &egui::Context, parts: Parts) -> Self {
        theme::apply(ctx);
        let (mut state, effects) = start(parts.launch, parts.settings.load(), parts.settings.load_choices());
        state.recent = parts.settings.load_recent();
        let mut app = Self {
            state,
            service: parts.service,
            players: parts.players,
            player: None,
            settings: parts.settings,
            images: ImageShelf::default(),
            video: VideoSurface::new(),
            wake: wake(ctx),
            wall: WallClock::system(),
            title: String::new(),
            unsaved: None,
        };
        for effect in effects {
            app.perform(ctx, effect, 0.0);
        }
        app
    }

    /// Replaces the system's time of day, for tests.
    #[must_use]
    pub fn with_wall_clock(mut self, wall: WallClock) -> Self {
        self.wall = wall;
        self
    }

    /// Opens this title's page once the session is open; a channel plays at once.
    #[must_use]
    pub fn with_title(mut self, title: Option<TitleId>) -> Self {
        self.state.opens = title;
        self
    }

    /// What the app knows.
    pub const fn state(&self) -> &AppState {
        &self.state
    }

    /// Takes in what happened since the last frame. Draws nothing.
    pub fn take_in(&mut self, ctx: &egui::Context) {
        let now = ctx.input(|input| input.time);
        for _ in 0..PER_FRAME {
            let Some(reply) = self.service.as_mut().and_then(|service| service.poll()) else { break };
            match reply {
                Reply::Image { path, picture: Some(picture) } => self.images.put(ctx, path, &picture, now),
                Reply::Image { picture: None, .. } => {}
                reply => self.handle(ctx, Message::Api(Box::new(reply)), now),
            }
        }
        for _ in 0..PER_FRAME {
            let Some(event) = self.player.as_ref().and_then(|player| player.port.try_event()) else { break };
            self.log_start(&event, now);
            self.handle(ctx, Message::Player(event), now);
        }
        self.handle(ctx, Message::Tick, now);
        if let Some(place) = window_place(ctx)
            && self.state.settings.window != Some(place)
        {
            self.handle(ctx, Message::WindowAt(place), now);
        }
        if let Some(at) = next_tick(&self.state) {
            ctx.request_repaint_after_secs((at - now).max(0.0) as f32 + 0.01);
        }
        self.save_when_calm(ctx, now);
    }

    /// Draws the page and does what the viewer asks for.
    pub fn draw(&mut self, ui: &mut egui::Ui) {
        let ctx = ui.ctx().clone();
        let now = ctx.input(|input| input.time);
        let mut commands: Vec<UiCommand> = Vec::new();
        let snapshot = self.snapshot();
        let view = View {
            state: &self.state,
            images: &self.images,
            video: &self.video,
            player: self.player.as_ref(),
            position: self.player.as_ref().map_or(MediaTime::ZERO, PlayerHandle::position),
            snapshot,
            wall: &self.wall,
            now,
        };
        views::show(ui, &view, &mut commands);
        for command in commands {
            self.handle(&ctx, Message::Ui(command), now);
        }
        let title = self.state.window_title();
        if title != self.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
        for path in self.images.take_wanted() {
            self.perform(&ctx, Effect::Api(Request::Image(path)), now);
        }
    }

    /// Ends what runs: the last position is sent, the player is let go, settings are written.
    pub fn close(&mut self) {
        self.end_playback(PlayerHandle::heartbeat);
        if self.unsaved.take().is_some() {
            self.settings.save(&self.state.settings);
        }
        // Waits, within limits, until the last position has been sent.
        self.service = None;
    }

    /// Logs the time from the press of "Play" to the first picture, in steps of the interface's frames.
    fn log_start(&self, event: &Event, now: f64) {
        if let (Event::FirstFrame { .. }, Some(player)) = (event, &self.state.player)
            && let Some(since) = player.waiting_since.filter(|_| !player.started)
        {
            tracing::info!(ms = (now - since) * 1000.0, "the first picture is here");
        }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.player.as_ref().map_or_else(Default::default, |player| player.port.snapshot())
    }

    fn handle(&mut self, ctx: &egui::Context, message: Message, now: f64) {
        let position = self.player.as_ref().map_or(MediaTime::ZERO, PlayerHandle::position);
        let moment = Moment { now, snapshot: self.snapshot(), position, wall_ms: self.wall.now_ms() };
        let before = self.state.route.clone();
        let effects = update(&mut self.state, message, &moment);
        if self.state.route != before {
            ctx.request_repaint();
        }
        for effect in effects {
            self.perform(ctx, effect, now);
        }
    }

    fn perform(&mut self, ctx: &egui::Context, effect: Effect, now: f64) {
        match effect {
            Effect::Api(request) => {
                if let Some(service) = &mut self.service {
                    service.ask(request);
                }
            }
            Effect::Load(request) => self.load(ctx, request, now),
            Effect::Player(command) => self.tell_player(ctx, command, now),
            Effect::Watch(grant) => {
                if let (Some(service), Some(player)) = (&mut self.service, &self.player) {
                    let player = player.clone();
                    service.watch(grant, Arc::new(move || player.heartbeat()));
                }
            }
            Effect::EndPlayback => self.end_playback(PlayerHandle::heartbeat),
            Effect::FinishPlayback => self.end_playback(PlayerHandle::last_heartbeat),
            Effect::Fullscreen(on) => ctx.send_viewport_cmd(ViewportCommand::Fullscreen(on)),
            Effect::SaveSettings(_) => {
                // A dragged slider would write a hundred times a second.
                self.unsaved.get_or_insert(now);
                ctx.request_repaint_after_secs(SAVE_AFTER as f32 + 0.1);
            }
            Effect::SaveChoices => self.settings.save_choices(&self.state.choices),
            Effect::SaveRecent => self.settings.save_recent(&self.state.recent),
            Effect::Copy(text) => ctx.copy_text(text),
            Effect::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
        }
    }

    fn load(&mut self, ctx: &egui::Context, request: player_core::LoadRequest, now: f64) {
        if self.player.is_none() {
            match self.players.open(Arc::clone(&self.wake)) {
                Ok(player) => self.player = Some(player),
                Err(error) => return self.handle(ctx, Message::PlayerRefused(error), now),
            }
            let settings = settings_in_force(&self.state);
            let (volume, muted) = (settings.loudness(), settings.muted);
            let limit = settings.data_saver.max_bitrate_bps();
            self.tell_player(ctx, Command::SetVolume(volume), now);
            self.tell_player(ctx, Command::SetMuted(muted), now);
            if limit.is_some() {
                self.tell_player(ctx, Command::SetMaxBitrate(limit), now);
            }
        }
        self.tell_player(ctx, Command::Load(request), now);
    }

    fn tell_player(&mut self, ctx: &egui::Context, command: Command, now: f64) {
        let Some(player) = &self.player else { return };
        if let Err(error) = player.port.send(command) {
            self.handle(ctx, Message::PlayerRefused(error), now);
        }
    }

    fn end_playback(&mut self, report: fn(&PlayerHandle) -> kinora_api::Heartbeat) {
        let Some(player) = self.player.take() else { return };
        if let Some(service) = &mut self.service {
            service.stop(report(&player));
        }
        player.frames.clear();
        // Ending a pipeline joins threads, which the interface must not wait for. Should no thread be had, it waits.
        let ended = std::thread::Builder::new().name("kinora-player-end".to_owned()).spawn(move || drop(player));
        if let Err(error) = ended {
            tracing::warn!(%error, "the player was ended on the interface's thread");
        }
    }

    /// Asked in each frame: a frame that comes early takes the place of the one that was asked for.
    fn save_when_calm(&mut self, ctx: &egui::Context, now: f64) {
        let Some(since) = self.unsaved else { return };
        if now - since > SAVE_AFTER {
            self.unsaved = None;
            self.settings.save(&self.state.settings);
        } else {
            ctx.request_repaint_after_secs((since + SAVE_AFTER - now) as f32 + 0.1);
        }
    }
}

/// Returns where the window is; `None` while it fills the screen, is out of sight, or the system does not say.
///
/// Points of the screen are kept, so that the interface's own zoom does not change the size from start to start.
fn window_place(ctx: &egui::Context) -> Option<WindowPlace> {
    let zoom = ctx.zoom_factor();
    ctx.input(|input| {
        let viewport = input.viewport();
        if viewport.fullscreen == Some(true) || viewport.minimized == Some(true) {
            return None;
        }
        let whole = |length: f32| (length * zoom).round();
        let inner = viewport.inner_rect?;
        let place = WindowPlace {
            at: viewport.outer_rect.map(|outer| (whole(outer.left()), whole(outer.top()))),
            size: (whole(inner.width()), whole(inner.height())),
            maximized: viewport.maximized == Some(true),
        };
        place.checked()
    })
}

/// Changed settings are written after so many seconds.
const SAVE_AFTER: f64 = 1.0;

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.take_in(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        theme::scale::follow_window(ui.ctx(), self.state.settings.zoom);
        self.draw(ui);
    }

    fn on_exit(&mut self, gl: Option<&eframe::glow::Context>) {
        self.close();
        if let Some(gl) = gl {
            self.video.destroy(gl);
        }
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        color::GROUND.to_normalized_gamma_f32()
    }
}
