//! Questions that people ask of a log as it stands, each in one line.

use std::process::Command;

use crate::common::{run, tool};

/// The top URLs of an access log, from now on: of each minute, as it ends.
#[test]
fn the_most_requested_paths_of_each_minute() {
    let line = |second: &str, path: &str| {
        format!("h - - [17/May/2015:10:{second} +0000] \"GET {path} HTTP/1.1\" 200 5 \"-\" \"x\"\n")
    };
    let log: String = [("05:01", "/a"), ("05:02", "/b"), ("05:03", "/b"), ("06:01", "/a")]
        .map(|(second, path)| line(second, path))
        .concat();
    let args =
        ["--from", "combined", "--tumbling", "1m", "--by", ".path", "count", "--top", "1:count"];
    assert_eq!(
        run(&mut tool("aggregate", &args), log).good(),
        "{\"window_start\":\"2015-05-17T10:05:00Z\",\"window_end\":\"2015-05-17T10:06:00Z\",\
         \"path\":\"/b\",\"count\":2}\n\
         {\"window_start\":\"2015-05-17T10:06:00Z\",\"window_end\":\"2015-05-17T10:07:00Z\",\
         \"path\":\"/a\",\"count\":1}\n"
    );
}

/// The query log of BIND, counted by client, name and type each 5 seconds.
#[test]
fn queries_of_a_name_server() {
    let log = "\
30-Nov-2026 12:00:01.123 queries: info: client @0x7f1 192.0.2.1#5321 (example.com): query: example.com IN A +E(0)K (10.0.0.1)
30-Nov-2026 12:00:02.000 queries: info: client @0x7f2 192.0.2.1#5322 (example.com): query: example.com IN A +E(0)K (10.0.0.1)
30-Nov-2026 12:00:03.500 queries: info: client @0x7f3 192.0.2.7#40 (example.org): query: example.org IN AAAA + (10.0.0.1)
30-Nov-2026 12:00:07.000 queries: info: client @0x7f4 192.0.2.1#5323 (example.com): query: example.com IN A + (10.0.0.1)
";
    let read = [
        "--from",
        "pattern",
        "* queries: * client * *#* (*): query: * IN * *",
        "at,_,_,client,_,_,name,type,_",
        "--time",
        ".at",
        "--time-format",
        "%d-%b-%Y %H:%M:%S%.f",
        "--tz",
        "UTC",
    ];
    let ask = ["--tumbling", "5s", "--by", ".client", "--by", ".name", "--by", ".type", "count"];
    let ran = run(tool("aggregate", &ask).args(read), log);
    let counts: Vec<&str> = ran
        .stdout
        .lines()
        .filter_map(|line| line.split_once("\"client\""))
        .map(|(_, rest)| rest)
        .collect();
    assert_eq!(
        counts,
        [
            ":\"192.0.2.1\",\"name\":\"example.com\",\"type\":\"A\",\"count\":2}",
            ":\"192.0.2.7\",\"name\":\"example.org\",\"type\":\"AAAA\",\"count\":1}",
            ":\"192.0.2.1\",\"name\":\"example.com\",\"type\":\"A\",\"count\":1}",
        ],
        "{ran:?}"
    );
}

/// Lines of a firewall by device, source and destination, with their number.
#[test]
fn lines_of_a_firewall() {
    let log = "\
Nov 30 12:00:00 fw kernel: [12.3] DROP IN=eth0 OUT= SRC=192.0.2.1 DST=10.0.0.2 LEN=60 PROTO=TCP DPT=22 SYN
Nov 30 12:00:01 fw kernel: [13.3] DROP IN=eth0 OUT= SRC=192.0.2.1 DST=10.0.0.2 LEN=60 PROTO=TCP DPT=23 SYN
Nov 30 12:00:02 fw kernel: [14.0] DROP IN=eth1 OUT= SRC=192.0.2.9 DST=10.0.0.2 LEN=40 PROTO=UDP DPT=53
";
    let args = ["--from", "logfmt", "--by", ".IN", "--by", ".SRC", "--by", ".DST", "count"];
    assert_eq!(
        run(&mut tool("aggregate", &args), log).good(),
        "{\"IN\":\"eth0\",\"SRC\":\"192.0.2.1\",\"DST\":\"10.0.0.2\",\"count\":2}\n\
         {\"IN\":\"eth1\",\"SRC\":\"192.0.2.9\",\"DST\":\"10.0.0.2\",\"count\":1}\n"
    );
}

