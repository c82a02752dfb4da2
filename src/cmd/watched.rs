//! Fields that expressions read and that no record had: told at the end, to people.

use crate::cli::pump::{Ended, Outcome};
use crate::cli::{Status, message};
use crate::expr::{Presence, Program};

/// Which fields were found in records; nothing, if no person would read of it.
pub struct Watched(Option<Presence>);

impl Watched {
    /// Watches where standard error is a terminal.
    pub fn for_people() -> Watched {
        Watched(message::is_terminal().then(Presence::default))
    }

    /// What programs note in it, if they are to.
    pub fn presence(&self) -> Option<&Presence> {
        self.0.as_ref()
    }

    /// The program, which notes what it finds.
    pub fn over(&self, mut program: Program) -> Program {
        if let Some(presence) = &self.0 {
            program.watch(presence);
        }
        program
    }

    /// Says at the end which fields no record had; nothing where the tool has not seen all records,
    /// or has ended with something else to say.
    pub fn tell(&self, outcome: &Outcome) {
        let all = outcome.ended == Ended::Input && outcome.status == Status::Done;
        if let (true, Some(text)) = (all, self.0.as_ref().and_then(Presence::absent)) {
            message::note(&text);
        }
    }
}
