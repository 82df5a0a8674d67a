//! An error as a viewer meets it: what happened, what it means, what to do.

use player_core::error::ErrorContext;
use player_core::{ErrorCode, PlayerError};

/// The content of an error card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The number and name of the taxonomy, for whoever asks for help.
    pub code: ErrorCode,
    /// What happened, in one sentence that anybody understands.
    pub meaning: String,
    /// What to do.
    pub advice: String,
    /// What exactly happened, for an engineer; free of secrets.
    pub detail: String,
}

impl Problem {
    /// The card of an error.
    pub fn new(error: &PlayerError) -> Self {
        Self {
            code: error.code,
            meaning: error.code.meaning().to_owned(),
            advice: error.code.advice().to_owned(),
            detail: detail(&error.message, &error.context),
        }
    }

    /// True when signing in again is what helps.
    pub fn needs_sign_in(&self) -> bool {
        matches!(self.code, ErrorCode::SignInExpired | ErrorCode::SignInRevoked)
    }

    /// The stable name and number, such as `NotAManifest (2001)`.
    pub fn code_line(&self) -> String {
        self.code.to_string()
    }
}

fn detail(message: &str, context: &ErrorContext) -> String {
    let mut parts = vec![message.to_owned()];
    // What the message says already is not said again.
    let mut push = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !message.contains(value.as_str())) {
            parts.push(format!("{name} {value}"));
        }
    };
    push("while in stage", context.stage.map(|stage| format!("{stage:?}").to_lowercase()));
    push("HTTP status", context.http_status.map(|status| status.to_string()));
    push("line", context.line.map(|line| line.to_string()));
    push("byte", context.byte_offset.map(|offset| offset.to_string()));
    push("feature", context.feature.clone());
    push("key", context.key_id.clone());
    push("address", context.url.clone());
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use player_core::error::Stage;

    #[test]
    fn every_code_makes_a_card_that_says_what_happened_and_what_to_do() {
        for &code in ErrorCode::ALL {
            let problem = Problem::new(&PlayerError::fatal(code, "it broke"));
            assert!(problem.meaning.ends_with('.') && problem.advice.ends_with('.'), "{code}");
            assert_eq!(problem.detail, "it broke");
            assert!(problem.code_line().contains(&code.number().to_string()));
            assert_eq!(problem.needs_sign_in(), code.advice() == "Sign in again.");
        }
    }

    #[test]
    fn the_detail_names_place_and_status() {
        let error =
            PlayerError::fatal(ErrorCode::HttpStatus, "the server said no").at(Stage::Manifest).with_status(404);
        assert_eq!(Problem::new(&error).detail, "the server said no · while in stage manifest · HTTP status 404");
    }
}
