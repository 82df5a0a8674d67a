//! What the owner of an account does with it: registers, changes password and address, sets a PIN, edits profiles, erases it.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use kinora_api::internal::Viewer;
use kinora_api::{
    Authority, ChangeEmail, ChangePassword, ErrorCode, PinRequest, Profile, ProfileId, ProfileRequest, RegisterConfirm,
    RegisterRequest, ResetPassword, Secret, SignInResponse,
};
use kinora_kit::http::problem::Problem;
use serde::{Deserialize, Serialize};

use crate::Accounts;
use crate::domain::attempts::{Guess, Settled, Subject, network_of};
use crate::domain::code::Code;
use crate::domain::pace::Pace;
use crate::domain::{NewAccount, check_name, check_password, check_pin, check_profile, mailable};
use crate::mail::{Mail, Mailer};
use crate::store::codes::{self, Purpose};
use crate::store::{self, owner, paces, profiles};

/// Maximum number of playbacks at the same time of an account that registered by itself.
const MAX_STREAMS: u32 = 4;

/// Account that waits for the proof of its address.
#[derive(Serialize, Deserialize)]
struct Registration {
    display_name: String,
    password_hash: String,
}

impl Accounts {
    /// Counts a request of a network for a code.
    async fn pace_peer(&self, peer: Option<IpAddr>, pace: Pace) -> Result<(), Problem> {
        let Some(peer) = peer else { return Ok(()) };
        let subject = Subject::new("codes of peer", &[&network_of(peer)]);
        paces::take(&self.store, subject, pace, self.clock.now_ms()).await
    }

    pub(crate) async fn send(&self, to: &str, subject: &'static str, text: String) -> Result<(), Problem> {
        let mail = Mail { to: to.to_owned(), subject, text, at: self.clock.now_ms() };
        let mailer: Arc<dyn Mailer> = Arc::clone(&self.mailer);
        self.metrics.count("kinora_mails_total");
        let sent = tokio::task::spawn_blocking(move || mailer.send(&mail)).await;
        sent.map_err(|error| Problem::internal(&error))?.map_err(|error| {
            tracing::error!(%error, "a mail could not be sent");
            Problem::new(ErrorCode::ServiceUnavailable, "no mail can be sent at the moment").with_retry_after_ms(5_000)
        })
    }

    /// Returns false if the address has got as many mails as it may; nobody is told.
    pub(crate) async fn may_mail(&self, email: &str) -> Result<bool, Problem> {
        let taken = paces::take(&self.store, Subject::new("mail", &[email]), Pace::MAIL, self.clock.now_ms()).await;
        match taken {
            Err(problem) if problem.error().kind() == Some(ErrorCode::TooManyAttempts) => Ok(false),
            taken => taken.map(|()| true),
        }
    }

    /// Makes a code, and its hash.
    pub(crate) async fn new_code(&self) -> Result<(Code, String), Problem> {
        let code = Code::generate().map_err(|error| Problem::internal(&error))?;
        let hash = self.passwords.hash(&Secret::new(code.as_str())).await?;
        Ok((code, hash))
    }

    /// Compares a mailed code. Returns its hash and its detail.
    pub(crate) async fn check_code(
        &self,
        peer: Option<IpAddr>,
        (purpose, subject): (Purpose, &str),
        typed: &Secret,
    ) -> Result<(String, String), Problem> {
        self.pace_peer(peer, Pace::PEER).await?;
        let now_ms = self.clock.now_ms();
        let counted = Subject::new("code", &[subject]);
        paces::take(&self.store, counted.clone(), Pace::CODE, now_ms).await?;
        let code = Code::parse(typed.expose()).ok_or_else(codes::invalid)?;
        let (hash, detail) = codes::guess(&self.store, purpose, subject, now_ms).await?.unzip();
        // Without a code the same work is done, so that nobody learns which addresses wait for one.
        let is_right = self.passwords.verify(&Secret::new(code.as_str()), hash.clone()).await?;
        match (is_right, hash, detail) {
            (true, Some(hash), Some(detail)) => {
                paces::forget(&self.store, counted).await?;
                Ok((hash, detail))
            }
            _ => Err(codes::invalid()),
        }
    }

