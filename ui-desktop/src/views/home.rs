//! The home screen: one title large on top, rows of posters below. Arrows move, Enter opens.

use egui::{
    Align, EventFilter, Key, Layout, Modifiers, Rect, Response, ScrollArea, Sense, Ui, UiBuilder, Vec2, pos2, vec2,
};
use kinora_api::{Home, Row, RowKind, TitleCard};

use super::{View, error, shell};
use crate::command::{Begin, Direction, UiCommand};
use crate::state::{Focus, HeroButton, Load, runtime, time_left};
use crate::theme::tokens::{color, size, space, text};
use crate::widgets::{
    Card, CardShape, Icon, Line, Progress, Prominence, Shelved, body, cover_uv, elided, glass_button,
    gradient_horizontal, gradient_vertical, heading, icon_text_button, paint_placeholder, paint_strong, poster_card,
    spinner,
};

/// Draws the page.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    match &view.state.home.data {
        Load::Ready(home) if home.rows.is_empty() && home.hero.is_none() => empty(ui),
        Load::Ready(home) => {
            keys(ui, view, out);
            page(ui, view, home, out);
        }
        Load::Failed(problem) => {
            if error::card(ui, view, ui.max_rect(), problem, None, out) == Some(error::Choice::Retry) {
                out.push(UiCommand::Reload);
            }
        }
        Load::Idle | Load::Loading => loading(ui, view),
    }
    shell::top_bar(ui, view, out);
}

/// Arrow keys move the focus through the grid. They are taken before any widget sees them.
fn keys(ui: &Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    if view.state.settings_open {
        return;
    }
    let arrows = [
        (Key::ArrowUp, Direction::Up),
        (Key::ArrowDown, Direction::Down),
        (Key::ArrowLeft, Direction::Left),
        (Key::ArrowRight, Direction::Right),
    ];
    for (key, direction) in arrows {
        let times = ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key));
        out.extend((0..times.min(8)).map(|_| UiCommand::MoveFocus(direction)));
    }
}

fn page(ui: &mut Ui, view: &View<'_>, home: &Home, out: &mut Vec<UiCommand>) {
    // egui's focus follows the state's once for each move, so that Tab and the pointer stay free.
    let applied_id = ui.scope_id().with("focus moves applied");
    let applied = ui.data(|data| data.get_temp::<u64>(applied_id)).unwrap_or(0);
    let follow = view.state.home.focus.filter(|_| view.state.home.focus_moves > applied);
    ui.data_mut(|data| data.insert_temp(applied_id, view.state.home.focus_moves));
    ScrollArea::vertical().id_salt("home").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        if let Some(hero) = &home.hero {
            self::hero(ui, view, hero, follow, out);
        } else {
            ui.add_space(size::TOP_BAR + space::L);
        }
        for (index, row) in home.rows.iter().enumerate() {
            self::row(ui, view, row, index, follow, out);
            ui.add_space(space::L);
        }
        ui.add_space(space::XXL);
    });
}

/// Gives a widget egui's focus when the state says so, keeps arrows from egui, and tells when it got focus otherwise.
fn follow_focus(ui: &Ui, response: &Response, here: Focus, follow: Option<Focus>, out: &mut Vec<UiCommand>) {
    if follow == Some(here) {
        response.request_focus();
    }
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    }
    if response.gained_focus() && follow.is_none() {
        out.push(UiCommand::FocusAt(here));
    }
}

fn hero(ui: &mut Ui, view: &View<'_>, card: &TitleCard, follow: Option<Focus>, out: &mut Vec<UiCommand>) {
    let page = ui.max_rect();
    let height = (view_height(ui) * 0.66).clamp(380.0, 640.0);
    let (rect, _) = ui.allocate_exact_size(vec2(page.width(), height), Sense::hover());
    hero_picture(ui, view, card, rect);
    let column = Rect::from_min_max(
        pos2(rect.left() + space::PAGE, rect.top() + size::TOP_BAR),
        pos2(rect.left() + space::PAGE + size::TEXT_COLUMN.min(rect.width() * 0.6), rect.bottom() - space::XL),
    );
    let builder = UiBuilder::new().max_rect(column).layout(Layout::bottom_up(Align::Min));
    ui.scope_builder(builder, |ui| {
        ui.allocate_ui_with_layout(vec2(column.width(), size::BUTTON), Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let label = if card.resume.is_some() { "Resume" } else { "Play" };
            let play = icon_text_button(ui, Prominence::Primary, Some(Icon::Play), label);
            follow_focus(ui, &play, Focus::Hero(HeroButton::Play), follow, out);
            if follow == Some(Focus::Hero(HeroButton::Play)) {
                ui.scroll_to_rect(rect, None);
            }
            let details = icon_text_button(ui, Prominence::Secondary, Some(Icon::Info), "Details");
            follow_focus(ui, &details, Focus::Hero(HeroButton::Details), follow, out);
            if play.clicked() {
                out.push(UiCommand::Play(card.id.clone(), Begin::Resume));
            }
            if details.clicked() {
                out.push(UiCommand::OpenTitle(card.id.clone()));
            }
        });
        ui.add_space(space::L);
        let synopsis = Line { size: text::LARGE, color: color::TEXT_SOFT, rows: 3, width: column.width() };
        body(ui, &card.synopsis, synopsis);
        ui.add_space(space::S);
        let meta = Line { size: text::BODY, color: color::TEXT_SOFT, rows: 1, width: column.width() };
        body(ui, &facts(card), meta);
        ui.add_space(space::M);
        heading(ui, &card.name, text::DISPLAY);
    });
}

