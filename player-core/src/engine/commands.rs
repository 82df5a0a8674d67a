//! Carries out the commands of the host. Every command is answered exactly once, before its consequences.

use super::context::Context;
use super::download::{Demand, RATES, schedule};
use super::ids::StreamId;
use super::item::{self, Item};
use super::requests::error_map::invalid;
use super::session::Session;
use std::time::Duration;

use crate::command::{Command, CommandId, SeekMode};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::model::MediaKind;
use crate::render::RenderCommand;
use crate::snapshot::State;
use crate::time::WallClock;

/// Executes a command and replies to it, before its consequences.
pub(super) fn on_command(cx: &mut Context, item: &mut Option<Item>, id: CommandId, command: Command) {
    let slot = cx.effects.reserve_reply();
    let error = execute(cx, item, command).err().map(|error| error.at(Stage::Command));
    cx.effects.reply(slot, id, error);
}

/// Carries out a command, or refuses it. Checks precede every change, so that a refused command has no effect.
///
/// A command that only sets a value takes effect at once. A seek and a choice of track or quality cost a flush
/// of the renderer or other downloads: they are noted in `pending`, where a newer one replaces one that waits, and are
/// carried out when the turn of their kind has come. Without that a host that sends a seek for each movement of a mouse
/// has the renderer flush without end and never show a picture.
///
/// # Errors
/// `InvalidArgument` for a value out of its range, or for a track or quality that the presentation does not have;
/// `InvalidState` if nothing is loaded that could play, or if its tracks are not known yet.
fn execute(cx: &mut Context, item: &mut Option<Item>, command: Command) -> Result<(), PlayerError> {
    match command {
        Command::Load(request) => {
            if request.locations.is_empty() {
                return Err(invalid("a load needs at least one location"));
            }
            item::load(cx, item, &request);
        }
        Command::Play => active(cx, item)?.play(cx),
        Command::Pause => {
            active(cx, item)?;
            pause(cx);
        }
        Command::Seek { to, mode } => active(cx, item)?.seek(cx, to, mode),
        Command::SeekBy { millis, mode } => {
            // Steps that follow each other quickly add up: the second counts from the target of the first.
            let newest = cx.pending.seek().waiting().copied().or(cx.playback.seek());
            let from = newest.map_or_else(|| cx.position(), |seek| seek.to);
            active(cx, item)?.seek(cx, from.shifted(millis.saturating_mul(1_000_000)), mode);
        }
        Command::SeekToDate { utc, mode } => seek_to_date(cx, item, utc, mode)?,
        Command::GoLive => go_live(cx, item)?,
        Command::SetLiveLatency(latency) => set_live_latency(cx, latency)?,
        Command::SetRate(rate) => {
            schedule::check_demand(Demand::of(StreamId::Main, rate)).map_err(|refusal| invalid(refusal.to_string()))?;
            if !RATES.contains(&rate) {
                return Err(invalid("a rate lies between 0.25 and 4.0"));
            }
            cx.settings.rate = rate;
            cx.pending.rate_mut().put(rate);
        }
        Command::SetVolume(volume) => {
            if !(0.0..=1.0).contains(&volume) {
                return Err(invalid("a volume lies between 0.0 and 1.0"));
            }
            cx.settings.volume = volume;
            send_volume(cx);
        }
        Command::SetMuted(muted) => {
            cx.settings.muted = muted;
            send_volume(cx);
        }
        Command::SelectAudio(choice) => {
            open(cx, item)?.check_track(MediaKind::Audio, &choice)?;
            cx.pending.audio_mut().put(choice);
        }
        Command::SelectText(choice) => {
            open(cx, item)?.check_track(MediaKind::Text, &choice)?;
            cx.pending.text_mut().put(choice);
        }
        Command::SelectQuality(choice) => {
            open(cx, item)?.check_quality(&choice)?;
            cx.pending.quality_mut().put(choice);
        }
        Command::SetViewport { width, height } => {
            if width == 0 || height == 0 {
                return Err(invalid("a viewport has a width and a height"));
            }
            cx.settings.viewport = Some((width, height));
        }
        Command::SetBufferGoal(goal) => {
            if goal.is_zero() {
                return Err(invalid("a buffer goal is longer than nothing"));
            }
            cx.config.buffer_goal = goal;
        }
        Command::SetMaxBitrate(limit) => {
            if limit == Some(0) {
                return Err(invalid("a limit of bits per second is more than nothing"));
            }
            cx.config.max_bitrate_bps = limit;
        }
        Command::SetOutputProtection(output) => {
            cx.config.output_protection = output;
            if let Some(item) = item {
                item.set_output_protection(cx, output);
            }
        }
        Command::Stop => {
            if item::unload(cx, item) {
                cx.effects.emit(Event::StateChanged { state: State::Idle });
                cx.effects.emit(Event::Stopped);
            }
        }
    }
    carry_out_pending(cx, item.as_mut());
    Ok(())
}

