//! A title's page: what it is, how to watch it, what else there is.

use egui::{Align, Layout, Rect, ScrollArea, Sense, Ui, UiBuilder, Vec2, vec2};
use kinora_api::events::Rating;
use kinora_api::{Credit, Job, Language, TitleCard, TitleDetail, TitleKind};

use super::{View, backdrop, channel, error, home, series, shell};
use crate::command::{Begin, LibraryCommand, UiCommand};
use crate::navigation;
use crate::state::{Load, episode_label, play_words, runtime, time_left, to_play};
use crate::theme::tokens::{color, size, space, text};
use crate::widgets::{
    CardGrid, CardShape, Icon, Line, Progress, Prominence, badge, body, gradient_horizontal, gradient_vertical,
    heading, icon_text_button, spinner, text_button,
};

/// Draws the page; what the poster wall knew is there at once, the rest when it comes.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let state = &view.state.title;
    let detail = state.data.ready();
    let card = detail.map(|detail| &detail.card).or(state.card.as_ref());
    let mut scrolled = 0.0;
    match (card, &state.data) {
        (_, Load::Failed(problem)) => {
            match error::card(ui, view, shell::below_bar(ui.max_rect()), problem, Some("Back"), out) {
                Some(error::Choice::Retry) => out.push(UiCommand::Reload),
                Some(error::Choice::Leave) => out.push(UiCommand::Back),
                None => {}
            }
        }
        (Some(card), _) => scrolled = page(ui, view, card, detail, out),
        (None, _) => {
            spinner(ui.painter(), ui.max_rect().center(), 20.0, color::ACCENT, view.now);
            ui.ctx().request_repaint();
        }
    }
    shell::top_bar(ui, view, scrolled, out);
    if !view.state.settings_open && ui.input(|input| input.key_pressed(egui::Key::Escape)) {
        out.push(UiCommand::Back);
    }
}

/// Draws the page under the bar; returns by how many points it is scrolled.
fn page(ui: &mut Ui, view: &View<'_>, card: &TitleCard, detail: Option<&TitleDetail>, out: &mut Vec<UiCommand>) -> f32 {
    let window = ui.max_rect();
    let area = ScrollArea::vertical().id_salt(("title", navigation::visit(ui.ctx()))).auto_shrink(false);
    let content = |ui: &mut Ui| {
        navigation::scroll_by_keys(ui);
        let width = ui.max_rect().width();
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        backdrop(ui, view, card, Rect::from_min_size(ui.cursor().min, window.size()));
        let top = (ui.ctx().content_rect().height() * 0.2).max(size::TOP_BAR + space::L);
        ui.add_space(top);
        let column = size::TEXT_COLUMN.min(width - space::PAGE * 2.0);
        in_column(ui, column, |ui| about(ui, view, card, detail, out));
        if let Some(detail) = detail.filter(|detail| !detail.seasons.is_empty()) {
            // Of a series the episodes come first.
            series::episodes(ui, view, detail, out);
            ui.add_space(space::XL);
            in_column(ui, column, |ui| credits(ui, detail));
        }
        if let Some(detail) = detail.filter(|detail| !detail.similar.is_empty()) {
            similar(ui, view, &detail.similar, out);
        }
        ui.add_space(space::XXL);
    };
    let frame = |(): &(), focus: Rect| {
        let focus = focus.expand(space::XXL);
        focus.with_min_y(focus.top() - size::TOP_BAR)
    };
    navigation::scroll(ui, area, content, frame).state.clamped_offset().y
}

/// Draws into a column at the left edge of the page's content.
fn in_column(ui: &mut Ui, width: f32, content: impl FnOnce(&mut Ui)) {
    ui.horizontal_top(|ui| {
        ui.add_space(space::PAGE);
        ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
            ui.set_max_width(width);
            content(ui);
        });
    });
}

fn about(ui: &mut Ui, view: &View<'_>, card: &TitleCard, detail: Option<&TitleDetail>, out: &mut Vec<UiCommand>) {
    let width = ui.available_width();
    series::link(ui, card, out);
    heading(ui, &card.name, text::DISPLAY);
    if let Some(original) = detail.and_then(|detail| detail.original_name.as_ref()) {
        body(ui, original, Line { size: text::LARGE, color: color::TEXT_FAINT, rows: 1, width });
    }
    ui.add_space(space::M);
    facts(ui, card, detail);
    ui.add_space(space::XL);
    buttons(ui, card, detail, out);
    if let Some(detail) = detail {
        ui.add_space(space::S);
        marks(ui, view, detail, out);
    }
    channel::programmes(ui, view, card);
    if let Some(resume) = card.resume.as_ref().filter(|resume| resume.duration_ms > 0) {
        ui.add_space(space::L);
        progress(ui, Progress(resume.position_ms as f32 / resume.duration_ms as f32));
        ui.add_space(space::S);
        let line = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 1, width };
        body(ui, &time_left(resume.position_ms, resume.duration_ms), line);
    }
    ui.add_space(space::XL);
    let words = detail.map_or(card.synopsis.as_str(), |detail| detail.description.as_str());
    for paragraph in words.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        body(ui, paragraph.trim(), Line { size: text::LARGE, color: color::TEXT_SOFT, rows: 12, width });
        ui.add_space(space::M);
    }
    if let Some(detail) = detail.filter(|detail| detail.seasons.is_empty()) {
        ui.add_space(space::S);
        credits(ui, detail);
    }
}

