//! Risk of sign-ins and refreshes as they come: what the memory of this process knows, and what follows from it.
//!
//! Only strangers are asked for more: a device that has signed in to the account before signs in as ever.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kinora_api::events::{LoggedEvent, RiskAction, ViewerEvent};
use kinora_api::{ErrorCode, Secret};
use kinora_kit::http::problem::Problem;
use kinora_risk::assessment::{Action, Assessment, Reason};
use kinora_risk::event::{Event, Kind};
use kinora_risk::key::Key;
use kinora_risk::memory::Memory;
use kinora_risk::networks::{Networks, NetworksError};
use kinora_store::events;

use crate::Accounts;
use crate::owning::code_text;
use crate::store::codes::{self, Purpose};
use crate::store::{self};

/// Time between two tries of strangers from a network that is limited, in milliseconds.
const LIMITED_WAIT_MS: i64 = 30_000;

/// Counter of sign-ins that were asked for a mailed code.
const STEP_UPS: &str = "kinora_step_ups_total";
/// Counter of sign-ins of networks that were limited.
const LIMITED: &str = "kinora_risk_limited_total";

/// Somebody who tries to be let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visitor<'a> {
    /// Address of the account.
    pub(crate) email: &'a str,
    /// Id of the device, if it has one.
    pub(crate) device: Option<&'a str>,
    /// True if the device has signed in to the account before.
    pub(crate) is_known_device: bool,
    /// Address of the client.
    pub(crate) peer: Option<IpAddr>,
}

/// Assesses sign-ins and refreshes of this process.
#[derive(Debug)]
pub(crate) struct Watch {
    memory: Mutex<Memory>,
    networks: Networks,
}

impl Watch {
    /// Reads the places of networks. Without the file there are none, and nothing that depends on places is noticed.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(crate) fn open(places: Option<&Path>) -> Result<Self, NetworksError> {
        let file = places.map(std::fs::File::open);
        let networks = match file {
            None => Networks::default(),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Networks::default(),
            Some(file) => Networks::read(io::BufReader::new(file?))?,
        };
        Ok(Self { memory: Mutex::default(), networks })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the event of a visitor.
    pub(crate) fn event(&self, kind: Kind, visitor: &Visitor<'_>, now_ms: i64) -> Event {
        let mut event = Event::new(now_ms, kind);
        event.account = Key::of(visitor.email);
        event.device = visitor.device.and_then(Key::of);
        event.is_known_device = visitor.is_known_device;
        // This machine is no network of anybody, and has no place.
        if let Some(peer) = visitor.peer.filter(|peer| !peer.to_canonical().is_loopback()) {
            event.set_address(peer);
            self.networks.locate(&mut event, peer);
        }
        event
    }

    /// Returns the time that a stranger has to wait because its network or device tries a list of accounts, in milliseconds.
    pub(crate) fn wait_ms(&self, event: &Event) -> Option<u64> {
        if event.is_known_device {
            return None;
        }
        let memory = self.memory();
        let refused = memory.preview(&Event { accepted: Some(false), ..*event });
        if refused.action != Action::Limit || !refused.has(Reason::Stuffing) {
            return None;
        }
        let since = memory.quiet_ms(event).unwrap_or(LIMITED_WAIT_MS);
        u64::try_from(LIMITED_WAIT_MS - since).ok().filter(|wait| *wait > 0)
    }

    /// Assesses an event that is about to be let in, without learning from it.
    pub(crate) fn preview(&self, event: &Event) -> Assessment {
        self.memory().preview(&Event { accepted: Some(true), ..*event })
    }

    /// Assesses an event that was decided, and learns from it.
    pub(crate) fn learn(&self, event: &Event, accepted: bool) -> Assessment {
        self.memory().assess(&Event { accepted: Some(accepted), ..*event })
    }

    /// Forgets an account.
    pub(crate) fn forget(&self, email: &str) {
        if let Some(account) = Key::of(email) {
            self.memory().forget(account);
        }
    }
}

impl Accounts {
    /// Refuses a stranger whose network or device tries a list of accounts, unless it has waited.
    ///
    /// # Errors
    /// 7004.
    pub(crate) fn check_flood(&self, event: &Event) -> Result<(), Problem> {
        let Some(wait_ms) = self.watch.wait_ms(event) else { return Ok(()) };
        self.metrics.count(LIMITED);
        let message = format!("too many failed sign-ins: wait {} s", wait_ms.div_ceil(1000));
        Err(Problem::new(ErrorCode::TooManyAttempts, message).with_retry_after_ms(wait_ms))
    }

    /// Returns true if a right password is not enough for an event.
    pub(crate) fn needs_step_up(&self, event: &Event) -> bool {
        let assessment = self.watch.preview(event);
        !event.is_known_device && assessment.action >= Action::StepUp
    }

    /// Compares the mailed code of a sign-in that needs one; without a code, mails one.
    ///
    /// # Errors
    /// 7032 when a code is needed, 7022 when it is not good.
    pub(crate) async fn step_up(&self, visitor: &Visitor<'_>, code: Option<&Secret>) -> Result<(), Problem> {
        let subject = (Purpose::StepUp, visitor.email);
        if let Some(code) = code {
            let (hash, _) = self.check_code(visitor.peer, subject, code).await?;
            return match codes::spend(&self.store, subject, &hash).await? {
                true => Ok(()),
                false => Err(codes::invalid()),
            };
        }
        self.metrics.count(STEP_UPS);
        // An address that got too many mails has one that works.
        if self.may_mail(visitor.email).await? {
            let (code, hash) = self.new_code().await?;
            codes::put(&self.store, subject, hash, String::new(), self.clock.now_ms()).await?;
            self.send(visitor.email, "Your Kinora code", code_text("sign in", &code)).await?;
        }
        Err(step_up_required())
    }

    /// Logs an assessment that calls for it, under the account of an address. Does not wait: the time of an answer does not depend
    /// on it.
    pub(crate) fn log_risk(&self, email: &str, assessment: &Assessment, now_ms: i64) {
        let action = match assessment.action {
            Action::Allow => return,
            Action::Log => RiskAction::Log,
            Action::StepUp => RiskAction::StepUp,
            Action::Limit => RiskAction::Limit,
        };
        let reasons: Vec<String> = assessment.reasons.iter().map(|(reason, _)| reason.name().to_owned()).collect();
        let score_permille = (assessment.score * 1_000.0) as u16;
        tracing::info!(score_permille, ?action, reasons = reasons.join(" "), "a sign-in is at risk");
        let event = ViewerEvent::RiskAssessed { score_permille, action, reasons };
        let (store, email) = (self.store.clone(), email.to_owned());
        tokio::spawn(async move {
            let logged = async {
                let Some((account, _)) = store::credentials(&store, &email).await? else { return Ok(()) };
                let event = LoggedEvent { account: Some(account), profile: None, at: now_ms, event };
                store
                    .write(event, |connection, event| {
                        Box::pin(async move {
                            if store::is_there(connection, event.account.as_deref()).await? {
                                events::log(connection, event).await?;
                            }
                            Ok(())
                        })
                    })
                    .await
            };
            if let Err(problem) = logged.await {
                tracing::warn!(error = %problem.error(), "an assessment was not logged");
            }
        });
    }
}

/// Returns the refusal of a right password from a stranger.
pub(crate) fn step_up_required() -> Problem {
    Problem::new(ErrorCode::StepUpRequired, "this sign-in needs the code that was mailed to the account's address")
}
