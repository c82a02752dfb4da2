//! The daemon on a disk that may crash at any moment: what a client was told is appended is there.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use super::{Limits, run};
use crate::api::reading::Span;
use crate::log::simulation::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::log::{Log, LogError, Settings};
use crate::wire::address::Listener;

const CLIENTS: u64 = 3;
const APPENDS: u64 = 8;

/// All records of the topic, as lines.
fn records(disk: Simulated) -> Result<Vec<String>, LogError> {
    let log = Log::open_on(Arc::new(disk), Path::new("/"))?;
    let span = Span { partition: 0, from: 0, until: None };
    let mut cursor = log.topic("t")?.reader().cursor(vec![span])?;
    let (mut bytes, mut lines) = (Vec::new(), Vec::new());
    while cursor.next(1 << 10, &mut bytes)?.is_some() {
        lines.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
    }
    Ok(lines)
}

/// Appends records of its own, one by one; whether each is on the disk once it is acknowledged.
fn client(dir: &Path, disk: &Simulated, seed: u64, number: u64) -> bool {
    let mut stream = UnixStream::connect(dir.join("socket")).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut random = Random::new(seed << 8 | number);
    (0..APPENDS).all(|append| {
        let record = format!("[{number},{append}]");
        let bytes = record.len() + 1;
        let request = format!("{{\"append\":{{\"topic\":\"t\",\"bytes\":{bytes}}}}}\n{record}\n");
        stream.write_all(request.as_bytes()).unwrap();
        let answer = answers.next().unwrap().unwrap();
        assert!(answer.starts_with("{\"appended\""), "{answer}");
        records(disk.after_crash(&mut random)).is_ok_and(|records| records.contains(&record))
    })
}

/// Whether all that the daemon acknowledges is on the disk by then.
fn holds(lie: BrokenPromise, seed: u64) -> bool {
    let disk = Simulated::new(lie);
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/")).unwrap();
    let mut settings = Settings::new(1, None);
    settings.segment_bytes = 40;
    log.create("t", &settings).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let listener = Listener::bind(dir.path(), 0o600).unwrap();
    let (stop, stopped) = UnixStream::pair().unwrap();
    std::thread::scope(|scope| {
        let daemon = scope.spawn(|| run(listener, log, stopped, Limits::default(), || ()));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (dir, disk) = (dir.path(), &disk);
                scope.spawn(move || client(dir, disk, seed, number))
            })
            .collect();
        let hold = clients.into_iter().map(|client| client.join().unwrap()).collect::<Vec<_>>();
        drop(stop);
        daemon.join().unwrap().unwrap();
        hold.into_iter().all(|holds| holds)
    })
}

#[test]
fn what_is_acknowledged_is_on_the_disk() {
    for seed in seeds(20) {
        assert!(holds(BrokenPromise::None, seed), "seed {seed}");
    }
    for lie in [BrokenPromise::Sync, BrokenPromise::SyncDir, BrokenPromise::SyncLater] {
        let found = seeds(20).any(|seed| !holds(lie, seed));
        assert!(found, "{lie:?} goes unnoticed: the lines above prove nothing");
    }
}