    /// Mails a code for a new account, or, to an address that has one, that it does. The caller cannot tell the two apart.
    ///
    /// # Errors
    /// 7013 when address, password or name cannot be one, 7004 when the network asks too often.
    pub async fn register(&self, peer: Option<IpAddr>, request: &RegisterRequest) -> Result<(), Problem> {
        let email = mailable(&request.email)?;
        check_password(&request.password)?;
        let local = || email.split('@').next().unwrap_or_default().chars().take(40).collect();
        let display_name = check_name(&request.display_name.clone().unwrap_or_else(local))?;
        self.pace_peer(peer, Pace::PEER).await?;
        if !self.may_mail(&email).await? {
            return Ok(());
        }
        let password_hash = self.passwords.hash(&request.password).await?;
        let (code, code_hash) = self.new_code().await?;
        if store::credentials(&self.store, &email).await?.is_some() {
            let text = "Somebody, perhaps you, asked for a Kinora account with this address. It has one already:\n\
                        sign in, or set another password if you have forgotten yours.\n";
            return self.send(&email, "You have a Kinora account", text.to_owned()).await;
        }
        let detail = serde_json::to_string(&Registration { display_name, password_hash });
        let detail = detail.map_err(|error| Problem::internal(&error))?;
        codes::put(&self.store, (Purpose::Register, &email), code_hash, detail, self.clock.now_ms()).await?;
        self.send(&email, "Your Kinora code", code_text("finish your Kinora account", &code)).await
    }

    /// Makes the account of a code, and signs in.
    ///
    /// # Errors
    /// 7022 when the code is not good.
    pub async fn confirm_registration(
        &self,
        peer: Option<IpAddr>,
        request: &RegisterConfirm,
    ) -> Result<SignInResponse, Problem> {
        let email = mailable(&request.email)?;
        let (code_hash, detail) = self.check_code(peer, (Purpose::Register, &email), &request.code).await?;
        let waiting: Registration = serde_json::from_str(&detail).map_err(|error| Problem::internal(&error))?;
        let new = NewAccount {
            email,
            password: Secret::new(""),
            profiles: vec![(waiting.display_name.clone(), None)],
            display_name: waiting.display_name,
            max_streams: MAX_STREAMS,
        };
        let now_ms = self.clock.now_ms();
        let id = owner::register(&self.store, new, (waiting.password_hash, code_hash), now_ms).await?;
        self.sign_in_as(&id, &request.device, peer).await
    }

    /// Compares the password of an account, as guesses are counted.
    ///
    /// # Errors
    /// 7021 when it is wrong, 7004 when the guess has to wait.
    pub async fn check_owner(&self, peer: Option<IpAddr>, account: &str, password: &Secret) -> Result<String, Problem> {
        let (hash, _, email) = owner::secrets(&self.store, account).await?;
        let reservation = self.limit.reserve_guess(Guess::of_stranger(&email, peer)).await?;
        let compared = self.passwords.verify(password, Some(hash)).await;
        let outcome = match &compared {
            Ok(true) => Settled::Right,
            Ok(false) => Settled::Wrong,
            Err(_) => Settled::NotCompared,
        };
        self.limit.settle(reservation, outcome).await?;
        if compared? { Ok(email) } else { Err(not_authorised("the password is wrong")) }
    }

    /// Sets another password. Sign-ins of other devices end.
    ///
    /// # Errors
    /// 7021 when the present one is wrong.
    pub async fn change_password(
        &self,
        peer: Option<IpAddr>,
        who: &Viewer,
        request: &ChangePassword,
    ) -> Result<(), Problem> {
        check_password(&request.new)?;
        let email = self.check_owner(peer, &who.account, &request.present).await?;
        let hash = self.passwords.hash(&request.new).await?;
        let kept = Some(who.sign_in.clone());
        owner::set_password(&self.store, &who.account, hash, kept, self.clock.now_ms()).await?;
        let text = "The password of your Kinora account was changed, and all other devices were signed out.\n";
        self.send(&email, "Your Kinora password was changed", text.to_owned()).await
    }

    /// Mails a code to set another password, if the address has an account. The caller cannot tell.
    ///
    /// # Errors
    /// 7013 when it cannot be an address, 7004 when the network asks too often.
    pub async fn forgot_password(&self, peer: Option<IpAddr>, email: &str) -> Result<(), Problem> {
        let email = mailable(email)?;
        self.pace_peer(peer, Pace::PEER).await?;
        if !self.may_mail(&email).await? {
            return Ok(());
        }
        let (code, code_hash) = self.new_code().await?;
        if store::credentials(&self.store, &email).await?.is_none() {
            let text =
                "Somebody, perhaps you, asked for another password of a Kinora account. This address has none.\n";
            return self.send(&email, "You have no Kinora account", text.to_owned()).await;
        }
        codes::put(&self.store, (Purpose::Reset, &email), code_hash, String::new(), self.clock.now_ms()).await?;
        self.send(&email, "Your Kinora code", code_text("set another password", &code)).await
    }

