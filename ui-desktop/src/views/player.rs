//! The picture with its controls.

use egui::{Align, Event, Layout, MouseWheelUnit, PointerButton, Rect, Sense, Ui, UiBuilder, Vec2, pos2, vec2};
use kinora_api::{SubtitleBackground, SubtitleColour};
use player_core::State;

use super::{
    View, end_screen, error, player_live, player_menu, player_offers, player_stats, shell, thumbnail, waiting,
};
use crate::command::{PlayerCommand, UiCommand};
use crate::navigation;
use crate::state::{
    AppState, Menu, PlayerState, Route, VOLUME_STEP, chapters, clock, cue_look, is_live, player_command, timeline,
    to_seconds,
};
use crate::theme::tokens::{color, radius, size, space, text, time};
use crate::widgets::{
    CueStyle, Icon, Line, SeekBar, elided, glass_button, gradient_vertical, paint_cues, paint_strong, volume_slider,
};

/// Height of the controls at the bottom, which subtitles keep free.
const CONTROLS: f32 = 108.0;

/// Draws the page.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let Some(player) = &view.state.player else { return };
    let page = ui.max_rect();
    let mut wishes = Vec::new();
    keys(ui, view, player, &mut wishes);
    let picture = view.player.and_then(|handle| view.video.paint(ui.painter(), page, &handle.frames));
    ground(ui, player, page, &mut wishes);
    let visible = player.problem.is_some() || player.controls_visible(&view.snapshot, view.now);
    let shown = ui.ctx().animate_bool_with_time(ui.scope_id().with("controls"), visible, time::OVERLAY);
    subtitles(ui, view, picture.unwrap_or(page), shown);
    match &player.problem {
        Some(problem) => {
            ui.painter().rect_filled(page, 0.0, color::scrim(150));
            top(ui, view, player, page, &mut wishes);
            let leave = if view.state.standalone { "Close" } else { "Back" };
            match error::card(ui, view, shell::below_bar(page), problem, Some(leave), out) {
                Some(error::Choice::Retry) => wishes.push(PlayerCommand::Retry),
                Some(error::Choice::Leave) => wishes.push(PlayerCommand::Leave),
                None => {}
            }
        }
        None if end_screen::company(view, player).is_some() => {
            end_screen::show(ui, view, player, page, out);
            top(ui, view, player, page, &mut wishes);
        }
        None => {
            waiting::show(ui, view, player, between_bars(page), &mut wishes);
            if shown > 0.0 {
                controls(ui, view, player, page, shown, &mut wishes);
            } else {
                ui.ctx().set_cursor_icon(egui::CursorIcon::None);
            }
            player_offers::show(ui, view, player, between_bars(page), &mut wishes);
            flash(ui, view, player, page);
        }
    }
    // Nothing lies over a message or a choice.
    if player.stats && player.problem.is_none() && end_screen::company(view, player).is_none() {
        player_stats::show(ui, view, between_bars(page));
    }
    schedule(ui, view, player, visible);
    viewport(ui, picture.unwrap_or(page), &mut wishes);
    out.extend(wishes.into_iter().map(UiCommand::Player));
}

/// Returns the part of the page that the bar on top and the controls leave free, whether they are shown or not.
fn between_bars(page: Rect) -> Rect {
    shell::below_bar(page).with_max_y(page.bottom() - CONTROLS)
}

/// Returns true while the film leads on and the viewer chooses how: the arrows then move the focus.
pub fn has_choice(view: &View<'_>, player: &PlayerState) -> bool {
    end_screen::company(view, player).is_some() || player_offers::has_next(view, player)
}

/// Keys go to the player before any focused button sees them, except while a menu has them.
fn keys(ui: &Ui, view: &View<'_>, player: &PlayerState, wishes: &mut Vec<PlayerCommand>) {
    if view.state.route != Route::Player {
        return;
    }
    let has_choice = player.problem.is_some() || has_choice(view, player);
    let in_menu = player.menu.is_some() || has_choice;
    // What follows a key that opens a menu in the same frame is for the menu.
    let (mut kept, mut opened) = (0, None);
    ui.input_mut(|input| {
        input.events.retain(|event| {
            let command = match event {
                Event::Key { key, pressed: true, modifiers, .. } if opened.is_none() => {
                    let is_for_menu = matches!(key, egui::Key::ArrowUp | egui::Key::ArrowDown | egui::Key::Space);
                    player_command(*key, *modifiers, is_live(&view.snapshot)).filter(|_| !(in_menu && is_for_menu))
                }
                _ => None,
            };
            let Some(command) = command else {
                kept += 1;
                return true;
            };
            opened = matches!(command, PlayerCommand::ToggleMenu(_)).then_some(kept);
            wishes.push(command);
            false
        });
        let moved = input.pointer.delta() != Vec2::ZERO || input.pointer.any_pressed();
        let typed = input.events.iter().any(|event| matches!(event, Event::Key { pressed: true, .. }));
        if moved || typed {
            wishes.push(PlayerCommand::Activity);
        }
    });
    if let Some(index) = opened {
        navigation::hold_from(ui.ctx(), index);
    }
}

