//! What a tool's name on the PATH does: it becomes `millstream`, which finds its tool by that name.
//!
//! `cargo install` copies one file for each program of the package, and makes no links. So that it
//! alone puts every name on the PATH, each has this small program, which does not link the library.
//!
//! It does without Rust's runtime: that would open /dev/null in the place of standard descriptors
//! that are closed, and `millstream` could no longer tell (see src/cli/closed.rs).

use std::ffi::{CStr, CString};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStringExt;
use std::ptr;

use nix::libc::{c_char, c_int, execv, execvp};

/// Our name, as a string of C.
const NAME: &str = concat!(env!("CARGO_BIN_NAME"), "\0");
const PROGRAM: &CStr = c"millstream";

/// Reading and writing failed, and not permitted: as src/cli/status.rs has them.
const IO: c_int = 74;
const NOT_PERMITTED: c_int = 77;

/// Becomes the `millstream` beside us, else that of the PATH. Returns only if neither can be run.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, arguments: *mut *const c_char) -> c_int {
    let mut alone = [NAME.as_ptr().cast(), ptr::null()];
    let arguments = if count > 0 { arguments } else { alone.as_mut_ptr() };
    // SAFETY: the kernel's array has `count` strings and ends with a null pointer. It is ours to
    // change, nothing else runs, and both calls only read it.
    let failed = unsafe {
        arguments.write(NAME.as_ptr().cast());
        if let Some(beside) = beside() {
            execv(beside.as_ptr(), arguments);
        }
        let failed = io::Error::last_os_error();
        if failed.kind() == ErrorKind::PermissionDenied {
            failed
        } else {
            execvp(PROGRAM.as_ptr(), arguments);
            io::Error::last_os_error()
        }
    };
    let name = env!("CARGO_BIN_NAME");
    let line = format!(
        "{name}: millstream: {failed}; it does the work of {name}: install it in the same \
         directory, or in one of the PATH\n"
    );
    let _ = io::stderr().write_all(line.as_bytes());
    if failed.kind() == ErrorKind::PermissionDenied { NOT_PERMITTED } else { IO }
}

/// The path of the `millstream` in our own directory.
fn beside() -> Option<CString> {
    let program = std::env::current_exe().ok()?.with_file_name("millstream");
    CString::new(program.into_os_string().into_vec()).ok()
}
