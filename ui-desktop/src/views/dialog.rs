//! Dialogs about the account: the PIN pad, questions, and small forms over any page.

use egui::accesskit::Role;
use egui::{Event, Key, Sense, Ui, Vec2, WidgetInfo, vec2};
use kinora_api::ProfileId;

use super::View;
use super::appearing::has_appeared;
use super::form::{Content, card, field, message, wide_button};
use crate::command::{AccountCommand, UiCommand};
use crate::navigation;
use crate::state::{Dialog, DialogKind, FieldContent, Load, PIN_LENGTH};
use crate::theme::mix;
use crate::theme::tokens::{color, radius, size, space, text, time};
use crate::widgets::{Icon, Line, Prominence, body, elided, focus_ring, heading, paint_icon, paint_strong, spinner};

/// Guess of the height of a dialog before it was drawn once.
const HEIGHT: f32 = 300.0;
/// Size of a key of the PIN pad.
const KEY: Vec2 = vec2(92.0, 48.0);

/// Words of a dialog.
struct Words {
    title: String,
    text: String,
    action: &'static str,
    is_danger: bool,
}

/// Draws the dialog; Escape and a press beside it close it. While it is open it has the keyboard's focus.
pub fn show(ui: &mut Ui, view: &View<'_>, dialog: &Dialog, out: &mut Vec<UiCommand>) {
    let page = ui.max_rect();
    let area = egui::Area::new(ui.scope_id().with("dialog")).order(egui::Order::Foreground).fixed_pos(page.min);
    navigation::trap(ui.ctx(), area.layer());
    let mut commands = Vec::new();
    area.show(ui.ctx(), |ui| {
        let shade = ui.interact(page, ui.scope_id().with("shade"), Sense::CLICK);
        ui.painter().rect_filled(page, 0.0, color::scrim(170));
        let id = ui.scope_id().with(format!("{:?}", dialog.kind));
        let words = words(view, &dialog.kind);
        let card = card(ui, page, size::DIALOG, HEIGHT, id, |ui| content(ui, view, dialog, &words, &mut commands));
        let beside =
            shade.clicked() && ui.input(|input| input.pointer.interact_pos()).is_some_and(|at| !card.contains(at));
        if !dialog.busy && (beside || ui.input(|input| input.key_pressed(Key::Escape))) {
            commands.push(AccountCommand::Cancel);
        }
    });
    out.extend(commands.into_iter().map(UiCommand::Account));
}

fn name_of(view: &View<'_>, id: &ProfileId) -> String {
    let account = view.state.account.as_ref();
    let profile = account.and_then(|account| account.profiles.iter().find(|profile| profile.id == *id));
    profile.map_or_else(|| "this profile".to_owned(), |profile| profile.name.clone())
}

fn words(view: &View<'_>, kind: &DialogKind) -> Words {
    let make = |title: &str, text: &str, action: &'static str| Words {
        title: title.to_owned(),
        text: text.to_owned(),
        action,
        is_danger: false,
    };
    match kind {
        DialogKind::Enter(id) => {
            let title = format!("PIN for {}", name_of(view, id));
            make(&title, "If you have forgotten it, set another one on the account page.", "OK")
        }
        DialogKind::SaveProfile => make("Enter the PIN", "This change of who may see what needs it.", "OK"),
        DialogKind::DeleteWithPin(_) => make("Enter the PIN", "Deleting a profile needs it.", "OK"),
        DialogKind::DeleteProfile(id) => {
            let title = format!("Delete {}?", name_of(view, id));
            let text = "Its list, its settings and its places in films are deleted. This can't be undone.";
            Words { is_danger: true, ..make(&title, text, "Delete profile") }
        }
        DialogKind::SignOutDevice(id) => {
            let Load::Ready(devices) = &view.state.accounts.devices else {
                return make("Sign this device out?", "Whoever uses it has to sign in again.", "Sign out");
            };
            let name = devices.iter().find(|device| device.id == *id).map_or("this device", |device| &device.name);
            make(&format!("Sign out {name}?"), "Whoever uses it has to sign in again.", "Sign out")
        }
        DialogKind::ChangePassword => make("Change password", "All other devices are signed out.", "Change password"),
        DialogKind::ChangeEmail => make("Change e-mail", "We mail a code to the new address.", "Send code"),
        DialogKind::ConfirmEmail => {
            let text = "A code is on its way to the new address. If none comes, that address has an account already.";
            make("Enter the code", text, "Change e-mail")
        }
        DialogKind::SetPin => {
            let text = "Every profile that may see more than the most limited one then asks for it, on all devices.";
            make("Set a PIN", text, "Set PIN")
        }
        DialogKind::RemovePin => make("Remove the PIN?", "Everybody can switch to every profile then.", "Remove PIN"),
        DialogKind::Erase => {
            let text = "Profiles, lists and places in films are deleted, and all devices are signed out. This can't be undone.";
            Words { is_danger: true, ..make("Erase your account?", text, "Erase account") }
        }
    }
}