/// The picture itself: a click pauses or closes the menu, a double click fills the screen.
fn ground(ui: &Ui, player: &PlayerState, page: Rect, wishes: &mut Vec<PlayerCommand>) {
    let response = ui.interact(page, ui.scope_id().with("picture"), Sense::CLICK);
    if player.problem.is_some() {
        return;
    }
    if response.hovered() && player.menu.is_none() {
        let steps = ui.input(|input| wheel_steps(&input.events));
        wishes.extend((steps != 0.0).then_some(PlayerCommand::ChangeVolume(VOLUME_STEP * steps)));
    }
    if response.double_clicked() {
        // The first click of the two has paused or gone on: that is taken back.
        wishes.push(PlayerCommand::TogglePlay);
        wishes.push(PlayerCommand::ToggleFullscreen);
    } else if response.clicked_by(PointerButton::Primary) {
        wishes.push(player.menu.map_or(PlayerCommand::TogglePlay, PlayerCommand::ToggleMenu));
    }
}

/// Returns the steps that the wheel was turned by in a frame; positive is away from the viewer.
fn wheel_steps(events: &[Event]) -> f32 {
    /// Points that a touchpad scrolls by for one step.
    const STEP: f32 = 50.0;
    let steps = events.iter().map(|event| match event {
        Event::MouseWheel { unit: MouseWheelUnit::Point, delta, modifiers, .. } if !modifiers.any() => delta.y / STEP,
        Event::MouseWheel { delta, modifiers, .. } if !modifiers.any() => delta.y,
        _ => 0.0,
    });
    steps.sum()
}

fn subtitles(ui: &Ui, view: &View<'_>, picture: Rect, shown: f32) {
    let cues = view.snapshot.cues_at(view.position);
    if !cues.is_empty() {
        // What lies below the picture, in the black bar, needs no room.
        let below = (ui.max_rect().bottom() - picture.bottom()).max(0.0);
        let lift = (CONTROLS - below).max(0.0) * shown;
        paint_cues(ui.painter(), picture, &cues, view.position, cue_style(view.state), lift);
    }
}

/// Returns how cues look that leave it to the viewer.
fn cue_style(state: &AppState) -> CueStyle {
    let look = cue_look(state);
    let ink = match look.colour {
        SubtitleColour::White => color::WHITE,
        SubtitleColour::Yellow => color::CUE_YELLOW,
    };
    let ground = match look.background {
        SubtitleBackground::None => None,
        SubtitleBackground::Shade => Some(color::CUE_GROUND),
        SubtitleBackground::Solid => Some(color::BLACK),
    };
    CueStyle { share: look.size.share(), ink, ground }
}

fn controls(
    ui: &mut Ui,
    view: &View<'_>,
    player: &PlayerState,
    page: Rect,
    shown: f32,
    wishes: &mut Vec<PlayerCommand>,
) {
    let high = page.with_max_y(page.top() + 150.0);
    gradient_vertical(ui.painter(), high, color::scrim((225.0 * shown) as u8), color::scrim(0));
    let low = page.with_min_y(page.bottom() - CONTROLS - 90.0);
    gradient_vertical(ui.painter(), low, color::scrim(0), color::scrim((225.0 * shown) as u8));
    ui.scope(|ui| {
        ui.set_opacity(shown);
        top(ui, view, player, page, wishes);
        bottom(ui, view, player, page, wishes);
    });
    if let Some(menu) = player.menu {
        player_menu::show(ui, view, menu, page, CONTROLS, wishes);
    }
}

fn top(ui: &mut Ui, view: &View<'_>, player: &PlayerState, page: Rect, wishes: &mut Vec<PlayerCommand>) {
    let bar = Rect::from_min_size(page.min, vec2(page.width(), size::TOP_BAR)).shrink2(vec2(space::XL, 0.0));
    ui.scope_builder(UiBuilder::new().max_rect(bar).layout(Layout::left_to_right(Align::Center)), |ui| {
        let name = if view.state.standalone { "Close" } else { "Back" };
        if glass_button(ui, Icon::ChevronLeft, name, size::PLAYER_BUTTON).clicked() {
            wishes.push(PlayerCommand::Leave);
        }
        let line = Line { size: text::HEADING, color: color::TEXT, rows: 1, width: ui.available_width() - space::XL };
        let galley = elided(ui.painter(), &player.name(), line);
        let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Heading, true, player.name()));
        paint_strong(ui.painter(), rect.min, &galley, line.color);
    });
}

