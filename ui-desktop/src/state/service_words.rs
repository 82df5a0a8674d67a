//! A viewer's words for what the service refuses: one sentence that says it, and one that says what to do.

use kinora_api::ErrorCode as Wire;

/// Returns the words for a refusal that the taxonomy of playback does not know; `None` for all others.
pub const fn service_words(code: Wire) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Wire::ProfileNotFound => ("This profile isn't there any more.", "Choose another profile."),
        Wire::ProfileLocked => ("This profile is locked.", "Switch profiles and enter the PIN."),
        Wire::NotAuthorised => ("The PIN or the password is wrong.", "Check it and try again."),
        Wire::CodeInvalid => ("This code is wrong or has expired.", "Check the newest mail, or ask for another code."),
        Wire::ProfileLimit => ("An account has one to five profiles.", "Change one of those that you have."),
        Wire::AuthorizationPending => ("Your phone has not allowed this yet.", "Allow it there."),
        Wire::SlowDown => ("Kinora was asked too often.", "Wait a moment; it goes on by itself."),
        Wire::AccessDenied => {
            ("This sign-in was refused on the phone.", "Ask for a new code, or sign in with your password.")
        }
        Wire::ExpiredToken => ("This code has expired.", "Ask for a new one."),
        Wire::DeviceNotFound => ("This device is signed out already.", "There is nothing more to do."),
        Wire::NothingPlayable => {
            ("This device can't play this title.", "Choose another title, or watch it on another device.")
        }
        Wire::ListFull => ("Your list is full.", "Take a title off it first."),
        Wire::StepUpRequired => ("This sign-in is unusual. A code is in your mail.", "Enter the code to sign in."),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_of_an_account_has_two_short_sentences() {
        let of_accounts = Wire::ALL.iter().filter(|code| (7020..=7032).contains(&code.number()));
        for code in of_accounts.clone() {
            let (meaning, advice) = service_words(*code).unwrap_or_else(|| panic!("{code:?} has no words"));
            assert!(meaning.ends_with('.') && advice.ends_with('.'), "{code:?}");
            assert!(meaning.len() <= 70 && advice.len() <= 70, "{code:?}");
        }
        assert_eq!(of_accounts.count(), 12);
        assert_eq!(service_words(Wire::TitleNotFound), None, "the taxonomy knows it");
    }
}
