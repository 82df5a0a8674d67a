//! Words for a viewer while a film does not move: nothing at first, then more the longer it takes.

use player_core::error::Stage;
use player_core::snapshot::BufferingReason;
use player_core::{ErrorCode, Now, PendingRetry, Snapshot, State};

use super::{Outage, PlayerState, Source};
use crate::theme::tokens::time;

/// Content of the overlay during a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Cause of the wait; `None` shows the spinner alone.
    pub words: Option<String>,
    /// Action of the player, with its attempt and the next one; `None` while there is none to name.
    pub action: Option<String>,
    /// There is a way out.
    pub cancel: bool,
}

/// Returns what is shown now; `None` while pictures move or the wait is too short to be noticed.
///
/// A spinner stands after [`time::SPINNER_DELAY`], "Loading" after [`time::WAIT_WORDS`], and after
/// [`time::WAIT_REASON`] what is waited for, what is being done and a way out. A request that has failed and is made
/// again is named as soon as there are words. `player_now` is the player's clock, `now` the interface's.
pub fn waiting(
    player: &PlayerState,
    snapshot: &Snapshot,
    outage: Option<&Outage>,
    (now, player_now): (f64, Now),
) -> Option<Waiting> {
    let reason = reason(player, snapshot)?;
    let waited = now - player.waiting_since.unwrap_or(now - time::SPINNER_DELAY);
    if waited < time::SPINNER_DELAY {
        return None;
    }
    let retry = service_retry(player, outage, now)
        .or_else(|| snapshot.pending_retry.as_ref().map(|retry| film_retry(retry, player_now)));
    let is_long = waited >= time::WAIT_REASON || (retry.is_some() && waited >= time::WAIT_WORDS);
    let (words, action) = match retry {
        Some((words, action)) if waited >= time::WAIT_WORDS => (Some(words), Some(action)),
        _ if is_long => (Some(reason.long.to_owned()), Some(reason.action.to_owned())),
        _ if waited >= time::WAIT_WORDS => (Some(reason.short.to_owned()), None),
        _ => (None, None),
    };
    Some(Waiting { words, action, cancel: is_long })
}

/// Returns the next time at which [`waiting`] changes by itself; `None` when only news change it.
pub fn next_change(player: &PlayerState, now: f64) -> Option<f64> {
    let since = player.waiting_since?;
    [time::SPINNER_DELAY, time::WAIT_WORDS, time::WAIT_REASON].into_iter().map(|step| since + step).find(|at| *at > now)
}

/// The words of one wait.
struct Reason {
    short: &'static str,
    long: &'static str,
    action: &'static str,
}

fn reason(player: &PlayerState, snapshot: &Snapshot) -> Option<Reason> {
    let of = |short, long, action| Some(Reason { short, long, action });
    if matches!(&player.source, Source::Title { grant: None, .. }) {
        return of("Loading…", "Kinora has not answered yet.", "Still asking for the film.");
    }
    match snapshot.state {
        State::Idle | State::Loading => {
            of("Loading…", "The film's server has not answered yet.", "Still trying. This can take a while.")
        }
        State::Buffering(BufferingReason::Starting) => {
            of("Loading…", "The film is slow to start.", "Still loading its first seconds.")
        }
        State::Buffering(BufferingReason::NetworkTooSlow) => of(
            "The network is slower than the film. Buffering…",
            "The network is slower than the film. Buffering…",
            "The film goes on as soon as enough of it is here.",
        ),
        State::Buffering(BufferingReason::Failover) => {
            of("Switching to another server…", "The film's server is not answering.", "Switching to another server.")
        }
        State::Buffering(BufferingReason::TrackChange) => {
            of("Switching the track…", "The new track is slow to load.", "Still loading.")
        }
        State::Buffering(BufferingReason::WaitingForKey) => {
            of("Waiting for the licence…", "The licence for this film has not come yet.", "Still asking for it.")
        }
        State::Buffering(BufferingReason::LiveEdge) => of(
            "Waiting for the broadcast…",
            "The broadcast has sent nothing new.",
            "It goes on as soon as there is more of it.",
        ),
        State::Seeking => of("Loading…", "The film's server has not answered yet.", "Still trying to get this part."),
        State::Ready | State::Ended | State::Failed => None,
    }
}

/// Returns the words for a request of the film that failed and is made again.
fn film_retry(retry: &PendingRetry, player_now: Now) -> (String, String) {
    let what = match retry.stage {
        Stage::Licence => "the licence",
        Stage::Text => "the subtitles",
        Stage::Manifest | Stage::Index | Stage::Init => "the film",
        Stage::Segment | Stage::Render | Stage::Command => "this part of the film",
    };
    let host = if retry.host.is_empty() { String::new() } else { format!(" ({})", host_name(&retry.host)) };
    let words = match retry.error.code {
        ErrorCode::NetworkUnreachable => format!("We can't reach the film's server{host}."),
        ErrorCode::NetworkTimeout => format!("The film's server{host} is not answering."),
        ErrorCode::BodyTruncated => format!("The connection to the film's server{host} broke off."),
        ErrorCode::HttpStatus => format!("The film's server{host} did not send {what}."),
        _ => format!("The film's server{host} sent something unusable."),
    };
    let left = retry.next_attempt_at.since(player_now).as_secs_f64().ceil() as u64;
    let action = match left {
        0 => format!("Attempt {} to get {what} is under way.", retry.attempt + 1),
        seconds => format!("Attempt {} to get {what} failed. Trying again in {seconds} s.", retry.attempt),
    };
    (words, action)
}

