//! Capacity of the network, learned from transfers: rate, time to first byte, and the shortfall of predictions.

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
