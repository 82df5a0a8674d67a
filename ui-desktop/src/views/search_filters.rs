//! Filters above the results of a search, and the page before anything is searched for.

use egui::accesskit::Role;
use egui::{Align, Layout, Rect, ScrollArea, Ui, UiBuilder, Vec2, pos2, vec2};
use kinora_api::{SearchFilter, SearchFilters, TitleKind};

use super::View;
use super::chips::{button_chip, chips, folding_chip};
use crate::command::{SearchCommand, UiCommand};
use crate::navigation;
use crate::state::{FilterGroup, genres, language_name, recent_searches};
use crate::theme::tokens::{color, size, space, text};
use crate::widgets::{Icon, Line, Prominence, body, glass_button, heading, text_button};

/// Maximum values of a group that are shown.
const MAX_VALUES: usize = 16;
/// Lengths in minutes that can be chosen.
const LENGTHS: [u32; 4] = [10, 30, 60, 120];

/// A value of a group, and the filters with it.
struct Value {
    words: String,
    is_chosen: bool,
    filter: SearchFilter,
}

/// Draws the filters at the top of the area; returns where the results begin.
pub fn bar(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) -> f32 {
    let area = ui.max_rect();
    let search = &view.state.search;
    let offered = search.data.ready().map(|found| &found.filters);
    let none = SearchFilters::default();
    let offered = offered.unwrap_or(&none);
    if offered.is_empty() && !search.is_filtered() {
        return area.top();
    }
    let place = area.shrink2(vec2(space::PAGE, 0.0));
    let mut inside =
        ui.new_child(UiBuilder::new().max_rect(place).layout(Layout::top_down(Align::Min)).id_salt("filters"));
    chips(&mut inside, |ui| {
        for group in [FilterGroup::Kind, FilterGroup::Genre, FilterGroup::Language, FilterGroup::Length] {
            let values = values(group, offered, &search.filter);
            if values.is_empty() {
                continue;
            }
            let chosen = values.iter().find(|value| value.is_chosen);
            let is_open = search.group == Some(group);
            let words = chosen.map_or(name(group), |value| value.words.as_str());
            let spoken = match chosen {
                Some(value) => format!("{}: {}", name(group), value.words),
                None => format!("{}: any", name(group)),
            };
            let chip = folding_chip(ui, words, chosen.is_some(), is_open);
            chip.widget_info(|| egui::WidgetInfo::selected(Role::Button, true, is_open, &spoken));
            if chip.clicked() {
                out.push(UiCommand::Search(SearchCommand::ToggleGroup(group)));
            }
        }
        if search.is_filtered() && button_chip(ui, "Clear filters", false, Role::Button).clicked() {
            out.push(UiCommand::Search(SearchCommand::ClearFilters));
        }
    });
    if let Some(group) = search.group {
        inside.add_space(space::S);
        chips(&mut inside, |ui| {
            for value in values(group, offered, &search.filter) {
                if button_chip(ui, &value.words, value.is_chosen, Role::CheckBox).clicked() {
                    out.push(UiCommand::Search(SearchCommand::Filter(value.filter)));
                }
            }
        });
    }
    inside.min_rect().bottom() + space::S
}

const fn name(group: FilterGroup) -> &'static str {
    match group {
        FilterGroup::Kind => "Kind",
        FilterGroup::Genre => "Genre",
        FilterGroup::Language => "Language",
        FilterGroup::Length => "Length",
    }
}

const fn kind_name(kind: TitleKind) -> Option<&'static str> {
    Some(match kind {
        TitleKind::Film => "Films",
        TitleKind::Series => "Series",
        TitleKind::Episode => "Episodes",
        TitleKind::Trailer => "Trailers",
        _ => return None,
    })
}