    /// Sets another password by a code. All sign-ins end.
    ///
    /// # Errors
    /// 7022 when the code is not good.
    pub async fn reset_password(&self, peer: Option<IpAddr>, request: &ResetPassword) -> Result<(), Problem> {
        let email = mailable(&request.email)?;
        check_password(&request.password)?;
        let (code_hash, _) = self.check_code(peer, (Purpose::Reset, &email), &request.code).await?;
        let hash = self.passwords.hash(&request.password).await?;
        owner::reset_password(&self.store, &email, (hash, code_hash), self.clock.now_ms()).await
    }

    /// Mails a code to the address that an account is to have.
    ///
    /// # Errors
    /// 7013 when it cannot be one, 7021 when the password is wrong.
    pub async fn change_email(&self, peer: Option<IpAddr>, who: &Viewer, request: &ChangeEmail) -> Result<(), Problem> {
        let email = mailable(&request.email)?;
        self.check_owner(peer, &who.account, &request.password).await?;
        if !self.may_mail(&email).await? {
            return Ok(());
        }
        let (code, code_hash) = self.new_code().await?;
        if store::credentials(&self.store, &email).await?.is_some() {
            let text =
                "Somebody, perhaps you, wanted to use this address for another Kinora account. It has one already.\n";
            return self.send(&email, "You have a Kinora account", text.to_owned()).await;
        }
        let now_ms = self.clock.now_ms();
        codes::put(&self.store, (Purpose::Email, &who.account), code_hash, email.clone(), now_ms).await?;
        self.send(&email, "Your Kinora code", code_text("use this address", &code)).await
    }

    /// Takes the address that a code was mailed to, and tells the old one.
    ///
    /// # Errors
    /// 7022 when the code is not good.
    pub async fn confirm_email(&self, peer: Option<IpAddr>, who: &Viewer, code: &Secret) -> Result<(), Problem> {
        let (code_hash, email) = self.check_code(peer, (Purpose::Email, &who.account), code).await?;
        let old = owner::set_email(&self.store, &who.account, (email, code_hash), self.clock.now_ms()).await?;
        let text = "Your Kinora account has another address from now on. If that was not you, write to us.\n";
        self.send(&old, "Your Kinora address was changed", text.to_owned()).await
    }

    /// Sets or removes the PIN.
    ///
    /// # Errors
    /// 7013 when it cannot be one, 7021 when the password is wrong.
    pub async fn set_pin(&self, peer: Option<IpAddr>, who: &Viewer, request: &PinRequest) -> Result<(), Problem> {
        request.pin.as_ref().map_or(Ok(()), check_pin)?;
        self.check_owner(peer, &who.account, &request.password).await?;
        let hash = match &request.pin {
            Some(pin) => Some(self.passwords.hash(pin).await?),
            None => None,
        };
        profiles::set_pin(&self.store, &who.account, hash, self.clock.now_ms()).await?;
        paces::forget(&self.store, Subject::new("pin", &[&who.account])).await
    }

    /// Compares the PIN of an account. Returns true at once if it has none.
    async fn check_pin(&self, account: &str, pin: Option<&Secret>) -> Result<bool, Problem> {
        let (_, Some(hash), _) = owner::secrets(&self.store, account).await? else { return Ok(true) };
        let Some(pin) = pin else { return Ok(false) };
        let subject = Subject::new("pin", &[account]);
        paces::take(&self.store, subject.clone(), Pace::PIN, self.clock.now_ms()).await?;
        let is_right = self.passwords.verify(pin, Some(hash)).await?;
        if is_right {
            paces::forget(&self.store, subject).await?;
        }
        Ok(is_right)
    }

    /// Refuses a request that needs a parent, unless the account has no PIN.
    async fn check_authority(
        &self,
        peer: Option<IpAddr>,
        who: &Viewer,
        authority: Option<&Authority>,
    ) -> Result<(), Problem> {
        let is_given = match authority {
            Some(Authority::Password(password)) => {
                return self.check_owner(peer, &who.account, password).await.map(drop);
            }
            Some(Authority::Pin(pin)) => self.check_pin(&who.account, Some(pin)).await?,
            None => self.check_pin(&who.account, None).await?,
        };
        if is_given { Ok(()) } else { Err(not_authorised("this needs the PIN or the password")) }
    }

    /// Makes a profile.
    ///
    /// # Errors
    /// 7021 without authority, 7023 when the account has five.
    pub async fn add_profile(
        &self,
        peer: Option<IpAddr>,
        who: &Viewer,
        request: &ProfileRequest,
    ) -> Result<Profile, Problem> {
        let settings = check_profile(request)?;
        self.check_authority(peer, who, request.authority.as_ref()).await?;
        let id = profiles::add(&self.store, &who.account, settings, self.clock.now_ms()).await?;
        self.profile(who, &id).await
    }

