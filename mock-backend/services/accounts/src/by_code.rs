//! Sign-in of a device by a code that its owner allows on a phone (RFC 8628).

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kinora_api::{DeviceAuthorization, DeviceInfo, ErrorCode, Secret, SignInResponse, paths};
use kinora_kit::http::problem::Problem;
use kinora_kit::keyfile;
use kinora_risk::event::Kind;

use crate::domain::attempts::{Guess, Settled, Subject, network_of};
use crate::domain::code::Code;
use crate::domain::normal_email;
use crate::domain::pace::Pace;
use crate::risk::{Visitor, step_up_required};
use crate::store::{self, device_codes, paces};
use crate::{Accounts, digest};

/// What the page of an account knows of a device that waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The device.
    pub device: DeviceInfo,
    /// For [`Accounts::decide`].
    pub ticket: Secret,
}

fn random() -> Result<Secret, Problem> {
    let bytes = keyfile::random::<32>().map_err(|error| Problem::internal(&error))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

impl Accounts {
    /// Begins a sign-in by code.
    ///
    /// # Errors
    /// 7004 when the network asks too often.
    pub async fn authorize(&self, peer: Option<IpAddr>, device: &DeviceInfo) -> Result<DeviceAuthorization, Problem> {
        let now_ms = self.clock.now_ms();
        if let Some(peer) = peer {
            let subject = Subject::new("devices of peer", &[&network_of(peer)]);
            paces::take(&self.store, subject, Pace::PEER, now_ms).await?;
        }
        let device_code = random()?;
        let user_code = Code::generate().map_err(|error| Problem::internal(&error))?;
        let digests = (digest(&device_code), digest(&Secret::new(user_code.as_str())));
        device_codes::begin(&self.store, digests, device, now_ms).await?;
        let seconds = |ms: i64| u64::try_from(ms / 1000).unwrap_or(0);
        Ok(DeviceAuthorization {
            device_code,
            verification_uri_complete: format!("{}?code={}", paths::LINK, user_code.shown()),
            user_code: user_code.shown(),
            verification_uri: paths::LINK.to_owned(),
            expires_in: seconds(device_codes::LIFETIME_MS),
            interval: seconds(device_codes::INTERVAL_MS),
        })
    }

    /// Signs a device in whose code was allowed.
    ///
    /// # Errors
    /// 7024 to 7027.
    pub async fn device_token(&self, device_code: &Secret) -> Result<SignInResponse, Problem> {
        let (account, device) = device_codes::ask(&self.store, digest(device_code), self.clock.now_ms()).await?;
        self.sign_in_as(&account, &device, None).await
    }

    /// Looks a user code up for whoever shows the password of an account.
    ///
    /// # Errors
    /// 7022 when no device waits with the code, 7001 when address or password is wrong, 7004 when the guess has to wait, 7032 when it
    /// is at risk.
    pub async fn look_up(
        &self,
        peer: Option<IpAddr>,
        typed: &str,
        email: &str,
        password: &Secret,
    ) -> Result<Waiting, Problem> {
        let now_ms = self.clock.now_ms();
        let counted = Subject::new("user codes of peer", &[&peer.map_or_else(String::new, network_of)]);
        paces::take(&self.store, counted.clone(), Pace::USER_CODE, now_ms).await?;
        let email = normal_email(email).unwrap_or_default();
        let visitor = Visitor { email: &email, device: None, is_known_device: false, peer };
        let event = self.watch.event(Kind::SignIn, &visitor, now_ms);
        self.check_flood(&event)?;
        let reservation = self.limit.reserve_guess(Guess::of_stranger(&email, peer)).await?;
        let (account, hash) = store::credentials(&self.store, &email).await?.unzip();
        let compared = self.passwords.verify(password, hash).await;
        let outcome = match &compared {
            Ok(true) => Settled::Right,
            Ok(false) => Settled::Wrong,
            Err(_) => Settled::NotCompared,
        };
        self.limit.settle(reservation, outcome).await?;
        let account = account.filter(|_| matches!(compared, Ok(true)));
        let is_right = compared?;
        if !is_right {
            self.log_risk(&email, &self.watch.learn(&event, false), now_ms);
        }
        let wrong = || Problem::new(ErrorCode::InvalidCredentials, "address or password is wrong");
        let account = account.ok_or_else(wrong)?;
        let unknown = || Problem::new(ErrorCode::CodeInvalid, "no device waits with this code");
        if self.needs_step_up(&event) {
            return Err(step_up_required());
        }
        let code = Code::parse(typed).ok_or_else(unknown)?;
        let ticket = random()?;
        let code = digest(&Secret::new(code.as_str()));
        let device = device_codes::look(&self.store, code, &account, digest(&ticket), now_ms).await?;
        let device = device.ok_or_else(unknown)?;
        paces::forget(&self.store, counted).await?;
        Ok(Waiting { device, ticket })
    }

    /// Allows or denies the sign-in of a device. Returns false if it is too late.
    ///
    /// # Errors
    /// Of the database.
    pub async fn decide(&self, ticket: &Secret, is_allowed: bool) -> Result<bool, Problem> {
        device_codes::decide(&self.store, digest(ticket), is_allowed, self.clock.now_ms()).await
    }
}
