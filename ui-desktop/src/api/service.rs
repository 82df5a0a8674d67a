//! The thread of the client: takes requests, answers each in a task of its own, ends in order.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use kinora_api::{
    Account, AccountId, DeviceInfo, Heartbeat, Home, PlaybackGrant, PlaybackRequest, PlaybackSessionId, ProfileId,
    Protocol, TakeOver, TitleId, paths,
};
use kinora_pin::KeyPin;
use reqwest::Method;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use url::Url;

use super::client::Aged;
use super::clock::now_ms;
use super::position_outbox::{self, PositionOutbox, Waiting};
use super::session::{NOTHING, Session, is_lost};
use super::watch::Farewell;
use super::{Client, Failure, LastSeen, Probe, Reply, Request, Wake, images, presence, title_change, watch};
use crate::home_cache::{CachedHome, HomeCache};
use crate::picture_cache::PictureCache;
use crate::secrets::{self, SecretChoice};
use crate::state::Credentials;

/// Requests that may wait.
const REQUESTS: usize = 256;
/// Replies that may wait; a full queue holds the tasks up, not the interface.
const REPLIES: usize = 64;
/// Pictures that are fetched at the same time.
const PICTURES: usize = 4;
/// What may still be under way when the app is closed gets this long.
const FAREWELL: Duration = Duration::from_secs(4);
/// A patient sign-in tries so often…
const PATIENT_TRIES: u32 = 4;
/// …with this pause.
const PATIENT_PAUSE: Duration = Duration::from_millis(500);

/// Maximum bytes of a manifest that is fetched ahead.
const MAX_MANIFEST: usize = 1 << 20;
/// Titles that a search asks for.
const FOUND: usize = 60;
/// Milliseconds by which the service's clock must differ from what was told, to be told again.
const CLOCK_STEP_MS: u64 = 1500;

/// How to reach the service, and where to keep what must be kept.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// The service's address.
    pub base: Url,
    /// Pin of the only key that is trusted there; `None` trusts as the system does.
    pub pin: Option<KeyPin>,
    /// Which store of secrets.
    pub secrets: SecretChoice,
    /// Where files of secrets may be.
    pub directory: Option<PathBuf>,
    /// This device, for the account's list.
    pub device: DeviceInfo,
}

/// What the thread is told.
enum Order {
    Ask(Request),
    Watch(Box<PlaybackGrant>, Probe),
    Stop(Heartbeat),
}

/// The interface's end of the client.
pub struct Service {
    orders: Option<mpsc::Sender<Order>>,
    replies: mpsc::Receiver<Reply>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts the thread.
    ///
    /// # Errors
    /// The thread or its runtime could not be made.
    pub fn start(options: ServiceOptions, wake: Wake) -> std::io::Result<Self> {
        let (orders, incoming) = mpsc::channel(REQUESTS);
        let (outgoing, replies) = mpsc::channel(REPLIES);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .thread_name("kinora-api-blocking")
            .max_blocking_threads(PICTURES)
            .build()?;
        let answers = Answers { sender: outgoing, wake };
        let thread = std::thread::Builder::new()
            .name("kinora-api".to_owned())
            .spawn(move || runtime.block_on(serve(options, incoming, answers)))?;
        Ok(Self { orders: Some(orders), replies, thread: Some(thread) })
    }

    /// Asks for something; `false` when too much is waiting already.
    pub fn ask(&self, request: Request) -> bool {
        self.order(Order::Ask(request))
    }

    /// Reports on a playback until [`Self::stop`].
    pub fn watch(&self, grant: PlaybackGrant, probe: Probe) -> bool {
        self.order(Order::Watch(Box::new(grant), probe))
    }

    /// Ends the playback that is watched, if any, at this place.
    pub fn stop(&self, last: Heartbeat) -> bool {
        self.order(Order::Stop(last))
    }

