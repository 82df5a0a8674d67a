//! Changes of the state by announcements of the player.

use player_core::error::PlayerError;
use player_core::{ErrorCode, Event, State};

use super::pages::fail;
use super::player::{self, PlayerState, Source};
use super::{AppState, Effect, Moment, Notice, next_up, preferences};

/// Errors of live presentations only.
const LIVE: [ErrorCode; 2] = [ErrorCode::LiveStopped, ErrorCode::BehindLiveWindow];
/// A new leave to play is asked for by itself at most this often, in seconds.
const RENEW_EVERY: f64 = 30.0;

pub fn on_event(state: &mut AppState, event: Event, moment: &Moment, effects: &mut Vec<Effect>) {
    let Some(player) = &mut state.player else { return };
    match event {
        Event::FirstFrame { .. } | Event::FirstAudio { .. } => {
            player.started = true;
            player.failures = 0;
            player.waiting_since = None;
        }
        Event::StateChanged { state: State::Loading | State::Buffering(_) | State::Seeking } => {
            player.waiting_since.get_or_insert(moment.now);
        }
        Event::StateChanged { .. } => {
            let waits = !moment.snapshot.is_playing() && !player.started;
            player.waiting_since = player.waiting_since.filter(|_| waits);
        }
        Event::TracksChanged => apply_choice(state, moment, effects),
        Event::StallStarted { .. } | Event::SeekStarted { .. } => player.waiting_since = Some(moment.now),
        Event::StallEnded { .. } | Event::SeekCompleted { .. } => player.waiting_since = None,
        Event::Failed { error } => {
            player.last_timeline = player::timeline(&moment.snapshot).or(player.last_timeline);
            player.resume_at = Some(moment.snapshot.position).filter(|at| at.as_nanos() > 0).or(player.resume_at);
            if super::is_live(&moment.snapshot) || LIVE.contains(&error.code) {
                // A broadcast has gone on meanwhile, and is joined where it is then.
                (player.resume_at, player.last_timeline) = (None, None);
            }
            if may_renew(player, &error, moment.now) {
                player.renewed_at = Some(moment.now);
                player::retry(player, &state.settings, moment, effects);
            } else {
                fail(state, &error, moment);
            }
        }
        Event::Warning { error } if error.code == ErrorCode::AudioDeviceUnavailable => {
            player.has_sound_device = false;
            // The controls come out: the crossed speaker is one of them.
            player.last_activity = moment.now;
            let text = "There is no sound device: the film plays without sound.".to_owned();
            state.notice = Some(Notice { text, since: moment.now });
        }
        Event::Reply { error: Some(error), .. } => {
            state.notice = Some(Notice { text: error.code.advice().to_owned(), since: moment.now });
        }
        Event::Ended => {
            player.last_activity = moment.now;
            next_up::on_ended(state, moment, effects);
        }
        _ => {}
    }
}

/// An edge that says "not allowed" in the middle of a film means that the signed address is past its time: a new one
/// is asked for without bothering the viewer, but not over and over.
fn may_renew(player: &PlayerState, error: &PlayerError, now: f64) -> bool {
    let by_code = matches!(error.code, ErrorCode::GrantExpired | ErrorCode::GrantInvalid);
    let by_status = matches!(error.context.http_status, Some(401 | 403 | 410));
    let refused = by_code || (error.code == ErrorCode::HttpStatus && by_status);
    let from_service = matches!(&player.source, Source::Title { grant: Some(_), .. });
    refused && from_service && player.renewed_at.is_none_or(|at| now - at > RENEW_EVERY)
}

/// Brings the film's tracks to what was chosen for it, once, when they are known.
fn apply_choice(state: &mut AppState, moment: &Moment, effects: &mut Vec<Effect>) {
    let (Some(account), Some(player)) = (&state.account, &mut state.player) else { return };
    let Source::Title { card, .. } = &player.source else { return };
    if player.choice_applied || moment.snapshot.tracks.is_empty() {
        return;
    }
    player.choice_applied = true;
    let choice = state.choices.of(&account.id, &card.id);
    if let Some(choice) = choice {
        effects.extend(choice.track_commands(&moment.snapshot));
    }
    if choice.is_none_or(|choice| choice.text.is_none()) {
        effects.extend(preferences::subtitles_instead(state, &moment.snapshot));
    }
}
