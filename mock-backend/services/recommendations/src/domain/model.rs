//! Titles that go together: EASE^R (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019), with weights,
//! and exact updates by the Woodbury identity.
//!
//! A profile is a row of weights over titles. With `G` the sum of the outer products of all rows, and `P = (G + λI)⁻¹`, the
//! weight of title `i` for title `j` is `-P[i,j] / P[j,j]`, and 0 on the diagonal, so that a title never speaks for itself.
//! `G` is held in whole numbers: to take a row away leaves exactly what would be there without it, in any order of changes.
//! Only `P` is rounded; it is computed anew from `G` before the changes to it cost more than that.

use nalgebra::{DMatrix, DVector};

/// Weight that counts as 1: weights are 64ths.
pub const UNIT: u8 = 64;

/// Maximum number of titles: `P` and `G` take 16 bytes for each pair of titles, 36 MB in all.
pub const MAX_TITLES: usize = 1_500;

/// Changed rows that are put into the model by one update.
pub const BATCH: usize = 32;

/// Weights of one profile: titles by their number in the model, ascending, each with 1 to [`UNIT`] 64ths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights(Vec<(u32, u8)>);

impl Weights {
    /// Returns the weights of some titles; those of 0 are left out, those above [`UNIT`] are `UNIT`, and of several for one title
    /// the greatest counts.
    pub fn new(mut of: Vec<(u32, u8)>) -> Self {
        of.retain(|(_, weight)| *weight > 0);
        of.iter_mut().for_each(|(_, weight)| *weight = (*weight).min(UNIT));
        of.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        of.dedup_by_key(|(title, _)| *title);
        Self(of)
    }

    /// Returns title and weight, by title.
    pub fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.0.iter().map(|&(title, weight)| (title as usize, f64::from(weight) / f64::from(UNIT)))
    }

    /// Returns true if there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of titles.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if a title is among them.
    pub fn contains(&self, title: usize) -> bool {
        self.0.binary_search_by_key(&title, |(other, _)| *other as usize).is_ok()
    }

    fn greatest(&self) -> Option<usize> {
        self.0.last().map(|(title, _)| *title as usize)
    }
}

/// Change of one profile's weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Weights that the model has of the profile; empty if it is new.
    pub before: Weights,
    /// Weights that it is to have; empty to forget the profile.
    pub after: Weights,
}

/// Reason why a model cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The regularisation is not a positive number.
    #[error("the regularisation must be a number above 0, not {0}")]
    Regularisation(f64),
    /// Too many titles.
    #[error("{0} titles are too many")]
    TooManyTitles(usize),
    /// Weights name a title that the model does not have.
    #[error("there is no title {0} in the model")]
    NoTitle(usize),
}

/// The model.
#[derive(Clone, Debug)]
pub struct Model {
    regularisation: f64,
    titles: usize,
    /// `G` in 4096ths, column by column.
    gram: Vec<i64>,
    /// `P`.
    inverse: DMatrix<f64>,
    /// Rows that were changed in `inverse` since it was computed from `gram`.
    changed: usize,
}

impl Model {
    /// Returns a model of `titles` titles that has seen no profile.
    ///
    /// # Errors
    /// When `regularisation` is not above 0.
    pub fn new(regularisation: f64, titles: usize) -> Result<Self, ModelError> {
        if !(regularisation.is_finite() && regularisation > 0.0) {
            return Err(ModelError::Regularisation(regularisation));
        }
        if titles > 20_000 {
            return Err(ModelError::TooManyTitles(titles));
        }
        let inverse = DMatrix::from_diagonal_element(titles, titles, regularisation.recip());
        Ok(Self { regularisation, titles, gram: vec![0; titles * titles], inverse, changed: 0 })
    }