fn bottom(ui: &mut Ui, view: &View<'_>, player: &PlayerState, page: Rect, wishes: &mut Vec<PlayerCommand>) {
    let area = page.with_min_y(page.bottom() - CONTROLS).shrink2(vec2(space::XL, 0.0));
    ui.scope_builder(UiBuilder::new().max_rect(area).layout(Layout::top_down(Align::Min)), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.add_space(space::S);
        ui.add_enabled_ui(timeline(&view.snapshot).is_some(), |ui| seek_bar(ui, view, player, wishes));
        ui.allocate_ui_with_layout(vec2(area.width(), 60.0), Layout::left_to_right(Align::Center), |ui| {
            buttons(ui, view, player, wishes);
        });
    });
}

fn seek_bar(ui: &mut Ui, view: &View<'_>, player: &PlayerState, wishes: &mut Vec<PlayerCommand>) {
    if let Some(live) = player_live::bar(view) {
        return player_live::seek_bar(ui, view, &live, wishes);
    }
    let (start, end, position) = player.bar(&view.snapshot, view.position).unwrap_or((0.0, 1.0, 0.0));
    let ranges = view.snapshot.buffered.iter();
    let buffered: Vec<(f64, f64)> = ranges.map(|range| (range.start.as_secs_f64(), range.end.as_secs_f64())).collect();
    let chapters: Vec<(f64, &str)> =
        chapters(player).iter().map(|chapter| (to_seconds(chapter.start_ms), chapter.name.as_str())).collect();
    let words = |at: f64| clock(at - start.min(0.0));
    let name = "Position in seconds";
    let bar = SeekBar { start, end, position, buffered: &buffered, chapters: &chapters, name, words: &words }.show(ui);
    if let Some((seconds, x)) = bar.pointed {
        thumbnail::show(ui, view, player, bar.response.rect, seconds, x);
    }
    if let Some((seconds, scrubbing)) = bar.target {
        wishes.push(PlayerCommand::SeekTo { seconds, scrubbing });
    }
}

/// Widths of the controls, in points, below which the least needed are left out: the volume slider, then the steps of
/// ten seconds, then the clock. All of them have keys.
const ROOM: (f32, f32, f32) = (720.0, 620.0, 440.0);

fn buttons(ui: &mut Ui, view: &View<'_>, player: &PlayerState, wishes: &mut Vec<PlayerCommand>) {
    ui.spacing_mut().item_spacing.x = space::XS;
    let snapshot = &view.snapshot;
    let side = size::PLAYER_BUTTON;
    // The button of the chapters takes its room from the others.
    let has_chapters = !chapters(player).is_empty();
    let room = ui.available_width() - if has_chapters { side + space::XS } else { 0.0 };
    let (icon, name) = match (snapshot.state, snapshot.play_when_ready) {
        (State::Ended, _) => (Icon::Replay, "Watch again"),
        (_, true) => (Icon::Pause, "Pause"),
        (_, false) => (Icon::Play, "Play"),
    };
    let mut button = |ui: &mut Ui, icon: Icon, name: &str, command: PlayerCommand| {
        if glass_button(ui, icon, name, side).clicked() {
            wishes.push(command);
        }
    };
    button(ui, icon, name, PlayerCommand::TogglePlay);
    if room >= ROOM.1 {
        button(ui, Icon::Back10, "Back 10 seconds", PlayerCommand::SeekBy(-10_000));
        button(ui, Icon::Forward10, "Forward 10 seconds", PlayerCommand::SeekBy(10_000));
    }
    let settings = &view.state.settings;
    let (speaker, mute) = match (player.has_sound_device, settings.muted, settings.volume) {
        (false, _, _) => (Icon::Muted, "No sound device"),
        (true, true, _) => (Icon::Muted, "Sound on"),
        (true, false, volume) if volume < 0.01 => (Icon::Speaker(0), "Mute"),
        (true, false, volume) if volume < 0.5 => (Icon::Speaker(1), "Mute"),
        (true, false, _) => (Icon::Speaker(2), "Mute"),
    };
    button(ui, speaker, mute, PlayerCommand::ToggleMute);
    if room >= ROOM.0 {
        let silent = settings.muted || !player.has_sound_device;
        let volume = ui.add_enabled_ui(player.has_sound_device, |ui| volume_slider(ui, settings.volume, silent)).inner;
        wishes.extend(volume.map(PlayerCommand::SetVolume));
    }
    ui.add_space(space::M);
    if let Some(live) = player_live::bar(view) {
        player_live::marks(ui, view, &live, room, wishes);
    } else if room >= ROOM.2 && !is_live(snapshot) {
        times(ui, view, player);
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| right_buttons(ui, view, has_chapters, wishes));
}

