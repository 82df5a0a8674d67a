//! Every colour, size and duration of the interface. No view or widget names a number of its own for these.

use egui::{Color32, CornerRadius};

/// Colours. The ground is a near-black blue; one warm accent marks what matters.
pub mod color {
    use super::Color32;

    /// Behind everything.
    pub const GROUND: Color32 = Color32::from_rgb(0x0b, 0x0c, 0x11);
    /// Cards, fields and menus.
    pub const SURFACE: Color32 = Color32::from_rgb(0x16, 0x19, 0x22);
    /// Something on a surface: a hovered row, a secondary button.
    pub const RAISED: Color32 = Color32::from_rgb(0x24, 0x29, 0x36);
    /// The same, hovered.
    pub const RAISED_HOVER: Color32 = Color32::from_rgb(0x32, 0x39, 0x4a);
    /// Thin lines between things.
    pub const LINE: Color32 = Color32::from_rgb(0x2c, 0x32, 0x40);
    /// Edges of fields and chips, which must be found: at least 3:1 on the ground and on surfaces (WCAG 2.2, 1.4.11).
    pub const OUTLINE: Color32 = Color32::from_rgb(0x66, 0x6e, 0x80);
    /// Headings and what is read first.
    pub const TEXT: Color32 = Color32::from_rgb(0xf4, 0xf5, 0xf8);
    /// Running text.
    pub const TEXT_SOFT: Color32 = Color32::from_rgb(0xc3, 0xc8, 0xd4);
    /// Captions and facts.
    pub const TEXT_FAINT: Color32 = Color32::from_rgb(0x8b, 0x92, 0xa3);
    /// The accent: primary buttons, progress, focus.
    pub const ACCENT: Color32 = Color32::from_rgb(0xff, 0xb4, 0x3b);
    /// The accent, hovered.
    pub const ACCENT_HOVER: Color32 = Color32::from_rgb(0xff, 0xc7, 0x6b);
    /// Text on the accent.
    pub const ON_ACCENT: Color32 = Color32::from_rgb(0x1c, 0x12, 0x02);
    /// Something failed.
    pub const DANGER: Color32 = Color32::from_rgb(0xff, 0x7a, 0x6b);
    /// Behind the word that something failed.
    pub const DANGER_GROUND: Color32 = Color32::from_rgb(0x35, 0x1a, 0x1a);
    /// Mark of what is live.
    pub const LIVE: Color32 = Color32::from_rgb(0xff, 0x3d, 0x3d);
    /// Behind the picture, and bars around it.
    pub const BLACK: Color32 = Color32::BLACK;
    /// Icons and text over the picture.
    pub const WHITE: Color32 = Color32::WHITE;
    /// The seek bar's rail.
    pub const RAIL: Color32 = Color32::from_rgba_premultiplied(0x48, 0x48, 0x48, 0x48);
    /// What is buffered on the rail.
    pub const RAIL_BUFFERED: Color32 = Color32::from_rgba_premultiplied(0x70, 0x70, 0x70, 0x70);
    /// Behind menus and panels over the picture.
    pub const GLASS: Color32 = Color32::from_rgba_premultiplied(0x0e, 0x10, 0x16, 0xf0);
    /// A round button over the picture, hovered.
    pub const GLASS_HOVER: Color32 = Color32::from_rgba_premultiplied(0x30, 0x30, 0x30, 0x30);
    /// Yellow letters of subtitles.
    pub const CUE_YELLOW: Color32 = Color32::from_rgb(0xff, 0xe0, 0x4d);
    /// Behind subtitles.
    pub const CUE_GROUND: Color32 = Color32::from_rgba_premultiplied(0, 0, 0, 0xb4);

    /// Black of a given opacity (0–255), for scrims.
    pub const fn scrim(alpha: u8) -> Color32 {
        Color32::from_rgba_premultiplied(0, 0, 0, alpha)
    }

    /// The ground of a given opacity (0–255), for fades into the page.
    pub fn ground(alpha: u8) -> Color32 {
        Color32::from_rgba_unmultiplied(GROUND.r(), GROUND.g(), GROUND.b(), alpha)
    }

