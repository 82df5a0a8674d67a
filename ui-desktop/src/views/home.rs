//! The home screen: one title large on top, rows of posters below. Arrows move, Enter opens.

use egui::{Align, Layout, Rect, Response, ScrollArea, Sense, Ui, UiBuilder, Vec2, pos2, vec2};
use kinora_api::{Home, Row, RowKind, TitleCard, TitleKind};

use super::{View, backdrop, channel, error, offer, shell};
use crate::command::{Begin, LibraryCommand, UiCommand};
use crate::navigation;
use crate::state::{Focus, HeroButton, Load, episode_label, name_in_series, play_words, runtime, time_left};
use crate::theme::tokens::{color, radius, size, space, text, time};
use crate::widgets::{
    Card, CardShape, Icon, Line, Progress, Prominence, body, elided, focus_ring, gradient_horizontal,
    gradient_vertical, heading, icon_text_button, paint_icon, paint_strong, poster_card, spinner,
};

/// Draws the page.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let mut scrolled = 0.0;
    match &view.state.home.data {
        Load::Ready(home) if home.rows.is_empty() && home.hero.is_none() => empty(ui),
        Load::Ready(home) => scrolled = page(ui, view, home, out),
        Load::Failed(problem) => {
            let area = shell::below_bar(ui.max_rect());
            if error::card(ui, view, area, problem, None, out) == Some(error::Choice::Retry) {
                out.push(UiCommand::Reload);
            }
        }
        Load::Idle | Load::Loading => loading(ui, view),
    }
    shell::top_bar(ui, view, scrolled, out);
}

/// Draws the hero and the rows; returns by how many points the page is scrolled.
fn page(ui: &mut Ui, view: &View<'_>, home: &Home, out: &mut Vec<UiCommand>) -> f32 {
    let area = ScrollArea::vertical().id_salt("home").auto_shrink(false);
    let content = |ui: &mut Ui| {
        navigation::scroll_by_keys(ui);
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        let mut sections = Vec::new();
        match &home.hero {
            Some(hero) => sections.push(self::hero(ui, view, hero, out)),
            None => ui.add_space(size::TOP_BAR + space::L),
        }
        sections.extend(offer::show(ui, view, out));
        if home.is_impersonal {
            limits(ui, "Recommendations are away: these rows are the same for everyone.");
        } else if home.is_behind {
            limits(ui, "What you watched lately is kept, and comes into these rows later.");
        }
        for (index, row) in home.rows.iter().enumerate() {
            sections.extend(self::row(ui, view, row, index, out));
            ui.add_space(space::L);
        }
        ui.add_space(space::XXL);
        sections
    };
    // With a card its whole row is seen, heading and caption too, below the bar.
    let frame = |sections: &Vec<Rect>, focus: Rect| {
        let section = sections.iter().find(|section| section.y_range().contains(focus.center().y));
        section.map_or(focus, |section| section.with_min_y(section.top() - size::TOP_BAR))
    };
    let output = navigation::scroll(ui, area, content, frame);
    let scrolled = output.state.clamped_offset().y;
    if home.next.is_some() && scrolled + 2.0 * output.inner_rect.height() > output.content_size.y {
        out.push(UiCommand::MoreRows);
    }
    scrolled
}

/// Notes where on the page the focus is.
fn note_focus(view: &View<'_>, response: &Response, here: Focus, out: &mut Vec<UiCommand>) {
    if response.has_focus() && view.state.home.focus != Some(here) {
        out.push(UiCommand::FocusAt(here));
    }
}