    /// The next reply, if one is here.
    pub fn poll(&mut self) -> Option<Reply> {
        self.replies.try_recv().ok()
    }

    fn order(&self, order: Order) -> bool {
        self.orders.as_ref().is_some_and(|orders| orders.try_send(order).is_ok())
    }
}

impl Drop for Service {
    /// Lets what was ordered finish, for at most [`FAREWELL`].
    fn drop(&mut self) {
        self.orders = None;
        self.replies.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the service client ended by a panic");
        }
    }
}

/// The queue of replies.
#[derive(Clone)]
pub(super) struct Answers {
    sender: mpsc::Sender<Reply>,
    wake: Wake,
}

impl Answers {
    /// Puts a reply into the queue, waiting for room, and wakes the interface.
    pub(super) async fn send(&self, reply: Reply) {
        // A closed queue means that the app is being closed.
        if self.sender.send(reply).await.is_ok() {
            (self.wake)();
        }
    }
}

async fn serve(options: ServiceOptions, mut orders: mpsc::Receiver<Order>, answers: Answers) {
    let client = match Client::new(options.base, options.pin) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "HTTP is not available");
            return;
        }
    };
    let service = client.base().origin().ascii_serialization();
    let homes = HomeCache::new(options.directory.as_deref(), service.clone());
    let posters = PictureCache::new(options.directory.as_deref(), service.clone());
    let outbox = PositionOutbox::new(options.directory.as_deref());
    let (choice, directory) = (options.secrets, options.directory);
    let opened = tokio::task::spawn_blocking(move || secrets::open(choice, directory.as_deref())).await;
    let Ok(opened) = opened else { return };
    answers.send(Reply::SecretsAt { place: opened.store.place(), notice: opened.notice }).await;
    let session = Arc::new(Session::new(client.clone(), opened.store, options.device));
    let mut presence = JoinSet::new();
    presence.spawn(presence::watch(client.clone(), Arc::clone(&session), answers.clone()));
    let mut worker = Worker {
        client,
        service,
        session,
        answers,
        homes,
        posters,
        outbox,
        account: Arc::default(),
        profile: None,
        asked_in: 0,
        turn: Arc::default(),
        pictures: Arc::new(Semaphore::new(PICTURES)),
        told_ahead_ms: Arc::default(),
    };
    let mut tasks = JoinSet::new();
    let mut watched: Option<Watched> = None;
    while let Some(order) = orders.recv().await {
        while tasks.try_join_next().is_some() {}
        match order {
            Order::Ask(request) => {
                let profile = match &request {
                    Request::UseProfile(profile) => Some(profile.clone()),
                    Request::SignOut => Some(None),
                    _ => None,
                };
                if let Some(profile) = profile {
                    worker.profile = profile;
                    worker.asked_in = worker.turn.fetch_add(1, Ordering::Relaxed) + 1;
                }
                tasks.spawn(worker.clone().answer(request));
            }
            Order::Watch(grant, probe) => {
                if let Some(before) = watched.take() {
                    end_watch(&worker, &mut tasks, before, probe());
                }
                let (end, ended) = oneshot::channel();
                tasks.spawn(worker.clone().watch((*grant).clone(), probe, ended));
                watched = Some(Watched { grant: *grant, profile: worker.profile.clone(), end });
            }
            Order::Stop(last) => {
                if let Some(watched) = watched.take() {
                    end_watch(&worker, &mut tasks, watched, last);
                }
            }
        }
    }
    presence.abort_all();
    // Dropping the sender of a watch ends it.
    drop(watched);
    let rest = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(FAREWELL, rest).await.is_err() {
        tracing::warn!("some requests were given up at the end");
    }
}

/// A playback that is reported on.
struct Watched {
    grant: PlaybackGrant,
    profile: Option<ProfileId>,
    end: oneshot::Sender<()>,
}