    /// Colours of the pictures of profiles, in the order of [`kinora_api::AVATARS`]: ground, figure, detail.
    pub const AVATARS: [(Color32, Color32, Color32); 12] = [
        (Color32::from_rgb(0x6b, 0x2f, 0x1a), Color32::from_rgb(0xff, 0x9a, 0x4a), Color32::from_rgb(0xff, 0xf1, 0xe0)),
        (Color32::from_rgb(0x3a, 0x2c, 0x5a), Color32::from_rgb(0xb8, 0x92, 0x6a), Color32::from_rgb(0xff, 0xf4, 0xd8)),
        (Color32::from_rgb(0x1f, 0x4a, 0x54), Color32::from_rgb(0xc9, 0xcf, 0xda), Color32::from_rgb(0xff, 0xa8, 0xb4)),
        (Color32::from_rgb(0x2b, 0x4b, 0x35), Color32::from_rgb(0xa4, 0x6e, 0x45), Color32::from_rgb(0xe9, 0xcf, 0xae)),
        (Color32::from_rgb(0x16, 0x3a, 0x66), Color32::from_rgb(0x6f, 0xb8, 0xf2), Color32::from_rgb(0xe3, 0xf4, 0xff)),
        (Color32::from_rgb(0x54, 0x47, 0x24), Color32::from_rgb(0x74, 0xc4, 0x62), Color32::from_rgb(0xf6, 0xff, 0xe8)),
        (Color32::from_rgb(0x38, 0x41, 0x52), Color32::from_rgb(0xb9, 0xc4, 0xd6), Color32::from_rgb(0x5c, 0xe0, 0xd0)),
        (Color32::from_rgb(0x22, 0x28, 0x5c), Color32::from_rgb(0xee, 0xf0, 0xf6), Color32::from_rgb(0xff, 0x6f, 0x5e)),
        (Color32::from_rgb(0x1c, 0x23, 0x48), Color32::from_rgb(0xf7, 0xe3, 0xa0), Color32::from_rgb(0xf7, 0xf1, 0xd8)),
        (Color32::from_rgb(0x5a, 0x2a, 0x4a), Color32::from_rgb(0xff, 0xd0, 0x54), Color32::from_rgb(0xff, 0xe9, 0xae)),
        (Color32::from_rgb(0x1d, 0x42, 0x32), Color32::from_rgb(0x86, 0xd6, 0x83), Color32::from_rgb(0x2f, 0x7a, 0x46)),
        (Color32::from_rgb(0x12, 0x30, 0x4f), Color32::from_rgb(0x4f, 0xb4, 0xe8), Color32::from_rgb(0xd9, 0xf3, 0xff)),
    ];

    /// Grounds of posters whose picture is not here: one is picked by the title's name.
    pub const POSTER_GROUNDS: [(Color32, Color32); 6] = [
        (Color32::from_rgb(0x3a, 0x2c, 0x5a), Color32::from_rgb(0x17, 0x14, 0x2b)),
        (Color32::from_rgb(0x1f, 0x4a, 0x54), Color32::from_rgb(0x0f, 0x1d, 0x26)),
        (Color32::from_rgb(0x5a, 0x32, 0x2c), Color32::from_rgb(0x26, 0x14, 0x16)),
        (Color32::from_rgb(0x2b, 0x4b, 0x35), Color32::from_rgb(0x11, 0x20, 0x19)),
        (Color32::from_rgb(0x54, 0x47, 0x24), Color32::from_rgb(0x23, 0x1c, 0x11)),
        (Color32::from_rgb(0x28, 0x3a, 0x66), Color32::from_rgb(0x10, 0x17, 0x2b)),
    ];
}

/// Type sizes in points.
pub mod text {
    /// The name of a title over its picture.
    pub const DISPLAY: f32 = 44.0;
    /// The name of a page.
    pub const TITLE: f32 = 28.0;
    /// The name of a row.
    pub const HEADING: f32 = 19.0;
    /// Buttons and important facts.
    pub const LARGE: f32 = 16.0;
    /// Running text.
    pub const BODY: f32 = 15.0;
    /// Captions.
    pub const SMALL: f32 = 13.0;
    /// Badges.
    pub const TINY: f32 = 11.5;
    /// Line height of running text, as a factor of its size.
    pub const LEADING: f32 = 1.45;
}

/// Distances in points; everything is a multiple of four.
pub mod space {
    /// Between things that belong together.
    pub const XS: f32 = 4.0;
    /// Between an icon and its word.
    pub const S: f32 = 8.0;
    /// Between controls.
    pub const M: f32 = 12.0;
    /// Inside cards.
    pub const L: f32 = 16.0;
    /// Between groups.
    pub const XL: f32 = 24.0;
    /// Between rows.
    pub const XXL: f32 = 36.0;
    /// From the window's edge to the content of a page.
    pub const PAGE: f32 = 48.0;
}

