//! Search: a field, and the titles found under it while one types.

use egui::{Event, Key, Modifiers, Rect, Response, ScrollArea, TextEdit, Ui, UiBuilder, Vec2, pos2, vec2};
use kinora_api::SearchResults;

use super::appearing::has_appeared;
use super::{View, error, home, search_filters, shell};
use crate::command::{SearchCommand, UiCommand};
use crate::navigation;
use crate::state::{Load, Route};
use crate::theme::font;
use crate::theme::tokens::{color, size, space, text};
use crate::widgets::{CardGrid, CardShape, Line, Prominence, body, heading, select_all, spinner, text_button};

/// Opens the page on `/` and Ctrl+F (Command+F) from any page but the form and the film. The keys are taken before a
/// field sees them, except that `/` belongs to a field that has the focus.
pub fn shortcuts(ui: &Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let is_page = matches!(view.state.route, Route::Home | Route::Title(_) | Route::Search | Route::Profiles);
    if !is_page || view.state.has_sheet() || view.state.account.is_none() {
        return;
    }
    let in_field = ui.ctx().text_edit_focused();
    let opens = |event: &Event| match event {
        Event::Text(text) => !in_field && text == "/",
        Event::Key { key: Key::F, pressed: true, modifiers, .. } => modifiers.matches_logically(Modifiers::COMMAND),
        _ => false,
    };
    let opened = ui.input_mut(|input| {
        let at = input.events.iter().position(opens)?;
        input.events.remove(at);
        Some(at)
    });
    if let Some(at) = opened {
        // What was typed after it in the same frame is for the field.
        navigation::hold_from(ui.ctx(), at);
        out.push(UiCommand::OpenSearch);
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let page = ui.max_rect();
    let margin = space::PAGE;
    // The banner of an outage lies between the bar and the field.
    let banner =
        if view.state.outage.is_some() || view.state.search.kept.is_some() { size::BUTTON + space::S } else { 0.0 };
    let top = page.top() + size::TOP_BAR + space::S + banner;
    let place = Rect::from_min_size(pos2(page.left() + margin, top), vec2(page.width() - margin * 2.0, 52.0));
    let field = ui.scope_builder(UiBuilder::new().max_rect(place), |ui| field(ui, view, out)).inner;
    let below = page.with_min_y(place.bottom() + space::M);
    let builder = UiBuilder::new().max_rect(below).id_salt("search results");
    ui.scope_builder(builder, |ui| results(ui, view, &field, out));
    shell::top_bar(ui, view, 0.0, out);
    if !view.state.settings_open && ui.input(|input| input.key_pressed(Key::Escape)) {
        out.push(UiCommand::Back);
    }
}

fn field(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) -> Response {
    let mut query = view.state.search.query.clone();
    let id = ui.make_persistent_id("search field");
    // The page was opened anew: the field gets the focus once for each opening, before it takes this frame's letters.
    // After the way back from a title its card has it.
    let applied = ui.scope_id().with("search openings applied");
    if ui.data(|data| data.get_temp::<u64>(applied)) != Some(view.state.search.openings) {
        ui.data_mut(|data| data.insert_temp(applied, view.state.search.openings));
        ui.memory_mut(|memory| memory.request_focus(id));
        // The next letters replace the words of an earlier search.
        select_all(ui.ctx(), id, &query);
    }
    let edit = TextEdit::singleline(&mut query)
        .id(id)
        .hint_text(egui::RichText::new("Search films and series").size(text::HEADING).color(color::TEXT_FAINT))
        .font(font(text::HEADING + 2.0))
        .text_color(color::TEXT)
        .background_color(color::SURFACE)
        .margin(egui::Margin::symmetric(16, 13))
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::text_edit(true, "", &view.state.search.query, "");
        info.label = Some("Search".to_owned());
        info
    });
    if response.changed() {
        out.push(UiCommand::Search(SearchCommand::Edit(query)));
    }
    response
}

