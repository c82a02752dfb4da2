//! `produce --resume`: files that grow, are rotated, copied, compressed and replaced between runs.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::common::daemon::both_ways;
use crate::common::{Ran, gzip, run_on};

/// A directory of logs beside the topic.
struct Logs<'a> {
    log: &'a Path,
    dir: PathBuf,
}

impl<'a> Logs<'a> {
    fn new(log: &'a Path) -> Logs<'a> {
        let dir = log.join("files");
        fs::create_dir(&dir).unwrap();
        Logs { log, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// As a file that nobody writes to any more.
    fn write_long_ago(&self, name: &str, text: impl AsRef<[u8]>) {
        self.write(name, text);
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
        let file = fs::File::options().write(true).open(self.path(name)).unwrap();
        file.set_modified(old).unwrap();
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn produce(&self, args: &[&str]) -> Ran {
        let path = self.path("app.log");
        let own = ["t", "--resume", path.to_str().unwrap()];
        let args: Vec<&str> = own.iter().chain(args).copied().collect();
        run_on(self.log, "produce", &args, "")
    }

    /// Collects, and gives what is in the topic then, in one line.
    #[track_caller]
    fn collected(&self, args: &[&str]) -> String {
        assert_eq!(self.produce(args).good(), "");
        self.topic()
    }

    fn topic(&self) -> String {
        let all = run_on(self.log, "subscribe", &["t"], "").stdout;
        all.lines().collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_file_that_grows_is_taken_line_by_line() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        logs.write("app.log", "1\n2\n3");
        assert_eq!(logs.collected(&[]), "1 2");
        assert_eq!(logs.collected(&[]), "1 2");
        logs.append("app.log", "3\n4\n");
        assert_eq!(logs.collected(&[]), "1 2 33 4");
        logs.append("app.log", "5");
        assert_eq!(logs.collected(&["--partial-after", "1h"]), "1 2 33 4");
        assert_eq!(logs.collected(&["--partial-after", "0"]), "1 2 33 4 5");
        logs.append("app.log", "\n6\n");
        assert_eq!(logs.collected(&[]), "1 2 33 4 5 6");
    });
}

#[test]
fn lines_that_belong_together_wait_until_others_begin() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        let args = ["--from", "lines", "--multiline", r"^\S"];
        logs.write("app.log", "a\n b\n");
        assert_eq!(logs.collected(&args), "");
        logs.append("app.log", " c\nd\n");
        assert_eq!(logs.collected(&args), "{\"line\":\"a\\n b\\n c\"}");
        assert_eq!(logs.collected(&args), "{\"line\":\"a\\n b\\n c\"}");
        let both = "{\"line\":\"a\\n b\\n c\"} {\"line\":\"d\"}";
        assert_eq!(logs.collected(&[&args[..], &["--partial-after", "0"]].concat()), both);
        // What comes too late is a record of its own; and what was rotated away is complete.
        logs.append("app.log", " e\n");
        logs.rename("app.log", "app.log.1");
        logs.write("app.log", "f\n");
        assert_eq!(logs.collected(&args), format!("{both} {{\"line\":\" e\"}}"));
    });
}

#[test]
fn a_file_is_known_by_whatever_name_it_has() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        logs.write("app.log", "1\n2\n");
        assert_eq!(logs.collected(&[]), "1 2");
        logs.append("app.log", "3\n");
        logs.rename("app.log", "app.log.1");
        assert_eq!(logs.collected(&[]), "1 2 3");
        logs.write("app.log", "4\n");
        assert_eq!(logs.collected(&[]), "1 2 3 4");
        // Two rotations, one of them of a file that was never seen; and all is compressed.
        logs.append("app.log", "5\n6");
        logs.write("app.log.3.gz", gzip(fs::read(logs.path("app.log.1")).unwrap()));
        logs.write("app.log.2.gz", gzip(fs::read(logs.path("app.log")).unwrap()));
        logs.write("app.log.1", "7\n8\n");
        fs::remove_file(logs.path("app.log")).unwrap();
        logs.write("app.log", "9\n");
        assert_eq!(logs.collected(&[]), "1 2 3 4 5 6 7 8 9");
        logs.write("app.log.1.zst", zstd::encode_all(&b"7\n8\n"[..], 1).unwrap());
        fs::remove_file(logs.path("app.log.1")).unwrap();
        assert_eq!(logs.collected(&[]), "1 2 3 4 5 6 7 8 9");
    });
}

