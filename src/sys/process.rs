//! Our own process: its name, what it takes, how many files it may open.

use std::ffi::CStr;
use std::io;
use std::os::fd::AsFd;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeValLike;
use nix::unistd::{SysconfVar, getpgrp, sysconf, tcgetpgrp};

/// Calls the process by a name, for ps and top (comm in proc(5)).
///
/// # Errors
/// As `prctl(2)`.
pub fn set_name(name: &CStr) -> io::Result<()> {
    Ok(nix::sys::prctl::set_name(name)?)
}

/// Whether it may write to this terminal in the midst of what is typed there: a job in the
/// background may not. Nobody types at a terminal that does not control it.
pub fn is_in_foreground(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal).map_or(true, |group| group == getpgrp())
}

/// Memory that is in RAM, in bytes (proc(5)).
pub fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages = text.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()?;
    let page_bytes = sysconf(SysconfVar::PAGE_SIZE).ok()??;
    Some(pages * u64::try_from(page_bytes).ok()?)
}

/// CPU time, its own and the kernel's for it, in µs.
pub fn cpu_us() -> Option<u64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let both = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    u64::try_from(both).ok()
}

/// How many files it has open, sockets counted.
pub fn open_files() -> Option<u64> {
    let files = std::fs::read_dir("/proc/self/fd").ok()?;
    // One of them is the directory that we read.
    Some((files.count() as u64).saturating_sub(1))
}

/// Takes as many open files as the system lets us; tells how many that are, and why they could not
/// be more, if so.
///
/// # Errors
/// When the limit is not known.
pub fn raise_file_limit() -> io::Result<(u64, Option<io::Error>)> {
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(match setrlimit(Resource::RLIMIT_NOFILE, most, most) {
        Ok(()) => (most, None),
        Err(error) => (now, Some(error.into())),
    })
}
