//! SIGINT and SIGTERM: finish what is in hand, then end. A second one ends at once. SIGUSR1 asks
//! what the tool does. And the signals that end processes which we run.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getpgrp};
use signal_hook::consts::{SIGCONT, SIGINT, SIGTERM, SIGTSTP, SIGUSR1, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::sys::wait::{Wanted, wait};

/// Whether SIGINT came, of which a terminal shows ^C, and nothing was written after that.
static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Whether a terminal may stand after the ^C that it shows; only once.
pub(super) fn take_interrupt() -> bool {
    INTERRUPTED.swap(false, Ordering::Relaxed)
}

/// Tells whether the user has asked the tool to stop.
#[derive(Debug)]
pub struct Stop {
    signal: Arc<AtomicUsize>,
    /// Becomes readable when a signal arrives, so that a poll wakes up without a race.
    wake: UnixStream,
}

impl Stop {
    /// Begins to listen for signals.
    ///
    /// # Errors
    /// When the kernel refuses the handlers or the socket pair behind them.
    pub fn install() -> io::Result<Stop> {
        let (wake, ring) = UnixStream::pair()?;
        let signal = Arc::new(AtomicUsize::new(0));
        let armed = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
            // In this order: the second signal of either kind finds the flag set and ends us.
            signal_hook::flag::register_conditional_default(number, Arc::clone(&armed))?;
            signal_hook::flag::register(number, Arc::clone(&armed))?;
            let value = usize::try_from(number).unwrap_or_default();
            signal_hook::flag::register_usize(number, Arc::clone(&signal), value)?;
            signal_hook::low_level::pipe::register(number, ring.try_clone()?)?;
        }
        signal_hook::flag::register(SIGINT, Arc::clone(&INTERRUPTED))?;
        Ok(Stop { signal, wake })
    }

    /// Waits so long, or until a signal asks us to stop.
    pub fn pause(&self, time: Duration) {
        let _ = wait(&[(self.wake.as_fd(), Wanted::Input)], Some(time));
    }

    /// The signal that asked us to stop, if one came.
    pub fn requested(&self) -> Option<i32> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            signal => i32::try_from(signal).ok(),
        }
    }
}

/// Whether SIGUSR1 has asked what the tool does.
#[derive(Debug)]
pub(super) struct Asked(Arc<AtomicBool>);

impl Asked {
    /// Has the signal ask.
    ///
    /// # Errors
    /// When the kernel refuses the handler.
    pub fn install() -> io::Result<Asked> {
        let flag = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGUSR1, Arc::clone(&flag))?;
        Ok(Asked(flag))
    }

    /// What becomes readable whenever it has asked, after [`Asked::take`] would say so.
    ///
    /// # Errors
    /// When the kernel refuses the socket pair.
    pub fn wake(&self) -> io::Result<UnixStream> {
        let (wake, ring) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(SIGUSR1, ring)?;
        Ok(wake)
    }

    /// Whether it has asked since this was last called.
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// Lets a write beyond the limit of a file's size (`ulimit -f`) fail, which is told, instead of
/// ending the process without a word. Commands that are run are not affected.
pub(super) fn outlive_file_limits() {
    // Nobody looks at the flag: a handler, whatever it does, makes the write return. If it cannot
    // be installed the signal ends us, as it would have.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Lets ^C be for a program that we wait for: it is in our process group, and hears of it, too.
pub(super) fn outlive_interrupts() {
    let _ = signal_hook::flag::register(SIGINT, Arc::new(AtomicBool::new(false)));
}

/// Tells whether the process was stopped and resumed: the flag is set then.
///
/// # Errors
/// When the kernel refuses the handler.
pub(super) fn continued() -> io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGCONT, Arc::clone(&flag))?;
    Ok(flag)
}

/// What somebody wants of a program that has taken the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To end, by this signal.
    End(i32),
    /// To stop for a while, and give the terminal back: [`suspend`].
    Suspend,
    /// To take the terminal again: it was stopped, and is not any more.
    Resume,
}

/// Has a thread tell what signals want, until `tell` wants no more.
///
/// # Errors
/// When the kernel refuses the handlers or the thread.
pub fn hear(tell: impl Fn(Wish) -> bool + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGTSTP, SIGCONT])?;
    let hear = move || {
        let wish = |number| match number {
            SIGTSTP => Wish::Suspend,
            SIGCONT => Wish::Resume,
            number => Wish::End(number),
        };
        let _ = signals.forever().map(wish).all(tell);
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(hear).map(|_| ())
}

/// Asks all processes of the pipeline that we belong to to suspend, us too.
pub fn suspend_all() {
    // If it is refused, nothing happens.
    let _ = killpg(getpgrp(), Signal::SIGTSTP);
}

/// Suspends the process, until somebody resumes it.
pub fn suspend() {
    let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
}

/// Asks the tool to stop, as SIGTERM from outside does: so another thread ends a wait for input.
pub fn interrupt() {
    // Without a handler it ends the process, which is no worse.
    let _ = signal_hook::low_level::raise(SIGTERM);
}

/// How processes are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// They are asked to (SIGTERM).
    Soon,
    /// They are killed.
    Now,
}

/// Ends all processes of a group, which has the number of the process that it was made for.
pub fn end_group(group: u32, ending: Ending) {
    let signal = match ending {
        Ending::Soon => Signal::SIGTERM,
        Ending::Now => Signal::SIGKILL,
    };
    if let Ok(group) = i32::try_from(group) {
        // If there are none any more, that is as good.
        let _ = killpg(Pid::from_raw(group), signal);
    }
}

impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