    /// Changes a profile.
    ///
    /// # Errors
    /// 7009 when there is none, 7020 when it is locked, 7021 when its age limit is to change without authority.
    pub async fn edit_profile(
        &self,
        peer: Option<IpAddr>,
        who: &Viewer,
        id: &ProfileId,
        request: &ProfileRequest,
    ) -> Result<Profile, Problem> {
        let settings = check_profile(request)?;
        let present = who.profiles.iter().find(|profile| profile.id == *id);
        let max_age = match present {
            Some(profile) => profile.max_age,
            None => who.profile(Some(id))?.max_age,
        };
        if max_age == settings.max_age && request.authority.is_none() {
            who.profile(Some(id))?;
        } else {
            self.check_authority(peer, who, request.authority.as_ref()).await?;
        }
        profiles::set(&self.store, (&who.account, id.as_str()), (max_age, settings), self.clock.now_ms()).await?;
        self.profile(who, id).await
    }

    /// Deletes a profile.
    ///
    /// # Errors
    /// 7009 when there is none, 7021 without authority, 7023 when it is the last one.
    pub async fn delete_profile(
        &self,
        peer: Option<IpAddr>,
        who: &Viewer,
        id: &ProfileId,
        authority: Option<&Authority>,
    ) -> Result<(), Problem> {
        self.check_authority(peer, who, authority).await?;
        profiles::delete(&self.store, &who.account, id.as_str(), self.clock.now_ms()).await
    }

    /// Enters a profile with this sign-in.
    ///
    /// # Errors
    /// 7009 when there is none, 7021 when it is locked and the PIN is missing or wrong.
    pub async fn enter_profile(&self, who: &Viewer, id: &ProfileId, pin: Option<&Secret>) -> Result<Profile, Problem> {
        match who.profile(Some(id)) {
            Ok(_) => {}
            Err(error) if error.kind() != Some(ErrorCode::ProfileLocked) => return Err(error.into()),
            Err(_) if self.check_pin(&who.account, pin).await? => {}
            Err(_) => return Err(not_authorised("the profile needs the PIN")),
        }
        profiles::enter(&self.store, &who.sign_in, id.as_str()).await?;
        self.profile(who, id).await
    }

    async fn profile(&self, who: &Viewer, id: &ProfileId) -> Result<Profile, Problem> {
        let viewer = store::viewer(&self.store, who.account.clone(), who.sign_in.clone()).await?;
        let found = viewer.profiles.into_iter().find(|profile| profile.id == *id);
        found.ok_or_else(|| Problem::new(ErrorCode::ProfileNotFound, "the account has no such profile"))
    }

    /// Erases an account after its password was shown.
    ///
    /// # Errors
    /// 7021 when the password is wrong.
    pub async fn erase_own(&self, peer: Option<IpAddr>, who: &Viewer, password: &Secret) -> Result<(), Problem> {
        let email = self.check_owner(peer, &who.account, password).await?;
        self.erase_account(&who.account, &email).await
    }

    /// Erases the account of an address. Returns false if there is none.
    ///
    /// # Errors
    /// Of the database and the mailbox.
    pub async fn erase(&self, email: &str) -> Result<bool, Problem> {
        let email = crate::domain::normal_email(email)?;
        let Some((account, _)) = store::credentials(&self.store, &email).await? else { return Ok(false) };
        self.erase_account(&account, &email).await?;
        Ok(true)
    }

    async fn erase_account(&self, account: &str, email: &str) -> Result<(), Problem> {
        let mut addresses = codes::addresses(&self.store, account).await?;
        addresses.push(email.to_owned());
        owner::erase(&self.store, account, email, self.clock.now_ms()).await?;
        self.watch.forget(email);
        self.metrics.count("kinora_accounts_erased_total");
        let (mailer, copies) = (Arc::clone(&self.mailer), self.copies.clone());
        let erased = tokio::task::spawn_blocking(move || {
            addresses.iter().try_for_each(|to| mailer.erase(to))?;
            copies.iter().try_for_each(|copy| match std::fs::remove_file(copy) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            })
        });
        erased.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
        if let Err(error) = self.store.scrub().await {
            tracing::error!(%error, "deleted rows may still be in the file of the database");
        }
        Ok(())
    }
}

fn not_authorised(message: &str) -> Problem {
    Problem::new(ErrorCode::NotAuthorised, message)
}

pub(crate) fn code_text(purpose: &str, code: &Code) -> String {
    format!(
        "Your code to {purpose} is\n\n    {}\n\nIt works for 15 minutes. If you did not ask for it, nothing has to be done.\n",
        code.shown()
    )
}