/// Draws the banner: a picture, and on it name, facts, synopsis and buttons in reading order.
fn hero(ui: &mut Ui, view: &View<'_>, card: &TitleCard, out: &mut Vec<UiCommand>) -> Rect {
    let page = ui.max_rect();
    let height = (view_height(ui) * size::HERO_SHARE).clamp(size::HERO.0, size::HERO.1);
    let (rect, _) = ui.allocate_exact_size(vec2(page.width(), height), Sense::hover());
    hero_picture(ui, view, card, rect);
    let column = Rect::from_min_max(
        pos2(rect.left() + space::PAGE, rect.top() + size::TOP_BAR),
        pos2(rect.left() + space::PAGE + size::TEXT_COLUMN.min(rect.width() * 0.6), rect.bottom() - space::L),
    );
    let line = |size: f32, color, rows: usize| Line { size, color, rows, width: column.width() };
    let name = line(text::DISPLAY, color::TEXT, 2);
    let meta = line(text::BODY, color::TEXT_SOFT, 1);
    let synopsis = line(text::LARGE, color::TEXT_SOFT, 3);
    let facts = facts(card);
    let tall = |words: &str, line: Line| elided(ui.painter(), words, line).size().y;
    let reason = card.reason.as_ref().map(|reason| reason.text.as_str());
    let quiet = line(text::BODY, color::ACCENT, 1);
    let why = reason.map_or(0.0, |words| tall(words, quiet) + space::XS);
    let fixed = tall(&card.name, name) + space::S + why + tall(&facts, meta) + space::L + size::BUTTON;
    let about = space::S + tall(&card.synopsis, synopsis);
    let has_room = fixed + about <= column.height();
    let top = column.bottom() - fixed - if has_room { about } else { 0.0 };
    let builder = UiBuilder::new().max_rect(column.with_min_y(top)).layout(Layout::top_down(Align::Min));
    // A child, not a scope: a scope would take the page's cursor along.
    let mut inside = ui.new_child(builder);
    let ui = &mut inside;
    ui.spacing_mut().item_spacing = Vec2::ZERO;
    heading(ui, &card.name, text::DISPLAY);
    ui.add_space(space::S);
    if let Some(words) = reason {
        body(ui, words, quiet);
        ui.add_space(space::XS);
    }
    body(ui, &facts, meta);
    if has_room {
        ui.add_space(space::S);
        body(ui, &card.synopsis, synopsis);
    }
    ui.add_space(space::L);
    ui.horizontal(|ui| hero_buttons(ui, view, card, out));
    rect
}

fn hero_buttons(ui: &mut Ui, view: &View<'_>, card: &TitleCard, out: &mut Vec<UiCommand>) {
    ui.spacing_mut().item_spacing.x = space::M;
    // The episode to go on with is known on the page of the series.
    let is_series = card.kind == TitleKind::Series;
    let (icon, label) = match is_series {
        true => (Icon::Chapters, "Episodes".to_owned()),
        false => (Icon::Play, play_words(card, card)),
    };
    let play = icon_text_button(ui, Prominence::Primary, Some(icon), &label);
    navigation::focus_by_default(&play);
    note_focus(view, &play, Focus::Hero(HeroButton::Play), out);
    if play.clicked() {
        out.push(match is_series {
            true => UiCommand::OpenTitle(card.id.clone()),
            false => UiCommand::Play(card.id.clone(), Begin::Resume),
        });
    }
    if is_series {
        return;
    }
    let details = icon_text_button(ui, Prominence::Secondary, Some(Icon::Info), "Details");
    note_focus(view, &details, Focus::Hero(HeroButton::Details), out);
    if details.clicked() {
        out.push(UiCommand::OpenTitle(card.id.clone()));
    }
}

