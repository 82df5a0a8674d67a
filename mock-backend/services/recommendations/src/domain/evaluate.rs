//! Quality of the model on a file of ratings: normalised discounted cumulative gain of the first ten (Järvelin and Kekäläinen,
//! 2002) on ratings that it did not see.

use super::model::{Model, ModelError, UNIT, Weights};
use super::ratings::Ratings;

/// Length of the lists that are judged.
pub const LIST: usize = 10;

/// Regularisations that are tried.
const REGULARISATIONS: [f64; 6] = [20.0, 50.0, 100.0, 200.0, 400.0, 800.0];

/// Settings of an evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Seed of the random split.
    pub seed: u64,
    /// Share of the ratings that are held back, 0 to 1.
    pub held_back: f64,
    /// Minimum rating that counts as liked, in training and in test; `None` counts every rating.
    pub liked_from: Option<f32>,
    /// Regularisation; `None` chooses the one that does best on a tenth of the training ratings.
    pub regularisation: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 1, held_back: 0.2, liked_from: None, regularisation: None }
    }
}

/// Result of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Users who have both a rating to learn from and one that was held back.
    pub users: usize,
    /// Items.
    pub items: usize,
    /// Ratings that the model saw.
    pub trained_on: usize,
    /// Ratings that were held back and counted.
    pub tested_on: usize,
    /// Regularisation.
    pub regularisation: f64,
    /// Mean NDCG@10 of the model, over the users.
    pub model: f64,
    /// The same of a list of the items that most users rated.
    pub popularity: f64,
}

/// Reason why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// The share that is held back is not one.
    #[error("the share that is held back must be above 0 and below 1, not {0}")]
    Share(f64),
    /// No user has ratings in both parts.
    #[error("no user has both a rating to learn from and one that was held back")]
    NoUser,
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Splits the ratings at random, trains on one part and judges on the other. Items that a user rated in the training part are left
/// out of the user's list.
///
/// # Errors
/// When the settings are not usable, or no user is in both parts.
pub fn evaluate(ratings: &Ratings, settings: &Settings) -> Result<Evaluation, EvaluationError> {
    if !(settings.held_back > 0.0 && settings.held_back < 1.0) {
        return Err(EvaluationError::Share(settings.held_back));
    }
    let mut random = Random(settings.seed);
    let (training, test) = split(ratings, &mut random, settings.held_back, settings.liked_from);
    let regularisation = match settings.regularisation {
        Some(given) => given,
        None => choose(ratings, &training, &mut random)?,
    };
    let profiles = weights(ratings.users, &training);
    let model = Model::train(regularisation, ratings.items, &profiles)?;
    let judged = judge(&profiles, &test, |weights| model.scores(weights)).ok_or(EvaluationError::NoUser)?;
    let mut popular = vec![0.0; ratings.items];
    training.iter().for_each(|(_, item)| popular[*item as usize] += 1.0);
    let popularity = judge(&profiles, &test, |_| popular.clone()).ok_or(EvaluationError::NoUser)?;
    Ok(Evaluation {
        users: judged.users,
        items: ratings.items,
        trained_on: training.len(),
        tested_on: test.iter().map(Vec::len).sum(),
        regularisation,
        model: judged.mean,
        popularity: popularity.mean,
    })
}

/// Returns user and item of the ratings to learn from, and for each user the items that were held back.
fn split(
    ratings: &Ratings,
    random: &mut Random,
    share: f64,
    liked_from: Option<f32>,
) -> (Vec<(u32, u32)>, Vec<Vec<u32>>) {
    let (mut training, mut test) = (Vec::new(), vec![Vec::new(); ratings.users]);
    let held_back: Vec<bool> = random.choose(ratings.all.len(), share);
    for (&(user, item, rating), held_back) in ratings.all.iter().zip(held_back) {
        if liked_from.is_some_and(|least| rating < least) {
            continue;
        }
        if held_back {
            test[user as usize].push(item);
        } else {
            training.push((user, item));
        }
    }
    (training, test)
}

/// Returns the regularisation that does best on a tenth of the training ratings, the smaller of two that do as well.
fn choose(ratings: &Ratings, training: &[(u32, u32)], random: &mut Random) -> Result<f64, EvaluationError> {
    let held_back = random.choose(training.len(), 0.1);
    let mut test = vec![Vec::new(); ratings.users];
    let mut kept = Vec::new();
    for (&(user, item), held_back) in training.iter().zip(held_back) {
        if held_back {
            test[user as usize].push(item);
        } else {
            kept.push((user, item));
        }
    }
    let profiles = weights(ratings.users, &kept);
    let mut model = Model::train(REGULARISATIONS[0], ratings.items, &profiles)?;
    let mut best = (REGULARISATIONS[0], f64::NEG_INFINITY);
    for regularisation in REGULARISATIONS {
        model = model.with_regularisation(regularisation)?;
        let judged = judge(&profiles, &test, |weights| model.scores(weights)).map_or(0.0, |judged| judged.mean);
        if judged > best.1 {
            best = (regularisation, judged);
        }
    }
    Ok(best.0)
}

fn weights(users: usize, pairs: &[(u32, u32)]) -> Vec<Weights> {
    let mut of = vec![Vec::new(); users];
    pairs.iter().for_each(|(user, item)| of[*user as usize].push((*item, UNIT)));
    of.into_iter().map(Weights::new).collect()
}

struct Judged {
    users: usize,
    mean: f64,
}

