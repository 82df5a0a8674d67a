//! Files of ratings in the form of MovieLens-100K's `u.data`: user, item, rating and time, separated by white space, one to a line.

use std::collections::HashMap;
use std::io::BufRead;

/// Maximum number of lines.
pub const MAX_RATINGS: usize = 5_000_000;

/// Maximum bytes of a line.
const MAX_LINE: usize = 1_024;

/// Ratings of a file. Users and items are numbered in the order in which they come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ratings {
    /// Number of users.
    pub users: usize,
    /// Number of items.
    pub items: usize,
    /// User, item and rating.
    pub all: Vec<(u32, u32, f32)>,
}

/// Reason why ratings cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RatingsError {
    /// The file.
    #[error("the ratings cannot be read: {0}")]
    File(#[from] std::io::Error),
    /// A line that is none.
    #[error("line {line}: {reason}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// Fault of the line.
        reason: &'static str,
    },
    /// More than [`MAX_RATINGS`].
    #[error("there are more than {MAX_RATINGS} ratings")]
    TooMany,
    /// No rating.
    #[error("there is no rating in it")]
    Empty,
}

/// Reads ratings. Of several for the same user and item the last one counts.
///
/// # Errors
/// When a line is not four numbers (user and item may be any word), or there are too many or none.
pub fn read(mut from: impl BufRead) -> Result<Ratings, RatingsError> {
    let (mut users, mut items) = (HashMap::new(), HashMap::new());
    let mut by_pair: HashMap<(u32, u32), f32> = HashMap::new();
    let mut order = Vec::new();
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let mut bounded = std::io::Read::take(&mut from, MAX_LINE as u64 + 1);
        if bounded.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        let refused = |reason| RatingsError::Line { line, reason };
        if text.len() > MAX_LINE {
            return Err(refused("it is longer than 1,024 bytes"));
        }
        let text = std::str::from_utf8(&text).map_err(|_| refused("it is not text"))?;
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.is_empty() {
            continue;
        }
        let &[user, item, rating, time] = fields.as_slice() else {
            return Err(refused("it does not have user, item, rating and time"));
        };
        let rating: f32 = rating.parse().map_err(|_| refused("the rating is not a number"))?;
        if !rating.is_finite() {
            return Err(refused("the rating is not a number"));
        }
        time.parse::<f64>().map_err(|_| refused("the time is not a number"))?;
        let pair = (number(&mut users, user), number(&mut items, item));
        if by_pair.insert(pair, rating).is_none() {
            order.push(pair);
        }
        if order.len() > MAX_RATINGS {
            return Err(RatingsError::TooMany);
        }
    }
    if order.is_empty() {
        return Err(RatingsError::Empty);
    }
    let all = order.into_iter().map(|(user, item)| (user, item, by_pair[&(user, item)])).collect();
    Ok(Ratings { users: users.len(), items: items.len(), all })
}

fn number(of: &mut HashMap<String, u32>, name: &str) -> u32 {
    if let Some(number) = of.get(name) {
        return *number;
    }
    let number = u32::try_from(of.len()).unwrap_or(u32::MAX);
    of.insert(name.to_owned(), number);
    number
}

#[cfg(test)]
mod tests {
    use super::{Ratings, RatingsError, read};

    #[test]
    fn the_form_of_u_data_is_read_and_the_last_rating_of_a_pair_counts() {
        let read = read("196\t242\t3\t881250949\n\n186 302 3.5 891717742\r\n196\t242\t5\t881250950".as_bytes())
            .expect("it reads");
        assert_eq!(read, Ratings { users: 2, items: 2, all: vec![(0, 0, 5.0), (1, 1, 3.5)] });
    }

    #[test]
    fn what_is_not_a_rating_is_refused_with_its_line() {
        for (text, line) in [
            ("1 2 3 4\n1 2 3\n", 2),
            ("1 2 x 4", 1),
            ("1 2 NaN 4", 1),
            ("1 2 3 4 5", 1),
            ("1 2 3 then", 1),
            ("1 2 3 4\n\u{fffd}".trim_end_matches('x'), 2),
        ] {
            let Err(RatingsError::Line { line: named, .. }) = read(text.as_bytes()) else {
                panic!("{text:?} was read")
            };
            assert_eq!(named, line, "{text:?}");
        }
        assert!(matches!(read("\n \n".as_bytes()), Err(RatingsError::Empty)));
        assert!(matches!(read([0xff, b'\n'].as_slice()), Err(RatingsError::Line { line: 1, .. })));
        let long = format!("1 2 3 {}", "4".repeat(2_000));
        assert!(matches!(read(long.as_bytes()), Err(RatingsError::Line { line: 1, .. })));
    }
}
