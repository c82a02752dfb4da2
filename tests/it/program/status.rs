//! What a tool tells of its work while it runs: its figures on SIGUSR1, and the tables of
//! `millstream status` and `millstream top`.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde_json::Value;

use crate::common::daemon::Daemon;
use crate::common::proc::is_stopped;
use crate::common::someone::{NOBODY, can_be_others, tool_as};
use crate::common::tmux::Terminal;
use crate::common::{Guard, PATIENCE, bin, run, run_on, tool, tool_on, wait_for};

/// A tool that runs, and what it prints on stderr.
struct Running {
    child: Guard,
    stderr: Receiver<String>,
}

impl Running {
    fn start(command: &mut Command) -> Running {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, stderr) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|l| sender.send(l)));
        Running { child: Guard(child), stderr }
    }

    fn child(&mut self) -> &mut Child {
        &mut self.child.0
    }

    /// What it says of itself when asked.
    fn figures(&mut self) -> Value {
        let pid = self.child().id();
        // Before that, the signal ends it: it has not come to its main function.
        let comm = format!("/proc/{pid}/comm");
        wait_for("the tool", || {
            let name = std::fs::read_to_string(&comm).unwrap();
            let caught = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let caught = caught.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
            let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
            (name != "millstream\n" && caught & 1 << 9 != 0).then_some(())
        });
        kill(Pid::from_raw(pid as i32), Signal::SIGUSR1).unwrap();
        let line = self.stderr.recv_timeout(PATIENCE).expect("an answer");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// The same, once it is as it should be.
    fn figures_with(&mut self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, || Some(self.figures()).filter(|figures| holds(figures)))
    }
}

const RECORDS: &str =
    "{\"ts\":\"2024-05-01T12:00:03Z\",\"a\":1}\n{\"ts\":\"2024-05-01T12:00:41Z\",\"a\":2}\n";

#[test]
fn each_stage_tells_its_figures_on_sigusr1() {
    let windows = ["--tumbling", "1m", "--time", ".ts"];
    for (name, args, out) in [
        ("filter", vec![".a > 1"], 1),
        ("map", vec![".a, .a"], 4),
        ("window", windows.to_vec(), 2),
        ("aggregate", [&["count"][..], &windows].concat(), 0),
        ("aggregate", vec!["--over", "2", "count"], 2),
    ] {
        let mut running = Running::start(&mut tool(name, &args));
        running.child().stdin.as_mut().unwrap().write_all(RECORDS.as_bytes()).unwrap();
        let done = |it: &Value| it["records_in"] == 2 && it["waiting_for"] == "input";
        let figures = running.figures_with("the records", done);
        assert_eq!(figures["tool"], name);
        assert_eq!(figures["records_out"], out, "{figures}");
        assert_eq!(figures["bytes_in"], RECORDS.len(), "{figures}");
        assert!(figures["memory_bytes"].as_u64().unwrap() > 100_000, "{figures}");
        let knows_time = args.contains(&"--time");
        let watermark = "2024-05-01T12:00:35.999Z";
        assert_eq!(figures["watermark"] == watermark, knows_time, "{figures}");
        if name == "aggregate" && knows_time {
            assert_eq!(figures["windows"], 1, "{figures}");
            assert_eq!(figures["closes_at"], "2024-05-01T12:01:00Z", "{figures}");
            assert_eq!(figures["groups"], 1, "{figures}");
        }
        drop(running.child().stdin.take());
        assert!(running.child().wait().unwrap().success());
    }
}

#[test]
fn a_tool_answers_while_its_command_works() {
    let mut running = Running::start(&mut tool("map", &["--through", "cat"]));
    running.child().stdin.as_mut().unwrap().write_all(RECORDS.as_bytes()).unwrap();
    let done = |it: &Value| it["records_in"] == 2 && it["records_out"] == 2;
    let figures = running.figures_with("the results", done);
    assert_eq!(figures["tool"], "map", "{figures}");
    drop(running.child().stdin.take());
    assert!(running.child().wait().unwrap().success());
}