/// Draws who made it and what is in it, in lines.
fn credits(ui: &mut Ui, detail: &TitleDetail) {
    people(ui, &detail.cast);
    languages(ui, "Audio", &detail.audio_languages);
    languages(ui, "Subtitles", &detail.subtitle_languages);
    if !detail.card.genres.is_empty() {
        fact_line(ui, "Genres", &detail.card.genres.join(", "));
    }
}

fn facts(ui: &mut Ui, card: &TitleCard, detail: Option<&TitleDetail>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        let line = Line { size: text::BODY, color: color::TEXT_SOFT, rows: 1, width: f32::INFINITY };
        if let Some(year) = card.year.filter(|_| card.kind != TitleKind::Live) {
            body(ui, &year.to_string(), line);
        }
        if let Some(place) = &card.episode {
            body(ui, &episode_label(place), line);
        }
        match card.kind {
            TitleKind::Live => channel::mark(ui),
            TitleKind::Series => drop(body(ui, &series::extent(detail), line)),
            _ => drop(body(ui, &runtime(card.duration_ms), line)),
        }
        if let Some(rating) = &card.rating {
            badge(ui, &rating.label);
        }
        let height = detail.and_then(|detail| detail.max_height);
        if let Some(label) = height.and_then(definition) {
            badge(ui, label);
        }
        if detail.is_some_and(|detail| !detail.subtitle_languages.is_empty()) {
            badge(ui, "CC");
        }
    });
}

const fn definition(height: u32) -> Option<&'static str> {
    match height {
        2160.. => Some("4K"),
        1080..2160 => Some("Full HD"),
        720..1080 => Some("HD"),
        _ => None,
    }
}

fn buttons(ui: &mut Ui, card: &TitleCard, detail: Option<&TitleDetail>, out: &mut Vec<UiCommand>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        if let Some(plays) = to_play(card, detail) {
            let play = icon_text_button(ui, Prominence::Primary, Some(Icon::Play), &play_words(card, plays));
            if play.clicked() {
                out.push(UiCommand::Play(plays.id.clone(), Begin::Resume));
            }
            // The page's one purpose gets the focus, so that Enter plays.
            navigation::focus_by_default(&play);
            if plays.resume.is_some() && text_button(ui, Prominence::Secondary, "From the beginning").clicked() {
                out.push(UiCommand::Play(plays.id.clone(), Begin::Start));
            }
        }
        let trailer = detail.and_then(|detail| detail.trailers.first());
        if let Some(trailer) = trailer
            && text_button(ui, Prominence::Secondary, "Trailer").clicked()
        {
            out.push(UiCommand::Play(trailer.id.clone(), Begin::Start));
        }
    });
}

/// Ratings, with the icon and the words of their buttons, before and after the press.
const RATINGS: [(Rating, Icon, &str, &str); 3] = [
    (Rating::Up, Icon::ThumbUp, "Like", "Liked"),
    (Rating::Down, Icon::ThumbDown, "Dislike", "Disliked"),
    (Rating::NotInterested, Icon::EyeClosed, "Not interested", "Not interested"),
];

/// The buttons by which the profile keeps and rates the title, below those that play it.
fn marks(ui: &mut Ui, view: &View<'_>, detail: &TitleDetail, out: &mut Vec<UiCommand>) {
    let (library, id) = (&view.state.library, &detail.card.id);
    // The icons, not the grounds around them, stand in line with the text of the page. A child does not move its cursor.
    let line = ui.available_rect_before_wrap();
    let place = line.with_min_x(line.left() - space::M);
    let mut inside =
        ui.new_child(UiBuilder::new().max_rect(place).layout(Layout::top_down(Align::Min)).id_salt("marks"));
    inside.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(space::S, space::S);
        let is_listed = library.is_listed(detail);
        let (icon, spoken) = match is_listed {
            true => (Icon::Check, "Remove from My list"),
            false => (Icon::Plus, "Add to My list"),
        };
        if mark(ui, icon, "My list", spoken) {
            out.push(UiCommand::Library(LibraryCommand::List(id.clone(), !is_listed)));
        }
        let is_watched = library.is_watched(id);
        let (icon, label, spoken) = match is_watched {
            true => (Icon::Check, "Watched", "Watched. Mark as not watched"),
            false => (Icon::Eye, "Mark as watched", "Mark as watched"),
        };
        // Episodes of a series are marked one by one, and a channel has no end.
        let has_end = !matches!(detail.card.kind, TitleKind::Series | TitleKind::Live);
        if has_end && mark(ui, icon, label, spoken) {
            out.push(UiCommand::Library(LibraryCommand::MarkWatched(id.clone(), !is_watched)));
        }
        let words = "Remove from Continue watching";
        if library.is_continued(&detail.card) && mark(ui, Icon::Close, words, words) {
            out.push(UiCommand::Library(LibraryCommand::RemoveFromContinue(id.clone())));
        }
    });
    inside.add_space(space::XS);
    inside.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(space::S, space::S);
        let given = library.rating(detail);
        for (rating, icon, label, done) in RATINGS {
            let is_given = given == Some(rating);
            let (icon, label, spoken) = match is_given {
                true => (Icon::Check, done, format!("{done}. Take it back")),
                false => (icon, label, label.to_owned()),
            };
            if mark(ui, icon, label, &spoken) {
                let rating = (!is_given).then_some(rating);
                out.push(UiCommand::Library(LibraryCommand::Rate(id.clone(), rating)));
            }
        }
    });
    ui.allocate_space(vec2(line.width(), inside.min_rect().height()));
}