fn judge(profiles: &[Weights], test: &[Vec<u32>], scores: impl Fn(&Weights) -> Vec<f64>) -> Option<Judged> {
    let (mut users, mut sum) = (0_usize, 0.0);
    for (weights, test) in profiles.iter().zip(test) {
        if weights.is_empty() || test.is_empty() {
            continue;
        }
        users += 1;
        sum += gain(&best(&scores(weights), weights), test);
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of users")]
    (users > 0).then(|| Judged { users, mean: sum / users as f64 })
}

/// Returns the items with the highest scores, without those that have a weight; the lower number first among equals.
fn best(scores: &[f64], weights: &Weights) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).filter(|item| !weights.contains(*item)).collect();
    let by_score = |a: &usize, b: &usize| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b));
    if order.len() > LIST {
        order.select_nth_unstable_by(LIST, by_score);
        order.truncate(LIST);
    }
    order.sort_unstable_by(by_score);
    order
}

/// Returns the NDCG of a list: each item that was held back counts `1 / log2(place + 1)`, places from 1, relative to the best list.
#[expect(clippy::cast_precision_loss, reason = "places up to ten")]
fn gain(list: &[usize], test: &[u32]) -> f64 {
    let discount = |place: usize| ((place + 2) as f64).log2().recip();
    let hit = |item: &usize| test.iter().any(|held_back| *held_back as usize == *item);
    let found: f64 = list.iter().enumerate().filter(|(_, item)| hit(item)).map(|(place, _)| discount(place)).sum();
    found / (0..test.len().min(LIST)).map(discount).sum::<f64>()
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers for the same seed on every machine.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// Returns the next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `bound`, which must not be 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Returns which of `count` things are chosen when `share` of them are, rounded.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of a file"
    )]
    fn choose(&mut self, count: usize, share: f64) -> Vec<bool> {
        let chosen = (count as f64 * share).round() as usize;
        let mut of: Vec<bool> = (0..count).map(|at| at < chosen).collect();
        for at in (1..count).rev() {
            let other = usize::try_from(self.below(at as u64 + 1)).unwrap_or(0);
            of.swap(at, other);
        }
        of
    }
}

#[cfg(test)]
mod tests {
    use super::{EvaluationError, Random, Settings, evaluate, gain};
    use crate::domain::ratings::Ratings;

    /// Users of `groups` groups, who rate items of their group only, `each` of `size`.
    fn planted(users: u32, groups: u32, size: u32, each: usize) -> Ratings {
        let mut random = Random(7);
        let mut all = Vec::new();
        for user in 0..users {
            let mut items: Vec<u32> = (0..size).collect();
            for at in (1..items.len()).rev() {
                items.swap(at, usize::try_from(random.below(at as u64 + 1)).expect("small"));
            }
            all.extend(items[..each].iter().map(|item| (user, user % groups * size + item, 4.0)));
        }
        Ratings { users: users as usize, items: (groups * size) as usize, all }
    }

    #[test]
    fn the_gain_of_a_list_is_the_one_worked_out_by_hand() {
        assert!((gain(&[5, 6, 7], &[5]) - 1.0).abs() < 1e-12);
        assert!((gain(&[6, 5, 7], &[5]) - 1.0 / 3.0_f64.log2()).abs() < 1e-12);
        let best = 1.0 + 1.0 / 3.0_f64.log2();
        assert!((gain(&[1, 2, 3], &[1, 3]) - 1.5 / best).abs() < 1e-12);
        assert!(gain(&[1, 2, 3], &[9]).abs() < 1e-12);
    }

    #[test]
    fn planted_groups_are_found_and_popularity_does_not_know_them() {
        // Eight groups of twelve items. Whoever knows the group has at most twelve items to choose from, of which those of the
        // training part are known; whoever does not has 96.
        let ratings = planted(400, 8, 12, 10);
        let result = evaluate(&ratings, &Settings::default()).expect("a result");
        assert_eq!((result.trained_on, result.tested_on), (3_200, 800));
        assert!(result.model > 0.65, "{result:?}");
        assert!(result.popularity < 0.3, "{result:?}");
    }

    #[test]
    fn a_seed_gives_the_same_result_each_time_and_another_seed_another_one() {
        let ratings = planted(60, 3, 10, 7);
        let with = |seed| evaluate(&ratings, &Settings { seed, regularisation: Some(10.0), ..Settings::default() });
        assert_eq!(with(4), with(4));
        assert_ne!(with(4).expect("a result").model, with(5).expect("a result").model);
    }

    #[test]
    fn only_liked_items_count_if_so_set() {
        let mut ratings = planted(40, 2, 10, 8);
        ratings.all.iter_mut().step_by(2).for_each(|rating| rating.2 = 2.0);
        let settings = Settings { liked_from: Some(4.0), ..Settings::default() };
        let result = evaluate(&ratings, &settings).expect("a result");
        assert_eq!(result.trained_on + result.tested_on, 160);
    }

    #[test]
    fn settings_that_leave_nothing_to_judge_are_refused() {
        let ratings = planted(4, 1, 10, 8);
        for held_back in [0.0, 1.0, f64::NAN] {
            assert!(matches!(
                evaluate(&ratings, &Settings { held_back, ..Settings::default() }),
                Err(EvaluationError::Share(_))
            ));
        }
        let none = Settings { liked_from: Some(9.0), ..Settings::default() };
        assert_eq!(evaluate(&ratings, &none), Err(EvaluationError::NoUser));
    }
}