#[test]
fn one_that_reads_several_topics_waits_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    // So much that the output is full, while the other topic has no more.
    run_on(dir.path(), "produce", &["full"], RECORDS.repeat(20_000));
    run_on(dir.path(), "produce", &["small"], RECORDS);
    let args = ["full", "small", "-f"];
    let mut subscribe = Running::start(&mut tool_on(dir.path(), "subscribe", &args));
    subscribe.figures_with("a full pipe", |it| it["waiting_for"] == "output");
    let mut stdout = subscribe.child().stdout.take().unwrap();
    std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    subscribe.figures_with("the end", |it| it["waiting_for"] == "input");
}

#[test]
fn late_and_rejected_records_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects");
    let args = ["--tumbling", "1s", "--time", ".t", "--rejects", rejects.to_str().unwrap()];
    let mut running = Running::start(&mut tool("window", &args));
    let stdin = running.child().stdin.as_mut().unwrap();
    stdin.write_all(b"{\"t\":1700000100}\n{\"t\":1700000000}\nx\n").unwrap();
    let message = running.stderr.recv_timeout(PATIENCE).unwrap();
    assert!(message.contains(": rejected: "), "{message}");
    let figures = running.figures();
    assert_eq!((&figures["late"], &figures["rejected"]), (&1.into(), &1.into()), "{figures}");
}

#[test]
fn a_tool_answers_while_its_output_is_full() {
    let mut running = Running::start(&mut tool("filter", &[".a"]));
    let mut stdin = running.child().stdin.take().unwrap();
    std::thread::spawn(
        move || while stdin.write_all(&RECORDS.repeat(1000).into_bytes()).is_ok() {},
    );
    let full = |figures: &Value| figures["waiting_for"] == "output";
    let figures = running.figures_with("a full pipe", full);
    assert!(figures["records_out"].as_u64() > Some(0), "{figures}");
    assert!(figures["bytes_out"].as_u64() > Some(0), "{figures}");
    // It goes on when it is read.
    let mut read = [0; 10];
    running.child().stdout.as_mut().unwrap().read_exact(&mut read).unwrap();
}

#[test]
fn the_log_and_its_clients_tell_theirs() {
    let (dir, daemon) = Daemon::alone(&[]);
    let mut produce = Running::start(&mut tool_on(dir.path(), "produce", &["t", "--no-lend"]));
    produce.child().stdin.as_mut().unwrap().write_all(RECORDS.as_bytes()).unwrap();
    let figures = produce.figures_with("the appends", |it| it["records_out"] == 2);
    assert_eq!(figures["records_in"], 2, "{figures}");
    let args = ["t", "-f", "--no-lend"];
    let mut subscribe = Running::start(&mut tool_on(dir.path(), "subscribe", &args));
    let figures = subscribe.figures_with("the records", |it| it["records_out"] == 2);
    assert_eq!(figures["lag"], 0, "{figures}");
    assert!(figures["last_append"].is_string(), "{figures}");
    daemon.signal(Signal::SIGUSR1);
    let figures: Value = serde_json::from_str(&daemon.said("{\"tool\"")).unwrap();
    assert_eq!((&figures["tool"], &figures["records_in"]), (&"log-serve".into(), &2.into()));
    // Also while the log does not answer.
    daemon.freeze();
    let figures = subscribe.figures();
    assert_eq!((&figures["records_out"], figures.get("lag")), (&2.into(), None), "{figures}");
    // Nor does it ask the log again meanwhile: no more than one thread waits for it.
    for _ in 0..3 {
        subscribe.figures();
    }
    let tasks = std::fs::read_dir(format!("/proc/{}/task", subscribe.child().id())).unwrap();
    let names = tasks.filter_map(|it| std::fs::read_to_string(it.ok()?.path().join("comm")).ok());
    assert!(names.filter(|name| name == "figures\n").count() <= 1);
    daemon.signal(Signal::SIGCONT);
}