fn end_watch(worker: &Worker, tasks: &mut JoinSet<()>, watched: Watched, last: Heartbeat) {
    let Watched { grant, profile, end } = watched;
    // A watch that has ended by itself no longer listens, and has given its reason.
    let was_kept_alive = end.send(()).is_ok();
    let worker = worker.clone();
    tasks.spawn(async move {
        let outcome = worker.stop(&grant, profile, last).await;
        if was_kept_alive && outcome == Farewell::Displaced {
            worker.answers.send(Reply::Displaced(grant.session_id)).await;
        }
        worker.answers.send(Reply::PlaybackStopped).await;
    });
}

/// Returns the address that the player tries first.
fn first_url(grant: &PlaybackGrant) -> Option<Url> {
    let urls = [Protocol::Hls, Protocol::Dash].into_iter().flat_map(|protocol| grant.urls(protocol));
    urls.filter_map(|url| Url::parse(url).ok()).find(|url| matches!(url.scheme(), "http" | "https"))
}

#[derive(Clone)]
pub(super) struct Worker {
    pub(super) client: Client,
    /// Origin of the service.
    service: String,
    pub(super) session: Arc<Session>,
    pub(super) answers: Answers,
    homes: HomeCache,
    posters: PictureCache,
    outbox: PositionOutbox,
    /// The account as the service last described it.
    account: Arc<Mutex<Option<Account>>>,
    /// The profile that requests are for; `None` is the account's default.
    pub(super) profile: Option<ProfileId>,
    /// The turn in which the request was taken; see `turn`.
    asked_in: u64,
    /// Counts the changes of profile and account: answers of an earlier turn are dropped.
    turn: Arc<AtomicU64>,
    pictures: Arc<Semaphore>,
    /// Milliseconds by which the service's clock is ahead, as was told last.
    told_ahead_ms: Arc<AtomicI64>,
}

impl Worker {
    async fn answer(self, request: Request) {
        let reply = match request {
            Request::Restore => self.restore().await,
            Request::SignIn { credentials, patient } => self.signed_in(&credentials, patient).await,
            Request::Account(request) => self.account(request).await,
            Request::SignOut => self.sign_out().await,
            Request::Home => self.home().await,
            Request::Title(id) => {
                let path = paths::title(&id, self.profile.as_ref());
                self.browse(&path, |result| Reply::Title(id, result.map(Box::new))).await
            }
            Request::Search(query) => {
                let path = paths::search_filtered(&query.text, FOUND, &query.filter, self.profile.as_ref());
                self.browse(&path, |found| Reply::Found(query, found)).await
            }
            Request::MoreRows(path) => {
                let asked = path.clone();
                self.browse(&asked, |result| Reply::MoreRows(path, result)).await
            }
            Request::MoreTitles { row, path } => {
                let asked = path.clone();
                self.browse(&asked, |result| Reply::MoreTitles { row, path, result }).await
            }
            Request::Companion(id) => return self.companion(id).await,
            Request::Authorize(id) => return self.authorize(id, None).await,
            Request::AuthorizeInstead { id, stop } => return self.authorize(id, Some(stop)).await,
            Request::TakeOver { id, session } => return self.take_over(id, &session).await,
            Request::NowPlaying => match title_change::now_playing(&self.session, self.profile.as_ref()).await {
                Ok(playing) => Reply::NowPlaying(playing),
                Err(failure) => return unanswered("what plays elsewhere", &failure),
            },
            Request::Watched => match title_change::watched(&self.session, self.profile.as_ref()).await {
                Ok(titles) => Reply::Watched(titles),
                Err(failure) => return unanswered("the titles that were watched", &failure),
            },
            Request::Change(id, change) => {
                let result = title_change::send(&self.session, self.profile.as_ref(), &id, change).await;
                lost(result).map_or(Reply::SessionLost, |result| Reply::Changed(id, change, result))
            }
            Request::Prepare { id, manifest } => return self.prepare(id, manifest).await,
            Request::Claim(grant) => {
                let result = watch::claim(&self.session, &grant).await;
                lost(result).map_or(Reply::SessionLost, |result| Reply::Claimed(grant, result))
            }
            Request::Abandon(grant) => return watch::give_back(&self.session, &grant).await,
            Request::Image(path) => {
                let Ok(_permit) = self.pictures.acquire().await else { return };
                let fetched = images::fetch(&self.client, &self.posters, &path).await;
                let (picture, file) = fetched.map_or((None, None), |(picture, file)| (Some(picture), file));
                self.answers.send(Reply::Image { path: path.clone(), picture }).await;
                // The viewer does not wait for the disk.
                if let Some(file) = file {
                    images::keep(&self.posters, path, file).await;
                }
                return;
            }
            // The loop that takes orders has changed the profile already.
            Request::UseProfile(profile) => Reply::ProfileInUse(profile),
        };
        if self.is_current() || !reply.is_of_a_profile() {
            self.answers.send(reply).await;
        }
    }

