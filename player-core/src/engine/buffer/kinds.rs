//! A list of the kinds that are presented, without memory of the heap: it is asked for in every step.

use std::ops::Deref;

use super::BUFFERED;
use crate::model::MediaKind;

/// Kinds of media that have a track buffer, each at most once, in the order in which they were added.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct KindList {
    kinds: [MediaKind; BUFFERED.len()],
    count: usize,
}

impl Default for KindList {
    fn default() -> Self {
        Self { kinds: BUFFERED, count: 0 }
    }
}

impl Deref for KindList {
    type Target = [MediaKind];

    fn deref(&self) -> &[MediaKind] {
        self.kinds.get(..self.count).unwrap_or_default()
    }
}

impl FromIterator<MediaKind> for KindList {
    /// Leaves out text, which has no track buffer, and a kind that is listed already.
    fn from_iter<I: IntoIterator<Item = MediaKind>>(kinds: I) -> Self {
        let mut list = Self::default();
        for kind in kinds {
            if BUFFERED.contains(&kind)
                && !list.contains(&kind)
                && let Some(place) = list.kinds.get_mut(list.count)
            {
                *place = kind;
                list.count += 1;
            }
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_listed_once_in_the_order_of_its_coming() {
        use MediaKind::{Audio, Text, Video};
        let list = |kinds: &[MediaKind]| kinds.iter().copied().collect::<KindList>().to_vec();
        assert_eq!(list(&[Audio, Text, Video, Audio]), [Audio, Video]);
        assert_eq!(list(&[Video]), [Video]);
        assert_eq!(list(&[Text]), []);
        assert!(KindList::default().is_empty());
    }
}