#[test]
fn what_a_slow_reader_has_not_taken_is_the_lag() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1000)).repeat(5000);
    run_on(dir.path(), "produce", &["t"], text);
    let mut subscribe = Running::start(&mut tool_on(dir.path(), "subscribe", &["t", "--meta"]));
    let full = |figures: &Value| figures["waiting_for"] == "output";
    let figures = subscribe.figures_with("a full pipe", full);
    let (out, lag) = (figures["records_out"].as_u64().unwrap(), figures["lag"].as_u64().unwrap());
    assert!(lag > 0 && out + lag == 5000, "{figures}");
}

/// A pipeline of its own process group, ended with the test.
struct Pipeline(Guard);

impl Pipeline {
    fn start(dir: &Path, line: &str) -> Pipeline {
        let path = bin("filter").parent().unwrap().to_owned();
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(dir).process_group(0);
        command.env("PATH", format!("{}:{}", path.display(), std::env::var("PATH").unwrap()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Pipeline(Guard(command.spawn().unwrap()))
    }

    fn group(&self) -> u32 {
        self.0.0.id()
    }

    /// The processes of it, once they are as they should be.
    fn status(&self, what: &str, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let group = self.group().to_string();
        wait_for(what, || {
            let ran = run(&mut tool("millstream", &["status", &group, "--json"]), "");
            let lines = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
            let processes: Vec<Value> = lines.collect();
            (ran.status == 0 && holds(&processes)).then_some(processes)
        })
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let _ = killpg(Pid::from_raw(self.group() as i32), Signal::SIGKILL);
    }
}

fn names(processes: &[Value]) -> Vec<&str> {
    processes.iter().filter_map(|it| it["name"].as_str()).collect()
}

fn slow(processes: &[Value]) -> Vec<&str> {
    processes.iter().filter(|it| it["slow"] == true).filter_map(|it| it["name"].as_str()).collect()
}

#[test]
fn a_slow_stage_in_the_middle_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let line = "yes '{\"a\":1}' | filter .a | map '[range(20000)] | add' | aggregate count";
    let pipeline = Pipeline::start(dir.path(), line);
    let answer = |it: &[Value]| it.iter().filter(|it| it["state"] == "running").count() == 3;
    let processes = pipeline.status("the slow stage", |it| answer(it) && slow(it) == ["map"]);
    assert_eq!(names(&processes), ["yes", "filter", "map", "aggregate"]);
    let [yes, filter, map, aggregate] = &processes[..] else { panic!("{processes:?}") };
    assert_eq!((&yes["state"], yes.get("figures")), (&"foreign".into(), None));
    assert_eq!(map["command"], "map '[range(20000)] | add'");
    assert_eq!(map["figures"]["tool"], "map");
    assert!(map["waits"]["cpu"].as_f64() >= Some(0.5), "{map}");
    for stage in [filter, map, aggregate] {
        assert_eq!(stage["pipeline"], pipeline.group());
        assert_eq!(stage["state"], "running");
    }
    // For people, too.
    let group = pipeline.group().to_string();
    let table = run(&mut tool("millstream", &["status", &group]), "").good();
    let rows: Vec<&str> = table.lines().collect();
    assert!(rows[0].starts_with(&format!("{group}: yes ")), "{table}");
    assert!(rows[1].starts_with("STAGE "), "{table}");
    assert_eq!(rows.len(), 6, "{table}");
}

#[test]
fn a_program_without_figures_is_slow_if_it_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let pipeline = Pipeline::start(dir.path(), "yes '{\"a\":1}' | filter .a | sleep 1000");
    let processes = pipeline.status("the full pipe", |it| slow(it) == ["sleep"]);
    assert_eq!(names(&processes), ["yes", "filter", "sleep"]);
    assert!(processes[1]["waits"]["output"].as_f64() > Some(0.5), "{processes:?}");
}

