//! Where lines go, in pieces.

/// How much output is gathered before it is passed on, where a single record or watermark brings
/// more than that.
pub const PIECE_BYTES: usize = 256 * 1024;

/// Takes output and passes it on in pieces, so that however much there is of it, little of it is
/// held.
pub trait Outlet {
    /// What was appended and is not passed on yet.
    fn pending(&mut self) -> &mut Vec<u8>;

    /// Passes on what is pending.
    ///
    /// # Errors
    /// When the output takes no more.
    fn pass_on(&mut self) -> Result<(), Refused>;

    /// How many columns and lines the screen has just now that shows it, if one does.
    fn screen(&self) -> Option<(usize, usize)> {
        None
    }

    /// Passes on what is pending if that is a piece. To be called between lines.
    ///
    /// # Errors
    /// As [`Outlet::pass_on`].
    fn relieve(&mut self) -> Result<(), Refused> {
        if self.pending().len() < PIECE_BYTES { Ok(()) } else { self.pass_on() }
    }
}

/// The output takes no more; whoever owns it knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the output takes no more")]
pub struct Refused;

/// All of it is kept.
impl Outlet for Vec<u8> {
    fn pending(&mut self) -> &mut Vec<u8> {
        self
    }

    fn pass_on(&mut self) -> Result<(), Refused> {
        Ok(())
    }
}