/// Returns the values of a group. A press on the chosen one takes it away; it stays even when nothing is left of it.
fn values(group: FilterGroup, offered: &SearchFilters, filter: &SearchFilter) -> Vec<Value> {
    let change = |change: &dyn Fn(&mut SearchFilter)| {
        let mut filter = filter.clone();
        change(&mut filter);
        filter
    };
    let mut values: Vec<Value> = match group {
        FilterGroup::Kind => {
            let kinds = offered.kinds.iter().map(|kind| kind.value);
            let missing = filter.kind.filter(|kind| offered.kinds.iter().all(|each| each.value != *kind));
            let of = |kind: TitleKind| {
                let is_chosen = filter.kind == Some(kind);
                let filter = change(&|filter| filter.kind = Some(kind).filter(|_| !is_chosen));
                kind_name(kind).map(|words| Value { words: words.to_owned(), is_chosen, filter })
            };
            kinds.chain(missing).filter_map(of).collect()
        }
        FilterGroup::Genre => {
            let genres = offered.genres.iter().map(|genre| (&genre.value, &genre.label));
            with_missing(genres, &filter.genre, str::to_owned, |value, is_chosen| {
                change(&|filter| filter.genre = Some(value.to_owned()).filter(|_| !is_chosen))
            })
        }
        FilterGroup::Language => {
            let languages = offered.languages.iter().map(|language| (&language.value, &language.label));
            with_missing(languages, &filter.language, language_name, |value, is_chosen| {
                change(&|filter| filter.language = Some(value.to_owned()).filter(|_| !is_chosen))
            })
        }
        FilterGroup::Length => LENGTHS
            .map(|minutes| {
                let is_chosen = filter.max_minutes == Some(minutes);
                let filter = change(&|filter| filter.max_minutes = Some(minutes).filter(|_| !is_chosen));
                let words =
                    if minutes < 60 { format!("Up to {minutes} min") } else { format!("Up to {} h", minutes / 60) };
                Value { words, is_chosen, filter }
            })
            .into(),
    };
    let chosen = values.iter().position(|value| value.is_chosen);
    if let Some(chosen) = chosen.filter(|chosen| *chosen >= MAX_VALUES) {
        values.swap(chosen, MAX_VALUES - 1);
    }
    values.truncate(MAX_VALUES);
    values
}

fn with_missing<'a>(
    offered: impl Iterator<Item = (&'a String, &'a String)>,
    chosen: &'a Option<String>,
    name: impl Fn(&str) -> String,
    change: impl Fn(&str, bool) -> SearchFilter,
) -> Vec<Value> {
    let pairs: Vec<(&String, &String)> = offered.collect();
    let missing = chosen.as_ref().filter(|chosen| pairs.iter().all(|(value, _)| value != chosen));
    let missing = missing.map(|value| (value, name(value)));
    let offered = pairs.into_iter().map(|(value, label)| (value, label.clone()));
    let of = |(value, words): (&String, String)| {
        let is_chosen = chosen.as_ref() == Some(value);
        Value { words, is_chosen, filter: change(value, is_chosen) }
    };
    offered.chain(missing).map(of).collect()
}

/// Draws the page before anything is searched for: recent searches and genres.
pub fn idle(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let recent = recent_searches(view.state);
    let genres = genres(view.state);
    let width = ui.max_rect().width() - space::PAGE * 2.0;
    let content = |ui: &mut Ui| {
        navigation::scroll_by_keys(ui);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing = Vec2::ZERO;
            ui.add_space(space::PAGE);
            ui.vertical(|ui| {
                ui.set_max_width(width);
                ui.add_space(space::L);
                heading(ui, "What would you like to watch?", text::HEADING);
                let line = Line { size: text::BODY, color: color::TEXT_SOFT, rows: 2, width };
                body(ui, "Type a name, a genre or a year.", line);
                if !recent.is_empty() {
                    ui.add_space(space::XL);
                    recents(ui, &recent, out);
                }
                let kinds = view.state.search.offered.iter().flat_map(|offered| &offered.kinds).map(|kind| kind.value);
                let kinds: Vec<TitleKind> = kinds.filter(|kind| BROWSED.contains(kind)).collect();
                if !genres.is_empty() || !kinds.is_empty() {
                    ui.add_space(space::XL);
                    browse(ui, &kinds, &genres, out);
                }
                ui.add_space(space::XXL);
            });
        });
    };
    let area = ScrollArea::vertical().id_salt("search idle").auto_shrink(false);
    navigation::scroll(ui, area, content, |(): &(), focus| focus.expand(space::L));
}