    /// Returns true while answers to this request still concern the viewer.
    pub(super) fn is_current(&self) -> bool {
        self.asked_in == self.turn.load(Ordering::Relaxed)
    }

    async fn home(&self) -> Reply {
        let path = paths::home(self.profile.as_ref());
        let result: Result<Aged<Home>, Failure> = self.session.call_aged(Method::GET, &path, NOTHING).await;
        self.tell_clock().await;
        if let Ok(Aged { answer: home, age_s: Some(age_s) }) = result {
            return Reply::KeptHome { home, age_s };
        }
        let result = result.map(|aged| aged.answer);
        if let Ok(home) = &result
            && self.is_current()
        {
            self.keep_home(home.clone()).await;
            // Positions that waited change the rows: the next answer shows them.
            position_outbox::send(&self.outbox, &self.session, &self.service).await;
        }
        lost(result).map_or(Reply::SessionLost, Reply::Home)
    }

    /// Tells the service's clock when it is another one than was told before.
    async fn tell_clock(&self) {
        let ahead_ms = self.client.ahead_ms();
        if ahead_ms.abs_diff(self.told_ahead_ms.load(Ordering::Relaxed)) >= CLOCK_STEP_MS {
            self.told_ahead_ms.store(ahead_ms, Ordering::Relaxed);
            self.answers.send(Reply::ServiceClock { ahead_ms }).await;
        }
    }