    /// Returns the model of some profiles.
    ///
    /// # Errors
    /// As [`Model::new`]; when weights name a title from `titles` on.
    pub fn train<'w>(
        regularisation: f64,
        titles: usize,
        profiles: impl IntoIterator<Item = &'w Weights>,
    ) -> Result<Self, ModelError> {
        let mut model = Self::new(regularisation, titles)?;
        for weights in profiles {
            model.check(weights)?;
            model.count(weights, 1);
        }
        model.invert();
        Ok(model)
    }

    /// Returns the same data with another regularisation.
    ///
    /// # Errors
    /// When it is not above 0.
    pub fn with_regularisation(&self, regularisation: f64) -> Result<Self, ModelError> {
        let mut model = Self::new(regularisation, self.titles)?;
        model.gram.clone_from(&self.gram);
        model.invert();
        Ok(model)
    }

    /// Returns the number of titles.
    pub const fn titles(&self) -> usize {
        self.titles
    }

    /// Adds titles that no profile has seen, up to `titles` in all.
    pub fn grow(&mut self, titles: usize) {
        let before = self.titles;
        if titles <= before {
            return;
        }
        let mut gram = vec![0; titles * titles];
        for column in 0..before {
            gram[column * titles..column * titles + before]
                .copy_from_slice(&self.gram[column * before..(column + 1) * before]);
        }
        self.gram = gram;
        let inverse = std::mem::replace(&mut self.inverse, DMatrix::zeros(0, 0));
        self.inverse = inverse.resize(titles, titles, 0.0);
        for title in before..titles {
            self.inverse[(title, title)] = self.regularisation.recip();
        }
        self.titles = titles;
    }

    /// Changes the weights of profiles: P becomes what it would be had it been computed from the new weights at once, up to
    /// rounding. Many changes cost `titles² × changes`; computing P anew costs `titles³`, and is done instead once the changes
    /// have cost as much.
    ///
    /// # Errors
    /// When weights name a title that the model does not have; nothing is changed then.
    pub fn change(&mut self, changes: &[Change]) -> Result<(), ModelError> {
        for change in changes {
            self.check(&change.before)?;
            self.check(&change.after)?;
        }
        for change in changes {
            self.count(&change.before, -1);
            self.count(&change.after, 1);
        }
        for batch in changes.chunks(BATCH) {
            self.changed += 2 * batch.len();
            if self.changed >= self.titles || !self.update(batch) {
                self.invert();
                return Ok(());
            }
        }
        Ok(())
    }

    /// Updates P for a batch by the Woodbury identity: with `U` the changed rows as columns and `D` their signs,
    /// `(M + U D Uᵀ)⁻¹ = P − P U (D + Uᵀ P U)⁻¹ Uᵀ P`, because `D⁻¹ = D`. Returns false if the small matrix has no inverse,
    /// which rounding alone can cause.
    fn update(&mut self, batch: &[Change]) -> bool {
        let columns: Vec<(&Weights, f64)> = batch
            .iter()
            .flat_map(|change| [(&change.after, 1.0), (&change.before, -1.0)])
            .filter(|(weights, _)| !weights.is_empty())
            .collect();
        if columns.is_empty() {
            return true;
        }
        let mut products = DMatrix::zeros(self.titles, columns.len());
        for (column, (weights, _)) in columns.iter().enumerate() {
            for (title, weight) in weights.iter() {
                products.column_mut(column).axpy(weight, &self.inverse.column(title), 1.0);
            }
        }
        let mut small = DMatrix::zeros(columns.len(), columns.len());
        for (row, (weights, sign)) in columns.iter().enumerate() {
            for column in 0..columns.len() {
                let product: f64 = weights.iter().map(|(title, weight)| weight * products[(title, column)]).sum();
                small[(row, column)] = product + if row == column { *sign } else { 0.0 };
            }
        }
        let Some(solved) = small.lu().solve(&products.transpose()) else { return false };
        self.inverse.gemm(-1.0, &products, &solved, 1.0);
        true
    }

    /// Computes P from G.
    pub fn invert(&mut self) {
        let unit = f64::from(UNIT) * f64::from(UNIT);
        #[expect(clippy::cast_precision_loss, reason = "sums below 2^53")]
        let mut matrix =
            DMatrix::from_iterator(self.titles, self.titles, self.gram.iter().map(|&product| product as f64 / unit));
        for title in 0..self.titles {
            matrix[(title, title)] += self.regularisation;
        }
        // G is a sum of outer products, so that the matrix is positive definite for every regularisation above 0.
        if let Some(decomposed) = matrix.cholesky() {
            self.inverse = decomposed.inverse();
            self.changed = 0;
        }
    }

    /// Returns how strongly each title is suggested by the weights of a profile; titles with a weight have a score too.
    pub fn scores(&self, weights: &Weights) -> Vec<f64> {
        let mut sums: DVector<f64> = DVector::zeros(self.titles);
        let mut own = vec![0.0; self.titles];
        for (title, weight) in weights.iter().filter(|(title, _)| *title < self.titles) {
            sums.axpy(weight, &self.inverse.column(title), 1.0);
            own[title] = weight;
        }
        let score = |title: usize| {
            let diagonal = self.inverse[(title, title)];
            (own[title] * diagonal - sums[title]) / diagonal
        };
        (0..self.titles).map(score).collect()
    }

    /// Returns how strongly `of` suggests `title`: the part of a score that it adds at a weight of 1. 0 for the title itself.
    pub fn strength(&self, of: usize, title: usize) -> f64 {
        if of == title || of.max(title) >= self.titles {
            return 0.0;
        }
        -self.inverse[(of, title)] / self.inverse[(title, title)]
    }

    /// Returns the title among the weights that adds most to the score of `title`, and how much; `None` if nothing adds to it.
    pub fn reason(&self, weights: &Weights, title: usize) -> Option<(usize, f64)> {
        weights
            .iter()
            .map(|(of, weight)| (of, weight * self.strength(of, title)))
            .filter(|(_, part)| *part > 0.0)
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Returns the greatest difference between the strengths of two models of the same titles.
    pub fn distance(&self, other: &Self) -> f64 {
        let titles = self.titles.min(other.titles);
        let pairs = (0..titles).flat_map(|of| (0..titles).map(move |title| (of, title)));
        pairs.map(|(of, title)| (self.strength(of, title) - other.strength(of, title)).abs()).fold(0.0, f64::max)
    }

    fn check(&self, weights: &Weights) -> Result<(), ModelError> {
        weights.greatest().filter(|title| *title >= self.titles).map_or(Ok(()), |title| Err(ModelError::NoTitle(title)))
    }

    fn count(&mut self, weights: &Weights, sign: i64) {
        for &(of, a) in &weights.0 {
            for &(title, b) in &weights.0 {
                self.gram[of as usize * self.titles + title as usize] += sign * i64::from(a) * i64::from(b);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::evaluate::Random;
    use super::{Change, Model, ModelError, UNIT, Weights};

    fn weights(of: &[(u32, u8)]) -> Weights {
        Weights::new(of.to_vec())
    }

    fn profiles(titles: u32) -> impl Strategy<Value = Vec<Weights>> {
        let one = prop::collection::vec((0..titles, 1..=UNIT), 1..8).prop_map(Weights::new);
        prop::collection::vec(one, 1..60)
    }

    #[test]
    fn weights_have_each_title_once_with_its_greatest_weight() {
        let made = weights(&[(3, 10), (1, 0), (3, 200), (0, 5)]);
        let read: Vec<(usize, f64)> = made.iter().collect();
        assert_eq!(read, [(0, 5.0 / 64.0), (3, 1.0)]);
        assert!(made.contains(3) && !made.contains(1));
    }

    #[test]
    fn the_model_of_two_titles_is_the_one_worked_out_by_hand() {
        // Two profiles have both titles, one has the second only: G = [2 2; 2 3], and with a regularisation of 1
        // P = [4 -2; -2 3] / 8, so that the strengths are 2/3 from the first to the second and 2/4 back.
        let both = weights(&[(0, UNIT), (1, UNIT)]);
        let model = Model::train(1.0, 2, [&both, &both, &weights(&[(1, UNIT)])]).expect("it trains");
        assert!((model.strength(0, 1) - 2.0 / 3.0).abs() < 1e-12, "{}", model.strength(0, 1));
        assert!((model.strength(1, 0) - 0.5).abs() < 1e-12);
        assert!(model.strength(1, 1).abs() < f64::EPSILON);
        let scores = model.scores(&weights(&[(0, UNIT)]));
        assert!(scores[0].abs() < 1e-12 && (scores[1] - 2.0 / 3.0).abs() < 1e-12, "{scores:?}");
    }

    #[test]
    fn a_structure_that_was_planted_is_found() {
        // Titles 0 to 4 and 5 to 9 are watched together, each title of the group by six of ten; title 10 by everyone.
        let mut random = Random(5);
        let mut all = Vec::new();
        for profile in 0_u32..400 {
            let of = (0..5).filter(|_| random.below(10) < 6).map(|title| profile % 2 * 5 + title);
            all.push(Weights::new(of.chain([10]).map(|title| (title, UNIT)).collect()));
        }
        let model = Model::train(5.0, 11, &all).expect("it trains");
        for seen in 0..10_u32 {
            let scores = model.scores(&weights(&[(seen, UNIT)]));
            let mut order: Vec<u32> = (0..10).filter(|title| *title != seen).collect();
            order.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]));
            assert!(order[..4].iter().all(|title| title / 5 == seen / 5), "{seen}: {order:?}");
            let other = (seen + 5) % 10;
            let reason = model.reason(&weights(&[(seen, UNIT), (other, UNIT)]), order[0] as usize);
            assert_eq!(reason.map(|(of, _)| of), Some(seen as usize));
        }
    }

    #[test]
    fn a_title_that_nobody_saw_suggests_nothing_and_comes_in_without_a_change_to_the_others() {
        let both = weights(&[(0, UNIT), (1, UNIT)]);
        let mut model = Model::train(1.0, 2, [&both]).expect("it trains");
        let before = model.strength(0, 1);
        model.grow(4);
        assert_eq!(model.titles(), 4);
        assert!((model.strength(0, 1) - before).abs() < f64::EPSILON);
        assert!(model.strength(0, 3).abs() < f64::EPSILON && model.strength(3, 0).abs() < f64::EPSILON);
        model.change(&[Change { before: Weights::default(), after: weights(&[(3, UNIT), (0, 32)]) }]).expect("taken");
        let anew = Model::train(1.0, 4, [&both, &weights(&[(3, UNIT), (0, 32)])]).expect("it trains");
        assert!(model.distance(&anew) < 1e-12);
    }

    #[test]
    fn weights_of_an_unknown_title_and_a_regularisation_of_nothing_are_refused() {
        let mut model = Model::new(1.0, 2).expect("a model");
        let change = Change { before: Weights::default(), after: weights(&[(0, 1), (2, 1)]) };
        assert_eq!(model.change(&[change]), Err(ModelError::NoTitle(2)));
        assert!(model.distance(&Model::new(1.0, 2).expect("a model")).abs() < f64::EPSILON);
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Model::new(wrong, 2).is_err(), "{wrong}");
        }
        assert!(Model::new(1.0, 20_001).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn changes_lead_where_training_anew_leads(before in profiles(25), after in profiles(25)) {
            let mut model = Model::train(3.0, 25, &before).expect("it trains");
            let none = Weights::default();
            let changes: Vec<Change> = (0..before.len().max(after.len()))
                .map(|at| Change {
                    before: before.get(at).unwrap_or(&none).clone(),
                    after: after.get(at).unwrap_or(&none).clone(),
                })
                .collect();
            // Few at a time, so that the identity is used and not the inversion.
            for some in changes.chunks(3) {
                model.change(some).expect("taken");
            }
            let anew = Model::train(3.0, 25, &after).expect("it trains");
            prop_assert!(model.distance(&anew) <= 1e-9, "{}", model.distance(&anew));
        }

        #[test]
        fn forgetting_a_profile_is_training_without_it(all in profiles(40), chosen in any::<prop::sample::Index>()) {
            let mut model = Model::train(2.0, 40, &all).expect("it trains");
            let chosen = chosen.index(all.len());
            model.change(&[Change { before: all[chosen].clone(), after: Weights::default() }]).expect("taken");
            let without = all.iter().enumerate().filter(|(at, _)| *at != chosen).map(|(_, weights)| weights);
            let anew = Model::train(2.0, 40, without).expect("it trains");
            prop_assert!(model.distance(&anew) <= 1e-9);
            prop_assert_eq!(&model.gram, &anew.gram);
        }
    }
}
