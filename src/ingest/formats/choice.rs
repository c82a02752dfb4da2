//! The format of an input as the user chooses it: by its name, or to be found.

pub use super::auto::BYTES_MAX as FIRST_BYTES_MAX;
use super::auto::{self, Auto};
use super::settings::Settings;
use crate::record::decode::Decoder;

/// Which format an input is in.
#[derive(Clone, Debug)]
pub enum Choice {
    /// The one that the settings name.
    Named(Settings),
    /// The one that the first lines show; but for the form, the settings hold.
    Found(Settings),
}

impl Choice {
    /// Whether the input is handed on as it is, and checked by whoever takes it.
    pub fn is_verbatim(&self) -> bool {
        matches!(self, Choice::Named(settings) if settings.is_verbatim())
    }

    /// The settings, for an input of which this is all, or the first [`FIRST_BYTES_MAX`] bytes, and
    /// what the format is called if it was found; none if it is not clear.
    pub fn settings(&self, text: &[u8]) -> Option<(Settings, Option<String>)> {
        match self {
            Choice::Named(settings) => Some((settings.clone(), None)),
            Choice::Found(settings) => {
                let (name, settings) = auto::found(settings, text)?;
                Some((settings, Some(name)))
            }
        }
    }

    /// The decoder.
    pub fn decoder(&self) -> Box<dyn Decoder> {
        match self {
            Choice::Named(settings) => settings.decoder(),
            Choice::Found(settings) => Box::new(Auto::new(settings.clone())),
        }
    }
}
