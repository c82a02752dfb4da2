//! Which input is known to be valid JSON.

use crate::expr::Program;
use crate::record::control::Control;

/// Which input is taken to be valid JSON.
#[derive(Clone, Copy, Debug)]
pub struct Trust {
    /// All of it, as the user says.
    pub always: bool,
    /// What says so of itself, by a control record. A worker that sees parts of a stream cannot
    /// heed what the stream says.
    pub heeds: bool,
}

impl Trust {
    /// Takes to heart what a control record says of the records behind it.
    pub fn heed(self, control: &Control, program: &mut Program) {
        match control {
            Control::Start(start) if self.heeds => program.trust(self.always || start.trusted),
            Control::End(_) => self.forget(program),
            _ => {}
        }
    }

    /// Forgets what was said: the stream that said it has ended.
    pub fn forget(self, program: &mut Program) {
        program.trust(self.always);
    }
}
