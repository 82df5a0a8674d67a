//! Searches that led somewhere, by account and profile, as they are written to disk.

use kinora_api::{AccountId, ProfileId};
use serde::{Deserialize, Serialize};

/// Maximum searches of a profile.
pub const MAX_RECENT: usize = 10;
/// Maximum searches of all profiles; the oldest goes first.
const MAX_ALL: usize = 500;

/// A search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Recent {
    account: String,
    profile: String,
    text: String,
}

/// Searches of all profiles of this computer, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecentSearches(Vec<Recent>);

impl RecentSearches {
    /// Returns the searches of a profile, the newest first.
    pub fn of<'a>(&'a self, account: &'a AccountId, profile: &'a ProfileId) -> impl Iterator<Item = &'a str> {
        let own = self.0.iter().filter(move |recent| is_of(recent, account, profile));
        own.take(MAX_RECENT).map(|recent| recent.text.as_str())
    }

    /// Notes a search as the newest one of a profile. Two that differ only in capitals are one.
    pub fn note(&mut self, account: &AccountId, profile: &ProfileId, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.forget(account, profile, text);
        let (account_id, profile_id) = (account.as_str().to_owned(), profile.as_str().to_owned());
        self.0.insert(0, Recent { account: account_id, profile: profile_id, text: text.to_owned() });
        let mut own = 0;
        self.0.retain(|recent| {
            own += usize::from(is_of(recent, account, profile));
            !is_of(recent, account, profile) || own <= MAX_RECENT
        });
        self.0.truncate(MAX_ALL);
    }

    /// Forgets one search of a profile.
    pub fn forget(&mut self, account: &AccountId, profile: &ProfileId, text: &str) {
        let lower = text.to_lowercase();
        self.0.retain(|recent| !is_of(recent, account, profile) || recent.text.to_lowercase() != lower);
    }

    /// Forgets all searches of a profile.
    pub fn forget_all(&mut self, account: &AccountId, profile: &ProfileId) {
        self.0.retain(|recent| !is_of(recent, account, profile));
    }

    /// Forgets all searches of an account.
    pub fn forget_account(&mut self, account: &AccountId) {
        self.0.retain(|recent| recent.account != account.as_str());
    }
}

fn is_of(recent: &Recent, account: &AccountId, profile: &ProfileId) -> bool {
    recent.account == account.as_str() && recent.profile == profile.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_searches_of_a_profile_are_kept_the_newest_first() {
        let (account, kids, all) = (AccountId::from("a"), ProfileId::from("kids"), ProfileId::from("p"));
        let mut recent = RecentSearches::default();
        for number in 0..12 {
            recent.note(&account, &all, &format!("night {number}"));
        }
        recent.note(&account, &kids, "fox");
        recent.note(&account, &all, " NIGHT 5 ");
        recent.note(&account, &all, "  ");
        let own: Vec<&str> = recent.of(&account, &all).collect();
        assert_eq!(own.len(), MAX_RECENT);
        assert_eq!(own[..3], ["NIGHT 5", "night 11", "night 10"], "and once each");
        let text = serde_json::to_string(&recent).expect("writes");
        assert_eq!(serde_json::from_str::<RecentSearches>(&text).expect("reads"), recent);
        recent.forget(&account, &all, "night 11");
        assert_eq!(recent.of(&account, &all).nth(1), Some("night 10"));
        recent.forget_all(&account, &all);
        assert_eq!(recent.of(&account, &all).count(), 0);
        assert_eq!(recent.of(&account, &kids).collect::<Vec<_>>(), ["fox"]);
        recent.forget_account(&account);
        assert_eq!(recent, RecentSearches::default());
    }

    #[test]
    fn all_profiles_together_are_bounded() {
        let mut recent = RecentSearches::default();
        for number in 0..2 * MAX_ALL {
            recent.note(&"a".into(), &format!("p{number}").as_str().into(), "night");
        }
        assert_eq!(recent.0.len(), MAX_ALL);
    }
}