fn hero_picture(ui: &Ui, view: &View<'_>, card: &TitleCard, rect: Rect) {
    let painter = ui.painter();
    match view.images.get(&card.poster.path, view.now) {
        Some(picture) => paint_backdrop(painter, rect, picture),
        None => paint_placeholder(painter, rect, ""),
    }
    gradient_horizontal(
        painter,
        rect.with_max_x(rect.left() + rect.width() * 0.85),
        color::ground(245),
        color::ground(0),
    );
    let low = rect.with_min_y(rect.bottom() - rect.height() * 0.6);
    gradient_vertical(painter, low, color::ground(0), color::GROUND);
    let high = rect.with_max_y(rect.top() + size::TOP_BAR * 1.6);
    gradient_vertical(painter, high, color::ground(210), color::ground(0));
}

/// A picture that covers an area to its edges. Only its upper two thirds are used: the lower third of a poster usually
/// holds its name, which is written on the page anyway.
pub fn paint_backdrop(painter: &egui::Painter, rect: Rect, picture: Shelved) {
    const USED: f32 = 0.66;
    let uv = cover_uv(picture.size * vec2(1.0, USED), rect.size());
    let uv = Rect::from_min_max(pos2(uv.left(), uv.top() * USED), pos2(uv.right(), uv.bottom() * USED));
    painter.image(picture.texture, rect, uv, color::WHITE);
}

fn row(ui: &mut Ui, view: &View<'_>, row: &Row, index: usize, follow: Option<Focus>, out: &mut Vec<UiCommand>) {
    let Some(first) = row.titles.first() else { return };
    let shape = CardShape::of(first.poster.width, first.poster.height);
    let picture = shape.size(ui.max_rect().width());
    let page = ui.max_rect();
    ui.add_space(space::L);
    let (place, _) = ui.allocate_exact_size(vec2(page.width(), text::HEADING * 1.6), Sense::hover());
    row_heading(ui, place, &row.heading);
    ui.add_space(space::S);
    let grow = (picture.x * size::CARD_GROWTH).ceil();
    let height = picture.y + size::CARD_CAPTION + grow;
    let (strip, _) = ui.allocate_exact_size(vec2(page.width(), height), Sense::hover());
    let salt = egui::IdSalt::new(("row", &row.id));
    let turn_id = ui.scope_id().with_salt(salt);
    let mut strip_ui = ui.new_child(UiBuilder::new().id_salt(salt).max_rect(strip));
    let output = ScrollArea::horizontal()
        .id_salt(salt)
        .auto_shrink(false)
        .scroll_bar_visibility(egui::scroll_area::ScrollBarVisibility::AlwaysHidden)
        .show(&mut strip_ui, |ui| {
            turn_page(ui, turn_id);
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing = vec2(space::L, 0.0);
                ui.add_space(space::PAGE);
                for (column, title) in row.titles.iter().enumerate() {
                    let here = Focus::Card { row: index, column };
                    let response = title_card(ui, view, title, picture, grow / 2.0);
                    follow_focus(ui, &response, here, follow, out);
                    if follow == Some(here) {
                        bring_into_view(ui, response.rect, place);
                    }
                    if response.clicked() {
                        out.push(open(row, title));
                    }
                }
                ui.add_space(space::PAGE - space::L);
            });
        });
    arrows(ui, strip, picture.y, &output.state, output.content_size.x, turn_id);
}

/// Cards of "Continue watching" play at once; all others lead to their page.
fn open(row: &Row, title: &TitleCard) -> UiCommand {
    match row.kind {
        RowKind::ContinueWatching => UiCommand::Play(title.id.clone(), Begin::Resume),
        _ => UiCommand::OpenTitle(title.id.clone()),
    }
}

