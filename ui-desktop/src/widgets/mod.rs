//! Small parts that pages are made of. They draw and report; none knows a page, a service or a player.

mod avatar;
mod button;
mod field;
mod icon;
mod image_shelf;
mod label;
pub mod live_mark;
mod poster;
mod qr;
mod scrim;
mod seek_bar;
mod spinner;
mod subtitles;

pub use avatar::paint_avatar;
pub use button::{Prominence, focus_ring, glass_button, icon_text_button, text_button};
pub use field::select_all;
pub use icon::{Icon, paint as paint_icon};
pub use image_shelf::{ImageShelf, Shelved};
pub use label::{Line, badge, body, elided, heading, paint_strong, strong_galley, wordmark};
pub use poster::{
    Card, CardGrid, CardShape, Progress, cover_uv, paint_check, paint_picture, paint_placeholder, paint_progress,
    poster_card,
};
pub use qr::paint_qr;
pub use scrim::{gradient_horizontal, gradient_vertical};
pub use seek_bar::{SeekBar, SeekBarResponse, volume_slider};
pub use spinner::spinner;
pub use subtitles::{CueStyle, paint_cues};
