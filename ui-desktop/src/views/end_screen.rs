//! The screen after a film: the next title, similar ones, and the film once more.

use egui::accesskit::Role;
use egui::{Align, Layout, Rect, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, pos2};
use kinora_api::TitleCard;
use player_core::State;

use super::appearing::has_appeared;
use super::{View, home};
use crate::command::{Begin, PlayerCommand, UiCommand};
use crate::navigation;
use crate::state::{PlayerState, follows_by_itself, name_in_series, next_episode};
use crate::theme::tokens::{color, size, space, text};
use crate::widgets::{CardGrid, CardShape, Icon, Line, Prominence, body, heading, icon_text_button, text_button};

/// Titles to go on with after a film.
pub struct Company<'a> {
    /// The next one: an episode that follows, else the first of the similar ones.
    next: &'a TitleCard,
    /// Similar ones.
    similar: &'a [TitleCard],
}

/// Returns the titles to go on with when the film has ended and there are any. The next episode that begins by itself does
/// without the screen.
pub fn company<'a>(view: &View<'_>, player: &'a PlayerState) -> Option<Company<'a>> {
    let similar = player.companion.as_ref()?.detail.similar.as_slice();
    let has_ended = view.snapshot.state == State::Ended && player.problem.is_none();
    if !has_ended || follows_by_itself(player, &view.state.settings) {
        return None;
    }
    Some(Company { next: next_episode(player).or(similar.first())?, similar })
}

/// Draws the screen over the last picture. The button that plays the next title has the focus.
pub fn show(ui: &mut Ui, view: &View<'_>, player: &PlayerState, page: Rect, out: &mut Vec<UiCommand>) {
    let Some(Company { next, similar }) = company(view, player) else { return };
    ui.painter().rect_filled(page, 0.0, color::scrim(190));
    let words = format!("{} has ended", player.name());
    let alert = ui.interact(page, ui.scope_id().with("end screen"), Sense::hover());
    alert.widget_info(|| WidgetInfo::labeled(Role::Status, true, &words));
    let margin = (page.width() * 0.04).max(space::L);
    let inside = Rect::from_min_max(
        pos2(page.left() + margin, page.top() + size::TOP_BAR),
        pos2(page.right() - margin, page.bottom() - space::L),
    );
    let builder = UiBuilder::new().max_rect(inside).layout(Layout::top_down(Align::Min)).id_salt("end screen");
    ui.scope_builder(builder, |ui| {
        let area = ScrollArea::vertical().id_salt("end screen").auto_shrink(false);
        let content = |ui: &mut Ui| {
            ui.spacing_mut().item_spacing.y = space::S;
            ui.add_space((inside.height() * 0.08).min(space::PAGE));
            up_next(ui, next, out);
            ui.add_space(space::XL);
            more(ui, view, similar, out);
        };
        navigation::scroll(ui, area, content, |(): &(), focus| focus.expand(space::XL));
    });
}

fn up_next(ui: &mut Ui, next: &TitleCard, out: &mut Vec<UiCommand>) {
    let width = ui.available_width().min(size::TEXT_COLUMN);
    let line = |size, ink, rows| Line { size, color: ink, rows, width };
    body(ui, "Up next", line(text::LARGE, color::ACCENT, 1));
    heading(ui, &name_in_series(next), text::TITLE + 4.0);
    body(ui, &home::facts(next), line(text::BODY, color::TEXT_SOFT, 1));
    body(ui, &next.synopsis, line(text::BODY, color::TEXT_SOFT, 2));
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        let play = icon_text_button(ui, Prominence::Primary, Some(Icon::Play), "Play next");
        if has_appeared(ui, ui.scope_id().with("end screen appeared")) {
            play.request_focus();
        }
        if play.clicked() {
            out.push(UiCommand::Play(next.id.clone(), Begin::Resume));
        }
        if icon_text_button(ui, Prominence::Secondary, Some(Icon::Replay), "Watch again").clicked() {
            out.push(UiCommand::Player(PlayerCommand::TogglePlay));
        }
        if text_button(ui, Prominence::Quiet, "Back to browsing").clicked() {
            out.push(UiCommand::Player(PlayerCommand::Leave));
        }
    });
}

fn more(ui: &mut Ui, view: &View<'_>, titles: &[TitleCard], out: &mut Vec<UiCommand>) {
    let Some(first) = titles.first() else { return };
    heading(ui, "More like this", text::HEADING);
    let (shape, width) = (CardShape::of(first.poster.width, first.poster.height), ui.available_width());
    let CardGrid { columns, picture } = CardGrid::new(shape, width, width);
    let margin = (picture.x * size::CARD_GROWTH / 2.0).ceil();
    for line in titles.chunks(columns).take(2) {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = space::L;
            for title in line {
                if home::title_card(ui, view, title, picture, margin).clicked() {
                    out.push(UiCommand::Play(title.id.clone(), Begin::Resume));
                }
            }
        });
    }
}
