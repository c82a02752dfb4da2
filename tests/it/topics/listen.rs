//! `produce --listen`: many senders at once, and what they do wrong.

use std::fs;
use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::proc::resident_bytes;
use crate::common::producing::{Producing, await_records, records, send};
use crate::common::{Ran, run_on, wait_for};

fn connect(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).unwrap()
}

#[test]
fn lines_of_connections_are_never_mixed() {
    both_ways(|dir| {
        let (producing, port) = Producing::listen(dir, "tcp", &["t"]);
        let (mut one, mut other) = (connect(port), connect(port));
        for (a, b) in [("{\"a\":", "{\"b\""), ("1}\n{\"a\":2", ":1}\n"), ("}\n", "{\"b\":2}")] {
            one.write_all(a.as_bytes()).unwrap();
            other.write_all(b.as_bytes()).unwrap();
        }
        // A last line without a line end is one, as in a file.
        drop((one, other));
        let mut got = await_records(dir, "t", 4);
        got.sort();
        assert_eq!(got, ["{\"a\":1}", "{\"a\":2}", "{\"b\":1}", "{\"b\":2}"]);
        let ran = producing.terminate();
        assert_eq!(ran.status, 143, "{ran:?}");
        assert!(ran.stderr.ends_with("4 records appended to t"), "{ran:?}");
    });
}