#[test]
fn what_was_rotated_before_the_first_run_stays_as_it_is() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        logs.write_long_ago("app.log.2.gz", gzip("1\n"));
        logs.write_long_ago("app.log.1", "2\n");
        logs.write("app.log", "3\n");
        assert_eq!(logs.collected(&[]), "3");
        // Unless a pattern means it.
        let pattern = logs.path("app.log*");
        run_on(dir, "produce", &["t", "--resume", pattern.to_str().unwrap()], "").good();
        assert_eq!(logs.topic(), "3 1 2");
    });
}

#[test]
fn copies_and_other_files_are_told_from_the_one_that_was_read() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        logs.write("app.log", "10\n20\n");
        assert_eq!(logs.collected(&[]), "10 20");
        // Copied and truncated.
        logs.append("app.log", "30\n");
        logs.write("app.log.1", "10\n20\n30\n");
        OpenOptions::new().write(true).truncate(true).open(logs.path("app.log")).unwrap();
        assert_eq!(logs.collected(&[]), "10 20 30");
        logs.append("app.log", "40\n");
        assert_eq!(logs.collected(&[]), "10 20 30 40");
        // Replaced by a longer one, in place; then by a shorter one.
        logs.write("app.log", "50\n60\n70\n80\n");
        assert_eq!(logs.collected(&[]), "10 20 30 40 50 60 70 80");
        logs.write("app.log", "90\n");
        assert_eq!(logs.collected(&[]), "10 20 30 40 50 60 70 80 90");
        // Another file with the same content is the same only if rotation made it.
        logs.write("other.log", "90\n");
        let other = logs.path("other.log");
        run_on(dir, "produce", &["t", "--resume", other.to_str().unwrap()], "").good();
        assert_eq!(logs.topic(), "10 20 30 40 50 60 70 80 90 90");
    });
}

#[test]
fn rows_of_csv_keep_their_names_and_their_order() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        logs.write("app.log", "id,price\n1,10\n2,12");
        let csv = ["--from", "csv", "--partitions", "3", "--key", ".id"];
        assert_eq!(logs.collected(&csv), r#"{"id":1,"price":10}"#);
        logs.append("app.log", "34\n3,\"7\n");
        assert_eq!(logs.collected(&csv).lines().count(), 1);
        logs.append("app.log", "8\"\n");
        logs.rename("app.log", "app.log.1");
        logs.write("app.log", "price,id\n9,4\n");
        logs.produce(&csv).good();
        let mut rows: Vec<String> = logs.topic().split(' ').map(str::to_owned).collect();
        rows.sort();
        let wanted = [
            r#"{"id":1,"price":10}"#,
            r#"{"id":2,"price":1234}"#,
            r#"{"id":3,"price":"7\n8"}"#,
            r#"{"price":9,"id":4}"#,
        ];
        assert_eq!(rows, wanted);
    });
}

#[test]
fn a_bad_line_stops_there_and_is_named_by_its_place() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        logs.write("app.log", "1\n2\n");
        assert_eq!(logs.collected(&[]), "1 2");
        logs.append("app.log", "3\nbad\n4\n");
        let ran = logs.produce(&[]);
        assert_eq!(ran.status, 65, "{ran:?}");
        assert!(ran.stderr.contains("app.log:4: "), "{ran:?}");
        assert_eq!(logs.topic(), "1 2 3");
        // It stays where it is, until the line is taken out of the way.
        assert_eq!(logs.produce(&[]).status, 65);
        assert_eq!(logs.topic(), "1 2 3");
        let rejects = dir.join("rejects");
        let ran = logs.produce(&["--rejects", rejects.to_str().unwrap()]);
        assert_eq!(ran.status, 65, "{ran:?}");
        assert_eq!(fs::read_to_string(&rejects).unwrap(), "bad\n");
        assert_eq!(logs.collected(&["--rejects", rejects.to_str().unwrap()]), "1 2 3 4");
        // Also where it was compressed, and the line is bad to the decoder.
        logs.write("app.log.1.gz", gzip("a,b\n1,2\n3\n"));
        fs::remove_file(logs.path("app.log")).unwrap();
        let pattern = logs.path("app.log*.gz");
        let args = ["u", "--resume", pattern.to_str().unwrap(), "--from", "csv"];
        for _ in 0..2 {
            let ran = run_on(dir, "produce", &args, "");
            assert_eq!(ran.status, 65, "{ran:?}");
            assert!(ran.stderr.contains("app.log.1.gz:3: "), "{ran:?}");
            assert_eq!(run_on(dir, "subscribe", &["u"], "").stdout, "{\"a\":1,\"b\":2}\n");
        }
    });
}