    async fn keep_home(&self, home: Home) {
        let Some(account) = self.account.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return };
        let (homes, profile) = (self.homes.clone(), self.profile.clone());
        let kept = CachedHome { profile, seen_at: now_ms(), home };
        // A task that ends by a panic has kept nothing, which is no reason to keep the answer from the viewer.
        let _ = tokio::task::spawn_blocking(move || homes.store(&account, kept)).await;
    }

    /// Asks for a page, which a gateway may give from what it had kept.
    async fn browse<A: DeserializeOwned>(&self, path: &str, answer: impl FnOnce(Result<A, Failure>) -> Reply) -> Reply {
        let result: Result<Aged<A>, Failure> = self.session.call_aged(Method::GET, path, NOTHING).await;
        self.tell_clock().await;
        match lost(result) {
            None => Reply::SessionLost,
            Some(Ok(Aged { answer: page, age_s: Some(age_s) })) => {
                Reply::Kept { reply: Box::new(answer(Ok(page))), age_s }
            }
            Some(result) => answer(result.map(|aged| aged.answer)),
        }
    }

    /// Fetches permission to play, in the place of the playback `stop` if there is one; `None` when the viewer has changed
    /// meanwhile.
    async fn fetch_grant(
        &self,
        id: &TitleId,
        ahead: bool,
        stop: Option<PlaybackSessionId>,
    ) -> Option<Result<PlaybackGrant, Failure>> {
        let protocols = vec![Protocol::Hls, Protocol::Dash];
        let body = PlaybackRequest {
            title_id: id.clone(),
            profile_id: self.profile.clone(),
            protocols,
            ahead,
            capabilities: None,
            stop,
        };
        let result: Result<PlaybackGrant, Failure> =
            self.session.call(Method::POST, paths::PLAYBACK, Some(&body)).await;
        self.unless_outdated(result).await
    }

    /// Returns a grant, or gives it back when the viewer has changed meanwhile.
    async fn unless_outdated(&self, result: Result<PlaybackGrant, Failure>) -> Option<Result<PlaybackGrant, Failure>> {
        if self.is_current() {
            return Some(result);
        }
        if let Ok(grant) = result {
            watch::give_back(&self.session, &grant).await;
        }
        None
    }

    /// Takes a playback over. One that has ended meanwhile is no obstacle: its title goes on where it ended.
    async fn take_over(&self, id: TitleId, session: &PlaybackSessionId) {
        let body = TakeOver {
            profile_id: self.profile.clone(),
            protocols: vec![Protocol::Hls, Protocol::Dash],
            capabilities: None,
        };
        let path = paths::take_over(session);
        let result: Result<PlaybackGrant, Failure> = self.session.call(Method::POST, &path, Some(&body)).await;
        let has_ended = |failure: &Failure| failure.wire() == Some(kinora_api::ErrorCode::PlaybackSessionNotFound);
        if result.as_ref().is_err_and(has_ended) {
            return self.authorize(id, None).await;
        }
        let Some(result) = self.unless_outdated(result).await else { return };
        self.answers.send(lost(result).map_or(Reply::SessionLost, |result| Reply::Granted(id, result))).await;
    }

    async fn prepare(&self, id: TitleId, manifest: bool) {
        let Some(result) = self.fetch_grant(&id, true, None).await else { return };
        let url = result.as_ref().ok().filter(|_| manifest).and_then(first_url);
        self.answers.send(lost(result).map_or(Reply::SessionLost, |result| Reply::Prepared(id, result))).await;
        if let Some(url) = url
            && let Err(failure) = self.client.warm(&url, MAX_MANIFEST).await
        {
            tracing::debug!(error = %failure.error, "a manifest was not fetched ahead");
        }
    }

    async fn authorize(&self, id: TitleId, stop: Option<PlaybackSessionId>) {
        let Some(result) = self.fetch_grant(&id, false, stop).await else { return };
        self.answers.send(lost(result).map_or(Reply::SessionLost, |result| Reply::Granted(id, result))).await;
    }

    async fn restore(&self) -> Reply {
        match self.session.restore().await {
            Ok(account) => {
                self.remember(account.as_ref());
                Reply::Restored(account)
            }
            Err(failure) => {
                let account = self.session.account().await;
                self.offline(failure, account).await
            }
        }
    }

    pub(super) async fn signed_in(&self, credentials: &Credentials, patient: bool) -> Reply {
        match self.sign_in(credentials, patient).await {
            Ok(account) => {
                self.remember(Some(&account));
                Reply::SignedIn(Ok(account))
            }
            // The start signs in by itself: the page that the same viewer last saw is better than an empty form.
            Err(failure) if patient && failure.is_outage() => {
                let account = self.session.account().await;
                match self.offline(failure, account).await {
                    Reply::Offline { failure, account: Some(account), .. }
                        if !account.email.eq_ignore_ascii_case(&credentials.email) =>
                    {
                        Reply::Offline { failure, account: None, homes: Vec::new() }
                    }
                    reply => reply,
                }
            }
            Err(failure) => Reply::SignedIn(Err(failure)),
        }
    }

    async fn offline(&self, failure: Failure, account: Option<AccountId>) -> Reply {
        let homes = self.homes.clone();
        let kept = tokio::task::spawn_blocking(move || account.and_then(|account| homes.load(&account))).await;
        let Ok(Some(kept)) = kept else { return Reply::Offline { failure, account: None, homes: Vec::new() } };
        let account = Some(kept.account.clone());
        let seen = |kept: CachedHome| LastSeen { profile: kept.profile, seen_at: kept.seen_at, home: kept.home };
        Reply::Offline { failure, account, homes: kept.into_homes().into_iter().map(seen).collect() }
    }

    /// Revokes the tokens and deletes what was kept of the account.
    async fn sign_out(&self) -> Reply {
        let account = self.session.account().await;
        self.session.sign_out().await;
        self.forget(account).await;
        Reply::SignedOut
    }

    /// Deletes what was kept of an account that is no longer signed in.
    pub(super) async fn forget(&self, account: Option<AccountId>) {
        self.remember(None);
        if let Some(account) = account {
            let (homes, posters) = (self.homes.clone(), self.posters.clone());
            let forget = move || {
                homes.forget(&account);
                posters.clear();
            };
            if tokio::task::spawn_blocking(forget).await.is_err() {
                tracing::warn!("the kept home screen and pictures could not be deleted");
            }
        }
    }

    pub(super) fn remember(&self, account: Option<&Account>) {
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = account.cloned();
    }

    /// Reports the last position. It is on disk until the service has taken it, so that neither an outage nor the end of
    /// the process loses it.
    async fn stop(&self, grant: &PlaybackGrant, profile: Option<ProfileId>, last: Heartbeat) -> Farewell {
        let waiting = self.session.account().await.map(|account| Waiting {
            service: self.service.clone(),
            account,
            profile,
            title: grant.title_id.clone(),
            position_ms: last.position_ms,
            recorded_at: now_ms(),
        });
        self.with_outbox(waiting.clone(), |outbox, waiting| outbox.add(waiting)).await;
        let outcome = watch::stop(&self.session, grant, last).await;
        if outcome != Farewell::Away {
            self.with_outbox(waiting, |outbox, waiting| outbox.remove(&waiting)).await;
        }
        outcome
    }

    async fn with_outbox(&self, waiting: Option<Waiting>, change: fn(&PositionOutbox, Waiting)) {
        let (Some(waiting), outbox) = (waiting, self.outbox.clone()) else { return };
        if tokio::task::spawn_blocking(move || change(&outbox, waiting)).await.is_err() {
            tracing::warn!("the positions that wait could not be written");
        }
    }

    async fn sign_in(&self, credentials: &Credentials, patient: bool) -> Result<Account, Failure> {
        let tries = if patient { PATIENT_TRIES } else { 1 };
        let mut outcome = self.session.sign_in(credentials).await;
        for _ in 1..tries {
            if !outcome.as_ref().is_err_and(Failure::is_unreachable) || self.answers.sender.is_closed() {
                break;
            }
            tokio::time::sleep(PATIENT_PAUSE).await;
            outcome = self.session.sign_in(credentials).await;
        }
        outcome
    }

    async fn watch(self, grant: PlaybackGrant, probe: Probe, ended: oneshot::Receiver<()>) {
        let session = Arc::clone(&self.session);
        let id = grant.session_id.clone();
        if let Some(failure) = watch::keep_alive(session, grant, probe, ended).await {
            tracing::warn!(error = %failure.error, "the playback was ended by the service");
            let reply = if is_lost(&failure) { Reply::SessionLost } else { Reply::Displaced(id) };
            self.answers.send(reply).await;
        }
    }
}

/// Notes a question whose answer the interface does without.
fn unanswered(about: &str, failure: &Failure) {
    tracing::info!(error = %failure.error, "{about} could not be fetched");
}

/// `None` when the sign-in is lost, which matters more than the answer.
pub(super) fn lost<A>(result: Result<A, Failure>) -> Option<Result<A, Failure>> {
    match result {
        Err(failure) if is_lost(&failure) => None,
        result => Some(result),
    }
}
