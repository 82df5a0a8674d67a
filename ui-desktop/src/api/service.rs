//! The thread of the client: takes requests, answers each in a task of its own, ends in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use kinora_api::{DeviceInfo, Heartbeat, PlaybackGrant, PlaybackRequest, Protocol, paths};
use reqwest::Method;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use url::Url;

use super::session::{NOTHING, Session, is_lost};
use super::{Client, Failure, Probe, Reply, Request, Wake, images, watch};
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
const PATIENT_TRIES: u32 = 20;
/// …with this pause.
const PATIENT_PAUSE: Duration = Duration::from_millis(500);

/// How to reach the service, and where to keep what must be kept.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// The service's address.
    pub base: Url,
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

#[derive(Clone)]
struct Answers {
    sender: mpsc::Sender<Reply>,
    wake: Wake,
}

impl Answers {
    async fn send(&self, reply: Reply) {
        // A closed queue means that the app is being closed.
        if self.sender.send(reply).await.is_ok() {
            (self.wake)();
        }
    }
}

async fn serve(options: ServiceOptions, mut orders: mpsc::Receiver<Order>, answers: Answers) {
    let client = match Client::new(options.base) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "HTTP is not available");
            return;
        }
    };
    let (choice, directory) = (options.secrets, options.directory);
    let opened = tokio::task::spawn_blocking(move || secrets::open(choice, directory.as_deref())).await;
    let Ok(opened) = opened else { return };
    answers.send(Reply::SecretsAt { place: opened.store.place(), notice: opened.notice }).await;
    let session = Arc::new(Session::new(client.clone(), opened.store, options.device));
    let worker = Worker { client, session, answers, pictures: Arc::new(Semaphore::new(PICTURES)) };
    let mut tasks = JoinSet::new();
    let mut watched: Option<Watched> = None;
    while let Some(order) = orders.recv().await {
        while tasks.try_join_next().is_some() {}
        match order {
            Order::Ask(request) => drop(tasks.spawn(worker.clone().answer(request))),
            Order::Watch(grant, probe) => {
                if let Some(before) = watched.take() {
                    end_watch(&worker, &mut tasks, before, probe());
                }
                let (end, ended) = oneshot::channel();
                tasks.spawn(worker.clone().watch((*grant).clone(), probe, ended));
                watched = Some(Watched { grant: *grant, end });
            }
            Order::Stop(last) => {
                if let Some(watched) = watched.take() {
                    end_watch(&worker, &mut tasks, watched, last);
                }
            }
        }
    }
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
    end: oneshot::Sender<()>,
}

fn end_watch(worker: &Worker, tasks: &mut JoinSet<()>, watched: Watched, last: Heartbeat) {
    let Watched { grant, end } = watched;
    // A watch that has ended by itself no longer listens.
    let _ = end.send(());
    let worker = worker.clone();
    tasks.spawn(async move {
        watch::stop(&worker.session, &grant, last).await;
        worker.answers.send(Reply::PlaybackStopped).await;
    });
}

#[derive(Clone)]
struct Worker {
    client: Client,
    session: Arc<Session>,
    answers: Answers,
    pictures: Arc<Semaphore>,
}

impl Worker {
    async fn answer(self, request: Request) {
        let reply = match request {
            Request::Restore => self.restore().await,
            Request::SignIn { credentials, patient } => Reply::SignedIn(self.sign_in(&credentials, patient).await),
            Request::SignOut => {
                self.session.sign_out().await;
                Reply::SignedOut
            }
            Request::Home => {
                let result = self.session.call(Method::GET, &paths::home(None), NOTHING).await;
                lost(result).map_or(Reply::SessionLost, Reply::Home)
            }
            Request::Title(id) => {
                let result = self.session.call(Method::GET, &paths::title(&id, None), NOTHING).await;
                lost(result).map_or(Reply::SessionLost, |result| Reply::Title(id, result))
            }
            Request::Authorize(id) => {
                let protocols = vec![Protocol::Hls, Protocol::Dash];
                let body = PlaybackRequest { title_id: id.clone(), profile_id: None, protocols };
                let result = self.session.call(Method::POST, paths::PLAYBACK, Some(&body)).await;
                lost(result).map_or(Reply::SessionLost, |result| Reply::Granted(id, result))
            }
            Request::Abandon(grant) => {
                let last =
                    Heartbeat { position_ms: grant.resume_position_ms, phase: kinora_api::PlaybackPhase::Stopped };
                watch::stop(&self.session, &grant, last).await;
                return;
            }
            Request::Image(path) => {
                let Ok(_permit) = self.pictures.acquire().await else { return };
                let picture = images::fetch(&self.client, &path).await;
                Reply::Image { path, picture }
            }
        };
        self.answers.send(reply).await;
    }

    async fn restore(&self) -> Reply {
        match self.session.restore().await {
            Ok(account) => Reply::Restored(account),
            Err(failure) => Reply::SignedIn(Err(failure)),
        }
    }

    async fn sign_in(&self, credentials: &Credentials, patient: bool) -> Result<kinora_api::Account, Failure> {
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
        if let Some(failure) = watch::keep_alive(session, grant, probe, ended).await {
            tracing::warn!(error = %failure.error, "the sign-in was lost during playback");
            self.answers.send(Reply::SessionLost).await;
        }
    }
}

/// `None` when the sign-in is lost, which matters more than the answer.
fn lost<A>(result: Result<A, Failure>) -> Option<Result<A, Failure>> {
    match result {
        Err(failure) if is_lost(&failure) => None,
        result => Some(result),
    }
}
