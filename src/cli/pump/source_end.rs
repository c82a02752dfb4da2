//! Where a source ends: by itself, or by a bad line, while the tool goes on with the others.

use super::{Pump, Stage};
use crate::cli::{Status, message};
use crate::record::decode::{Decoder, Unheard};

impl<S: Stage> Pump<'_, S> {
    /// A source has ended. What is left of it is a record, unless it comes again with the rest.
    pub(super) fn end_source(&mut self, decoder: &mut dyn Decoder) {
        if self.input.rest_counts() {
            let _ = decoder.finish(self);
            self.cx.position = self.input.position();
        } else {
            self.cx.position = self.input.position().saturating_sub(decoder.pending());
            let _ = decoder.finish(&mut Unheard);
        }
        self.stage.source_end();
    }

    /// Whether the tool goes on after an error, which is then told: it is a bad line, and ends only
    /// what is read of its source.
    pub(super) fn goes_on(&mut self, error: &anyhow::Error, decoder: &mut dyn Decoder) -> bool {
        // What failed beside it has another status, or no line of a source is at fault.
        let is_bad_line = self.cx.rejects.take_refused() && Status::of(error) == Status::Data;
        if !is_bad_line || !self.stage.gives_up_source() {
            return false;
        }
        let _ = message::failure(error);
        self.has_given_up = true;
        self.input.drop_source();
        // What was held of it belongs to nothing that follows.
        let _ = decoder.finish(&mut Unheard);
        let _ = self.cx.streams.finish();
        (self.cx.broken, self.cx.lines_before) = (None, 0);
        self.cx.offsets.reset();
        true
    }
}
