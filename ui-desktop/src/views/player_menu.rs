//! The menus over the picture: quality, audio, subtitles, speed, chapters. An open menu keeps the keyboard's focus.

use egui::accesskit::Role;
use egui::{Align, Layout, Rect, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use kinora_api::Chapter;
use player_core::command::{QualityChoice, TrackChoice};
use player_core::model::{MediaKind, Role as TrackRole};
use player_core::snapshot::Track;

use super::View;
use crate::command::PlayerCommand;
use crate::navigation;
use crate::state::{Menu, RATES, chapter_at, chapters, clock, quality_menu, to_seconds, track_name};
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{Icon, Line, elided, focus_ring, paint_icon, paint_strong};

/// One line of a menu.
struct Entry {
    name: String,
    note: String,
    selected: bool,
    enabled: bool,
    command: PlayerCommand,
}

/// Draws a menu above the controls.
pub fn show(ui: &mut Ui, view: &View<'_>, menu: Menu, page: Rect, controls: f32, wishes: &mut Vec<PlayerCommand>) {
    let (heading, entries) = match menu {
        Menu::Quality => ("Quality", qualities(view)),
        Menu::Audio => ("Audio", audio(view)),
        Menu::Subtitles => ("Subtitles", subtitles(view)),
        Menu::Speed => ("Speed", speeds(view)),
        Menu::Chapters => ("Chapters", chapter_lines(view)),
    };
    // The focus ring of the first line stands clear of the line under the heading.
    let title_height = size::MENU_LINE + space::M;
    let most = page.height() - controls - size::TOP_BAR;
    let height = (title_height + entries.len() as f32 * size::MENU_LINE + space::M).min(most);
    let right = page.right() - space::XL;
    let bottom = page.bottom() - controls;
    let rect = Rect::from_min_max(pos2(right - size::MENU, bottom - height), pos2(right, bottom));
    let id = ui.scope_id().with(("menu", heading));
    let area = egui::Area::new(id).order(egui::Order::Middle).fixed_pos(rect.min).constrain(false).fade_in(false);
    navigation::trap(ui.ctx(), area.layer());
    area.show(ui.ctx(), |ui| {
        // Takes presses between the lines, so that they do not reach the picture.
        ui.allocate_rect(rect, Sense::CLICK);
        ui.painter().rect_filled(rect, radius::LARGE, color::GLASS);
        ui.painter().rect_stroke(rect, radius::LARGE, egui::Stroke::new(1.0, color::LINE), egui::StrokeKind::Inside);
        title(ui, rect, heading);
        let list = rect.with_min_y(rect.top() + title_height).shrink2(vec2(space::S, 0.0));
        let list = list.with_max_y(rect.bottom() - space::S);
        let mut ui = ui.new_child(UiBuilder::new().max_rect(list).layout(Layout::top_down(Align::Min)));
        ui.spacing_mut().item_spacing.y = 0.0;
        let lines = |ui: &mut Ui| {
            for entry in entries {
                if line(ui, &entry) {
                    wishes.push(entry.command);
                }
            }
        };
        navigation::scroll(&mut ui, ScrollArea::vertical().auto_shrink(false), lines, |(): &(), focus| focus);
    });
}

fn title(ui: &Ui, rect: Rect, words: &str) {
    let line = Line { size: text::LARGE, color: color::TEXT, rows: 1, width: rect.width() - space::XL };
    let galley = elided(ui.painter(), words, line);
    let place = pos2(rect.left() + space::XL, rect.top() + space::XS + (size::MENU_LINE - galley.size().y) / 2.0);
    paint_strong(ui.painter(), place, &galley, line.color);
    let under = rect.top() + size::MENU_LINE + space::XS;
    ui.painter().hline(rect.x_range().shrink(space::L), under, egui::Stroke::new(1.0, color::LINE));
}

/// Draws a line; answers whether it was pressed.
fn line(ui: &mut Ui, entry: &Entry) -> bool {
    let sense = if entry.enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::MENU_LINE), sense);
    let spoken = format!("{} {}", entry.name, entry.note);
    let (enabled, selected) = (entry.enabled, entry.selected);
    response.widget_info(|| WidgetInfo::selected(Role::MenuItemRadio, enabled, selected, spoken.trim()));
    if selected {
        navigation::prefer(&response);
    }
    let painter = ui.painter();
    if enabled && (response.hovered() || response.has_focus()) {
        painter.rect_filled(rect, radius::MEDIUM, color::RAISED);
    }
    let ink = match (enabled, selected) {
        (false, _) => color::TEXT_FAINT,
        (true, true) => color::ACCENT,
        (true, false) => color::TEXT,
    };
    if selected {
        paint_icon(painter, Icon::Check, pos2(rect.left() + space::L + 2.0, rect.center().y), 15.0, ink);
    }
    let note_line = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 1, width: 120.0 };
    let note = elided(painter, &entry.note, note_line);
    let left = rect.left() + space::XXL;
    let width = rect.width() - space::XXL - note.size().x - space::L;
    let name = elided(painter, &entry.name, Line { size: text::BODY, color: ink, rows: 1, width });
    painter.galley(pos2(left, rect.center().y - name.size().y / 2.0), name, ink);
    let note_left = rect.right() - space::M - note.size().x;
    painter.galley(pos2(note_left, rect.center().y - note.size().y / 2.0), note, note_line.color);
    focus_ring(ui, &response, rect.shrink(3.0), radius::MEDIUM);
    response.clicked()
}

