//! Shortfall of recent predictions: the discount that a cautious plan applies to the next one.

/// Number of predictions remembered.
const WINDOW: usize = 12;

/// A quantile of recent ratios of the observed to the predicted rate, counting only shortfalls.
///
/// RobustMPC (Yin, Jindal, Sekar, Sinopoli: "A Control-Theoretic Approach for Dynamic Adaptive Video Streaming over
/// HTTP", SIGCOMM 2015) divides its prediction by one plus the largest recent error, in whichever direction it was.
/// A link that surprises by being faster deserves no discount, and one outlier should not rule the next minute, so this
/// keeps the downside only and takes a low quantile instead of the minimum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Downside {
    ratios: [f64; WINDOW],
    next: usize,
    len: usize,
}

impl Default for Downside {
    fn default() -> Self {
        Self::new()
    }
}

impl Downside {
    /// No predictions judged yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { ratios: [1.0; WINDOW], next: 0, len: 0 }
    }

    /// Notes that `predicted` was followed by `actual`.
    pub fn observe(&mut self, predicted: f64, actual: f64) {
        let ratio = actual / predicted;
        if ratio.is_nan() {
            return;
        }
        self.ratios[self.next] = ratio.clamp(0.0, 1.0);
        self.next = (self.next + 1) % WINDOW;
        self.len = (self.len + 1).min(WINDOW);
    }

    /// The factor that the prediction should be multiplied with so that about `share` of recent outcomes were below it.
    ///
    /// 1 with no history; `share` is clamped to [0, 1].
    #[must_use]
    pub fn factor(&self, share: f64) -> f64 {
        if self.len == 0 {
            return 1.0;
        }
        let mut sorted = self.ratios;
        let sorted = &mut sorted[..self.len];
        sorted.sort_unstable_by(f64::total_cmp);
        let position = share.clamp(0.0, 1.0) * (self.len - 1) as f64;
        let below = position as usize;
        let above = (below + 1).min(self.len - 1);
        sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surprises_upward_cost_nothing() {
        let mut downside = Downside::new();
        assert_eq!(downside.factor(0.25), 1.0);
        for _ in 0..20 {
            downside.observe(1.0, 5.0);
        }
        assert_eq!(downside.factor(0.0), 1.0);
    }

    #[test]
    fn shortfalls_are_remembered_for_a_window() {
        let mut downside = Downside::new();
        for _ in 0..6 {
            downside.observe(10.0, 5.0);
            downside.observe(10.0, 10.0);
        }
        assert_eq!(downside.factor(0.0), 0.5);
        assert_eq!(downside.factor(1.0), 1.0);
        for _ in 0..WINDOW {
            downside.observe(10.0, 10.0);
        }
        assert_eq!(downside.factor(0.0), 1.0);
        downside.observe(0.0, 0.0);
        assert_eq!(downside.factor(0.0), 1.0, "0/0 says nothing");
    }

    #[test]
    fn a_share_between_two_outcomes_is_between_them() {
        let mut downside = Downside::new();
        [0.8, 0.2, 0.6, 0.4].iter().for_each(|&actual| downside.observe(1.0, actual));
        let near = |share: f64, wanted: f64| {
            let got = downside.factor(share);
            assert!((got - wanted).abs() < 1e-12, "{share}: {got} is not {wanted}");
        };
        near(0.0, 0.2);
        near(0.25, 0.35);
        near(0.5, 0.5);
        near(0.9, 0.74);
        near(1.0, 0.8);
        near(-1.0, 0.2);
        near(7.0, 0.8);
        // Twelve are remembered: the first of thirteen is not.
        let mut many = Downside::new();
        (1..=13).for_each(|tenth| many.observe(10.0, f64::from(tenth) / 2.0));
        assert_eq!((many.factor(0.0), many.factor(1.0)), (0.1, 0.65));
    }
}
