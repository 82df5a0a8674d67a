//! The account page: address, password, PIN, devices, and the end of the account.

use egui::{Align, Key, Layout, Rect, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2};
use kinora_api::Device;

use super::{View, outage};
use crate::command::{AccountCommand, UiCommand};
use crate::navigation;
use crate::state::{DialogKind, Load};
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{Icon, Line, Prominence, body, elided, glass_button, heading, spinner, text_button, wordmark};

/// Height of a row.
const ROW: f32 = 68.0;

/// Draws the bar on top with the way back; returns true when it was pressed. Called after the page, over which it lies.
pub fn bar(ui: &mut Ui) -> bool {
    let page = ui.max_rect();
    let whole = page.with_max_y(page.top() + size::TOP_BAR);
    let mut place = whole.shrink2(vec2(space::PAGE, 0.0));
    // The arrow, not the circle around it, stands above the page's left edge.
    place.min.x -= space::M;
    let mut bar = ui.new_child(UiBuilder::new().max_rect(place).layout(Layout::left_to_right(Align::Center)));
    let back = glass_button(&mut bar, Icon::ChevronLeft, "Back", size::PLAYER_BUTTON);
    navigation::in_bar(&back);
    let left = pos2(back.rect.right() + space::M, whole.center().y);
    wordmark(ui.painter(), left, text::TITLE - 3.0);
    back.clicked()
}

/// Draws a page below the bar, in a column that scrolls.
pub fn column(ui: &mut Ui, name: &str, content: impl FnOnce(&mut Ui)) {
    let page = ui.max_rect();
    let below = page.with_min_y((page.top() + size::TOP_BAR).min(page.bottom()));
    let width = size::ACCOUNT_COLUMN.min(below.width() - space::PAGE);
    let margin = (below.width() - width) / 2.0;
    let builder = UiBuilder::new().max_rect(below).id_salt(name);
    ui.scope_builder(builder, |ui| {
        let everything = |ui: &mut Ui| {
            navigation::scroll_by_keys(ui);
            // The focus ring stands a little outside of what has it.
            let frame = egui::Margin { left: margin as i8, right: margin as i8, top: 8, bottom: 36 };
            let inside =
                Rect::from_min_size(ui.cursor().min + vec2(margin, f32::from(frame.top)), vec2(width, f32::INFINITY));
            let builder = UiBuilder::new().max_rect(inside).layout(Layout::top_down(Align::Min));
            let drawn = ui.scope_builder(builder, |ui| {
                ui.spacing_mut().item_spacing = vec2(space::S, space::S);
                ui.set_width(width);
                content(ui);
            });
            let end = drawn.response.rect.bottom() + f32::from(frame.bottom);
            ui.allocate_rect(
                Rect::from_min_max(pos2(below.left(), end - 1.0), pos2(below.right(), end)),
                Sense::hover(),
            );
        };
        let salt = (name, navigation::visit(ui.ctx()));
        let area = ScrollArea::vertical().id_salt(salt).auto_shrink(false);
        navigation::scroll(ui, area, everything, |(): &(), focus| focus.expand(space::XL));
    });
}

/// Draws the page.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let Some(account) = &view.state.account else { return };
    column(ui, "account", |ui| {
        heading(ui, "Account", text::TITLE);
        ui.add_space(space::S);
        let ask = |kind: DialogKind| UiCommand::Account(AccountCommand::Ask(kind));
        let first = row(
            ui,
            &account.email,
            "E-mail address",
            &[(Prominence::Secondary, "Change e-mail", "Change e-mail")],
            |_| {
                out.push(ask(DialogKind::ChangeEmail));
            },
        );
        first.as_ref().map(navigation::focus_by_default);
        row(
            ui,
            "Password",
            "Changing it signs all other devices out",
            &[(Prominence::Secondary, "Change password", "Change password")],
            |_| {
                out.push(ask(DialogKind::ChangePassword));
            },
        );
        if account.has_pin {
            let buttons = [
                (Prominence::Secondary, "Change PIN", "Change PIN"),
                (Prominence::Secondary, "Remove PIN", "Remove PIN"),
            ];
            row(ui, "PIN", "Locks every profile that may see more than the most limited one", &buttons, |index| {
                out.push(ask(if index == 0 { DialogKind::SetPin } else { DialogKind::RemovePin }));
            });
        } else {
            row(
                ui,
                "No PIN",
                "With one, children can't switch to other profiles",
                &[(Prominence::Secondary, "Set PIN", "Set PIN")],
                |_| {
                    out.push(ask(DialogKind::SetPin));
                },
            );
        }
        ui.add_space(space::L);
        heading(ui, "Devices", text::HEADING);
        devices(ui, view, out);
        ui.add_space(space::L);
        heading(ui, "Erase the account", text::HEADING);
        let about = "Profiles, lists and places in films are deleted";
        row(ui, "This can't be undone", about, &[(Prominence::Danger, "Erase account", "Erase account")], |_| {
            out.push(ask(DialogKind::Erase));
        });
    });
    if bar(ui) || (!view.state.has_sheet() && ui.input(|input| input.key_pressed(Key::Escape))) {
        out.push(UiCommand::Back);
    }
}

