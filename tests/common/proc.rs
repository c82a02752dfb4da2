//! What the kernel tells of a running process (proc(5)).

use std::collections::BTreeMap;
use std::fs;

/// How much of its memory is in RAM, in bytes.
pub fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

/// The paths that its descriptors stand for.
pub fn open_files(pid: u32) -> Vec<String> {
    let dir = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    // A descriptor may be closed while we look.
    let paths = dir.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    paths.map(|path| path.to_string_lossy().into_owned()).collect()
}

/// How many bytes it has read so far, from wherever.
pub fn read_bytes(pid: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

/// How many bytes it has written so far, to wherever.
pub fn written_bytes(pid: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}

/// How often its main thread has gone to sleep.
pub fn sleeps(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let sleeps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    sleeps.map_or(0, |sleeps| sleeps.trim().parse().unwrap())
}

/// Whether its main thread waits for something.
pub fn is_asleep(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(") ").next().unwrap().starts_with('S')
}

/// Whether all its threads are stopped, as by SIGSTOP.
pub fn is_stopped(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let stats = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("stat")));
    stats
        .into_iter()
        .all(|stat| stat.is_ok_and(|it| it.rsplit(") ").next().unwrap().starts_with('T')))
}

/// For each thread whose name begins so: how often it was put on a processor, and for how many
/// ticks it was there.
pub fn runs(pid: u32, name: &str) -> BTreeMap<String, (u64, u64)> {
    let mut runs = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let path = entry.unwrap().path();
        // A thread may end while we look; it then has no name.
        let read = |file: &str| fs::read_to_string(path.join(file)).unwrap_or_default();
        let (stat, status) = (read("stat"), read("status"));
        let comm = read("comm").trim_end().to_owned();
        if !comm.starts_with(name) {
            continue;
        }
        let number = |text: &str| text.trim().parse::<u64>().unwrap();
        let switches = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
        let switches = switches.map(|(_, count)| number(count)).sum();
        // Behind the name, which is in parentheses: utime and stime are fields 14 and 15.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks = number(fields[11]) + number(fields[12]);
        runs.insert(comm, (switches, ticks));
    }
    runs
}
