//! One shaped link for each session: the pure [`Shaper`] meets real time here.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use abr::link::Trace;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::Instant;

use super::fill::lock;
use super::shaper::{Flow, Shaper};
use kinora_chaos::apply::{Piece, Pieces};

/// Sessions whose link is remembered; when more come, those idle the longest are forgotten and would begin their trace anew.
const MAX_SESSIONS: usize = 10_000;

/// The links of all sessions, each following the same trace from its own beginning.
#[derive(Debug)]
pub struct Links {
    model: Arc<abr::link::Link>,
    sessions: Mutex<HashMap<String, Arc<Link>>>,
}

/// The link of one session.
#[derive(Debug)]
pub struct Link {
    began: Instant,
    state: Mutex<LinkState>,
}

#[derive(Debug)]
struct LinkState {
    shaper: Shaper,
    used: Instant,
}

impl Links {
    /// Links that follow `trace`.
    pub fn new(trace: Trace) -> Self {
        Self { model: Arc::new(abr::link::Link::new(trace)), sessions: Mutex::default() }
    }

    /// The link of a session, which begins now if it has none.
    pub fn of(&self, session: &str) -> Arc<Link> {
        let now = Instant::now();
        let mut sessions = lock(&self.sessions);
        if let Some(link) = sessions.get(session) {
            lock(&link.state).used = now;
            return Arc::clone(link);
        }
        if sessions.len() >= MAX_SESSIONS {
            forget_half(&mut sessions);
        }
        let state = LinkState { shaper: Shaper::new(Arc::clone(&self.model)), used: now };
        let link = Arc::new(Link { began: now, state: Mutex::new(state) });
        sessions.insert(session.to_owned(), Arc::clone(&link));
        link
    }
}

/// Makes room in one sweep for many newcomers, so that the cost of a newcomer stays constant on average.
fn forget_half(sessions: &mut HashMap<String, Arc<Link>>) {
    let mut used: Vec<Instant> = sessions.values().map(|link| lock(&link.state).used).collect();
    let middle = used.len() / 2;
    let (_, &mut limit, _) = used.select_nth_unstable(middle);
    sessions.retain(|_, link| lock(&link.state).used > limit);
}

impl Link {
    /// Waits as long as the first byte of a response takes to come.
    pub async fn latency(&self) {
        let latency = lock(&self.state).shaper.latency(self.began.elapsed());
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
    }

    /// The body at the pace of the link.
    pub fn pace(self: Arc<Self>, body: Pieces) -> Pieces {
        let sender = Sender { link: self, body, held: None, flow: Flow::Begins };
        Box::pin(sender.into_stream())
    }

    fn reserve(&self, flow: Flow, wanted: usize) -> (usize, Instant) {
        let now = Instant::now();
        let mut state = lock(&self.state);
        state.used = now;
        let piece = state.shaper.reserve(now.saturating_duration_since(self.began), flow, wanted);
        // An outage without end is a year: long enough to be one, and within what a timer takes.
        (piece.bytes, self.began + piece.done_at.min(Duration::from_secs(365 * 86_400)))
    }
}

struct Sender {
    link: Arc<Link>,
    body: Pieces,
    held: Option<Piece>,
    flow: Flow,
}

impl Sender {
    fn into_stream(self) -> impl Stream<Item = io::Result<Piece>> + Send {
        stream::unfold(self, |mut sender| async move {
            let mut piece = match sender.held.take() {
                Some(piece) => piece,
                None => match sender.body.next().await? {
                    Ok(piece) => piece,
                    Err(error) => return Some((Err(error), sender)),
                },
            };
            if piece.bytes.is_empty() {
                return Some((Ok(piece), sender));
            }
            let (bytes, when) = sender.link.reserve(sender.flow, piece.bytes.len());
            sender.flow = Flow::GoesOn;
            if bytes < piece.bytes.len() {
                let rest = piece.bytes.split_off(bytes);
                sender.held = Some(Piece { offset: piece.offset.map(|offset| offset + bytes as u64), bytes: rest });
            }
            tokio::time::sleep_until(when).await;
            Some((Ok(piece), sender))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Links, MAX_SESSIONS};
    use abr::link::Trace;
    use bytes::Bytes;
    use futures_util::{StreamExt as _, stream};
    use kinora_chaos::apply::Piece;

    fn links() -> Links {
        Links::new(Trace::parse("1000,1000000,0").expect("a trace"))
    }

    #[tokio::test]
    async fn a_paced_body_arrives_whole_in_small_pieces_with_their_places() {
        let body = stream::iter([Ok(Piece { offset: Some(7), bytes: Bytes::from(vec![1; 3_000_000]) })]);
        let pieces: Vec<_> = links().of("s").pace(Box::pin(body)).collect().await;
        assert!(pieces.len() >= 3);
        let mut at = 7;
        for piece in pieces {
            let piece = piece.expect("no error");
            assert_eq!(piece.offset, Some(at));
            assert!(piece.bytes.len() <= 1_250_000, "10 ms of a gigabit");
            at += piece.bytes.len() as u64;
        }
        assert_eq!(at, 3_000_007);
    }

    #[tokio::test]
    async fn sessions_are_bounded() {
        let links = links();
        for n in 0..MAX_SESSIONS + 10 {
            links.of(&n.to_string());
        }
        assert!(super::lock(&links.sessions).len() <= MAX_SESSIONS);
    }
}