fn devices(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let width = ui.available_width();
    match &view.state.accounts.devices {
        Load::Ready(devices) => {
            for device in devices {
                device_row(ui, view, device, out);
            }
        }
        Load::Failed(problem) => {
            let soft = Line { size: text::BODY, color: color::TEXT_SOFT, rows: 3, width };
            body(ui, &format!("{} {}", problem.meaning, problem.advice), soft);
        }
        Load::Idle | Load::Loading => {
            let (rect, _) = ui.allocate_exact_size(vec2(width, ROW), Sense::hover());
            spinner(ui.painter(), rect.center(), 14.0, color::ACCENT, view.now);
            ui.ctx().request_repaint();
        }
    }
}

fn device_row(ui: &mut Ui, view: &View<'_>, device: &Device, out: &mut Vec<UiCommand>) {
    let seen = outage::ago(view.wall.now_ms().saturating_sub(device.last_seen_at));
    let when = if device.this { "this device".to_owned() } else { format!("used {seen}") };
    let about = format!("{} · {when}", device.platform);
    let name = format!("Sign out {}", device.name);
    let buttons = [(Prominence::Secondary, "Sign out", name.as_str())];
    let shown = if device.this { &buttons[..0] } else { &buttons[..] };
    ui.push_id(&device.id, |ui| {
        row(ui, &device.name, &about, shown, |_| {
            let kind = DialogKind::SignOutDevice(device.id.clone());
            out.push(UiCommand::Account(AccountCommand::Ask(kind)));
        });
    });
}

/// Button of a row: how much it wants to be pressed, the word on it, and its name for screen readers.
type RowButton<'a> = (Prominence, &'a str, &'a str);

/// Draws a row: what it is, what there is to say of it, and what can be done. Returns the first button.
fn row(
    ui: &mut Ui,
    title: &str,
    about: &str,
    buttons: &[RowButton<'_>],
    mut pressed: impl FnMut(usize),
) -> Option<egui::Response> {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let spoken = format!("{title}, {about}");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, &spoken));
    ui.painter().rect_filled(rect, radius::MEDIUM, color::SURFACE);
    let inside = rect.shrink2(vec2(space::L, 0.0));
    let mut right = ui.new_child(UiBuilder::new().max_rect(inside).layout(Layout::right_to_left(Align::Center)));
    right.spacing_mut().item_spacing.x = space::S;
    let mut edge = inside.right();
    let mut first = None;
    for (index, (prominence, label, name)) in buttons.iter().enumerate().rev() {
        let button = text_button(&mut right, *prominence, label);
        button.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, *name));
        edge = edge.min(button.rect.left() - space::M);
        if button.clicked() {
            pressed(index);
        }
        first = Some(button);
    }
    let width = (edge - inside.left()).max(40.0);
    let painter = ui.painter();
    let name = elided(painter, title, Line { size: text::LARGE, color: color::TEXT, rows: 1, width });
    let more = elided(painter, about, Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 1, width });
    let top = rect.center().y - (name.size().y + more.size().y + space::XS) / 2.0;
    let below = top + name.size().y + space::XS;
    painter.galley(pos2(inside.left(), top), name, color::TEXT);
    painter.galley(pos2(inside.left(), below), more, color::TEXT_FAINT);
    first
}
