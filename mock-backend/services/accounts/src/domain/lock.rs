//! The lock on profiles: who may use which one once the account has a PIN.

use kinora_api::{Profile, ProfileId};

/// Marks the profiles that a sign-in may not use.
///
/// Without a PIN none is locked. With one, every profile that may see more than the most limited one is locked, unless the sign-in
/// has entered a profile that may see as much: whoever entered that one has shown the PIN.
pub fn mark(profiles: &mut [Profile], has_pin: bool, entered: Option<&ProfileId>) {
    let lowest = profiles.iter().map(|profile| limit(profile.max_age)).min().unwrap_or(u16::MAX);
    let reached = entered.and_then(|id| profiles.iter().find(|profile| profile.id == *id));
    let reached = reached.map_or(lowest, |profile| limit(profile.max_age)).max(lowest);
    for profile in profiles {
        profile.locked = has_pin && limit(profile.max_age) > reached;
    }
}

/// Returns an age limit that compares: none is the highest.
fn limit(max_age: Option<u8>) -> u16 {
    max_age.map_or(u16::MAX, u16::from)
}

#[cfg(test)]
mod tests {
    use super::mark;
    use kinora_api::Profile;

    fn locked(limits: &[Option<u8>], has_pin: bool, entered: Option<usize>) -> Vec<bool> {
        let profile = |(n, max_age): (usize, &Option<u8>)| Profile {
            id: n.to_string().into(),
            max_age: *max_age,
            ..Profile::default()
        };
        let mut profiles: Vec<Profile> = limits.iter().enumerate().map(profile).collect();
        mark(&mut profiles, has_pin, entered.map(|n| n.to_string().into()).as_ref());
        profiles.iter().map(|profile| profile.locked).collect()
    }

    #[test]
    fn a_pin_locks_what_may_see_more_than_the_most_limited_profile() {
        let family = [None, Some(6), Some(12)];
        assert_eq!(locked(&family, false, None), [false, false, false]);
        assert_eq!(locked(&family, true, None), [true, false, true]);
        assert_eq!(locked(&family, true, Some(1)), [true, false, true]);
        assert_eq!(locked(&family, true, Some(2)), [true, false, false]);
        assert_eq!(locked(&family, true, Some(0)), [false, false, false]);
        assert_eq!(locked(&family, true, Some(7)), [true, false, true], "a profile that was deleted opens nothing");
        assert_eq!(locked(&[None, None], true, None), [false, false], "nobody to be kept out");
        assert_eq!(locked(&[], true, None), [] as [bool; 0]);
    }
}
