//! Any bytes sent to a daemon: what comes back is lines of JSON, with the records they announce
//! between them; the daemon does not panic, and serves the next client.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use millstream::broker;
use millstream::log::{Log, Settings};
use millstream::serve::{self, Limits, ServeError};
use millstream::wire::address::Listener;
use tempfile::TempDir;

/// How many sessions one daemon serves: topics that they make would pile up.
const SESSIONS_MAX: usize = 500;
/// How long an answer is waited for that may never come: to a follower, or half a request.
const QUIET: Duration = Duration::from_millis(30);
/// How long an answer may take that must come.
const PATIENCE: Duration = Duration::from_secs(30);

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A daemon of this process.
struct Daemon {
    dir: TempDir,
    sessions: usize,
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Daemon {
    fn start() -> Daemon {
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let dir = dir.unwrap();
        let log = Log::open(dir.path()).unwrap();
        let topic = log.create("t", &Settings::new(2, None)).unwrap();
        let batch = topic.prepare(b"1\n{\"a\":2}\n".to_vec(), None).unwrap();
        topic.append(vec![batch]).remove(0).unwrap();
        let listener = Listener::bind(dir.path(), 0o600).unwrap();
        let (stop, stopped) = UnixStream::pair().unwrap();
        let limits = Limits {
            service: broker::Limits { append_bytes_max: 64 << 10, ..broker::Limits::default() },
            stall: QUIET,
            drain: Duration::from_millis(100),
            ..Limits::default()
        };
        let run = move || serve::run(listener, log, stopped, limits, || ());
        let thread = std::thread::spawn(run);
        Daemon { dir, sessions: 0, stop: Some(stop), thread: Some(thread) }
    }

    fn connect(&self) -> UnixStream {
        UnixStream::connect(self.dir.path().join("socket")).unwrap()
    }

    /// A whole session; gives all that the daemon said.
    fn talk(&self, input: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.set_read_timeout(Some(QUIET)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        // It may hang up before it has read everything.
        let _ = stream.write_all(input);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let (mut said, mut block) = (Vec::new(), [0; 4096]);
        loop {
            match stream.read(&mut block) {
                Ok(0) => return said,
                Ok(count) => said.extend_from_slice(&block[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return said,
            }
        }
    }

    fn is_well(&self) -> bool {
        let mut stream = self.connect();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"{\"hello\":{\"version\":1}}\n").unwrap();
        let mut answer = [0; 9];
        stream.read_exact(&mut answer).is_ok() && &answer == b"{\"hello\":"
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Whether these are whole lines of JSON, each followed by as many bytes as it says.
fn check(mut said: &[u8]) {
    while let Some(end) = said.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = said.split_at(end + 1);
        let answer: serde_json::Value = serde_json::from_slice(line)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(line)));
        assert_eq!(answer.as_object().map(|answer| answer.len()), Some(1), "{answer}");
        let bytes = answer["records"]["bytes"].as_u64().unwrap_or(0) as usize;
        said = rest.get(bytes..).unwrap_or_default();
    }
}

/// See the module.
pub fn session(input: &[u8]) {
    static DAEMON: Mutex<Option<Daemon>> = Mutex::new(None);
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            before(info);
        }));
        // A Rust main would ignore it; libFuzzer's does not, and would die of a closed socket.
        signal_hook::flag::register(signal_hook::consts::SIGPIPE, Arc::default()).unwrap();
    });
    let mut slot = DAEMON.lock().unwrap_or_else(PoisonError::into_inner);
    if slot.as_ref().is_some_and(|daemon| daemon.sessions >= SESSIONS_MAX) {
        *slot = None;
    }
    let daemon = slot.get_or_insert_with(Daemon::start);
    daemon.sessions += 1;
    let panics = PANICS.load(Ordering::SeqCst);
    check(&daemon.talk(input));
    assert!(daemon.is_well(), "it serves nobody any more");
    assert_eq!(PANICS.load(Ordering::SeqCst), panics, "a thread of the daemon panicked");
}