/// Scrolls so that a card and its row's heading are seen.
fn bring_into_view(ui: &Ui, card: Rect, heading: Rect) {
    ui.scroll_to_rect(card.expand2(vec2(space::PAGE * 2.0, space::XL)).with_min_y(heading.top() - size::TOP_BAR), None);
}

/// A card of a title; `margin` keeps room for it to grow.
pub fn title_card(ui: &mut Ui, view: &View<'_>, title: &TitleCard, picture: Vec2, margin: f32) -> Response {
    let caption = match &title.resume {
        Some(resume) => time_left(resume.position_ms, resume.duration_ms),
        None => facts(title),
    };
    let progress = title.resume.as_ref().filter(|resume| resume.duration_ms > 0);
    let progress = progress.map(|resume| Progress(resume.position_ms as f32 / resume.duration_ms as f32));
    let card =
        Card { name: &title.name, caption: &caption, picture: view.images.get(&title.poster.path, view.now), progress };
    ui.vertical(|ui| {
        ui.add_space(margin);
        poster_card(ui, &card, picture, view.now)
    })
    .inner
}

fn row_heading(ui: &Ui, place: Rect, words: &str) {
    let line = Line { size: text::HEADING, color: color::TEXT, rows: 1, width: place.width() - space::PAGE * 2.0 };
    let galley = elided(ui.painter(), words, line);
    let at = pos2(place.left() + space::PAGE, place.center().y - galley.size().y / 2.0);
    paint_strong(ui.painter(), at, &galley, line.color);
    let response = ui.interact(place, ui.scope_id().with(("row heading", words)), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Heading, true, words));
}

/// Round buttons at the ends of a row that is wider than the page, while the pointer is over it.
fn arrows(ui: &mut Ui, strip: Rect, picture_height: f32, state: &egui::scroll_area::State, content: f32, id: egui::Id) {
    let most = (content - strip.width()).max(0.0);
    let offset = state.clamped_offset().x;
    if most < 1.0 || !ui.rect_contains_pointer(strip) {
        return;
    }
    let page = strip.width() * 0.8;
    let sides = [
        (offset > 1.0, Icon::ChevronLeft, "Earlier in this row", strip.left() + 26.0, -page),
        (offset < most - 1.0, Icon::ChevronRight, "More in this row", strip.right() - 26.0, page),
    ];
    for (shown, icon, name, x, by) in sides {
        if !shown {
            continue;
        }
        let center = pos2(x, strip.top() + picture_height / 2.0);
        let rect = Rect::from_center_size(center, Vec2::splat(size::PLAYER_BUTTON));
        ui.painter().circle_filled(center, size::PLAYER_BUTTON / 2.0, color::GLASS);
        let response = ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt(egui::IdSalt::new((id, name))), |ui| {
            glass_button(ui, icon, name, size::PLAYER_BUTTON)
        });
        if response.inner.clicked() {
            ui.data_mut(|data| data.insert_temp(id.with("turn"), by));
            ui.ctx().request_repaint();
        }
    }
}

/// Scrolls the row that is being drawn when one of its arrows was pressed.
fn turn_page(ui: &Ui, id: egui::Id) {
    if let Some(by) = ui.data_mut(|data| data.remove_temp::<f32>(id.with("turn"))) {
        ui.scroll_with_delta(vec2(-by, 0.0));
    }
}

/// Year, age rating, length and genres in one line.
pub fn facts(card: &TitleCard) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(card.year.map(|year| year.to_string()));
    parts.push(runtime(card.duration_ms));
    if !card.genres.is_empty() {
        parts.push(card.genres.iter().take(3).cloned().collect::<Vec<_>>().join(", "));
    }
    parts.join("  ·  ")
}

fn view_height(ui: &Ui) -> f32 {
    ui.ctx().content_rect().height()
}

fn loading(ui: &Ui, view: &View<'_>) {
    spinner(ui.painter(), ui.max_rect().center(), 20.0, color::ACCENT, view.now);
    ui.ctx().request_repaint();
}

fn empty(ui: &mut Ui) {
    let area = Rect::from_center_size(ui.max_rect().center(), vec2(420.0, 120.0));
    ui.scope_builder(UiBuilder::new().max_rect(area).layout(Layout::top_down(Align::Center)), |ui| {
        heading(ui, "Nothing here yet", text::TITLE);
        let line = Line { size: text::BODY, color: color::TEXT_SOFT, rows: 3, width: 420.0 };
        body(
            ui,
            "The catalogue is empty. Films appear here as soon as they are added with `kinora-backend ingest`.",
            line,
        );
    });
}