/// Seeks to a universal time.
///
/// # Errors
/// `InvalidState` if nothing is loaded that could play, `InvalidArgument` for a presentation without dates.
fn seek_to_date(cx: &mut Context, item: &mut Option<Item>, utc: WallClock, mode: SeekMode) -> Result<(), PlayerError> {
    let undated = || invalid("the presentation declares no dates");
    let to = open(cx, item).and_then(|session| session.time_of_date(utc).ok_or_else(undated));
    to.and_then(|to| active(cx, item).map(|item| (to, item))).map(|(to, item)| item.seek(cx, to, mode))
}

/// Goes to the live edge and plays there.
///
/// # Errors
/// `InvalidState` if nothing is loaded that is live.
fn go_live(cx: &mut Context, item: &mut Option<Item>) -> Result<(), PlayerError> {
    let elsewhere = || {
        let message = "the presentation is not live, or its edge is not known yet";
        PlayerError::fatal(ErrorCode::InvalidState, message)
    };
    let to = open(cx, item).and_then(|session| session.live_position(cx).ok_or_else(elsewhere));
    to.and_then(|to| active(cx, item).map(|item| (to, item))).map(|(to, item)| {
        item.play(cx);
        item.seek(cx, to, SeekMode::Exact);
    })
}

/// Sets the latency of live playback; `None` is what the manifest asks for.
///
/// # Errors
/// `InvalidArgument` for no latency at all.
fn set_live_latency(cx: &mut Context, latency: Option<Duration>) -> Result<(), PlayerError> {
    let is_none = latency == Some(Duration::ZERO);
    let refusal = is_none.then(|| invalid("a latency is longer than nothing"));
    refusal.map_or(Ok(()), Err).map(|()| cx.config.live.latency = latency)
}

/// Carries out the commands whose turn has come.
pub(super) fn carry_out_pending(cx: &mut Context, item: Option<&mut Item>) {
    let rate = if cx.playback.is_over() {
        // Nothing plays that a change of rate could disturb.
        cx.pending.rate_mut().take(cx.now)
    } else if let Some(Item::Open(session)) = item {
        return session.carry_out_pending(cx);
    } else {
        cx.pending.rate_mut().take_due(cx.now)
    };
    if let Some(rate) = rate {
        apply_rate(cx, rate);
    }
}

/// Returns what is loaded and has not failed.
fn active<'i>(cx: &Context, item: &'i mut Option<Item>) -> Result<&'i mut Item, PlayerError> {
    let missing = || PlayerError::fatal(ErrorCode::InvalidState, "nothing is loaded that could play");
    item.as_mut().filter(|_| !cx.playback.is_over()).ok_or_else(missing)
}

/// Returns the session whose tracks are known.
fn open<'i>(cx: &Context, item: &'i mut Option<Item>) -> Result<&'i mut Session, PlayerError> {
    match active(cx, item)? {
        Item::Open(session) => Ok(session),
        Item::Opening(_) => Err(PlayerError::fatal(ErrorCode::InvalidState, "the tracks are not known yet")),
    }
}

fn pause(cx: &mut Context) {
    cx.playback.set_play_when_ready(false);
    cx.playback.end_stall(cx.now, &mut cx.ledger, &mut cx.effects);
    cx.playback.set_renderer_playing(false, cx.now, &mut cx.effects);
}

fn apply_rate(cx: &mut Context, rate: f64) {
    cx.playback.set_rate(rate, cx.now, &mut cx.effects);
}

fn send_volume(cx: &mut Context) {
    cx.effects.render(RenderCommand::SetVolume { volume: cx.settings.volume, muted: cx.settings.muted });
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
