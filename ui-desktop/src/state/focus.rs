//! The keyboard's focus on the home screen. [`crate::navigation`] moves it; here it has a name.

/// A button on the hero banner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeroButton {
    /// Play or resume.
    Play,
    /// The title's page.
    Details,
}

/// A place that the focus can be at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Focus {
    /// On the hero banner.
    Hero(HeroButton),
    /// On a poster.
    Card {
        /// Which row, from the top.
        row: usize,
        /// Which card, from the left.
        column: usize,
    },
}
