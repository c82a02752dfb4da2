//! Whether standard input and output were closed when the process began.
//!
//! Before main, Rust's runtime opens /dev/null in the place of what was closed. What is written
//! there is gone, and looks as if it had been written; a parent's own /dev/null looks the same. So
//! this is looked at before the runtime begins: functions in `.init_array` run first.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sys::descriptor::standard_ones_are_open;

static STDIN: AtomicBool = AtomicBool::new(false);
static STDOUT: AtomicBool = AtomicBool::new(false);

#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

/// Two system calls, and nothing of the standard library, which is not ready yet.
extern "C" fn look() {
    let (stdin, stdout) = standard_ones_are_open();
    STDIN.store(!stdin, Ordering::Relaxed);
    STDOUT.store(!stdout, Ordering::Relaxed);
}

/// Checks that standard input was open.
///
/// # Errors
/// When it was not.
pub(super) fn check_stdin() -> io::Result<()> {
    check(&STDIN)
}

/// Checks that standard output was open.
///
/// # Errors
/// When it was not.
pub(super) fn check_stdout() -> io::Result<()> {
    check(&STDOUT)
}

fn check(closed: &AtomicBool) -> io::Result<()> {
    match closed.load(Ordering::Relaxed) {
        true => {
            Err(io::Error::other("it is closed; redirect it, to /dev/null if it is not wanted"))
        }
        false => Ok(()),
    }
}