#[test]
fn a_file_that_is_not_there_is_an_error_and_one_that_was_rotated_is_none() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        let ran = logs.produce(&[]);
        assert_eq!(ran.status, 74, "{ran:?}");
        assert!(ran.stderr.contains("app.log: "), "{ran:?}");
        logs.write("app.log", "1\n");
        assert_eq!(logs.collected(&[]), "1");
        logs.append("app.log", "2");
        logs.rename("app.log", "app.log.1");
        assert_eq!(logs.collected(&[]), "1 2");
    });
}

#[test]
fn of_many_files_each_is_taken_once_and_with_those_it_was_rotated_to() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        let pattern = logs.path("app*.log");
        let collected = || {
            let args = ["t", "--resume", pattern.to_str().unwrap()];
            assert_eq!(run_on(dir, "produce", &args, "").good(), "");
            let mut all: Vec<u32> = Vec::new();
            all.extend(logs.topic().split(' ').map(|record| record.parse::<u32>().unwrap()));
            all.sort_unstable();
            all
        };
        for number in 0..300 {
            logs.write(&format!("app{number}.log"), format!("{number}\n"));
        }
        // Other names of the same files.
        fs::hard_link(logs.path("app0.log"), logs.path("app00.log")).unwrap();
        std::os::unix::fs::symlink(logs.path("app7.log"), logs.path("app71.log.log")).unwrap();
        assert_eq!(collected(), Vec::from_iter(0..300));
        for number in (0..300).step_by(3) {
            logs.append(&format!("app{number}.log"), &format!("{}\n", number + 300));
            logs.rename(&format!("app{number}.log"), &format!("app{number}.log.1"));
            logs.write(&format!("app{number}.log"), format!("{}\n", number + 301));
        }
        let late = (0..300).step_by(3).flat_map(|number| [number + 300, number + 301]);
        let all: Vec<u32> = (0..300).chain(late).collect();
        assert_eq!(collected(), all);
        assert_eq!(collected(), all);
    });
}

#[test]
fn files_before_one_that_cannot_be_read_are_taken() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        logs.write("a.log", "1\n");
        logs.write("b.log", &gzip("2\n")[..12]);
        logs.write("c.log", "3\n");
        let pattern = logs.path("?.log");
        let args = ["t", "--resume", pattern.to_str().unwrap()];
        let ran = run_on(dir, "produce", &args, "");
        assert_ne!(ran.status, 0, "{ran:?}");
        assert!(ran.stderr.contains("b.log"), "{ran:?}");
        assert_eq!(logs.topic(), "1");
    });
}

#[test]
fn finished_files_of_a_directory_are_taken_once_and_put_away() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        let spool = logs.dir.to_str().unwrap();
        let write = |name: &str, bytes: &[u8]| logs.write_long_ago(name, bytes);
        write("b.ndjson", b"3\n4");
        write("a.ndjson.gz", &gzip("1\n2\n"));
        write(".c", b"5\n");
        let take = |more: &[&str]| {
            let args: Vec<&str> = ["t", "--spool", spool].iter().chain(more).copied().collect();
            run_on(dir, "produce", &args, "")
        };
        let stats = take(&["--stats"]).good();
        assert!(stats.contains(r#""bytes":7,"files":2"#), "{stats}");
        assert_eq!(logs.topic(), "1 2 3 4");
        assert!(logs.path("a.ndjson.gz.done").exists() && logs.path("b.ndjson.done").exists());
        // The same file once more is another delivery.
        write("b.ndjson", b"3\n4");
        fs::create_dir(logs.path("taken")).unwrap();
        let moves = format!("move:{spool}/taken");
        take(&["--done", &moves]).good();
        assert_eq!(logs.topic(), "1 2 3 4 3 4");
        assert!(logs.path("taken/b.ndjson").exists() && !logs.path("b.ndjson").exists());
        // It cannot be put away; then it is not taken again, and must not change.
        write("b.ndjson", b"6\n");
        let ran = take(&["--done", &moves]);
        assert!(ran.status == 74 && ran.stderr.contains("is already there"), "{ran:?}");
        logs.append("b.ndjson", "7\n");
        write("b.ndjson", b"6\n7\n");
        let ran = take(&["--done", "delete"]);
        assert!(ran.status == 65 && ran.stderr.contains("b.ndjson: changed after"), "{ran:?}");
        write("b.ndjson", b"6\n");
        take(&["--done", "delete"]);
        assert!(logs.topic().starts_with("1 2 3 4 3 4 6"));
    });
}

