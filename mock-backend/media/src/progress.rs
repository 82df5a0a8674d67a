//! How the packager tells its caller how far it is.

/// What is being done to a title. The stages come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// The input is examined.
    Probe,
    /// ffmpeg decodes, scales and encodes; nearly all of the time is spent here.
    Encode,
    /// Segments are cut and manifests written.
    Package,
    /// The title is in place.
    Done,
}

impl Stage {
    /// The stage as a word for a progress bar.
    pub fn name(self) -> &'static str {
        match self {
            Self::Probe => "examining",
            Self::Encode => "encoding",
            Self::Package => "packaging",
            Self::Done => "done",
        }
    }
}

/// One report of progress.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// The title's id, which tells apart titles that are made at the same time.
    pub title: &'a str,
    /// What is being done.
    pub stage: Stage,
    /// How much of the stage is done, 0 to 1, never falling within a stage.
    pub fraction: f64,
}

/// Receives progress, from any thread; must return quickly.
pub trait Progress: Sync {
    /// Takes one report. Reports of one title arrive in order.
    fn update(&self, update: Update<'_>);
}

impl<F: Fn(Update<'_>) + Sync> Progress for F {
    fn update(&self, update: Update<'_>) {
        self(update);
    }
}

/// Ignores progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn update(&self, _: Update<'_>) {}
}