/// Returns a host as a viewer reads it: without scheme.
fn host_name(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, host)| host)
}

/// Returns the words for a film that waits for permission to play while the service is away.
fn service_retry(player: &PlayerState, outage: Option<&Outage>, now: f64) -> Option<(String, String)> {
    let outage = outage.filter(|_| matches!(&player.source, Source::Title { grant: None, .. }))?;
    let action = match outage.seconds_left(now) {
        Some(seconds) => format!("Attempt {} failed. Trying again in {seconds} s.", outage.attempt),
        None => format!("Attempt {} is under way.", outage.attempt + 1),
    };
    Some(("We can't reach Kinora.".to_owned(), action))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Begin;

    fn at_an_address() -> PlayerState {
        PlayerState::new(Source::Address("http://h/film.mpd".parse().expect("a valid address")), 10.0)
    }

    #[test]
    fn a_wait_says_more_the_longer_it_takes() {
        let player = at_an_address();
        let snapshot = Snapshot { state: State::Seeking, ..Snapshot::default() };
        let at = |now| waiting(&player, &snapshot, None, (10.0 + now, Now::ZERO));
        assert_eq!(at(0.3), None);
        assert_eq!(at(0.5), Some(Waiting { words: None, action: None, cancel: false }));
        assert_eq!(at(2.1).expect("shown").words.as_deref(), Some("Loading…"));
        let long = at(4.1).expect("shown");
        assert!(long.words.is_some() && long.action.is_some() && long.cancel, "{long:?}");
        let ready = Snapshot { state: State::Ready, ..Snapshot::default() };
        assert_eq!(waiting(&player, &ready, None, (20.0, Now::ZERO)), None);
    }

    #[test]
    fn a_failed_request_is_named_with_its_attempt_and_the_next_one() {
        let player = at_an_address();
        let second = |seconds: u64| Now::ZERO + std::time::Duration::from_secs(seconds);
        let mut retry = PendingRetry {
            stage: Stage::Segment,
            host: "http://edge-a.example:8001".to_owned(),
            error: player_core::PlayerError::warning(ErrorCode::NetworkUnreachable, "refused"),
            attempt: 2,
            next_attempt_at: second(9),
            gives_up_at: second(30),
        };
        let read = |retry: &PendingRetry, waited: f64, now: u64| {
            let pending_retry = Some(retry.clone());
            let snapshot = Snapshot { state: State::Seeking, pending_retry, ..Snapshot::default() };
            waiting(&player, &snapshot, None, (10.0 + waited, second(now)))
        };
        assert_eq!(read(&retry, 0.5, 5).expect("a spinner").words, None);
        let shown = read(&retry, 2.0, 5).expect("words");
        assert_eq!(shown.words.as_deref(), Some("We can't reach the film's server (edge-a.example:8001)."));
        let action = "Attempt 2 to get this part of the film failed. Trying again in 4 s.";
        assert_eq!((shown.action.as_deref(), shown.cancel), (Some(action), true));
        let under_way = read(&retry, 3.0, 9).expect("words").action;
        assert_eq!(under_way.as_deref(), Some("Attempt 3 to get this part of the film is under way."));
        retry.stage = Stage::Manifest;
        retry.error.code = ErrorCode::HttpStatus;
        let words = read(&retry, 3.0, 9).expect("words").words;
        assert_eq!(words.as_deref(), Some("The film's server (edge-a.example:8001) did not send the film."));
    }

    #[test]
    fn each_step_is_drawn_by_itself() {
        let player = at_an_address();
        let mut now = 10.0;
        let mut steps = Vec::new();
        while let Some(next) = next_change(&player, now) {
            steps.push(next - 10.0);
            now = next;
        }
        let want = [time::SPINNER_DELAY, time::WAIT_WORDS, time::WAIT_REASON];
        assert!(steps.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-9) && steps.len() == 3, "{steps:?}");
    }

    #[test]
    fn a_film_that_may_not_start_yet_names_the_service_and_counts() {
        let card = kinora_api::TitleCard {
            id: "t".into(),
            name: "T".to_owned(),
            poster: kinora_api::Image { path: String::new(), width: 0, height: 0 },
            duration_ms: 1,
            ..kinora_api::TitleCard::default()
        };
        let source = Source::Title { card: Box::new(card), begin: Begin::Resume, grant: None };
        let player = PlayerState::new(source, 0.0);
        let mut outage = Outage { since: 0.0, attempt: 2, next_try: Some(9.0) };
        let words =
            |outage: &Outage| waiting(&player, &Snapshot::default(), Some(outage), (5.5, Now::ZERO)).expect("shown");
        assert_eq!(words(&outage).words.as_deref(), Some("We can't reach Kinora."));
        assert_eq!(words(&outage).action.as_deref(), Some("Attempt 2 failed. Trying again in 4 s."));
        outage.next_try = None;
        assert_eq!(words(&outage).action.as_deref(), Some("Attempt 3 is under way."));
    }
}