fn hero_picture(ui: &Ui, view: &View<'_>, card: &TitleCard, rect: Rect) {
    let painter = ui.painter();
    backdrop::paint(painter, view, card, rect);
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

/// Draws a row; returns the rectangle of its heading and cards.
fn row(ui: &mut Ui, view: &View<'_>, row: &Row, index: usize, out: &mut Vec<UiCommand>) -> Option<Rect> {
    let shown = || row.titles.iter().filter(|title| view.state.library.is_shown(row, &title.id));
    let first = shown().next()?;
    let is_live = row.kind == RowKind::Live;
    let shape = match is_live {
        // Programmes have pictures in landscape.
        true => CardShape::Landscape,
        false => CardShape::of(first.poster.width, first.poster.height),
    };
    let picture = shape.size(ui.max_rect().width());
    let page = ui.max_rect();
    ui.add_space(space::L);
    let (place, _) = ui.allocate_exact_size(vec2(page.width(), text::HEADING * 1.6), Sense::hover());
    row_heading(ui, place, &row.heading);
    let is_continue = row.kind == RowKind::ContinueWatching;
    ui.add_space(space::S);
    let grow = (picture.x * size::CARD_GROWTH).ceil();
    let more = if is_live { size::CARD_LINE } else { 0.0 };
    let height = picture.y + size::CARD_CAPTION + more + grow;
    let (strip, _) = ui.allocate_exact_size(vec2(page.width(), height), Sense::hover());
    let salt = egui::IdSalt::new(("row", &row.id));
    let turn_id = ui.scope_id().with_salt(salt);
    let mut strip_ui = ui.new_child(UiBuilder::new().id_salt(salt).max_rect(strip));
    let area = ScrollArea::horizontal()
        .id_salt(salt)
        .auto_shrink(false)
        .scroll_bar_visibility(egui::scroll_area::ScrollBarVisibility::AlwaysHidden);
    let has_hero = view.state.home.data.ready().is_some_and(|home| home.hero.is_some());
    let mut reason = None;
    let content = |ui: &mut Ui| {
        turn_page(ui, turn_id);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing = vec2(space::L, 0.0);
            ui.add_space(space::PAGE);
            let mut cards: Vec<Response> = Vec::new();
            let mut removed = None;
            for (column, title) in shown().enumerate() {
                let does = match is_continue {
                    true if view.state.library.is_editing => CardDoes::Remove,
                    true => CardDoes::Play,
                    false if is_live => CardDoes::Play,
                    false => CardDoes::OpenPage,
                };
                let response = card(ui, view, title, picture, grow / 2.0, does);
                if index == 0 && column == 0 && !has_hero {
                    navigation::focus_by_default(&response);
                }
                note_focus(view, &response, Focus::Card { row: index, column }, out);
                let is_deleted = response.has_focus() && ui.input(|input| input.key_pressed(egui::Key::Delete));
                let does = if is_continue && is_deleted { CardDoes::Remove } else { does };
                if response.clicked() || (is_deleted && does == CardDoes::Remove) {
                    out.push(does.command(title));
                    removed = (does == CardDoes::Remove && response.has_focus()).then_some(column).or(removed);
                }
                if response.hovered() || (response.has_focus() && reason.is_none()) {
                    reason = title.reason.as_ref();
                }
                cards.push(response);
            }
            if is_continue && row.next.is_none() {
                edit_card(ui, view, picture, grow / 2.0, out);
            }
            // The focus of a card that goes is with the one beside it.
            let beside = removed.and_then(|column| cards.get(column + 1).or_else(|| cards.get(column.checked_sub(1)?)));
            if let Some(beside) = beside {
                beside.request_focus();
            }
            ui.add_space(space::PAGE - space::L);
        });
    };
    // Some of the next card is seen too.
    let frame = |(): &(), focus: Rect| focus.expand2(vec2(space::PAGE * 2.0, 0.0));
    let output = navigation::scroll(&mut strip_ui, area, content, frame);
    if let Some(reason) = reason {
        reason_line(ui, place, &row.heading, &reason.text);
    }
    let end = output.state.clamped_offset().x + 2.0 * strip.width();
    if row.next.is_some() && end > output.content_size.x && ui.is_rect_visible(strip) {
        out.push(UiCommand::MoreTitles(row.id.clone()));
    }
    arrows(ui, strip, picture.y, &output.state, output.content_size.x, turn_id);
    Some(place.union(strip))
}

/// A press on a card does one of these. Cards of "Continue watching" and "Live" play at once; all others lead to their page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CardDoes {
    Play,
    OpenPage,
    Remove,
}

impl CardDoes {
    fn command(self, title: &TitleCard) -> UiCommand {
        match self {
            // An episode that was not begun follows one that was watched.
            Self::Play if title.resume.is_none() => UiCommand::Play(title.id.clone(), Begin::Start),
            Self::Play => UiCommand::Play(title.id.clone(), Begin::Resume),
            Self::OpenPage => UiCommand::OpenTitle(title.id.clone()),
            Self::Remove => UiCommand::Library(LibraryCommand::RemoveFromContinue(title.id.clone())),
        }
    }
}