fn content(ui: &mut Ui, view: &View<'_>, dialog: &Dialog, words: &Words, out: &mut Vec<AccountCommand>) {
    ui.spacing_mut().item_spacing.y = space::XS;
    let title = heading(ui, &words.title, text::TITLE - 4.0);
    title.widget_info(|| WidgetInfo::labeled(Role::Heading, true, &words.title));
    ui.add_space(space::XS);
    let soft = Line { size: text::BODY, color: color::TEXT_SOFT, rows: 4, width: ui.available_width() };
    body(ui, &words.text, soft);
    ui.add_space(space::M);
    let mut submit = false;
    let mut has_typed = false;
    // One dialog may follow another one: then nothing opens that would take the focus.
    let is_new = has_appeared(ui, ui.scope_id().with(format!("{:?} appeared", dialog.kind)));
    ui.add_enabled_ui(!dialog.busy, |ui| {
        if dialog.kind.is_pad() {
            has_typed = pad(ui, dialog, is_new, out);
        } else {
            submit = fields(ui, dialog, is_new, out);
        }
    });
    let is_question = dialog.fields.is_empty() && !dialog.kind.is_pad();
    message(ui, dialog.message(view.now).as_deref(), !is_question);
    if dialog.wait_until.is_some_and(|until| until > view.now) {
        ui.ctx().request_repaint_after_secs(0.5);
    }
    let prominence = if words.is_danger { Prominence::Danger } else { Prominence::Primary };
    let confirm = wide_button(ui, prominence, if dialog.busy { "One moment…" } else { words.action }, !dialog.busy);
    if dialog.busy {
        spinner(ui.painter(), confirm.rect.right_center() - vec2(space::XL, 0.0), 9.0, color::ON_ACCENT, view.now);
        ui.ctx().request_repaint();
    }
    if has_typed {
        // Digits of a keyboard are followed by Enter.
        confirm.request_focus();
    }
    if submit || confirm.clicked() {
        out.push(AccountCommand::Confirm);
    }
    ui.add_space(space::XS);
    let cancel = wide_button(ui, Prominence::Quiet, "Cancel", !dialog.busy);
    if is_question {
        // Enter pressed once too often must not delete anything.
        navigation::focus_by_default(&cancel);
        if is_new {
            cancel.request_focus();
        }
    }
    if cancel.clicked() {
        out.push(AccountCommand::Cancel);
    }
}

/// Draws the fields; returns true when Enter was pressed in the last one.
fn fields(ui: &mut Ui, dialog: &Dialog, is_new: bool, out: &mut Vec<AccountCommand>) -> bool {
    let mut submit = false;
    for (index, (spec, value)) in dialog.kind.fields().iter().zip(&dialog.fields).enumerate() {
        let content = match spec.content {
            FieldContent::Plain => Content::Plain,
            FieldContent::Password | FieldContent::Pin => Content::password(dialog.shows_passwords),
        };
        let drawn = ui.push_id(index, |ui| field(ui, spec.label, value, content, 256)).inner;
        if index == 0 {
            navigation::focus_by_default(&drawn.response);
            if is_new {
                drawn.response.request_focus();
            }
        }
        if drawn.toggled {
            out.push(AccountCommand::ShowPasswords(!dialog.shows_passwords));
        }
        out.extend(drawn.edited.map(|text| AccountCommand::EditField(index, text)));
        submit |= drawn.entered;
        ui.add_space(space::S);
    }
    submit
}