/// JSON among lines of text, as a program has it that logs JSON after a banner.
#[test]
fn json_among_text() {
    let log =
        "Starting the server\n{\"level\":\"info\",\"ms\":3}\n{\"level\":\"error\",\"ms\":9}\nBye\n";
    let map =
        run(&mut tool("filter", &[".level == \"error\" or .text", "--keep-bad", "text"]), log);
    assert_eq!(
        map.good(),
        "{\"text\":\"Starting the server\"}\n{\"level\":\"error\",\"ms\":9}\n{\"text\":\"Bye\"}\n"
    );
}

/// Failed logins of the system's log, by program.
#[test]
fn messages_of_the_system() {
    let log = "\
Mar  5 10:00:00 h sshd[12]: Failed password for root from 192.0.2.1 port 5 ssh2
Mar  5 10:00:01 h sshd[12]: Accepted password for ada from 192.0.2.1 port 5 ssh2
<38>1 2024-05-01T12:00:03Z h su - - - FAILED SU (to root) ada on pts/1
";
    let filter =
        run(&mut tool("filter", &[".msg | test(\"failed\"; \"i\")", "--from", "syslog"]), log);
    let by = run(&mut tool("aggregate", &["--by", ".app_name", "count"]), filter.good());
    assert_eq!(
        by.good(),
        "{\"app_name\":\"sshd\",\"count\":1}\n{\"app_name\":\"su\",\"count\":1}\n"
    );
}

/// What Python's csv module writes is read back, cell for cell.
#[test]
fn what_python_writes_as_csv() {
    let script = "
import csv, json, random, sys
rng = random.Random(7)
alphabet = ['a', 'b', '1', ' ', ',', ';', '\"', \"'\", '\\n', '\\r', '\\r\\n', '\\t', '|', '\\u00e4', '\\U0001f600', '\\\\']
rows = [[''.join(rng.choices(alphabet, k=rng.randint(0, 6))) for _ in range(4)] for _ in range(2000)]
options = dict(item.split('=', 1) for item in sys.argv[2:])
quoting = getattr(csv, options.pop('quoting', 'QUOTE_MINIMAL'))
with open(sys.argv[1], 'w', newline='', encoding='utf-8') as out:
    writer = csv.writer(out, quoting=quoting, **options)
    writer.writerow(['a', 'b', 'c', 'd'])
    writer.writerows(rows)
for row in rows:
    print(json.dumps(dict(zip('abcd', row)), ensure_ascii=False, separators=(',', ':')))
";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rows.csv");
    for (options, ours) in [
        (&[][..], &[][..]),
        (&["quoting=QUOTE_ALL"], &[]),
        (&["quoting=QUOTE_ALL", "lineterminator=\n"], &[]),
        (&["delimiter=;"], &["--delimiter", ";"]),
        (&["delimiter=\t"], &["--delimiter", "\t"]),
        (&["quotechar='", "delimiter=|"], &["--quote", "'", "--delimiter", "|"]),
    ] {
        if which("python3").is_none() {
            println!("without python3");
            return;
        }
        let mut python = Command::new("python3");
        python.args(["-c", script]).arg(&file).args(options);
        let expected = run(&mut python, "").good();
        let read = ["--from", "csv", "--types", "all-text"];
        let map = run(tool("map", &["."]).args(read).args(ours).arg(&file), "");
        let same = map.good().lines().eq(expected.lines());
        assert!(same, "{options:?}");
    }
}

/// Where a program is, if it is installed.
fn which(program: &str) -> Option<std::path::PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|dir| dir.join(program)).find(|path| path.exists())
}
