//! The only way out of the engine: outputs in the order in which they happened.

use std::collections::VecDeque;

use url::Url;

use super::io::{FetchId, FetchRequest, Output};
use crate::command::CommandId;
use crate::error::{ErrorCode, PlayerError, Severity, Stage};
use crate::event::Event;
use crate::manifest::ManifestWarning;
use crate::render::RenderCommand;

/// Outputs that the host has not taken yet.
#[derive(Debug, Default)]
pub(super) struct Effects(VecDeque<Output>);

/// Position among the outputs of the reply to a command: before everything that the command leads to.
#[derive(Debug)]
pub(super) struct ReplySlot(usize);

impl Effects {
    /// Asks the host to send a request.
    pub(super) fn fetch(&mut self, request: Box<FetchRequest>) {
        self.0.push_back(Output::Fetch(request));
    }

    /// Asks the host to drop a request; it needs no answer.
    pub(super) fn cancel(&mut self, fetch: FetchId) {
        self.0.push_back(Output::Cancel(fetch));
    }

    /// Gives the renderer a command.
    pub(super) fn render(&mut self, command: RenderCommand) {
        self.0.push_back(Output::Render(command));
    }

    /// Announces an event to the application.
    pub(super) fn emit(&mut self, event: Event) {
        self.0.push_back(Output::Event(event));
    }

    /// Announces an error that was recovered, as a warning whatever its severity was.
    pub(super) fn warn(&mut self, error: PlayerError) {
        self.emit(Event::Warning { error: error.with_severity(Severity::Warning) });
    }

    /// Announces what a manifest or an index at `url` has in it that the standard does not permit and that is read all
    /// the same.
    pub(super) fn warn_about(&mut self, warnings: Vec<ManifestWarning>, stage: Stage, url: &Url) {
        for warning in warnings {
            let error = PlayerError::warning(ErrorCode::ManifestMalformed, warning.message).at(stage).with_url(url);
            self.warn(match warning.line {
                Some(line) => error.with_line(line),
                None => error,
            });
        }
    }

    /// Marks the place of a reply before its command is carried out.
    pub(super) fn reserve_reply(&self) -> ReplySlot {
        ReplySlot(self.0.len())
    }

    /// Puts the reply to a command into its place.
    pub(super) fn reply(&mut self, slot: ReplySlot, id: CommandId, error: Option<PlayerError>) {
        self.0.insert(slot.0, Output::Event(Event::Reply { id, error }));
    }

    /// Returns the next output, in order.
    pub(super) fn take_next(&mut self) -> Option<Output> {
        self.0.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_comes_before_the_consequences_of_its_command_and_after_what_was_there() {
        let mut effects = Effects::default();
        effects.emit(Event::TracksChanged);
        let slot = effects.reserve_reply();
        effects.render(RenderCommand::Stop);
        effects.warn(PlayerError::fatal(ErrorCode::MediaMalformed, "x"));
        effects.reply(slot, CommandId(7), None);
        effects.cancel(FetchId(3));
        let mut outputs = Vec::new();
        while let Some(output) = effects.take_next() {
            outputs.push(output);
        }
        assert_eq!(outputs[0], Output::Event(Event::TracksChanged));
        assert_eq!(outputs[1], Output::Event(Event::Reply { id: CommandId(7), error: None }));
        assert_eq!(outputs[2], Output::Render(RenderCommand::Stop));
        let Output::Event(Event::Warning { error }) = &outputs[3] else { panic!("{outputs:?}") };
        assert_eq!(error.severity, Severity::Warning);
        assert_eq!(outputs[4..], [Output::Cancel(FetchId(3))]);
    }
}