/// Draws the PIN and its keys; returns true when a digit came from the keyboard.
fn pad(ui: &mut Ui, dialog: &Dialog, is_new: bool, out: &mut Vec<AccountCommand>) -> bool {
    dots(ui, dialog.pin.len());
    ui.add_space(space::M);
    let left = ((ui.available_width() - KEY.x * 3.0 - space::S * 2.0) / 2.0).max(0.0);
    // The pad is entered at its middle; inside, the arrows go straight.
    let place = ui.scope_id().with("a key of the pad has the focus");
    let is_inside = ui.data(|data| data.get_temp::<bool>(place)).unwrap_or(false);
    let mut has_focus = false;
    let mut press = |ui: &mut Ui, digit: u8| {
        let response = key(ui, Some(digit), &digit.to_string());
        has_focus |= response.has_focus();
        if digit == 5 && !is_inside {
            navigation::focus_by_default(&response);
        }
        if digit == 5 && is_new {
            response.request_focus();
        }
        if response.clicked() {
            out.push(AccountCommand::Digit(digit));
        }
    };
    for line in [[1, 2, 3], [4, 5, 6], [7, 8, 9]] {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            ui.add_space(left);
            for digit in line {
                press(ui, digit);
            }
        });
        ui.add_space(space::XS);
    }
    let erase = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        ui.add_space(left + KEY.x + space::S);
        press(ui, 0);
        key(ui, None, "Erase")
    });
    has_focus |= erase.inner.has_focus();
    ui.data_mut(|data| data.insert_temp(place, has_focus));
    if erase.inner.clicked() {
        out.push(AccountCommand::EraseDigit);
    }
    ui.add_space(space::S);
    if !ui.is_enabled() {
        return false;
    }
    let typed = ui.input(|input| input.events.iter().filter_map(of_keyboard).collect::<Vec<_>>());
    let has_digit = typed.iter().any(|command| matches!(command, AccountCommand::Digit(_)));
    out.extend(typed);
    has_digit
}

fn of_keyboard(event: &Event) -> Option<AccountCommand> {
    const DIGITS: [Key; 10] =
        [Key::Num0, Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
    let Event::Key { key, pressed: true, modifiers, .. } = event else { return None };
    if modifiers.ctrl || modifiers.alt || modifiers.command {
        return None;
    }
    match DIGITS.iter().position(|digit| digit == key).map(u8::try_from) {
        Some(Ok(digit)) => Some(AccountCommand::Digit(digit)),
        _ => matches!(key, Key::Backspace | Key::Delete).then_some(AccountCommand::EraseDigit),
    }
}

/// One disc for each digit; the digits are not shown.
fn dots(ui: &mut Ui, count: usize) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 24.0), Sense::hover());
    let spoken = format!("{count} digits entered");
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &spoken));
    let places = count.max(PIN_LENGTH.0);
    let pitch = 26.0;
    let first = rect.center().x - pitch * (places - 1) as f32 / 2.0;
    for index in 0..places {
        let center = egui::pos2(first + pitch * index as f32, rect.center().y);
        if index < count {
            ui.painter().circle_filled(center, 8.0, color::ACCENT);
        } else {
            ui.painter().circle_stroke(center, 7.0, egui::Stroke::new(1.5, color::OUTLINE));
        }
    }
}

fn key(ui: &mut Ui, digit: Option<u8>, name: &str) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(KEY, Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    let heat = ui.ctx().animate_bool_with_time(response.id.with("heat"), response.hovered(), time::HOVER);
    ui.painter().rect_filled(rect, radius::MEDIUM, mix(color::RAISED, color::RAISED_HOVER, heat));
    let ink = if enabled { color::TEXT } else { color::TEXT_FAINT };
    match digit {
        Some(_) => {
            let line = Line { size: text::HEADING + 3.0, color: ink, rows: 1, width: KEY.x };
            let galley = elided(ui.painter(), name, line);
            paint_strong(ui.painter(), rect.center() - galley.size() / 2.0, &galley, ink);
        }
        None => paint_icon(ui.painter(), Icon::Backspace, rect.center(), 24.0, ink),
    }
    focus_ring(ui, &response, rect, radius::MEDIUM);
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}