/// From left to right, which is the order of Tab too.
fn right_buttons(ui: &mut Ui, view: &View<'_>, has_chapters: bool, wishes: &mut Vec<PlayerCommand>) {
    let side = size::PLAYER_BUTTON;
    let (icon, name) = if view.state.fullscreen {
        (Icon::ExitFullscreen, "Leave full screen")
    } else {
        (Icon::Fullscreen, "Full screen")
    };
    let chapters = (Icon::Chapters, "Chapters", PlayerCommand::ToggleMenu(Menu::Chapters));
    let others = [
        (Icon::Speed, "Speed", PlayerCommand::ToggleMenu(Menu::Speed)),
        (Icon::Subtitles, "Subtitles", PlayerCommand::ToggleMenu(Menu::Subtitles)),
        (Icon::Audio, "Audio", PlayerCommand::ToggleMenu(Menu::Audio)),
        (Icon::Quality, "Quality", PlayerCommand::ToggleMenu(Menu::Quality)),
        (icon, name, PlayerCommand::ToggleFullscreen),
    ];
    let buttons: Vec<_> = Some(chapters).filter(|_| has_chapters).into_iter().chain(others).collect();
    let width = buttons.len() as f32 * (side + space::XS) - space::XS;
    ui.allocate_ui_with_layout(vec2(width, side), Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = space::XS;
        for (icon, name, command) in buttons {
            if glass_button(ui, icon, name, side).clicked() {
                wishes.push(command);
            }
        }
    });
}

fn times(ui: &mut Ui, view: &View<'_>, player: &PlayerState) {
    let Some((start, end, position)) = player.bar(&view.snapshot, view.position) else { return };
    let words = format!("{}  /  {}", clock(position - start), clock(end - start));
    let line = Line { size: text::BODY, color: color::TEXT, rows: 1, width: f32::INFINITY };
    let galley = elided(ui.painter(), &words, line);
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, &words));
    ui.painter().galley(rect.min, galley, line.color);
    if (view.snapshot.rate - 1.0).abs() > 0.01 && view.snapshot.rate > 0.0 {
        ui.add_space(space::M);
        crate::widgets::badge(ui, &format!("{}×", view.snapshot.rate));
    }
}

fn flash(ui: &Ui, view: &View<'_>, player: &PlayerState, page: Rect) {
    let Some(flash) = &player.flash else { return };
    let age = view.now - flash.since;
    if age > time::FLASH {
        return;
    }
    let strength = ((time::FLASH - age) / 0.3).clamp(0.0, 1.0) as f32;
    let line = Line { size: text::HEADING, color: color::WHITE.gamma_multiply(strength), rows: 1, width: page.width() };
    let galley = elided(ui.painter(), &flash.text, line);
    let center = pos2(page.center().x, page.top() + page.height() * 0.18);
    let rect = Rect::from_center_size(center, galley.size() + vec2(space::XXL, space::L));
    ui.painter().rect_filled(rect, radius::LARGE, color::scrim((170.0 * strength) as u8));
    paint_strong(ui.painter(), rect.center() - galley.size() / 2.0, &galley, line.color);
    ui.ctx().request_repaint_after_secs(0.03);
}

/// Asks for the frames that nobody else asks for: the clock under moving pictures without video, and the moment at
/// which the controls go away. New pictures wake the interface by themselves.
fn schedule(ui: &Ui, view: &View<'_>, player: &PlayerState, visible: bool) {
    let idle_left = time::OVERLAY_IDLE - (view.now - player.last_activity);
    if visible && idle_left > 0.0 {
        ui.ctx().request_repaint_after_secs(idle_left as f32 + 0.02);
    }
    if view.snapshot.is_playing() {
        ui.ctx().request_repaint_after_secs(0.25);
    }
}

/// The player is told at which size pictures are shown, so that it fetches no more lines than can be seen.
fn viewport(ui: &Ui, picture: Rect, wishes: &mut Vec<PlayerCommand>) {
    let scale = ui.ctx().pixels_per_point();
    let pixels = (picture.size() * scale).round().max(Vec2::splat(1.0));
    wishes.push(PlayerCommand::Viewport { width: pixels.x as u32, height: pixels.y as u32 });
}
