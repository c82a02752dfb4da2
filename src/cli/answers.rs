//! Answers to those who ask what the tool does: its figures, as a line of JSON. SIGUSR1 has it
//! printed on stderr; `millstream status` gets it through a socket.
//!
//! A thread answers, so that the tool's own may wait meanwhile, as in a write to a full pipe. It
//! costs as much as a twentieth of a short run, so it begins when the tool waits for longer than a
//! moment, or has much to read or to write. What is asked before that is answered then.
//!
//! The socket is an abstract one (unix(7)), named after the process: no file is left of it. It
//! tells nothing to other users, but root.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, Builder};
use std::time::Duration;

use super::counters::counters;
use super::figures::Figures;
use super::message;
use super::signals::Asked;
use super::silence::Silence;
use crate::sys::socket::{listen_abstract, peer};
use crate::sys::user;
use crate::sys::wait::{Wanted, wait};

/// How much the thread has on its stack, which is little: some formatting.
const STACK_BYTES: usize = 256 << 10;

/// How long those are waited for who know more than is counted here.
const PATIENCE: Duration = Duration::from_millis(200);

/// The pause after a connection that cannot be accepted, as without descriptors: it stays there,
/// and a wait for it would end at once.
const PAUSE: Duration = Duration::from_secs(1);

/// What is asked, of a program that answers.
static ASKED: OnceLock<Asked> = OnceLock::new();

/// Whether SIGUSR1 has nothing printed.
static LEAVES_STDERR: AtomicBool = AtomicBool::new(false);

/// From now on SIGUSR1 has nothing printed, as where a screen is shown: only `millstream status`
/// gets the figures.
pub fn leave_stderr() {
    LEAVES_STDERR.store(true, Relaxed);
}

/// Has SIGUSR1 end the process, which is this tool, no more: it will be answered.
pub(super) fn expect(tool: &str) {
    counters().begin(tool, begin);
    // Without a handler the signal ends us, as it would have.
    if let Ok(asked) = Asked::install() {
        let _ = ASKED.set(asked);
    }
}

/// Begins to answer.
fn begin() {
    let Some(asked) = ASKED.get() else { return };
    let Ok(wake) = asked.wake() else { return };
    // Without a thread, or a socket, nobody is answered; the tool does its work all the same.
    let thread = Builder::new().name("answers".to_owned()).stack_size(STACK_BYTES);
    let _ = thread.spawn(move || {
        let listener = listen_abstract(&socket_name(std::process::id())).ok();
        answer(asked, &wake, listener.as_ref());
    });
}

/// The name of the socket at which a process answers.
pub fn socket_name(pid: u32) -> String {
    format!("millstream/{pid}")
}

fn answer(asked: &Asked, wake: &UnixStream, listener: Option<&UnixListener>) {
    let mut silence = Silence::begin();
    loop {
        if asked.take() && !LEAVES_STDERR.load(Relaxed) {
            message::line(&line(&counters().all(PATIENCE)));
        }
        let pause = silence.look();
        let mut fds = vec![(wake.as_fd(), Wanted::Input)];
        fds.extend(listener.map(|listener| (listener.as_fd(), Wanted::Input)));
        if wait(&fds, pause).is_err() {
            return;
        }
        let mut drained = [0; 64];
        while matches!((&*wake).read(&mut drained), Ok(count) if count > 0) {}
        match listener.map_or(Ok(()), answer_all) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => thread::sleep(PAUSE),
            _ => {}
        }
    }
}

/// Answers all who have connected, until there is none left, or another error.
fn answer_all(listener: &UnixListener) -> io::Result<()> {
    loop {
        tell(listener.accept()?.0);
    }
}

/// Tells the figures to one who may know them.
fn tell(mut stream: UnixStream) {
    let may_know = |uid| uid == 0 || uid == user::effective();
    if peer(&stream).is_some_and(|peer| may_know(peer.uid)) {
        // It fits into what the kernel holds for one who does not read yet.
        let _ = stream.set_nonblocking(true);
        let _ = stream.write_all(line(&counters().all(PATIENCE)).as_bytes());
    }
}

fn line(figures: &Figures) -> String {
    serde_json::to_string(figures).unwrap_or_default() + "\n"
}