#[test]
fn two_hundred_senders_at_once_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let (producing, port) = Producing::listen(dir.path(), "tcp", &["t"]);
    let senders: Vec<_> = (0..200).map(|sender| (sender, connect(port))).collect();
    let all: Vec<_> = senders
        .into_iter()
        .map(|(sender, mut stream)| {
            std::thread::spawn(move || {
                for number in 0..50 {
                    let line = format!("{{\"sender\":{sender},\"number\":{number}}}\n");
                    let (begin, rest) = line.split_at(number % line.len());
                    stream.write_all(begin.as_bytes()).unwrap();
                    stream.write_all(rest.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    all.into_iter().for_each(|sender| sender.join().unwrap());
    let got = await_records(dir.path(), "t", 200 * 50);
    for sender in 0..200 {
        let begin = format!("{{\"sender\":{sender},");
        let numbers: Vec<usize> = got
            .iter()
            .filter(|line| line.starts_with(&begin))
            .map(|line| line.rsplit(':').next().unwrap().trim_end_matches('}').parse().unwrap())
            .collect();
        assert_eq!(numbers, (0..50).collect::<Vec<_>>(), "{sender}");
    }
    assert_eq!(producing.terminate().status, 143);
}

#[test]
fn bad_lines_of_one_sender_do_not_stop_the_others() {
    both_ways(|dir| {
        let (producing, port) = Producing::listen(dir, "tcp", &["t"]);
        let mut good = connect(port);
        good.write_all(b"1\n").unwrap();
        send(port, "x\ny\n{\"a\":\n2\n");
        await_records(dir, "t", 2);
        good.write_all(b"3\n").unwrap();
        await_records(dir, "t", 3);
        let ran = producing.terminate();
        assert_eq!(ran.status, 65, "{ran:?}");
        assert!(ran.stderr.contains("produce: tcp://127.0.0.1:"), "{ran:?}");
        assert!(ran.stderr.contains(": dropped: not valid JSON"), "{ran:?}");
        assert!(ran.stderr.contains("produce: 3 bad lines dropped"), "{ran:?}");
        // One line of them for now.
        assert_eq!(ran.stderr.matches("dropped: ").count(), 1, "{ran:?}");
    });
}

#[test]
fn bad_lines_are_kept_where_one_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("bad");
    let rejects = rejects.to_str().unwrap();
    let (producing, port) = Producing::listen(dir.path(), "tcp", &["t", "--rejects", rejects]);
    send(port, "1\nx\n2\n");
    await_records(dir.path(), "t", 2);
    assert_eq!(producing.terminate().status, 143);
    assert_eq!(fs::read_to_string(rejects).unwrap(), "x\n");
}

#[test]
fn each_connection_has_its_own_header() {
    let dir = tempfile::tempdir().unwrap();
    let (producing, port) = Producing::listen(dir.path(), "tcp", &["t", "--from", "csv"]);
    let (mut one, mut other) = (connect(port), connect(port));
    one.write_all(b"a,b\n1,2\n").unwrap();
    await_records(dir.path(), "t", 1);
    other.write_all(b"b,c\n3,4\n").unwrap();
    await_records(dir.path(), "t", 2);
    one.write_all(b"5,6\n").unwrap();
    assert_eq!(
        await_records(dir.path(), "t", 3),
        ["{\"a\":1,\"b\":2}", "{\"b\":3,\"c\":4}", "{\"a\":5,\"b\":6}"]
    );
    // A header that is none costs the connection, and nothing else.
    send(port, "a,a\n1,2\n");
    other.write_all(b"7,8\n").unwrap();
    await_records(dir.path(), "t", 4);
    assert_eq!(producing.terminate().status, 65);
}

#[test]
fn a_format_that_is_not_clear_leaves_nothing_to_the_next_connection() {
    let dir = tempfile::tempdir().unwrap();
    let (mut producing, port) = Producing::listen(dir.path(), "tcp", &["t", "--from", "auto"]);
    send(port, "some text\nand more\n");
    producing.said("the format is not clear");
    send(port, "{\"a\":1}\n{\"a\":2}\n");
    assert_eq!(await_records(dir.path(), "t", 2), ["{\"a\":1}", "{\"a\":2}"]);
    assert_eq!(producing.terminate().status, 65);
}

#[test]
fn a_line_that_is_too_long_is_dropped_and_the_connection_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (producing, port) = Producing::listen(dir.path(), "tcp", &["t"]);
    let mut stream = connect(port);
    let block = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        stream.write_all(&block).unwrap();
    }
    stream.write_all(b"\n1\n").unwrap();
    assert_eq!(await_records(dir.path(), "t", 1), ["1"]);
    assert!(resident_bytes(producing.pid()) < 150 << 20);
    let ran = producing.terminate();
    assert_eq!(ran.status, 65);
    assert!(ran.stderr.contains("1 bad line dropped"), "{ran:?}");
}

#[test]
fn lines_without_an_end_do_not_take_all_memory() {
    let dir = tempfile::tempdir().unwrap();
    let (mut producing, port) = Producing::listen(dir.path(), "tcp", &["t"]);
    let piece = vec![b'x'; 15 << 20];
    let all: Vec<_> = (0..8)
        .map(|_| {
            let (mut stream, piece) = (connect(port), piece.clone());
            std::thread::spawn(move || {
                // It may be closed by then.
                let _ = stream.write_all(&piece);
                stream
            })
        })
        .collect();
    let streams: Vec<_> = all.into_iter().map(|sender| sender.join().unwrap()).collect();
    producing.said("its last line is too long");
    send(port, "1\n");
    assert_eq!(await_records(dir.path(), "t", 1), ["1"]);
    assert!(resident_bytes(producing.pid()) < 200 << 20);
    drop(streams);
    assert_eq!(producing.terminate().status, 65);
}

#[test]
fn a_connection_that_is_reset_is_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let (producing, port) = Producing::listen(dir.path(), "tcp", &["t"]);
    let mut stream = connect(port);
    stream.write_all(b"1\n").unwrap();
    await_records(dir.path(), "t", 1);
    let linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };
    nix::sys::socket::setsockopt(&stream, nix::sys::socket::sockopt::Linger, &linger).unwrap();
    drop(stream);
    send(port, "2\n");
    await_records(dir.path(), "t", 2);
    assert_eq!(producing.terminate().status, 143);
}

