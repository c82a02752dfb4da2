//! Large runs of records are passed as files: what is printed is the same, wherever it goes.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::daemon::Daemon;
use crate::common::someone::{NOBODY, copy};
use crate::common::{self, Ran, run, tool, wait_for};
use millstream::api::reading::Fetch;
use millstream::wire::client::{Client, Delivery};
use nix::fcntl::{FcntlArg, OFlag, fcntl};

const SEGMENT_BYTES: usize = 4 << 20;

/// A daemon whose topic `t` has several segments, and all its records.
fn serve() -> (tempfile::TempDir, Daemon, String) {
    let (dir, daemon) = Daemon::alone(&[]);
    let mut talk = daemon.talk();
    talk.ask(&format!(r#"{{"create":{{"topic":"t","segment_bytes":{SEGMENT_BYTES}}}}}"#));
    let mut all = String::new();
    for number in 0..10 {
        let text = number.to_string().repeat(700);
        // Longer and shorter than what is read at once.
        let records =
            format!("{{\"text\":\"{text}\"}}\n").repeat(if number % 2 == 0 { 3000 } else { 50 });
        talk.store("t", &records);
        all += &records;
    }
    (dir, daemon, all)
}

fn subscribe(dir: &Path, args: &[&str]) -> Ran {
    run(tool("subscribe", &["--data", dir.to_str().unwrap(), "t"]).args(args), "")
}

/// Changes a byte of the first record whose text is made of this digit.
fn damage(dir: &Path, digit: u8) {
    for entry in fs::read_dir(dir.join("topics/t/0")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let text = [digit; 100];
        let found = memchr::memmem::find(&bytes, &text);
        if path.extension().unwrap() == "ndjson"
            && let Some(at) = found
        {
            bytes[at] = b'x';
            fs::write(&path, bytes).unwrap();
            return;
        }
    }
    panic!("no such record");
}

#[test]
fn the_client_that_asks_for_files_gets_those_of_closed_segments() {
    let (dir, _daemon, all) = serve();
    let mut client = Client::connect(dir.path()).unwrap().unwrap();
    client.fetch(Fetch { topic: "t".to_owned(), files: true, ..Fetch::default() }).unwrap();
    let (mut read, mut bytes, mut file, mut runs, mut next) = (Vec::new(), Vec::new(), None, 0, 0);
    loop {
        match client.next_chunk(&mut bytes).unwrap() {
            Delivery::Records(records) => {
                assert_eq!(records.offset, next);
                next += records.records;
                read.extend_from_slice(&bytes);
            }
            Delivery::File(run, passed) => {
                assert_eq!(run.passed, passed.is_some());
                file = passed.map(File::from).or(file);
                let file = file.as_ref().unwrap();
                let flags = OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL).unwrap());
                assert_eq!(flags & OFlag::O_ACCMODE, OFlag::O_RDONLY);
                assert_eq!(run.offset, next);
                next += run.records;
                let length: u64 = run.batches.iter().map(|batch| batch.bytes).sum();
                bytes.resize(length.try_into().unwrap(), 0);
                std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, run.position).unwrap();
                read.extend_from_slice(&bytes);
                runs += 1;
            }
            Delivery::Done(_) => break,
        }
    }
    assert!(runs >= 2, "{runs}");
    assert_eq!(read, all.as_bytes());
    let bases = fs::read_dir(dir.path().join("topics/t/0")).unwrap();
    let last = bases.map(|entry| entry.unwrap().path()).max().unwrap();
    // The connection goes on, and the active segment, which may hold more than was acknowledged,
    // is sent and not passed.
    let base: u64 = last.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let offset = Some(millstream::api::reading::Position::Offset(base));
    client.fetch(Fetch { topic: "t".to_owned(), offset, files: true, ..Fetch::default() }).unwrap();
    let mut records = 0;
    loop {
        match client.next_chunk(&mut bytes).unwrap() {
            Delivery::Records(run) => records += run.records,
            Delivery::Done(_) => break,
            Delivery::File(run, _) => panic!("{run:?}"),
        }
    }
    assert_eq!(base + records, next);
}

#[test]
fn what_is_printed_does_not_depend_on_where_it_goes() {
    let (dir, daemon, all) = serve();
    for served in [true, false] {
        assert_eq!(subscribe(dir.path(), &[]).stdout, all, "served: {served}");
        assert_eq!(subscribe(dir.path(), &["--no-verify"]).stdout, all);
        let part = subscribe(dir.path(), &["--from", "10", "--until", "5000"]).stdout;
        let lines: Vec<&str> = all.split_inclusive('\n').collect();
        assert_eq!(part, lines[10..5000].concat());
        let meta = subscribe(dir.path(), &["--meta"]).stdout;
        assert_eq!(meta.lines().count(), lines.len());

        let path = dir.path().join(format!("out-{served}"));
        for append in [false, true] {
            let file =
                OpenOptions::new().create(true).write(true).append(append).open(&path).unwrap();
            let mut command = tool("subscribe", &["--data", dir.path().to_str().unwrap(), "t"]);
            assert!(command.stdout(Stdio::from(file)).status().unwrap().success());
        }
        assert!(fs::read_to_string(&path).unwrap() == all.repeat(2));
        if served {
            daemon.signal(nix::sys::signal::Signal::SIGTERM);
            common::wait_for("the daemon to end", || {
                (!dir.path().join("socket").exists()).then_some(())
            });
        }
    }
}

