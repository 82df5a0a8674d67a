//! Requests about the account: other ways to sign in, profiles, PIN, devices, password, address.

use kinora_api::{
    Account, Authority, ChangeEmail, ChangePassword, ConfirmEmail, DeleteProfile, Device, DeviceAuthorization,
    DeviceAuthorizeRequest, DeviceList, DeviceTokenRequest, EnterProfile, EraseAccount, ForgotPassword, PinRequest,
    Profile, ProfileId, ProfileRequest, RegisterConfirm, RegisterRequest, ResetPassword, Secret, SignInId,
    SignInResponse, paths,
};
use reqwest::Method;
use serde::Serialize;

use super::service::{Worker, lost};
use super::session::NOTHING;
use super::{Client, Failure, Reply};
use crate::state::Credentials;

/// Question about an account.
#[derive(Clone, Debug, PartialEq)]
pub enum AccountRequest {
    /// Begin a sign-in that is allowed on a phone (RFC 8628). Answered by [`AccountReply::CodeBegun`].
    BeginCode,
    /// Ask for the outcome of that sign-in. Answered by [`Reply::SignedIn`], or by [`AccountReply::CodeAsked`].
    AskCode(Secret),
    /// Ask for an account. Answered by [`Told::CodeMailed`].
    Register(RegisterRequest),
    /// Prove the address of a new account. Answered by [`Reply::SignedIn`].
    ConfirmRegistration {
        /// The address.
        email: String,
        /// The code that was mailed to it.
        code: Secret,
    },
    /// Ask for a code to set another password. Answered by [`Told::CodeMailed`].
    Forgot(String),
    /// Set another password by a code, and sign in with it. Answered by [`Reply::SignedIn`].
    Reset(ResetPassword),
    /// The account as it is now. Answered by [`AccountReply::Described`].
    Describe,
    /// Enter a profile on this device. Answered by [`AccountReply::Entered`].
    Enter {
        /// The profile.
        id: ProfileId,
        /// The PIN; not needed when the profile is not locked.
        pin: Option<Secret>,
    },
    /// Make a profile, or change one. Answered by [`AccountReply::ProfileSaved`].
    SaveProfile {
        /// The profile to change; `None` makes one.
        id: Option<ProfileId>,
        /// Its settings from now on.
        settings: ProfileRequest,
    },
    /// Delete a profile. Answered by [`Told::ProfileDeleted`].
    DeleteProfile {
        /// The profile.
        id: ProfileId,
        /// The PIN, when the account has one.
        authority: Option<Authority>,
    },
    /// Set another PIN, or none. Answered by [`Told::PinSet`].
    SetPin(PinRequest),
    /// The devices of the account. Answered by [`AccountReply::Devices`].
    Devices,
    /// Sign a device out. Answered by [`Told::DeviceSignedOut`].
    SignOutDevice(SignInId),
    /// Set another password. Answered by [`Told::PasswordChanged`].
    ChangePassword(ChangePassword),
    /// Ask for another address. Answered by [`Told::EmailAsked`].
    ChangeEmail(ChangeEmail),
    /// Prove that address. Answered by [`Told::EmailChanged`].
    ConfirmEmail(Secret),
    /// Erase the account. Answered by [`Told::Erased`].
    Erase(Secret),
}

/// Wish that was carried out, or not; its answer has no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A code is in the mail.
    CodeMailed,
    /// A profile was deleted.
    ProfileDeleted(ProfileId),
    /// The account has another PIN, or none.
    PinSet,
    /// A device was signed out.
    DeviceSignedOut(SignInId),
    /// The account has another password.
    PasswordChanged,
    /// A code was mailed to the new address.
    EmailAsked,
    /// The account has another address.
    EmailChanged,
    /// The account is no more.
    Erased,
}

/// Answer to an [`AccountRequest`].
#[derive(Clone, Debug)]
pub enum AccountReply {
    /// The codes of a sign-in on a phone; their addresses are absolute.
    CodeBegun(Result<DeviceAuthorization, Failure>),
    /// The sign-in with this device code is not done; the failure says why.
    CodeAsked(Secret, Failure),
    /// The account as it is now.
    Described(Result<Account, Failure>),
    /// The outcome of entering a profile.
    Entered(ProfileId, Result<Profile, Failure>),
    /// The profile as it is kept from now on.
    ProfileSaved(Result<Profile, Failure>),
    /// The devices that are signed in.
    Devices(Result<Vec<Device>, Failure>),
    /// The outcome of a wish without an answer of its own.
    Told(Told, Result<(), Failure>),
}