#[test]
fn a_stopped_stage_is_shown_and_waited_for_by_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let line = "sleep 1000 | filter .a | (map . | aggregate count)";
    let pipeline = Pipeline::start(dir.path(), line);
    let all = |it: &[Value]| it.iter().filter(|it| it["state"] == "running").count() == 3;
    let processes = pipeline.status("the stages", all);
    // The shell that waits for two of them is none of it.
    assert_eq!(names(&processes), ["sleep", "filter", "map", "aggregate"]);
    assert!(slow(&processes).is_empty(), "{processes:?}");
    let pid = processes[1]["pid"].as_i64().unwrap();
    kill(Pid::from_raw(pid as i32), Signal::SIGSTOP).unwrap();
    wait_for("the stop", || is_stopped(pid as u32).then_some(()));
    let processes = pipeline.status("the stopped one", |it| slow(it) == ["filter"]);
    assert_eq!(processes[1]["state"], "stopped");
    assert_eq!(processes[2]["state"], "running");
}

#[test]
fn a_number_that_nobody_has_is_an_error() {
    // Not a number that processes have.
    let ran = run(&mut tool("millstream", &["status", "4294967295"]), "");
    assert_eq!((ran.status, ran.stdout.as_str()), (69, ""), "{ran:?}");
    assert!(ran.stderr.starts_with("status: 4294967295: no pipeline"), "{ran:?}");
    let ran = run(&mut tool("millstream", &["top"]), "");
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("'millstream status'"), "{ran:?}");
}

#[test]
fn others_are_told_nothing() {
    if !can_be_others() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut command = tool_as(NOBODY, dir.path(), "filter", &["."]);
    let mut theirs = Running::start(&mut command);
    let mut ours = Running::start(&mut tool("filter", &["."]));
    assert_eq!(theirs.figures()["tool"], "filter");
    let pid = ours.child().id();
    ours.figures();
    let address = SocketAddr::from_abstract_name(format!("millstream/{pid}")).unwrap();
    let mut text = String::new();
    let mut own = wait_for("the socket", || UnixStream::connect_addr(&address).ok());
    own.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("{\"tool\":\"filter\""), "{text}");
    // As somebody else, ours is neither shown nor answers.
    let mut status = Command::new(dir.path().join("filter"));
    status.uid(NOBODY.0).gid(NOBODY.1).current_dir("/").arg("--version");
    assert_eq!(run(&mut status, "").status, 0);
    let script = format!(
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('\\0millstream/{pid}')\n\
         print(len(s.recv(9)))"
    );
    let mut python = Command::new("python3");
    python.args(["-c", &script]).uid(NOBODY.0).gid(NOBODY.1).current_dir("/");
    if Command::new("python3").arg("--version").output().is_ok() {
        assert_eq!(run(&mut python, "").good(), "0\n");
    }
    let ran = run(&mut tool("millstream", &["status", "--json"]), "");
    let theirs = format!("\"pid\":{},", theirs.child().id());
    assert!(ran.stdout.contains(&format!("\"pid\":{pid},")), "{ran:?}");
    assert!(!ran.stdout.contains(&theirs), "{ran:?}");
}

#[test]
fn top_shows_the_tables_until_q() {
    let dir = tempfile::tempdir().unwrap();
    let pipeline = Pipeline::start(dir.path(), "yes '{\"a\":1}' | filter .a | sleep 1000");
    let program = bin("millstream");
    let line = |_: &Path| format!("{} top {}", program.display(), pipeline.group());
    let Some(terminal) = Terminal::start((120, 24), line) else { return };
    let screen = terminal.awaits("slow");
    assert!(screen.contains("WAITS FOR"), "{screen}");
    terminal.press(&["q"]);
    terminal.awaits("status 0");
}