#[test]
fn a_reader_who_leaves_ends_it_quietly() {
    let (dir, _daemon, _) = serve();
    let mut command = tool("subscribe", &["--data", dir.path().to_str().unwrap(), "t"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut stdout, &mut [0; 10]).unwrap();
    drop(stdout);
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn nothing_of_a_damaged_batch_is_printed_unless_nobody_is_to_check() {
    let (dir, daemon, all) = serve();
    damage(dir.path(), b'2');
    for served in [true, false] {
        let ran = subscribe(dir.path(), &[]);
        assert_eq!(ran.status, 74, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("t/0@3050") && ran.stderr.contains("checksum"),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.stdout.lines().count(), 3050);
        assert!(all.starts_with(&ran.stdout));
        let ran = subscribe(dir.path(), &["--no-verify"]);
        assert_eq!((ran.status, ran.stdout.len()), (0, all.len()));
        if served {
            daemon.signal(nix::sys::signal::Signal::SIGTERM);
            common::wait_for("the daemon to end", || {
                (!dir.path().join("socket").exists()).then_some(())
            });
        }
    }
}

#[test]
fn damage_in_a_compacted_segment_is_found_by_who_reads_its_file() {
    let (dir, daemon) = Daemon::alone(&[]);
    let mut talk = daemon.talk();
    talk.ask(r#"{"create":{"topic":"t","key":".k","settings":{"compact":true}}}"#);
    let mut kept = String::new();
    for number in 0..4 {
        let text = number.to_string().repeat(700);
        let record = |key: usize| format!("{{\"k\":{key},\"text\":\"{text}\"}}\n");
        // The first of each batch is the same key's as that of the others.
        let own: String = (1..=2000).map(|key| record(number * 2000 + key)).collect();
        talk.store("t", &(record(0) + &own));
        kept += &(if number == 3 { record(0) } else { String::new() } + &own);
    }
    let compacted = talk.ask(r#"{"compact":{"topic":"t","close":true}}"#);
    assert_eq!(compacted["compacted"]["partitions"]["0"]["records"], 3, "{compacted}");
    assert!(subscribe(dir.path(), &[]).stdout == kept);
    let mut client = Client::connect(dir.path()).unwrap().unwrap();
    client.fetch(Fetch { topic: "t".to_owned(), files: true, ..Fetch::default() }).unwrap();
    let first = client.next_chunk(&mut Vec::new()).unwrap();
    assert!(matches!(first, Delivery::File(..)), "{first:?}");

    damage(dir.path(), b'2');
    let ran = subscribe(dir.path(), &[]);
    assert_eq!(ran.status, 74, "{}", ran.stderr);
    assert!(ran.stderr.contains("t/0@4002") && ran.stderr.contains("checksum"), "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().count(), 4000);
    assert!(kept.starts_with(&ran.stdout));
    let unchecked = subscribe(dir.path(), &["--no-verify"]);
    assert_eq!((unchecked.status, unchecked.stdout.len()), (0, kept.len()));
}

#[test]
fn where_as_many_files_are_under_way_as_may_be_the_rest_is_sent() {
    // The kernel lets a user without privileges have so many in sockets (unix(7), ETOOMANYREFS).
    const FILES: usize = 40;
    const SEGMENTS: usize = FILES + 20;
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    fs::create_dir(&log).unwrap();
    let program = copy(dir.path(), "log-serve");
    let mut command = Command::new("sh");
    let script = format!("ulimit -n {FILES}; exec \"$0\" --data \"$1\"");
    command.args(["-c", &script]).arg(program).arg(&log).current_dir("/");
    if nix::unistd::geteuid().is_root() {
        chown(&log, Some(NOBODY.0), Some(NOBODY.1)).unwrap();
        command.uid(NOBODY.0).gid(NOBODY.1);
    }
    let daemon = Daemon::spawn(&mut command, &log);
    let mut talk = daemon.talk();
    talk.ask(r#"{"create":{"topic":"t","segment_bytes":1048576,"settings":{"fsync":"never"}}}"#);
    let record = |number: usize| format!("\"{number:01023}\"\n");
    for segment in 0..SEGMENTS {
        talk.store("t", &(0..1024).map(|at| record(segment * 1024 + at)).collect::<String>());
    }

    let mut client = Client::connect(&log).unwrap().unwrap();
    client.fetch(Fetch { topic: "t".to_owned(), files: true, ..Fetch::default() }).unwrap();
    wait_for("more to be under way than may be passed", || {
        let stats = talk.ask(r#"{"stats":{}}"#);
        let runs = stats["stats"]["daemon"]["delivered"]["runs"].as_u64().expect("figures");
        (runs > FILES as u64 + 1).then_some(())
    });
    let (mut passed, mut sent, mut next, mut bytes) = (0, 0, 0, Vec::new());
    loop {
        match client.next_chunk(&mut bytes).unwrap() {
            Delivery::Records(_) => sent += 1,
            Delivery::File(run, file) => {
                passed += 1;
                let length: u64 = run.batches.iter().map(|batch| batch.bytes).sum();
                bytes.resize(length.try_into().unwrap(), 0);
                let file = File::from(file.expect("each segment is a file of its own"));
                std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, run.position).unwrap();
            }
            Delivery::Done(_) => break,
        }
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            assert!(line == record(next).as_bytes(), "record {next}");
            next += 1;
        }
    }
    assert_eq!(next, SEGMENTS * 1024);
    // The active segment takes at most four pieces.
    assert!(passed >= FILES && sent > 4, "{passed} passed, {sent} sent");
}
