//! What `subscribe` prints in other forms: for people on a terminal, for spreadsheets and scripts.

use std::io::BufReader;
use std::path::Path;
use std::process::Command;

use crate::common::daemon::both_ways;
use crate::common::proc::sleeps;
use crate::common::{Guard, bin, next_line, run, run_on, tool_on, wait_for};

const RECORDS: &str = "{\"ts\":1,\"host\":\"a\",\"req\":{\"path\":\"/x,y\"}}\n\
                       {\"ts\":2,\"host\":\"long\\u0007er\",\"req\":null}\n\
                       {\"ts\":3,\"host\":\"\u{9b}2J\"}\n";

/// Runs its arguments with a terminal of 30 columns as standard output, and passes on what they
/// print there.
const ON_A_TERMINAL: &str = "\
import fcntl, os, struct, subprocess, sys, termios
ours, theirs = os.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 30, 0, 0))
ran = subprocess.Popen(sys.argv[1:], stdout=theirs)
os.close(theirs)
try:
    while piece := os.read(ours, 4096):
        os.write(1, piece.replace(b'\\r\\n', b'\\n'))
except OSError:
    pass
sys.exit(ran.wait())
";

fn topic(dir: &Path) {
    assert_eq!(run_on(dir, "produce", &["t"], RECORDS).status, 0);
}

fn printed(dir: &Path, args: &[&str]) -> String {
    let ran = run(&mut tool_on(dir, "subscribe", &[&["t"], args].concat()), "");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{args:?}");
    ran.stdout
}

/// What is on the terminal; none if there is no python3 to make one.
fn on_a_terminal(dir: &Path, args: &[&str]) -> Option<String> {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("left out: there is no python3");
        return None;
    }
    let mut command = Command::new("python3");
    command.args(["-c", ON_A_TERMINAL]).arg(bin("subscribe")).arg("t").args(args);
    command.env("MILLSTREAM_DIR", dir).env("TERM", "xterm");
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    let ran = run(&mut command, "");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{args:?}");
    Some(ran.stdout)
}

#[test]
fn fields_are_csv_in_a_pipe() {
    both_ways(|dir| {
        topic(dir);
        assert_eq!(
            printed(dir, &["--fields", ".ts, .req.path"]),
            "ts,req.path\n1,\"/x,y\"\n2,\n3,\n"
        );
        assert_eq!(
            printed(dir, &["--format", "tsv", "--fields", ".ts,.host", "-n", "1"]),
            "ts\thost\n3\t\u{9b}2J\n"
        );
        assert_eq!(
            printed(dir, &["--format", "fields", "--fields", ".host", "-n", "2"]),
            "host\nlong\\u0007er\n\\u009b2J\n"
        );
        assert_eq!(printed(dir, &["--template", "%t/%p@%o {{.host}}", "-c", "1"]), "t/0@0 a\n");
        assert_eq!(
            printed(dir, &["--pretty", "-c", "1"]),
            "{\n  \"ts\": 1,\n  \"host\": \"a\",\n  \"req\": {\n    \"path\": \"/x,y\"\n  }\n}\n"
        );
    });
}

#[test]
fn places_are_columns_too() {
    both_ways(|dir| {
        topic(dir);
        let csv = printed(dir, &["--fields", ".ts", "--meta", "-c", "2"]);
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[0], "topic,partition,offset,time,ts");
        assert!(lines[2].starts_with("t,0,1,20") && lines[2].ends_with("Z,2"), "{csv}");
        let all = printed(dir, &["--format", "csv", "--meta", "-c", "1"]);
        assert!(all.starts_with("topic,partition,offset,time,record\nt,0,0,20"), "{all}");
        // In a pipe, JSON stays JSON.
        let pretty = printed(dir, &["--pretty", "--meta", "-c", "1"]);
        assert!(pretty.starts_with("{\n  \"topic\": \"t\",\n  \"partition\": 0,"), "{pretty}");
    });
}

#[test]
fn so_many_records_are_printed_and_no_more() {
    both_ways(|dir| {
        topic(dir);
        let all: Vec<&str> = RECORDS.split_inclusive('\n').collect();
        for count in 0..5 {
            let expected: String = all.iter().take(count).copied().collect();
            assert_eq!(printed(dir, &["-c", &count.to_string()]), expected);
            assert_eq!(printed(dir, &["--from", "1", "-c", &count.to_string()]), {
                all[1..].iter().take(count).copied().collect::<String>()
            });
        }
        // One that follows ends, too.
        assert_eq!(printed(dir, &["-f", "-c", "3"]), RECORDS);
    });
}