fn recents(ui: &mut Ui, recent: &[&str], out: &mut Vec<UiCommand>) {
    ui.horizontal(|ui| {
        heading(ui, "Recent searches", text::LARGE);
        ui.add_space(space::M);
        if text_button(ui, Prominence::Quiet, "Clear all").clicked() {
            out.push(UiCommand::Search(SearchCommand::ForgetAll));
        }
    });
    for words in recent {
        let width = ui.available_width().min(size::TEXT_COLUMN);
        let (place, _) = ui.allocate_exact_size(vec2(width, size::BUTTON), egui::Sense::hover());
        let cross = Rect::from_center_size(
            pos2(place.right() - size::PLAYER_BUTTON / 2.0, place.center().y),
            Vec2::splat(size::PLAYER_BUTTON),
        );
        let row = place.with_max_x(cross.left() - space::XS);
        if recent_line(ui, row, words) {
            out.push(UiCommand::Search(SearchCommand::Recall((*words).to_owned())));
        }
        let mut inside = ui.new_child(UiBuilder::new().max_rect(cross).id_salt(("forget", words)));
        if glass_button(&mut inside, Icon::Close, &format!("Forget “{words}”"), size::PLAYER_BUTTON).clicked() {
            out.push(UiCommand::Search(SearchCommand::Forget((*words).to_owned())));
        }
    }
}

/// Draws a recent search; answers whether it was pressed.
fn recent_line(ui: &Ui, rect: Rect, words: &str) -> bool {
    use crate::theme::tokens::{radius, time};
    use crate::widgets::{elided, focus_ring, paint_icon};

    let response = ui.interact(rect, ui.scope_id().with(("recent", words)), egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(Role::Button, true, format!("Search for {words}")));
    let warm = response.hovered() || response.has_focus();
    let heat = ui.ctx().animate_bool_with_time(response.id.with("heat"), warm, time::HOVER);
    ui.painter().rect_filled(rect, radius::MEDIUM, color::RAISED.gamma_multiply(heat * 0.8));
    paint_icon(ui.painter(), Icon::Search, pos2(rect.left() + space::L, rect.center().y), 15.0, color::TEXT_FAINT);
    let line = Line { size: text::LARGE, color: color::TEXT, rows: 1, width: rect.width() - space::XXL - space::L };
    let galley = elided(ui.painter(), words, line);
    ui.painter().galley(pos2(rect.left() + space::XXL, rect.center().y - galley.size().y / 2.0), galley, line.color);
    focus_ring(ui, &response, rect, radius::MEDIUM);
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}

/// Kinds that can be browsed.
const BROWSED: [TitleKind; 2] = [TitleKind::Film, TitleKind::Series];

fn browse(ui: &mut Ui, kinds: &[TitleKind], genres: &[&str], out: &mut Vec<UiCommand>) {
    heading(ui, "Browse", text::LARGE);
    ui.add_space(space::M);
    chips(ui, |ui| {
        for kind in kinds {
            if button_chip(ui, kind_name(*kind).unwrap_or_default(), false, Role::Button).clicked() {
                let filter = SearchFilter { kind: Some(*kind), ..SearchFilter::default() };
                out.push(UiCommand::Search(SearchCommand::Filter(filter)));
            }
        }
        for genre in genres {
            if button_chip(ui, genre, false, Role::Button).clicked() {
                let filter = SearchFilter { genre: Some((*genre).to_owned()), ..SearchFilter::default() };
                out.push(UiCommand::Search(SearchCommand::Filter(filter)));
            }
        }
    });
}
