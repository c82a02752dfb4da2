//! `produce --resume`: files that are rotated before a record of them was read.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::common::daemon::both_ways;
use crate::common::{gzip, run_on};

/// A file that is collected into the topic `t`.
struct Logs<'a> {
    log: &'a Path,
    path: PathBuf,
}

impl<'a> Logs<'a> {
    /// The file, with what it has at first.
    fn new(log: &'a Path, name: &str, text: &str) -> Logs<'a> {
        let dir = log.join("files");
        fs::create_dir_all(&dir).unwrap();
        let logs = Logs { log, path: dir.join(name) };
        logs.write(text);
        logs
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
    }

    fn append(&self, text: &str) {
        let mut file = OpenOptions::new().append(true).open(&self.path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn rotated(&self, end: &str) -> PathBuf {
        PathBuf::from(format!("{}{end}", self.path.display()))
    }

    /// Rotates the file in one of several ways, and writes into the next one.
    fn rotate(&self, way: Way, next: &str) {
        match way {
            Way::Rename => {
                fs::rename(&self.path, self.rotated(".1")).unwrap();
                self.write(next);
            }
            Way::Copy => {
                fs::copy(&self.path, self.rotated(".1")).unwrap();
                self.write(next);
            }
            Way::Compress => {
                let content = gzip(fs::read(&self.path).unwrap());
                fs::write(self.rotated(".1.gz"), content).unwrap();
                self.write(next);
            }
        }
    }

    /// Collects, and gives the topic's records in one line.
    #[track_caller]
    fn collected(&self, args: &[&str], status: i32) -> String {
        let own = ["t", "--resume", self.path.to_str().unwrap()];
        let args: Vec<&str> = own.iter().chain(args).copied().collect();
        let ran = run_on(self.log, "produce", &args, "");
        assert_eq!(ran.status, status, "{ran:?}");
        let all = run_on(self.log, "subscribe", &["t"], "").stdout;
        all.lines().collect::<Vec<_>>().join(" ")
    }
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Rename,
    Copy,
    Compress,
}

/// Each case with a log of its own, with every way of rotation.
fn each_way(case: impl Fn(&Path, Way)) {
    for way in [Way::Rename, Way::Copy, Way::Compress] {
        both_ways(|dir| case(dir, way));
    }
}

#[test]
fn a_file_without_a_record_is_known_when_it_is_rotated() {
    for (first, rest) in [("", "1\n"), ("1", "0\n")] {
        each_way(|dir, way| {
            let logs = Logs::new(dir, "app.log", first);
            assert_eq!(logs.collected(&[], 0), "", "{first:?} {way:?}");
            logs.append(rest);
            logs.rotate(way, "2\n");
            let wanted = format!("{first}{} 2", rest.trim_end());
            assert_eq!(logs.collected(&[], 0), wanted, "{first:?} {way:?}");
            assert_eq!(logs.collected(&[], 0), wanted, "{first:?} {way:?}");
        });
    }
}

#[test]
fn rows_after_a_header_that_was_read_alone_are_read_after_a_rotation() {
    each_way(|dir, way| {
        let logs = Logs::new(dir, "app.csv", "n\n");
        let csv = ["--from", "csv"];
        assert_eq!(logs.collected(&csv, 0), "", "{way:?}");
        logs.append("1\n2\n");
        logs.rotate(way, "n\n3\n");
        let wanted = r#"{"n":1} {"n":2} {"n":3}"#;
        assert_eq!(logs.collected(&csv, 0), wanted, "{way:?}");
        assert_eq!(logs.collected(&csv, 0), wanted, "{way:?}");
    });
}

#[test]
fn lines_that_wait_for_others_are_read_after_a_rotation() {
    each_way(|dir, way| {
        let logs = Logs::new(dir, "app.log", "a\n b\n");
        let lines = ["--from", "lines", "--multiline", r"^\S"];
        assert_eq!(logs.collected(&lines, 0), "", "{way:?}");
        logs.rotate(way, "c\nd\n");
        let wanted = r#"{"line":"a\n b"} {"line":"c"}"#;
        assert_eq!(logs.collected(&lines, 0), wanted, "{way:?}");
    });
}

#[test]
fn a_file_of_which_all_was_rejected_is_known_when_it_is_rotated() {
    each_way(|dir, way| {
        let logs = Logs::new(dir, "app.log", "x\n");
        let rejects = dir.join("rejects");
        let rejects = ["--rejects", rejects.to_str().unwrap()];
        assert_eq!(logs.collected(&rejects, 65), "", "{way:?}");
        logs.append("1\n");
        logs.rotate(way, "2\n");
        assert_eq!(logs.collected(&rejects, 0), "1 2", "{way:?}");
    });
}

#[test]
fn several_topics_know_a_file_without_a_record() {
    each_way(|dir, way| {
        let logs = Logs::new(dir, "app.log", "");
        let path = logs.path.to_str().unwrap();
        let args = ["--topic-by", ".t", "--topic-default", "home", path, "--resume"];
        run_on(dir, "produce", &args, "").good();
        logs.append("{\"t\":\"a\",\"n\":1}\n");
        logs.rotate(way, "{\"t\":\"a\",\"n\":2}\n");
        run_on(dir, "produce", &args, "").good();
        let all = run_on(dir, "subscribe", &["a"], "").stdout;
        assert_eq!(all.lines().count(), 2, "{way:?}: {all}");
    });
}

#[test]
fn a_first_line_that_only_the_log_refuses_and_what_follows_are_not_lost_by_rotation() {
    each_way(|dir, way| {
        let first = "{\"k\":1}\n{\"k\":{\"x\":1}}\n{\"k\":{\"x\":2}}\n";
        let logs = Logs::new(dir, "app.log", first);
        // Compressing a file keeps its time, which is before the first run here.
        let long_ago = |path: &Path| {
            let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
            fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
        };
        long_ago(&logs.path);
        logs.collected(&["--key", ".k.x"], 65);
        logs.rotate(way, "{\"k\":{\"x\":3}}\n");
        if let Way::Compress = way {
            long_ago(&logs.rotated(".1.gz"));
        }
        let rejects = dir.join("rejects");
        let all = logs.collected(&["--rejects", rejects.to_str().unwrap()], 65);
        let wanted = [1, 2, 3].map(|x| format!("{{\"k\":{{\"x\":{x}}}}}"));
        assert_eq!(all, wanted.join(" "));
        assert_eq!(fs::read_to_string(&rejects).unwrap(), "{\"k\":1}\n");
        fs::remove_file(&rejects).unwrap();
    });
}
