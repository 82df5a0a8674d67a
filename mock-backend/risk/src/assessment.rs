//! Result of an assessment.

use std::fmt;

/// Score from which on an event counts as part of an attack.
pub const ATTACK: f64 = 0.5;
/// Score from which on an event is logged.
pub const LOGGED: f64 = 0.25;
/// Strength of guessing or stuffing from which on further tries are limited.
pub(crate) const LIMITED: f64 = 0.9;

/// Reason for a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// Many refused sign-ins to one account.
    Guessing,
    /// A sign-in that succeeded after many that were refused.
    GuessedRight,
    /// One network, device or program tries many accounts.
    Stuffing,
    /// Many strangers try one account each.
    DistributedStuffing,
    /// A token or an account is used by more devices at more places than its people explain.
    Sharing,
    /// Nobody travels that fast.
    ImpossibleTravel,
    /// It goes on with a session that is an attack.
    Session,
    /// A device that the account has not had.
    NewDevice,
    /// A country that the account has not been in.
    NewCountry,
    /// A program for calls rather than an app or a browser.
    Tool,
}

impl Reason {
    /// Returns the name, as it stands in files and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guessing => "guessing",
            Self::GuessedRight => "guessed_right",
            Self::Stuffing => "stuffing",
            Self::DistributedStuffing => "distributed_stuffing",
            Self::Sharing => "sharing",
            Self::ImpossibleTravel => "impossible_travel",
            Self::Session => "session",
            Self::NewDevice => "new_device",
            Self::NewCountry => "new_country",
            Self::Tool => "tool",
        }
    }
}

/// Action that follows from a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Nothing is done.
    Allow,
    /// The event is logged with its score.
    Log,
    /// A further proof is asked for.
    StepUp,
    /// Further tries have to wait.
    Limit,
}

impl Action {
    /// Returns the name, as it stands in files and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Log => "log",
            Self::StepUp => "step_up",
            Self::Limit => "limit",
        }
    }
}

/// Result of an assessment.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Score, 0 to 1; [`ATTACK`] and more mean an attack.
    pub score: f64,
    /// Reasons with their strengths, the strongest first.
    pub reasons: Vec<(Reason, f64)>,
    /// Action that is due.
    pub action: Action,
}

impl Assessment {
    /// Combines signals as if they were independent causes (noisy or). Of several with the same reason the strongest counts.
    /// `limits` is true if further tries have to wait.
    pub(crate) fn of(signals: impl IntoIterator<Item = (Reason, f64)>, limits: bool) -> Self {
        let mut reasons: Vec<(Reason, f64)> = Vec::new();
        for (reason, strength) in signals {
            let strength = strength.clamp(0.0, 1.0);
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, known)) => *known = known.max(strength),
                None if strength >= 0.05 => reasons.push((reason, strength)),
                None => {}
            }
        }
        reasons.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
        let score = 1.0 - reasons.iter().map(|(_, strength)| 1.0 - strength).product::<f64>();
        let action = match score {
            _ if limits => Action::Limit,
            ATTACK.. => Action::StepUp,
            LOGGED.. => Action::Log,
            _ => Action::Allow,
        };
        Self { score, reasons, action }
    }

    /// Adds a reason.
    pub(crate) fn add(&mut self, reason: Reason, strength: f64) {
        let reasons = self.reasons.iter().copied().chain([(reason, strength)]);
        *self = Self::of(reasons.collect::<Vec<_>>(), self.action == Action::Limit);
    }

    /// Returns true if a reason is among the reasons.
    pub fn has(&self, reason: Reason) -> bool {
        self.reasons.iter().any(|(known, _)| *known == reason)
    }
}

impl fmt::Display for Assessment {
    /// Writes the names of the reasons, separated by spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (reason, _)) in self.reasons.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { " " }, reason.name())?;
        }
        Ok(())
    }
}