impl Worker {
    /// Answers a request about the account.
    pub(super) async fn account(&self, request: AccountRequest) -> Reply {
        use AccountRequest as R;
        let reply = match request {
            R::BeginCode => Some(AccountReply::CodeBegun(self.begin_code().await)),
            R::AskCode(device_code) => return self.ask_code(device_code).await,
            R::Register(body) => Some(self.send(Told::CodeMailed, paths::REGISTER, &body).await),
            R::ConfirmRegistration { email, code } => {
                let body = RegisterConfirm { email, code, device: self.session.device().clone() };
                return self.begun(self.post(paths::REGISTER_CONFIRM, &body).await).await;
            }
            R::Forgot(email) => {
                Some(self.send(Told::CodeMailed, paths::PASSWORD_FORGOT, &ForgotPassword { email }).await)
            }
            R::Reset(body) => return self.reset(body).await,
            R::Describe => lost(self.describe().await).map(AccountReply::Described),
            R::Enter { id, pin } => {
                let path = paths::profile_enter(&id);
                let result = self.session.call(Method::POST, &path, Some(&EnterProfile { pin })).await;
                lost(result).map(|result| AccountReply::Entered(id, result))
            }
            R::SaveProfile { id, settings } => {
                let result = match id {
                    Some(id) => self.session.call(Method::PUT, &paths::profile(&id), Some(&settings)).await,
                    None => self.session.call(Method::POST, paths::PROFILES, Some(&settings)).await,
                };
                lost(result).map(AccountReply::ProfileSaved)
            }
            R::DeleteProfile { id, authority } => {
                let path = paths::profile_delete(&id);
                self.tell(Told::ProfileDeleted(id), Method::POST, &path, Some(&DeleteProfile { authority })).await
            }
            R::SetPin(body) => self.tell(Told::PinSet, Method::PUT, paths::PIN, Some(&body)).await,
            R::Devices => {
                let result: Result<DeviceList, Failure> = self.session.call(Method::GET, paths::DEVICES, NOTHING).await;
                lost(result.map(|list| list.devices)).map(AccountReply::Devices)
            }
            R::SignOutDevice(id) => {
                let path = paths::device(&id);
                self.tell(Told::DeviceSignedOut(id), Method::DELETE, &path, NOTHING).await
            }
            R::ChangePassword(body) => {
                self.tell(Told::PasswordChanged, Method::POST, paths::PASSWORD, Some(&body)).await
            }
            R::ChangeEmail(body) => self.tell(Told::EmailAsked, Method::POST, paths::EMAIL, Some(&body)).await,
            R::ConfirmEmail(code) => {
                self.tell(Told::EmailChanged, Method::POST, paths::EMAIL_CONFIRM, Some(&ConfirmEmail { code })).await
            }
            R::Erase(password) => {
                let reply = self.tell(Told::Erased, Method::POST, paths::ERASE, Some(&EraseAccount { password })).await;
                if let Some(AccountReply::Told(_, Ok(()))) = reply {
                    self.forget(self.session.end().await).await;
                }
                reply
            }
        };
        reply.map_or(Reply::SessionLost, Reply::Account)
    }

    async fn begin_code(&self) -> Result<DeviceAuthorization, Failure> {
        let body = DeviceAuthorizeRequest { device: self.session.device().clone() };
        let answer: DeviceAuthorization = self.post(paths::DEVICE_AUTHORIZE, &body).await?;
        let absolute = |path: String| absolute(&self.client, &path);
        Ok(DeviceAuthorization {
            verification_uri: absolute(answer.verification_uri)?,
            verification_uri_complete: absolute(answer.verification_uri_complete)?,
            ..answer
        })
    }

    async fn ask_code(&self, device_code: Secret) -> Reply {
        let body = DeviceTokenRequest { device_code: device_code.clone() };
        match self.post(paths::DEVICE_TOKEN, &body).await {
            Err(failure) => Reply::Account(AccountReply::CodeAsked(device_code, failure)),
            answer => self.begun(answer).await,
        }
    }

    async fn reset(&self, body: ResetPassword) -> Reply {
        let result = self.client.tell(Method::POST, paths::PASSWORD_RESET, None, Some(&body)).await;
        match result {
            Ok(()) => {
                self.signed_in(&Credentials { email: body.email, password: body.password, code: None }, false).await
            }
            Err(failure) => Reply::SignedIn(Err(failure)),
        }
    }

    async fn describe(&self) -> Result<Account, Failure> {
        let account: Account = self.session.call(Method::GET, paths::ACCOUNT, NOTHING).await?;
        self.remember(Some(&account));
        Ok(account)
    }

    /// Goes on with a sign-in that the service has answered.
    async fn begun(&self, answer: Result<SignInResponse, Failure>) -> Reply {
        match answer {
            Ok(answer) => {
                let account = self.session.begin(answer).await;
                self.remember(Some(&account));
                Reply::SignedIn(Ok(account))
            }
            Err(failure) => Reply::SignedIn(Err(failure)),
        }
    }

    /// Sends a request of nobody who is signed in, and reads its answer.
    async fn post<A: serde::de::DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<A, Failure> {
        self.client.exchange(Method::POST, path, None, Some(body)).await
    }

    /// Sends a request of nobody who is signed in, whose answer has no content.
    async fn send(&self, told: Told, path: &str, body: &impl Serialize) -> AccountReply {
        AccountReply::Told(told, self.client.tell(Method::POST, path, None, Some(body)).await)
    }

    /// Sends a signed-in request whose answer has no content; `None` when the sign-in is lost.
    async fn tell(
        &self,
        told: Told,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Option<AccountReply> {
        lost(self.session.tell(method, path, body).await).map(|result| AccountReply::Told(told, result))
    }
}

/// Returns an address of the service for a phone. A relative one lies below the service's own; an absolute one must be `http`
/// or `https`.
fn absolute(client: &Client, path: &str) -> Result<String, Failure> {
    let url = client.base().join(path).map_err(|_| Failure::bad_address(path))?;
    if matches!(url.scheme(), "http" | "https") { Ok(url.into()) } else { Err(Failure::bad_address(path)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_gets_a_whole_address() {
        let client = Client::new("http://192.0.2.7:8000/".parse().expect("a valid address"), None).expect("a client");
        let check = |path: &str, want: &str| assert_eq!(absolute(&client, path).expect("an address"), want);
        check("/link?code=BCDF-GHJK", "http://192.0.2.7:8000/link?code=BCDF-GHJK");
        check("https://kinora.example/link", "https://kinora.example/link");
        assert!(absolute(&client, "javascript:alert(1)").is_err());
    }
}
