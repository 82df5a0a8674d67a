//! Offers over the picture while a film plays: to skip a part, and the next episode.

use egui::accesskit::Role;
use egui::{Align, Color32, Layout, Rect, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use kinora_api::TitleCard;
use player_core::State;

use super::View;
use super::appearing::has_appeared;
use crate::command::PlayerCommand;
use crate::navigation;
use crate::state::{NextUp, PlayerState, name_in_series, next_episode, skip_offer};
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{
    Icon, Line, Prominence, elided, icon_text_button, paint_picture, paint_placeholder, paint_strong, text_button,
};

/// Width and height of the card of the next episode.
const CARD: (f32, f32) = (460.0, 150.0);
/// Width of its picture.
const PICTURE: f32 = 150.0;

/// Returns true while the next episode is offered.
pub fn has_next(view: &View<'_>, player: &PlayerState) -> bool {
    player.next.is_shown()
        && player.menu.is_none()
        && view.snapshot.state != State::Ended
        && next_episode(player).is_some()
}

/// Returns an id that stays when the controls come and go, and with it the focus and a press that has begun.
fn steady(ui: &Ui, name: &str) -> egui::Id {
    ui.scope_id().with(("offer", name))
}

/// Draws the offers at the lower right of an area.
pub fn show(ui: &mut Ui, view: &View<'_>, player: &PlayerState, area: Rect, wishes: &mut Vec<PlayerCommand>) {
    let corner = area.right_bottom() - vec2(space::XL, space::S);
    if has_next(view, player) {
        if let Some(card) = next_episode(player) {
            next(ui, view, card, player.next, corner, wishes);
        }
    } else if player.menu.is_none()
        && let Some(offer) = skip_offer(player, view.position.as_secs_f64())
    {
        let place = Rect::from_min_max(corner - vec2(240.0, size::BUTTON), corner);
        let builder =
            UiBuilder::new().max_rect(place).layout(Layout::right_to_left(Align::Center)).scope_id(steady(ui, "skip"));
        ui.scope_builder(builder, |ui| {
            let button = icon_text_button(ui, Prominence::Secondary, Some(Icon::Next), offer.label);
            navigation::focus_by_default(&button);
            if button.clicked() {
                wishes.push(PlayerCommand::Skip);
            }
        });
    }
}

/// Draws the card of the next episode, with the seconds until it begins by itself.
fn next(
    ui: &mut Ui,
    view: &View<'_>,
    card: &TitleCard,
    state: NextUp,
    corner: egui::Pos2,
    wishes: &mut Vec<PlayerCommand>,
) {
    let width = CARD.0.min(corner.x - ui.max_rect().left() - space::XL);
    let rect = Rect::from_min_max(corner - vec2(width, CARD.1), corner);
    let ground = ui.interact(rect, ui.scope_id().with("next episode"), Sense::CLICK);
    let words = format!("Next: {}", name_in_series(card));
    ground.widget_info(|| WidgetInfo::labeled(Role::Status, true, &words));
    let painter = ui.painter();
    painter.rect_filled(rect, radius::LARGE, color::GLASS);
    painter.rect_stroke(rect, radius::LARGE, egui::Stroke::new(1.0, color::LINE), egui::StrokeKind::Inside);
    let inside = rect.shrink(space::L);
    let picture = Rect::from_min_size(inside.min, vec2(PICTURE, PICTURE * 9.0 / 16.0));
    match view.images.get(&card.poster.path, view.now) {
        Some(shelved) => paint_picture(painter, picture, shelved, Color32::WHITE),
        None => paint_placeholder(painter, picture, ""),
    }
    let text = inside.with_min_x(picture.right() + space::L);
    let line = |size, ink, rows| Line { size, color: ink, rows, width: text.width() };
    let head = match state {
        NextUp::Counting { left, .. } => format!("Next episode in {:.0} s", left.max(0.0).ceil()),
        _ => "Next episode".to_owned(),
    };
    let head = elided(painter, &head, line(text::BODY, color::ACCENT, 1));
    let name = elided(painter, &name_in_series(card), line(text::LARGE, color::TEXT, 2));
    let below = head.size().y + space::XS;
    painter.galley(text.min, head, color::ACCENT);
    paint_strong(painter, pos2(text.left(), text.top() + below), &name, color::TEXT);
    let buttons = text.with_min_y(text.bottom() - size::BUTTON).with_min_x(inside.left());
    let builder =
        UiBuilder::new().max_rect(buttons).layout(Layout::right_to_left(Align::Center)).scope_id(steady(ui, "next"));
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        let play = icon_text_button(ui, Prominence::Primary, Some(Icon::Play), "Play now");
        if has_appeared(ui, ui.scope_id().with("next episode appeared")) {
            play.request_focus();
        }
        if play.clicked() {
            wishes.push(PlayerCommand::PlayNext);
        }
        if text_button(ui, Prominence::Quiet, "Watch credits").clicked() {
            wishes.push(PlayerCommand::StopNext);
        }
    });
}
