//! Inputs that are merged, where the options of the input ask for that.

use std::sync::Arc;

use super::{Outcome, Pump, Stage};
use crate::cli::Status;
use crate::cli::input::Input;
use crate::cli::merged::Merged;
use crate::cli::options::InputOptions;
use crate::ingest::formats::Choice;
use crate::record::decode::Decoder;

impl<S: Stage> Pump<'_, S> {
    /// What decodes the input. If its files are to be merged, they are one source from now on.
    pub(super) fn decoder(
        &mut self,
        options: &InputOptions,
        choice: &Choice,
    ) -> anyhow::Result<Box<dyn Decoder>> {
        let Some(plan) = &options.merge else { return Ok(choice.decoder()) };
        let (sources, decoder, places) = Merged::open(options, choice, plan)?;
        self.input = Input::new(Box::new(sources), Arc::clone(&self.watch));
        self.cx.places = Some(places);
        Ok(Box::new(decoder))
    }
}

/// Says what became of inputs that were merged.
pub(super) fn conclude(
    options: &InputOptions,
    ran: anyhow::Result<Outcome>,
) -> anyhow::Result<Outcome> {
    let Some(plan) = &options.merge else { return ran };
    let status = plan.conclude();
    ran.map(|outcome| match outcome.status {
        Status::Done => Outcome { status, ..outcome },
        _ => outcome,
    })
}