#[test]
fn what_expressions_know_of_a_record_is_that_of_the_whole_file() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        let args = ["--from", "csv", "--map", "[$line, $offset, .id]"];
        logs.write("app.log", "id\n7\n8\n");
        assert_eq!(logs.collected(&args), "[2,3,7] [3,5,8]");
        logs.append("app.log", "9\n\n10\n");
        assert_eq!(logs.collected(&args), "[2,3,7] [3,5,8] [4,7,9] [6,10,10]");
    });
}

#[test]
fn a_bad_line_of_one_file_leaves_the_others() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        let paths = ["a.log", "b.log", "c.log"].map(|name| logs.path(name));
        let paths = paths.each_ref().map(|path| path.to_str().unwrap());
        let args = [&["t", "--resume"][..], &paths].concat();
        logs.write("a.log", "1\n");
        logs.write("b.log", "2\nbad\n3\n");
        logs.write("c.log", "4\n");
        // The place is told once, and the next run finds the line again.
        for more in [["5\n", "6\n"], ["7\n", "8\n"]] {
            let ran = run_on(dir, "produce", &args, "");
            assert_eq!((ran.status, ran.stderr.matches("b.log:2: ").count()), (65, 1), "{ran:?}");
            logs.append("a.log", more[0]);
            logs.append("b.log", more[1]);
        }
        assert_eq!(logs.topic(), "1 2 4 5");
        let rejects = dir.join("rejects");
        let args = [&args[..], &["--rejects", rejects.to_str().unwrap()]].concat();
        assert_eq!(run_on(dir, "produce", &args, "").status, 65);
        assert_eq!(logs.topic(), "1 2 4 5 7 3 6 8");
        // What a file was rotated to does not overtake it.
        logs.append("b.log", "worse\n");
        logs.rename("b.log", "b.log.1");
        logs.write("b.log", "9\n");
        logs.append("c.log", "10\n");
        assert_eq!(run_on(dir, "produce", &args[..5], "").status, 65);
        assert_eq!(logs.topic(), "1 2 4 5 7 3 6 8 10");
        run_on(dir, "produce", &args, "");
        assert_eq!(logs.topic(), "1 2 4 5 7 3 6 8 10 9");
    });
}

#[test]
fn a_bad_file_of_a_directory_stays_there_and_leaves_the_others() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        let spool = logs.path(".");
        logs.write_long_ago("a.ndjson", "1\nbad\n");
        logs.write_long_ago("b.ndjson", "2\n");
        let ran = run_on(dir, "produce", &["t", "--spool", spool.to_str().unwrap()], "");
        assert_eq!((ran.status, ran.stderr.matches("a.ndjson:2: ").count()), (65, 1), "{ran:?}");
        assert_eq!(logs.topic(), "1 2");
        assert!(logs.path("a.ndjson").exists() && logs.path("b.ndjson.done").exists());
    });
}

fn with_ids(ids: &[u32]) -> String {
    ids.iter().map(|id| format!("{{\"id\":{id}}}\n")).collect()
}