/// Sizes in points.
pub mod size {
    /// The smallest window: a player in a corner of the screen. Other pages scroll in it.
    pub const WINDOW_MIN: [f32; 2] = [480.0, 270.0];
    /// The window at the first start.
    pub const WINDOW: [f32; 2] = [1280.0, 720.0];
    /// Height of the bar on top of pages.
    pub const TOP_BAR: f32 = 68.0;
    /// Height of ordinary buttons.
    pub const BUTTON: f32 = 44.0;
    /// Height of text fields.
    pub const FIELD: f32 = 46.0;
    /// Width of the sign-in card.
    pub const SIGN_IN_CARD: f32 = 400.0;
    /// Width of the dialogs about the account.
    pub const DIALOG: f32 = 400.0;
    /// Widest column of the pages about the account.
    pub const ACCOUNT_COLUMN: f32 = 720.0;
    /// Widest column of running text.
    pub const TEXT_COLUMN: f32 = 600.0;
    /// Width of the error card.
    pub const ERROR_CARD: f32 = 560.0;
    /// Width of a landscape card at the smallest and largest window.
    pub const CARD_WIDTH: (f32, f32) = (208.0, 312.0);
    /// Width of a portrait card at the smallest and largest window.
    pub const CARD_WIDTH_PORTRAIT: (f32, f32) = (140.0, 208.0);
    /// Widths of the page at which cards are smallest and largest.
    pub const CARD_PAGE: (f32, f32) = (900.0, 1920.0);
    /// Height of the hero banner as a share of the window, so that a whole row is seen below it.
    pub const HERO_SHARE: f32 = 0.56;
    /// Lowest and highest hero banner.
    pub const HERO: (f32, f32) = (300.0, 640.0);
    /// Height of the text under a card.
    pub const CARD_CAPTION: f32 = 48.0;
    /// Height of each further line of it.
    pub const CARD_LINE: f32 = 18.0;
    /// By how much a hovered card grows, as a share of its size.
    pub const CARD_GROWTH: f32 = 0.05;
    /// Side of a round button over the picture.
    pub const PLAYER_BUTTON: f32 = 44.0;
    /// Side of the large button in the middle of the picture.
    pub const PLAYER_BUTTON_LARGE: f32 = 76.0;
    /// Thickness of the seek bar at rest and under the pointer.
    pub const SEEK_BAR: (f32, f32) = (4.0, 7.0);
    /// Height of the area that reacts to the pointer.
    pub const SEEK_BAR_HIT: f32 = 24.0;
    /// Width of the volume slider.
    pub const VOLUME: f32 = 96.0;
    /// Width of a menu over the picture.
    pub const MENU: f32 = 300.0;
    /// Height of a line in such a menu.
    pub const MENU_LINE: f32 = 40.0;
    /// Width of the statistics panel.
    pub const STATS: f32 = 360.0;
    /// Thickness of the focus ring.
    pub const FOCUS_RING: f32 = 2.5;
}

/// Factors by which everything is scaled.
pub mod scale {
    /// Least and greatest share of [`super::size::WINDOW`] that the interface follows.
    pub const WINDOW: (f32, f32) = (0.75, 3.0);
    /// The share goes in steps of this size.
    pub const STEP: f32 = 0.025;
}

/// Rounded corners.
pub mod radius {
    use super::CornerRadius;

    /// Badges and thin bars.
    pub const SMALL: CornerRadius = CornerRadius::same(4);
    /// Buttons, fields and posters.
    pub const MEDIUM: CornerRadius = CornerRadius::same(8);
    /// Cards and menus.
    pub const LARGE: CornerRadius = CornerRadius::same(14);
}

/// Durations in seconds.
pub mod time {
    /// A hover effect.
    pub const HOVER: f32 = 0.14;
    /// A page follows the focus.
    pub const SCROLL: f32 = 0.12;
    /// The controls over the picture come and go.
    pub const OVERLAY: f32 = 0.2;
    /// Without a sign of the viewer for this long the controls go away.
    pub const OVERLAY_IDLE: f64 = 3.0;
    /// A short word over the picture stays this long.
    pub const FLASH: f64 = 0.9;
    /// A notice at the bottom of a page stays this long.
    pub const NOTICE: f64 = 8.0;
    /// A spinner shows only after this long, so that short waits do not flicker.
    pub const SPINNER_DELAY: f64 = 0.4;
    /// After this long a wait has a word.
    pub const WAIT_WORDS: f64 = 2.0;
    /// After this long a wait says what it is for, what is being done, and offers a way out.
    pub const WAIT_REASON: f64 = 3.5;
}