fn results(ui: &mut Ui, view: &View<'_>, field: &Response, out: &mut Vec<UiCommand>) {
    let search = &view.state.search;
    if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
        out.push(UiCommand::Search(SearchCommand::Submit));
        match search.data.ready().and_then(|found| found.titles.first()).filter(|_| !search.is_waiting()) {
            Some(first) => out.push(UiCommand::OpenTitle(first.id.clone())),
            // The letters that follow are still for the field.
            None => field.request_focus(),
        }
    }
    let bottom = search_filters::bar(ui, view, out);
    let area = ui.max_rect().with_min_y(bottom);
    let builder = UiBuilder::new().max_rect(area).id_salt("found");
    ui.scope_builder(builder, |ui| match &search.data {
        Load::Ready(found) if found.titles.is_empty() => nothing(ui, view, out),
        Load::Ready(found) => grid(ui, view, found, out),
        Load::Failed(_) if view.state.outage.is_some() => {
            hint(ui, "Search needs a connection.", "It goes on by itself as soon as Kinora can be reached.");
        }
        Load::Failed(problem) => {
            if error::card(ui, view, area, problem, None, out) == Some(error::Choice::Retry) {
                out.push(UiCommand::Reload);
            }
        }
        Load::Loading => {
            spinner(ui.painter(), area.center_top() + vec2(0.0, space::PAGE * 2.0), 18.0, color::ACCENT, view.now);
            ui.ctx().request_repaint();
        }
        Load::Idle => search_filters::idle(ui, view, out),
    });
}

/// Says that nothing was found, and what to do.
fn nothing(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let search = &view.state.search;
    let text = &search.answered.text;
    if !search.is_filtered() {
        let words = format!("Nothing was found for “{text}”.");
        return hint(ui, &words, "Check the spelling, or try a shorter word or a genre.");
    }
    let words = match text.is_empty() {
        true => "No title passes these filters.".to_owned(),
        false => format!("No title for “{text}” passes these filters."),
    };
    hint(ui, &words, "Take a filter away to find more.");
    let place = ui.max_rect().shrink2(vec2(space::PAGE, space::XL)).translate(vec2(0.0, text::HEADING * 4.0));
    ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
        if text_button(ui, Prominence::Primary, "Search without filters").clicked() {
            out.push(UiCommand::Search(SearchCommand::ClearFilters));
        }
    });
}

fn hint(ui: &mut Ui, words: &str, more: &str) {
    let area = ui.max_rect().shrink2(vec2(space::PAGE, space::XL));
    ui.scope_builder(UiBuilder::new().max_rect(area), |ui| {
        heading(ui, words, text::HEADING);
        let line = Line { size: text::BODY, color: color::TEXT_SOFT, rows: 2, width: area.width() };
        body(ui, more, line);
    });
}

fn grid(ui: &mut Ui, view: &View<'_>, found: &SearchResults, out: &mut Vec<UiCommand>) {
    let titles = &found.titles;
    let Some(first) = titles.first() else { return };
    let width = ui.max_rect().width();
    let shape = CardShape::of(first.poster.width, first.poster.height);
    let CardGrid { columns, picture } = CardGrid::new(shape, width, width - space::PAGE * 2.0);
    let margin = (picture.x * size::CARD_GROWTH / 2.0).ceil();
    let is_back = has_appeared(ui, ui.scope_id().with("found appeared"));
    let opened = view.state.search.opened.as_ref().filter(|_| is_back);
    let content = |ui: &mut Ui| {
        navigation::scroll_by_keys(ui);
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        if found.is_simple {
            simple(ui);
        }
        for line in titles.chunks(columns) {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = space::L;
                ui.add_space(space::PAGE);
                for title in line {
                    let card = home::title_card(ui, view, title, picture, margin);
                    if card.clicked() {
                        out.push(UiCommand::OpenTitle(title.id.clone()));
                    }
                    if opened == Some(&title.id) {
                        card.request_focus();
                    }
                }
            });
            ui.add_space(space::M);
        }
    };
    // Other results begin at their top.
    let answered = &view.state.search.answered;
    let salt = ("found", navigation::visit(ui.ctx()), &answered.text, format!("{:?}", answered.filter));
    let area = ScrollArea::vertical().id_salt(salt).auto_shrink(false);
    navigation::scroll(ui, area, content, |(): &(), focus| focus.expand(space::L));
}

/// Says that the service searches less than it can.
fn simple(ui: &mut Ui) {
    ui.horizontal(|ui| {
        ui.add_space(space::PAGE);
        let width = ui.max_rect().width() - space::PAGE;
        let line = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 2, width };
        body(ui, "Search is limited just now: only names are searched.", line);
    });
    ui.add_space(space::XS);
}