/// The card after those of "Continue watching": after its press, presses on the others remove them.
fn edit_card(ui: &mut Ui, view: &View<'_>, picture: Vec2, margin: f32, out: &mut Vec<UiCommand>) {
    let is_editing = view.state.library.is_editing;
    let (icon, words, spoken) = match is_editing {
        true => (Icon::Check, "Done", "Done removing"),
        false => (Icon::Close, "Remove titles", "Remove titles from Continue watching"),
    };
    let builder = UiBuilder::new().id_salt("edit continue").layout(Layout::top_down(Align::Min));
    let response = ui.scope_builder(builder, |ui| {
        ui.add_space(margin);
        let (rect, response) = ui.allocate_exact_size(vec2(picture.y * 1.2, picture.y), Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, spoken));
        let warm = response.hovered() || response.has_focus() || is_editing;
        let heat = ui.ctx().animate_bool_with_time(response.id.with("heat"), warm, time::HOVER);
        ui.painter().rect_filled(rect, radius::MEDIUM, color::SURFACE.gamma_multiply(0.4 + 0.6 * heat));
        let edge = egui::Stroke::new(1.0, color::LINE);
        ui.painter().rect_stroke(rect, radius::MEDIUM, edge, egui::StrokeKind::Inside);
        let ink = crate::theme::mix(color::TEXT_FAINT, color::TEXT, heat);
        paint_icon(ui.painter(), icon, rect.center() - vec2(0.0, 14.0), 20.0, ink);
        let line = Line { size: text::BODY, color: ink, rows: 1, width: rect.width() - space::L };
        let galley = elided(ui.painter(), words, line);
        let place = rect.center() + vec2(-galley.size().x / 2.0, 6.0);
        ui.painter().galley_with_override_text_color(place, galley, ink);
        focus_ring(ui, &response, rect, radius::MEDIUM);
        response
    });
    if response.inner.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
        out.push(UiCommand::Library(LibraryCommand::EditContinue(!is_editing)));
    }
}

/// A card that leads to its title's page; `margin` keeps room for it to grow.
pub fn title_card(ui: &mut Ui, view: &View<'_>, title: &TitleCard, picture: Vec2, margin: f32) -> Response {
    card(ui, view, title, picture, margin, CardDoes::OpenPage)
}

fn card(ui: &mut Ui, view: &View<'_>, title: &TitleCard, picture: Vec2, margin: f32, does: CardDoes) -> Response {
    let is_live = title.kind == TitleKind::Live;
    let showing = channel::on_air(view, title);
    let (name, caption, more) = match is_live {
        true => {
            let (caption, next) = channel::lines(view, showing.as_ref());
            // Other rows have no room for it.
            (title.name.as_str(), caption, if does == CardDoes::Play { next } else { String::new() })
        }
        false => {
            let (name, caption) = words(title, does);
            (name, caption, String::new())
        }
    };
    let progress = title.resume.as_ref().filter(|resume| resume.duration_ms > 0);
    let progress = progress.map(|resume| Progress(resume.position_ms as f32 / resume.duration_ms as f32));
    let progress = showing.as_ref().map(|showing| Progress(showing.share)).or(progress);
    let at = Rect::from_min_size(ui.cursor().min, picture);
    // A picture is fetched when its card comes near: a row may have thousands.
    let is_near = ui.is_rect_visible(at.expand2(vec2(ui.clip_rect().width(), picture.y * 2.0)));
    let card = Card {
        name,
        caption: &caption,
        more: &more,
        picture: is_near.then(|| view.images.get(&channel::picture(title, showing.as_ref()).path, view.now)).flatten(),
        progress,
        is_live,
        is_watched: view.state.library.is_watched(&title.id),
        plays: does == CardDoes::Play,
        removes: does == CardDoes::Remove,
    };
    if is_live && is_near {
        channel::keep_moving(ui);
    }
    // The focus stays with the title when others come and go in front of it.
    let id = ui.scope_id().with(("card", title.id.as_str()));
    let builder = UiBuilder::new().scope_id(id).layout(Layout::top_down(Align::Min));
    ui.scope_builder(builder, |ui| {
        ui.add_space(margin);
        poster_card(ui, &card, picture, view.now)
    })
    .inner
}

