//! The demo viewer: an account that everyone may know, made only where it was asked for.

use kinora_api::Secret;

use super::Accounts;
use super::domain::NewAccount;
use kinora_kit::http::problem::Problem;

/// The demo viewer's address.
pub const EMAIL: &str = "demo@kinora.example";
/// The demo viewer's password. It protects nothing: the account exists only in demonstrations.
pub const PASSWORD: &str = "demo-viewer";

/// Makes sure that the demo viewer exists, with a profile for adults and one for children, and signs in with [`PASSWORD`].
///
/// # Errors
/// Of the database.
pub async fn ensure_viewer(accounts: &Accounts) -> Result<(), Problem> {
    let viewer = NewAccount {
        email: EMAIL.to_owned(),
        password: Secret::new(PASSWORD),
        display_name: "Demo".to_owned(),
        // Enough for a crowd of test viewers under one account.
        max_streams: 1_000,
        profiles: vec![("Demo".to_owned(), None), ("Kids".to_owned(), Some(6))],
    };
    accounts.ensure(&viewer).await
}
