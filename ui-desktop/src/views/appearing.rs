//! Distinguishes a part of a page that has just appeared from one that stays, so that it takes the focus once.

use egui::{Id, Ui};

/// Returns true in the first pass in which a part named by `id` is drawn, and again after it was not drawn for a pass.
pub fn has_appeared(ui: &Ui, id: Id) -> bool {
    let pass = ui.ctx().cumulative_pass_nr();
    let before = ui.data_mut(|data| {
        let before = data.get_temp::<u64>(id);
        data.insert_temp(id, pass);
        before
    });
    before.is_none_or(|before| before + 1 < pass)
}