/// Returns the name on a card and the line below it. Episodes to go on with go by their series.
fn words(title: &TitleCard, does: CardDoes) -> (&str, String) {
    match (&title.episode, &title.resume) {
        (Some(place), _) if does != CardDoes::OpenPage => (&place.series_name, name_in_series(title)),
        (Some(place), None) => (&title.name, format!("{}  ·  {}", place.series_name, episode_label(place))),
        (_, Some(resume)) => (&title.name, time_left(resume.position_ms, resume.duration_ms)),
        (None, None) => (&title.name, facts(title)),
    }
}

fn row_heading(ui: &Ui, place: Rect, words: &str) {
    let line = Line { size: text::HEADING, color: color::TEXT, rows: 1, width: place.width() - space::PAGE * 2.0 };
    let galley = elided(ui.painter(), words, line);
    let at = pos2(place.left() + space::PAGE, place.center().y - galley.size().y / 2.0);
    paint_strong(ui.painter(), at, &galley, line.color);
    let response = ui.interact(place, ui.scope_id().with(("row heading", words)), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Heading, true, words));
}

/// Says beside the heading of a row why the card with the focus, or under the pointer, is in it.
fn reason_line(ui: &Ui, place: Rect, heading: &str, words: &str) {
    if words == heading {
        return;
    }
    let full = place.width() - space::PAGE * 2.0;
    let heading = elided(ui.painter(), heading, Line { size: text::HEADING, color: color::TEXT, rows: 1, width: full });
    let left = place.left() + space::PAGE + heading.size().x + space::L;
    let line = Line { size: text::BODY, color: color::TEXT_FAINT, rows: 1, width: place.right() - space::PAGE - left };
    if line.width < text::BODY * 6.0 {
        return;
    }
    let galley = elided(ui.painter(), words, line);
    let rect = Rect::from_min_size(pos2(left, place.center().y - galley.size().y / 2.0 + 1.0), galley.size());
    ui.painter().galley(rect.min, galley, line.color);
    let response = ui.interact(rect, ui.scope_id().with(("reason", place.top() as i32)), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, words));
}

/// Draws a quiet line about what the rows lack.
fn limits(ui: &mut Ui, words: &str) {
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        ui.add_space(space::PAGE);
        let width = ui.max_rect().width() - space::PAGE;
        let line = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 2, width };
        body(ui, words, line);
    });
}

/// Round buttons at the ends of a row that is wider than the page, while the pointer is over it.
fn arrows(ui: &Ui, strip: Rect, picture_height: f32, state: &egui::scroll_area::State, content: f32, id: egui::Id) {
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
        // Only painted over the row: a scope would take the page's cursor along, and what follows would jump up.
        let response = ui.interact(rect, id.with(name), Sense::CLICK).on_hover_cursor(egui::CursorIcon::PointingHand);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, name));
        ui.painter().circle_filled(center, size::PLAYER_BUTTON / 2.0, color::GLASS);
        if response.hovered() {
            ui.painter().circle_filled(center, size::PLAYER_BUTTON / 2.0, color::GLASS_HOVER);
        }
        paint_icon(ui.painter(), icon, center, size::PLAYER_BUTTON * 0.5, color::WHITE);
        if response.clicked() {
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
    match card.kind {
        // The length of all its episodes says little.
        TitleKind::Series => {
            parts.push("Series".to_owned());
            parts.extend(card.year.map(|year| year.to_string()));
        }
        // It has no length, and its year is that of a programme.
        TitleKind::Live => parts.push("Live".to_owned()),
        _ => {
            parts.extend(card.year.map(|year| year.to_string()));
            parts.push(runtime(card.duration_ms));
        }
    }
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