#[test]
fn a_signal_ends_it_after_what_was_read_is_appended() {
    both_ways(|dir| {
        let (producing, port) = Producing::listen(dir, "tcp", &["t"]);
        let mut stream = connect(port);
        let sender = std::thread::spawn(move || {
            for number in 0_u64.. {
                if stream.write_all(format!("{number}\n").as_bytes()).is_err() {
                    break;
                }
            }
        });
        await_records(dir, "t", 100);
        let ran = producing.terminate();
        sender.join().unwrap();
        assert_eq!(ran.status, 143, "{ran:?}");
        let got = records(dir, "t");
        let wanted: Vec<_> = (0..got.len()).map(|number| number.to_string()).collect();
        assert!(got == wanted, "{} records", got.len());
        assert!(ran.stderr.ends_with(&format!("{} records appended to t", got.len())), "{ran:?}");
    });
}

#[test]
fn more_connections_than_allowed_wait() {
    let dir = tempfile::tempdir().unwrap();
    let (mut producing, port) =
        Producing::listen(dir.path(), "tcp", &["t", "--max-connections", "2"]);
    let (mut one, mut two) = (connect(port), connect(port));
    one.write_all(b"1\n").unwrap();
    two.write_all(b"2\n").unwrap();
    await_records(dir.path(), "t", 2);
    send(port, "3\n");
    producing.said("2 connections are open; others wait");
    assert_eq!(records(dir.path(), "t").len(), 2);
    drop(one);
    await_records(dir.path(), "t", 3);
    assert_eq!(producing.terminate().status, 143);
}

#[test]
fn senders_wait_while_the_daemon_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    let (producing, port) = Producing::listen(dir.path(), "tcp", &["t"]);
    let mut stream = connect(port);
    stream.write_all(b"1\n").unwrap();
    await_records(dir.path(), "t", 1);
    assert_eq!(daemon.terminate().status, 0);
    stream.write_all(b"2\n").unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    stream.write_all(b"3\n").unwrap();
    assert_eq!(await_records(dir.path(), "t", 3), ["1", "2", "3"]);
    assert_eq!(producing.terminate().status, 143);
    daemon.terminate();
}

#[test]
fn a_port_in_use_is_an_error_and_makes_no_topic() {
    let dir = tempfile::tempdir().unwrap();
    let (producing, port) = Producing::listen(dir.path(), "tcp", &["t"]);
    let other = tempfile::tempdir().unwrap();
    let url = format!("tcp://127.0.0.1:{port}");
    let ran = run_on(other.path(), "produce", &["t", "--listen", &url], "");
    assert_eq!(ran.status, 75, "{ran:?}");
    assert!(ran.stderr.contains(&format!("{url}: cannot listen there")), "{ran:?}");
    assert!(!other.path().join("t").exists());
    producing.terminate();
    let ran = run_on(other.path(), "produce", &["t", "--listen", "tcp://::1:9"], "");
    assert_eq!(ran.status, 2, "{ran:?}");
}

#[test]
fn it_listens_on_ipv6_and_several_addresses() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--listen", "tcp://[::1]:0", "--listen", "udp://[::1]:0", "t"];
    let mut producing = Producing::start(dir.path(), &args);
    let (tcp, udp) = (producing.port(), producing.port());
    TcpStream::connect(("::1", tcp)).unwrap().write_all(b"1\n").unwrap();
    await_records(dir.path(), "t", 1);
    UdpSocket::bind("[::1]:0").unwrap().send_to(b"2", ("::1", udp)).unwrap();
    assert_eq!(await_records(dir.path(), "t", 2), ["1", "2"]);
    assert_eq!(producing.terminate().status, 143);
}