#[test]
fn a_terminal_gets_colours_and_nothing_that_it_obeys() {
    both_ways(|dir| {
        topic(dir);
        let Some(shown) = on_a_terminal(dir, &[]) else { return };
        assert!(shown.starts_with("{\u{1b}[34;1m\"ts\"\u{1b}[0m:\u{1b}[36m1\u{1b}[0m,"), "{shown}");
        assert!(!shown.contains(['\u{7}', '\u{9b}']), "{shown}");
        assert!(shown.contains("\\u009b2J") && shown.contains('…'), "{shown}");
        let plain = on_a_terminal(dir, &["--color", "never", "-c", "1"]).unwrap();
        assert_eq!(plain, "{\"ts\":1,\"host\":\"a\",\"req\":{\"pa…\n");
        let whole = on_a_terminal(dir, &["--color", "never", "--wrap", "-c", "1"]).unwrap();
        assert_eq!(whole, RECORDS.split_inclusive('\n').next().unwrap());
        let table = on_a_terminal(dir, &["--color", "never", "--fields", ".ts,.host"]).unwrap();
        assert_eq!(table, "ts  host\n 1  a\n 2  long\\u0007er\n 3  \\u009b2J\n");
        let meta = on_a_terminal(dir, &["--color", "never", "--meta", "-c", "1"]).unwrap();
        assert!(meta.starts_with("t/0@0 20") && meta.ends_with("…\n"), "{meta}");
    });
}

#[test]
fn colours_are_a_matter_of_taste() {
    both_ways(|dir| {
        topic(dir);
        let colored = printed(dir, &["--color", "always", "-c", "1"]);
        assert!(colored.contains("\u{1b}[34;1m\"host\"\u{1b}[0m"), "{colored}");
        let mut forced = tool_on(dir, "subscribe", &["t", "-c", "1"]);
        assert_eq!(run(forced.env("CLICOLOR_FORCE", "1"), "").stdout, colored);
        let mut none = tool_on(dir, "subscribe", &["t", "-c", "1"]);
        none.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
        assert!(!run(&mut none, "").stdout.contains('\u{1b}'));
    });
}

#[test]
fn what_does_not_fit_is_named() {
    both_ways(|dir| {
        topic(dir);
        let refused = |args: &[&str]| {
            let ran = run_on(dir, "subscribe", &[&["t"], args].concat(), "");
            (ran.status, ran.stderr)
        };
        assert_eq!(run_on(dir, "produce", &["t"], "{\"other\":1}\n").status, 0);
        // What came before it is printed.
        assert_eq!(
            run_on(dir, "subscribe", &["t", "--format", "csv"], "").stdout.lines().count(),
            4
        );
        let (status, why) = refused(&["--format", "csv"]);
        assert_eq!(status, 65, "{why}");
        assert!(why.starts_with("subscribe: t/0@3: ") && why.contains("\"other\""), "{why}");
        for args in [
            &["--format", "fields"] as &[&str],
            &["--format", "json", "--fields", ".a"],
            &["--fields", ".a +"],
            &["--template", "{{.a"],
            &["--control", "--fields", ".a"],
            &["--group", "g", "--exec", "cat", "--pretty"],
        ] {
            let (status, why) = refused(args);
            assert_eq!((status, why.lines().count()), (2, 1), "{args:?}: {why}");
        }
    });
}

#[test]
fn a_topic_that_does_not_exist_yet_is_waited_for() {
    both_ways(|dir| {
        let mut command = tool_on(dir, "subscribe", &["t", "--wait", "-f", "-c", "1"]);
        command.stdout(std::process::Stdio::piped());
        let mut waiting = Guard(command.spawn().unwrap());
        wait_for("the log to be looked for", || (sleeps(waiting.0.id()) > 2).then_some(()));
        topic(dir);
        let line = next_line(&mut BufReader::new(waiting.0.stdout.take().unwrap()));
        assert_eq!(Some(line.trim_end()), RECORDS.lines().next());
        assert!(waiting.0.wait().unwrap().success());
    });
}
