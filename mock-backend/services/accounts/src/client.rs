//! The accounts as other services of the same process see them.

use kinora_api::internal::{self, Reply, Viewer};

use crate::{Accounts, store};

impl internal::Accounts for Accounts {
    fn identify<'a>(&'a self, token: &'a str) -> Reply<'a, Viewer> {
        Box::pin(async move {
            let bearer = self.tokens.check(token, self.clock.now_ms())?;
            Ok(store::viewer(&self.store, bearer.account, bearer.family).await?)
        })
    }
}