#[test]
fn a_datagram_ends_a_line() {
    both_ways(|dir| {
        let args = ["t", "--add", "from=$file"];
        let (producing, port) = Producing::listen(dir, "udp", &args);
        let senders = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let names = senders.each_ref().map(|socket| socket.local_addr().unwrap());
        for (socket, text) in [
            (0, "{\"a\":1}"),
            (1, "{\"a\":2}\n"),
            (1, ""),
            (0, "{\"a\":"),
            (0, "3}"),
            (0, "{}\n{}\n"),
        ] {
            senders[socket].send_to(text.as_bytes(), ("127.0.0.1", port)).unwrap();
        }
        assert_eq!(
            await_records(dir, "t", 4),
            [
                format!("{{\"a\":1,\"from\":\"udp://{}\"}}", names[0]),
                format!("{{\"a\":2,\"from\":\"udp://{}\"}}", names[1]),
                format!("{{\"from\":\"udp://{}\"}}", names[0]),
                format!("{{\"from\":\"udp://{}\"}}", names[0]),
            ]
        );
        let ran = producing.terminate();
        assert_eq!(ran.status, 65);
        assert!(ran.stderr.contains("2 bad lines dropped"), "{ran:?}");
    });
}

#[test]
fn a_datagram_leaves_nothing_to_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let (producing, port) = Producing::listen(dir.path(), "udp", &["t", "--from", "json"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for text in ["{\"b\":\n", "{\"a\":\n3}", "4"] {
        socket.send_to(text.as_bytes(), ("127.0.0.1", port)).unwrap();
    }
    let got = await_records(dir.path(), "t", 2);
    assert_eq!(got[got.len() - 2..], ["{\"a\":3}", "4"]);
    assert_eq!(producing.terminate().status, 65);
}

/// How many bytes of datagrams wait at a port to be read.
fn waiting_bytes(port: u16) -> u64 {
    let list = fs::read_to_string("/proc/net/udp").unwrap();
    let at = format!(":{port:04X}");
    let socket = list.lines().find(|line| line.split_whitespace().nth(1).unwrap().ends_with(&at));
    let queues = socket.unwrap().split_whitespace().nth(4).unwrap();
    u64::from_str_radix(queues.split(':').nth(1).unwrap(), 16).unwrap()
}

/// What was sent is kept or counted, as `--stats` and the message at the end have it.
#[test]
fn datagrams_that_the_kernel_drops_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["t", "--from", "lines", "--stats"];
    let (producing, port) = Producing::listen(dir.path(), "udp", &args);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sent: u64 = 20_001;
    socket.send_to(b"first", ("127.0.0.1", port)).unwrap();
    await_records(dir.path(), "t", 1);
    producing.signal(nix::sys::signal::Signal::SIGSTOP);
    let datagram = [b'x'; 1400];
    for _ in 1..sent {
        socket.send_to(&datagram, ("127.0.0.1", port)).unwrap();
    }
    producing.signal(nix::sys::signal::Signal::SIGCONT);
    // No datagram comes after those that were dropped.
    wait_for("what was kept to be read", || (waiting_bytes(port) == 0).then_some(()));
    let ran = producing.terminate();
    assert_eq!(ran.status, 65, "{ran:?}");
    let stats: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let number = |name: &str| stats[name].as_u64().unwrap();
    assert_eq!(number("records") + number("dropped"), sent, "{ran:?}");
    assert!(number("dropped") > 0, "{ran:?}");
    assert_eq!(records(dir.path(), "t").len() as u64, number("records"));
    let lost = format!("{} datagrams were lost before produce read them", number("dropped"));
    assert!(ran.stderr.contains(&lost), "{ran:?}");
    assert!(ran.stderr.contains("the kernel dropped"), "{ran:?}");
}

/// What came and was not read when it ends is counted, too.
#[test]
fn datagrams_that_were_not_read_at_the_end_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["t", "--from", "lines", "--stats"];
    let (producing, port) = Producing::listen(dir.path(), "udp", &args);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"first", ("127.0.0.1", port)).unwrap();
    await_records(dir.path(), "t", 1);
    producing.signal(nix::sys::signal::Signal::SIGSTOP);
    producing.signal(nix::sys::signal::Signal::SIGTERM);
    for _ in 0..10 {
        socket.send_to(b"unread", ("127.0.0.1", port)).unwrap();
    }
    producing.signal(nix::sys::signal::Signal::SIGCONT);
    let ran = producing.end();
    let stats: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let number = |name: &str| stats[name].as_u64().unwrap();
    assert_eq!(number("records") + number("dropped"), 11, "{ran:?}");
}

