//! What the network can do, learned from transfers: rate, time to first byte, and how far predictions fell short.

mod bandwidth;
mod contest;
mod downside;
mod ewma;
mod forecast;
mod pace;
mod regime;
mod sizes;

pub use bandwidth::Bandwidth;
pub use contest::{Contest, ContestTuning};
pub use downside::Downside;
pub use ewma::Ewma;
pub use forecast::{Forecast, ForecastTuning, Outlook};
pub use pace::{Outages, Pace, PaceTuning};
pub use regime::{RegimeTuning, Regimes, Rise};
pub use sizes::Sizes;