fn qualities(view: &View<'_>) -> Vec<Entry> {
    let choice = view.snapshot.quality_choice.clone().unwrap_or(QualityChoice::Auto);
    let shown = view.snapshot.qualities.iter().find(|quality| quality.shown);
    let shown = shown.and_then(|quality| quality.height).map(|height| format!("now {height}p")).unwrap_or_default();
    let automatic = Entry {
        name: "Automatic".to_owned(),
        note: shown,
        selected: choice == QualityChoice::Auto,
        enabled: true,
        command: PlayerCommand::SelectQuality(QualityChoice::Auto),
    };
    let rest = quality_menu(&view.snapshot).into_iter().map(|(quality, name, note, available)| Entry {
        name,
        note: if available { note } else { "not on this device".to_owned() },
        selected: choice == quality,
        enabled: available,
        command: PlayerCommand::SelectQuality(quality),
    });
    std::iter::once(automatic).chain(rest).collect()
}

fn audio(view: &View<'_>) -> Vec<Entry> {
    let tracks: Vec<Entry> = of_kind(view, MediaKind::Audio)
        .map(|track| Entry {
            name: track_name(track),
            note: role_note(track).to_owned(),
            selected: track.selected,
            enabled: true,
            command: PlayerCommand::SelectAudio(TrackChoice::Track(track.id.clone())),
        })
        .collect();
    if tracks.is_empty() { vec![nothing("There is one sound track only")] } else { tracks }
}

fn subtitles(view: &View<'_>) -> Vec<Entry> {
    let none_shown = !of_kind(view, MediaKind::Text).any(|track| track.selected && !track.forced);
    let off = Entry {
        name: "Off".to_owned(),
        note: String::new(),
        selected: none_shown,
        enabled: true,
        command: PlayerCommand::SelectText(TrackChoice::Off),
    };
    let tracks = of_kind(view, MediaKind::Text).filter(|track| !track.forced).map(|track| Entry {
        name: track_name(track),
        note: role_note(track).to_owned(),
        selected: track.selected,
        enabled: true,
        command: PlayerCommand::SelectText(TrackChoice::Track(track.id.clone())),
    });
    let tracks: Vec<Entry> = tracks.collect();
    if tracks.is_empty() {
        return vec![nothing("This film has no subtitles")];
    }
    std::iter::once(off).chain(tracks).collect()
}

fn speeds(view: &View<'_>) -> Vec<Entry> {
    let line = |rate: f64| Entry {
        name: if (rate - 1.0).abs() < 0.01 { "Normal".to_owned() } else { format!("{rate}×") },
        note: String::new(),
        selected: (view.snapshot.rate - rate).abs() < 0.01,
        enabled: true,
        command: PlayerCommand::SetRate(rate),
    };
    RATES.map(line).into()
}

fn chapter_lines(view: &View<'_>) -> Vec<Entry> {
    let chapters = view.state.player.as_ref().map_or(&[][..], chapters);
    if chapters.is_empty() {
        return vec![nothing("This film has no chapters")];
    }
    let now = chapter_at(chapters, view.position.as_secs_f64());
    let line = |(index, chapter): (usize, &Chapter)| Entry {
        name: chapter.name.clone(),
        note: clock(to_seconds(chapter.start_ms)),
        selected: now == Some(index),
        enabled: true,
        command: PlayerCommand::GoToChapter(index),
    };
    chapters.iter().enumerate().map(line).collect()
}

fn of_kind<'a>(view: &'a View<'_>, kind: MediaKind) -> impl Iterator<Item = &'a Track> {
    view.snapshot.tracks.iter().filter(move |track| track.kind == kind)
}

fn nothing(words: &str) -> Entry {
    Entry {
        name: words.to_owned(),
        note: String::new(),
        selected: false,
        enabled: false,
        command: PlayerCommand::Activity,
    }
}

fn role_note(track: &Track) -> &'static str {
    track
        .roles
        .iter()
        .find_map(|role| match role {
            TrackRole::Description => Some("described"),
            TrackRole::Commentary => Some("commentary"),
            TrackRole::Caption => Some("captions"),
            TrackRole::Dub => Some("dubbed"),
            _ => None,
        })
        .unwrap_or("")
}