#[test]
fn keys_that_the_topic_has_are_skipped_and_the_position_moves_on() {
    let unique = ["--unique", ".id"];
    let has = |ids: &[u32]| with_ids(ids).trim_end().replace('\n', " ");
    both_ways(|dir| {
        let logs = Logs::new(dir);
        run_on(dir, "produce", &["t"], with_ids(&[1, 2])).good();
        // Nothing of this is appended, and yet it is not read again.
        logs.write("app.log", with_ids(&[2, 1]));
        let ran = logs.produce(&[&unique[..], &["-v"]].concat());
        let said = "produce: 0 records appended to t\n\
                    produce: 2 records skipped, because t has the same key\n";
        assert_eq!((ran.status, ran.stderr.as_str()), (0, said));
        assert_eq!(logs.collected(&[]), has(&[1, 2]));
        // Some of this is, across a rotation and a batch of several lines of one key.
        logs.append("app.log", &with_ids(&[3, 2, 3]));
        logs.write("app.log.1.gz", gzip(fs::read(logs.path("app.log")).unwrap()));
        fs::remove_file(logs.path("app.log")).unwrap();
        logs.write("app.log", with_ids(&[3, 4, 1, 4]));
        let ran = logs.produce(&[&unique[..], &["-v"]].concat());
        let said = "produce: 2 records appended to t\n\
                    produce: 5 records skipped, because t has the same key\n\
                    produce: t/0: 2..4\n";
        assert_eq!((ran.status, ran.stderr.as_str()), (0, said));
        assert_eq!(logs.topic(), has(&[1, 2, 3, 4]));
        assert_eq!(logs.collected(&[]), has(&[1, 2, 3, 4]));
        // A record without a key is bad: those before it are appended, and it comes first again.
        logs.append("app.log", &(with_ids(&[4, 5]) + "{\"n\":1}\n" + &with_ids(&[5, 6])));
        for _ in 0..2 {
            let ran = logs.produce(&unique);
            assert_eq!(ran.status, 65, "{ran:?}");
            assert!(ran.stderr.contains("app.log:7: its unique key is null"), "{ran:?}");
            assert_eq!(logs.topic(), has(&[1, 2, 3, 4, 5]));
        }
        let rejects = dir.join("rejects");
        let ran = logs.produce(&[&unique[..], &["--rejects", rejects.to_str().unwrap()]].concat());
        assert!(ran.stderr.contains("1 "), "{ran:?}");
        assert_eq!(fs::read_to_string(&rejects).unwrap(), "{\"n\":1}\n");
        assert_eq!(logs.topic(), has(&[1, 2, 3, 4, 5, 6]));
        assert_eq!(logs.collected(&[]), has(&[1, 2, 3, 4, 5, 6]));
    });
}

#[test]
fn a_topic_of_unique_keys_takes_files_too() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        let create = ["create", "t", "--unique", ".id", "--partitions", "3", "--key", ".id"];
        run_on(dir, "log-admin", &create, "").good();
        // More than one batch, each half of which is in the one before.
        let ids: Vec<u32> = (0..40).flat_map(|page| page * 500..page * 500 + 1000).collect();
        logs.write("app.log", with_ids(&ids));
        let stats = logs.produce(&["--stats"]).good();
        assert!(stats.contains("\"records\":20500,\"rejected\":0,\"skipped\":19500,"), "{stats}");
        let stats = logs.produce(&["--stats"]).good();
        assert!(stats.contains("\"records\":0,\"rejected\":0,\"skipped\":0,"), "{stats}");
        logs.append("app.log", &with_ids(&[20_499, 20_500]));
        let stats = logs.produce(&["--stats"]).good();
        assert!(stats.contains("\"records\":1,\"rejected\":0,\"skipped\":1,"), "{stats}");
        assert_eq!(logs.topic().split(' ').count(), 20_501);
    });
}

#[test]
fn a_rotated_file_is_read_though_a_run_ended_before_it_and_the_one_before_is_gone() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        logs.write("app.log", "1\n");
        logs.produce(&[]).good();
        logs.append("app.log", "2\n");
        logs.rename("app.log", "app.log.2");
        logs.write("app.log.1", "x\n3\n");
        logs.write("app.log", "4\n");
        for name in ["app.log.2", "app.log.1", "app.log"] {
            // The kernel's own times may be some milliseconds old.
            let file = fs::File::options().append(true).open(logs.path(name)).unwrap();
            file.set_modified(std::time::SystemTime::now()).unwrap();
        }
        assert_eq!(logs.produce(&[]).status, 65);
        assert_eq!(logs.topic(), "1 2");
        fs::remove_file(logs.path("app.log.2")).unwrap();
        let rejects = dir.join("rejects");
        logs.produce(&["--rejects", rejects.to_str().unwrap()]);
        assert_eq!(logs.topic(), "1 2 3 4");
    });
}

#[test]
fn a_run_that_ends_at_a_bad_line_says_what_it_did() {
    both_ways(|dir| {
        let logs = Logs::new(dir);
        logs.write("app.log", "1\nbad\n");
        for args in [&["--stats"] as &[&str], &["--stats", "--from", "ndjson"]] {
            let ran = logs.produce(args);
            assert_eq!(ran.status, 65, "{ran:?}");
            let stats: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
            assert!(stats["records"].is_u64(), "{ran:?}");
        }
        let ran = run_on(dir, "produce", &["plain", "--stats"], "1\nbad\n");
        assert_eq!(ran.status, 65, "{ran:?}");
        assert!(ran.stdout.contains("\"records\":1,"), "{ran:?}");
    });
}