fn unix(dir: &Path, url: &str, args: &[&str]) -> Producing {
    let mut producing = Producing::start(dir, &[&["t", "--listen", url], args].concat());
    producing.said("listening on ");
    producing
}

#[test]
fn unix_sockets_are_private_and_go_with_it() {
    both_ways(|dir| {
        let path = dir.join("in");
        let url = format!("unix://{}", path.display());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let producing = unix(dir, &url, &[]);
        assert_eq!(mode(&path), 0o600);
        UnixStream::connect(&path).unwrap().write_all(b"1\n").unwrap();
        await_records(dir, "t", 1);
        // A second one is refused while it is there.
        let ran = run_on(dir, "produce", &["u", "--listen", &url], "");
        assert_eq!(ran.status, 75, "{ran:?}");
        assert!(ran.stderr.contains("another process listens there"), "{ran:?}");
        assert_eq!(producing.terminate().status, 143);
        assert!(!path.exists());
        let producing = unix(dir, &url, &["--socket-mode", "666"]);
        assert_eq!(mode(&path), 0o666);
        producing.terminate();
    });
}

#[test]
fn a_socket_that_was_left_is_replaced_and_another_file_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in");
    let url = format!("unix://{}", path.display());
    drop(UnixListener::bind(&path).unwrap());
    let producing = unix(dir.path(), &url, &[]);
    UnixStream::connect(&path).unwrap().write_all(b"1\n").unwrap();
    await_records(dir.path(), "t", 1);
    producing.terminate();

    let url = format!("unixgram://{}", path.display());
    drop(UnixDatagram::bind(&path).unwrap());
    let producing = unix(dir.path(), &url, &[]);
    assert!(fs::metadata(&path).unwrap().file_type().is_socket());
    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to(b"2", &path).unwrap();
    socket.send_to(b"3\n", &path).unwrap();
    assert_eq!(await_records(dir.path(), "t", 3), ["1", "2", "3"]);
    for scheme in ["unix", "unixgram"] {
        let url = format!("{scheme}://{}", path.display());
        let ran = run_on(dir.path(), "produce", &["u", "--listen", &url], "");
        assert_eq!(ran.status, 75, "{ran:?}");
    }
    producing.terminate();

    fs::write(&path, "precious").unwrap();
    let ran = run_on(dir.path(), "produce", &["t", "--listen", &url], "");
    assert_eq!(ran.status, 73, "{ran:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn lines_that_continue_are_taken_once_their_connection_is_quiet() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["t", "--from", "lines", "--multiline", "^[0-9]"];
    let (producing, port) = Producing::listen(dir.path(), "tcp", &args);
    let mut quiet = connect(port);
    quiet.write_all(b"1 a\n  b\n").unwrap();
    // Another connection is busy all the time.
    let mut busy = connect(port);
    let got = wait_for("the quiet one's record", || {
        busy.write_all(b"2 c\n").unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let got = records(dir.path(), "t");
        got.iter().any(|line| line.contains("1 a")).then_some(got)
    });
    assert!(got.contains(&"{\"line\":\"1 a\\n  b\"}".to_owned()), "{got:?}");
    producing.terminate();
}

#[test]
fn it_takes_no_other_input() {
    let dir = tempfile::tempdir().unwrap();
    for more in [&["file"][..], &["--producer", "a"], &["--exec", "true"]] {
        let args = [&["t", "--listen", "tcp://:0"], more].concat();
        let ran: Ran = run_on(dir.path(), "produce", &args, "");
        assert_eq!(ran.status, 2, "{ran:?}");
    }
}