/// A button that is named by what a press does, and shows how things are; answers whether it was pressed.
fn mark(ui: &mut Ui, icon: Icon, label: &str, spoken: &str) -> bool {
    let response = icon_text_button(ui, Prominence::Quiet, Some(icon), label);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, spoken));
    response.clicked()
}

fn progress(ui: &mut Ui, Progress(share): Progress) {
    let (rect, _) = ui.allocate_exact_size(vec2(280.0_f32.min(ui.available_width()), 4.0), Sense::hover());
    ui.painter().rect_filled(rect, 2.0, color::RAIL);
    let done = rect.width() * share.clamp(0.02, 1.0);
    ui.painter().rect_filled(rect.with_max_x(rect.left() + done), 2.0, color::ACCENT);
}

fn languages(ui: &mut Ui, name: &str, languages: &[Language]) {
    if !languages.is_empty() {
        let names: Vec<&str> = languages.iter().map(|language| language.label.as_str()).collect();
        fact_line(ui, name, &names.join(", "));
    }
}

/// Maximum actors that a page names.
const MAX_ACTORS: usize = 6;

/// The people who made the title, by what they did.
fn people(ui: &mut Ui, cast: &[Credit]) {
    let jobs = [
        (Job::Actor, "With"),
        (Job::Director, "Directed by"),
        (Job::Writer, "Written by"),
        (Job::Composer, "Music by"),
    ];
    for (job, words) in jobs {
        let names = cast.iter().filter(|credit| credit.job == job).take(MAX_ACTORS);
        let names: Vec<&str> = names.map(|credit| credit.name.as_str()).collect();
        if !names.is_empty() {
            fact_line(ui, words, &names.join(", "));
        }
    }
}

fn fact_line(ui: &mut Ui, name: &str, value: &str) {
    ui.horizontal_top(|ui| {
        let line = Line { size: text::BODY, color: color::TEXT_FAINT, rows: 2, width: 96.0 };
        let (rect, _) = ui.allocate_exact_size(vec2(96.0, text::BODY * text::LEADING), Sense::hover());
        body(&mut ui.new_child(UiBuilder::new().max_rect(rect)), name, line);
        let width = ui.available_width();
        body(ui, value, Line { size: text::BODY, color: color::TEXT_SOFT, rows: 2, width });
    });
    ui.add_space(space::XS);
}

fn similar(ui: &mut Ui, view: &View<'_>, titles: &[TitleCard], out: &mut Vec<UiCommand>) {
    let width = ui.max_rect().width();
    ui.add_space(space::XXL);
    ui.horizontal(|ui| {
        ui.add_space(space::PAGE);
        heading(ui, "More like this", text::HEADING);
    });
    let shape =
        titles.first().map_or(CardShape::Landscape, |card| CardShape::of(card.poster.width, card.poster.height));
    let CardGrid { columns, picture } = CardGrid::new(shape, width, width - space::PAGE * 2.0);
    ui.add_space(space::S);
    let margin = (picture.x * size::CARD_GROWTH / 2.0).ceil();
    for line in titles.chunks(columns).take(3) {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = space::L;
            ui.add_space(space::PAGE);
            for title in line {
                if home::title_card(ui, view, title, picture, margin).clicked() {
                    out.push(UiCommand::OpenTitle(title.id.clone()));
                }
            }
        });
    }
}

/// The title's picture, fading into the page. It scrolls with the page, so that nothing further down lies over it.
fn backdrop(ui: &Ui, view: &View<'_>, card: &TitleCard, page: Rect) {
    // Behind a channel is what it shows.
    let shown = channel::on_air(view, card).map(|showing| TitleCard {
        key_art: Some(showing.now.picture.clone()),
        poster: card.poster.clone(),
        ..TitleCard::default()
    });
    let card = shown.as_ref().unwrap_or(card);
    let rect = backdrop::area(page, card);
    let painter = ui.painter();
    backdrop::paint(painter, view, card, rect);
    let side = rect.with_max_x(rect.left() + rect.width() * 0.75);
    gradient_horizontal(painter, side, color::GROUND, color::ground(0));
    gradient_vertical(painter, rect.with_min_y(rect.center().y), color::ground(0), color::GROUND);
    gradient_vertical(painter, rect.with_max_y(rect.top() + size::TOP_BAR * 1.5), color::ground(190), color::ground(0));
    painter.rect_filled(rect, 0.0, color::ground(60));
}
