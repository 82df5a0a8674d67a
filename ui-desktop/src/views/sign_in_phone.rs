//! Sign-in on a phone: a QR code for its camera, and the code in large letters for its keyboard.

use egui::accesskit::Role;
use egui::{Align, Layout, Rect, Sense, Ui, UiBuilder, WidgetInfo, vec2};

use super::View;
use super::form::wide_button;
use crate::command::{AccountCommand, UiCommand};
use crate::navigation;
use crate::state::{PhoneCode, PhoneSignIn, SignInPage};
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{Line, Prominence, body, elided, heading, paint_qr, paint_strong, spinner};

/// Width of the card.
pub const WIDTH: f32 = 640.0;
/// Side of the QR code with its frame.
const CODE: f32 = 232.0;

/// Draws the content of the card.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    ui.spacing_mut().item_spacing.y = space::XS;
    heading(ui, "Sign in with your phone", text::TITLE);
    ui.add_space(space::M);
    let is_wide = ui.available_width() >= CODE + space::XL + 220.0;
    if is_wide {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = space::XL;
            picture(ui, view);
            let words = vec2(ui.available_width(), CODE);
            ui.allocate_ui_with_layout(words, Layout::top_down(Align::Min), |ui| steps(ui, view));
        });
    } else {
        picture(ui, view);
        ui.add_space(space::M);
        steps(ui, view);
    }
    ui.add_space(space::L);
    let is_over =
        matches!(view.state.sign_in.phone, PhoneSignIn::Expired | PhoneSignIn::Denied | PhoneSignIn::Failed(_));
    if is_over {
        let again = wide_button(ui, Prominence::Primary, "Get a new code", true);
        navigation::focus_by_default(&again);
        if again.clicked() {
            out.push(UiCommand::Account(AccountCommand::NewCode));
        }
        ui.add_space(space::XS);
    }
    let password = wide_button(ui, Prominence::Secondary, "Use your password instead", true);
    if !is_over {
        navigation::focus_by_default(&password);
    }
    if password.clicked() {
        out.push(UiCommand::Account(AccountCommand::ShowSignIn(SignInPage::Password)));
    }
}

/// The QR code; a spinner or an empty frame in its place while there is none.
fn picture(ui: &mut Ui, view: &View<'_>) {
    let (rect, response) = ui.allocate_exact_size(vec2(CODE, CODE), Sense::hover());
    match &view.state.sign_in.phone {
        PhoneSignIn::Waiting(code) => {
            let words = format!("QR code that leads to {}", code.authorization.verification_uri_complete);
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &words));
            if let Some(squares) = &code.squares {
                paint_qr(ui.painter(), squares, rect);
            }
        }
        phone => {
            ui.painter().rect_filled(rect, radius::MEDIUM, color::RAISED);
            if matches!(phone, PhoneSignIn::Asking | PhoneSignIn::Idle) {
                spinner(ui.painter(), rect.center(), 18.0, color::ACCENT, view.now);
                ui.ctx().request_repaint();
            } else {
                let line = Line { size: text::DISPLAY, color: color::TEXT_FAINT, rows: 1, width: CODE };
                let sign = elided(ui.painter(), "–", line);
                paint_strong(ui.painter(), rect.center() - sign.size() / 2.0, &sign, line.color);
            }
        }
    }
}

fn steps(ui: &mut Ui, view: &View<'_>) {
    ui.spacing_mut().item_spacing.y = space::XS;
    let width = ui.available_width();
    let soft = Line { size: text::BODY, color: color::TEXT_SOFT, rows: 3, width };
    match &view.state.sign_in.phone {
        PhoneSignIn::Waiting(code) => waiting(ui, view, code, soft),
        PhoneSignIn::Idle | PhoneSignIn::Asking => {
            status(ui, "Getting a code…", color::TEXT_SOFT);
        }
        PhoneSignIn::Expired => {
            status(ui, "This code has expired.", color::DANGER);
            body(ui, "Get a new one and open it on your phone.", soft);
        }
        PhoneSignIn::Denied => {
            status(ui, "This sign-in was refused on the phone.", color::DANGER);
            body(ui, "Get a new code, or use your password.", soft);
        }
        PhoneSignIn::Failed(words) => {
            status(ui, words, color::DANGER);
        }
    }
}

fn waiting(ui: &mut Ui, view: &View<'_>, code: &PhoneCode, soft: Line) {
    body(ui, "Scan this with your phone’s camera, or open", soft);
    let address = code.authorization.verification_uri.trim_start_matches("https://").trim_start_matches("http://");
    body(ui, address, Line { size: text::LARGE, color: color::TEXT, rows: 2, width: soft.width });
    ui.add_space(space::S);
    body(ui, "and enter this code:", soft);
    letters(ui, &code.authorization.user_code);
    ui.add_space(space::S);
    body(ui, "Sign in there and allow it. This screen goes on by itself.", soft);
    let left = (code.expires_at - view.now).max(0.0);
    let words = if left >= 90.0 {
        format!("Waiting for your phone. Good for {:.0} minutes.", (left / 60.0).ceil())
    } else {
        format!("Waiting for your phone. Good for {:.0} s.", left.ceil())
    };
    let (place, _) = ui.allocate_exact_size(vec2(soft.width, text::SMALL * 3.0), Sense::hover());
    spinner(ui.painter(), place.left_center() + vec2(9.0, 0.0), 8.0, color::ACCENT, view.now);
    ui.ctx().request_repaint_after_secs(0.05);
    let beside = place.with_min_x(place.left() + 28.0);
    let mut beside = ui.new_child(UiBuilder::new().max_rect(beside).layout(Layout::left_to_right(Align::Center)));
    let faint = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 2, width: beside.available_width() };
    body(&mut beside, &words, faint);
}

/// The code, large and with room between its letters, as one is read aloud.
fn letters(ui: &mut Ui, code: &str) {
    let format = egui::TextFormat {
        font_id: egui::FontId::monospace(text::DISPLAY),
        color: color::ACCENT,
        extra_letter_spacing: 1.5,
        ..egui::TextFormat::default()
    };
    let galley = ui.painter().layout_job(egui::text::LayoutJob::single_section(code.to_owned(), format));
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x, size::BUTTON + space::XS), Sense::hover());
    let spoken = format!("Code {code}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    let place = Rect::from_center_size(rect.center(), galley.size()).min;
    paint_strong(ui.painter(), place, &galley, color::ACCENT);
}

fn status(ui: &mut Ui, words: &str, ink: egui::Color32) {
    let line = Line { size: text::HEADING, color: ink, rows: 4, width: ui.available_width() };
    let response = body(ui, words, line);
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, words));
    ui.add_space(space::S);
}
