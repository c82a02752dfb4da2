//! Which processes are stages, and which of them are one pipeline: those whose standard output and
//! input are the two ends of a pipe.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::shell::quoted;
use crate::sys::processes::{Pipe, Process};

/// Processes that pipes connect, each after those that it reads from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pipeline {
    /// The process group of the first stage.
    pub group: u32,
    /// Its processes.
    pub members: Vec<Member>,
    /// The numbers of all processes that have its pipes, also of those that are part of a member,
    /// and of their groups.
    numbers: BTreeSet<u32>,
}

/// A process of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// What is known of it.
    pub process: Process,
    /// Whether it is one of our tools.
    pub is_stage: bool,
}

impl Pipeline {
    /// Whether a number that a user gives means this pipeline: that of a process, or of its group.
    pub fn is_meant(&self, number: u32) -> bool {
        self.numbers.contains(&number)
    }

    /// The commands, as they would be typed.
    pub fn command(&self) -> String {
        let commands: Vec<String> =
            self.members.iter().map(|member| command(&member.process)).collect();
        commands.join(" | ")
    }
}

/// The command of a process, as it would be typed.
pub fn command(process: &Process) -> String {
    let mut arguments = process.arguments.iter();
    // What it was called by may be a long path.
    let called = arguments.next().map(|called| called.rsplit('/').next().unwrap_or(called));
    let mut words = vec![called.unwrap_or(&process.name).to_owned()];
    words.extend(arguments.map(|word| quoted(word, false)));
    words.join(" ")
}

/// All pipelines with a stage, sorted by their groups. `is_stage` tells which processes are stages.
pub fn pipelines(processes: &[Process], is_stage: impl Fn(&Process) -> bool) -> Vec<Pipeline> {
    let mut left: BTreeSet<usize> =
        (0..processes.len()).filter(|at| is_stage(&processes[*at])).collect();
    let mut pipelines = Vec::new();
    while let Some(first) = left.pop_first() {
        let connected = connected(processes, first);
        left.retain(|at| !connected.contains(at));
        let members: Vec<&Process> = connected.iter().map(|at| &processes[*at]).collect();
        let numbers = members.iter().flat_map(|it| [it.pid, it.group]).collect();
        let member =
            |process: &Process| Member { is_stage: is_stage(process), process: process.clone() };
        let mut members: Vec<Member> = members.into_iter().map(member).collect();
        // What a script runs one after the other is part of the script.
        let own: BTreeMap<u32, Pipes> =
            members.iter().map(|it| (it.process.pid, pipes(it))).collect();
        members.retain(|it| it.is_stage || own.get(&it.process.parent) != Some(&pipes(it)));
        // A shell that waits for a stage has the same pipes, and does nothing with them.
        let parents: BTreeSet<u32> = members.iter().map(|it| it.process.parent).collect();
        members.retain(|it| it.is_stage || !parents.contains(&it.process.pid));
        in_order(&mut members);
        let stage = members.iter().find(|it| it.is_stage);
        let group = stage.map_or(0, |stage| stage.process.group);
        pipelines.push(Pipeline { group, members, numbers });
    }
    pipelines.sort_by_key(|pipeline| pipeline.group);
    pipelines
}

/// What a process reads and writes.
type Pipes = (Option<Pipe>, Option<Pipe>);

fn pipes(member: &Member) -> Pipes {
    (member.process.stdin, member.process.stdout)
}

/// Whether the one writes what the other reads.
fn feeds(from: &Process, to: &Process) -> bool {
    from.stdout.is_some() && from.stdout == to.stdin
}

/// All processes that pipes connect with one.
fn connected(processes: &[Process], first: usize) -> BTreeSet<usize> {
    let (mut all, mut new) = (BTreeSet::from([first]), vec![first]);
    while let Some(at) = new.pop() {
        for (other, process) in processes.iter().enumerate() {
            let joins = feeds(process, &processes[at]) || feeds(&processes[at], process);
            if joins && all.insert(other) {
                new.push(other);
            }
        }
    }
    all
}

/// Puts each after those that it reads from; in a circle, some are.
fn in_order(members: &mut [Member]) {
    let mut depths = vec![0_usize; members.len()];
    for _ in 0..members.len() {
        for to in 0..members.len() {
            let before = (0..members.len())
                .filter(|from| *from != to && feeds(&members[*from].process, &members[to].process));
            let depth = before.map(|from| depths[from] + 1).max().unwrap_or(0);
            depths[to] = depth.min(members.len());
        }
    }
    let depth_of: BTreeMap<u32, usize> =
        members.iter().map(|it| it.process.pid).zip(depths).collect();
    members.sort_by_key(|it| (depth_of.get(&it.process.pid).copied(), it.process.pid));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process with these pipes as its input and output; 0 is none.
    fn process(pid: u32, parent: u32, group: u32, (stdin, stdout): (u64, u64)) -> Process {
        let pipe = |inode| (inode > 0).then_some(Pipe(1, inode));
        let (stdin, stdout) = (pipe(stdin), pipe(stdout));
        Process { pid, parent, group, stdin, stdout, ..Process::default() }
    }

    fn found(processes: &[Process], stages: &[u32]) -> Vec<(u32, Vec<u32>)> {
        let found = pipelines(processes, |process| stages.contains(&process.pid));
        let pids = |it: Pipeline| it.members.iter().map(|one| one.process.pid).collect();
        found.into_iter().map(|it| (it.group, pids(it))).collect()
    }

    #[test]
    fn pipes_connect_whatever_the_numbers_are() {
        let processes = [
            process(10, 1, 10, (0, 0)),
            process(30, 10, 12, (5, 0)),
            process(31, 10, 12, (6, 5)),
            process(32, 10, 12, (0, 6)),
            process(40, 10, 40, (0, 0)),
        ];
        assert_eq!(found(&processes, &[30, 32]), [(12, vec![32, 31, 30])]);
        assert_eq!(found(&processes, &[40]), [(40, vec![40])]);
        assert_eq!(found(&processes, &[]), []);
    }

    #[test]
    fn a_shell_that_waits_for_a_stage_is_none_of_the_pipeline() {
        let processes = [
            process(20, 1, 20, (0, 5)),
            process(21, 1, 20, (5, 6)),
            process(22, 21, 20, (5, 6)),
            process(23, 1, 20, (6, 0)),
        ];
        assert_eq!(found(&processes, &[20, 22, 23]), [(20, vec![20, 22, 23])]);
    }

    #[test]
    fn a_script_is_one_stage_whatever_it_runs() {
        let processes = [
            process(20, 1, 20, (0, 5)),
            process(21, 1, 20, (5, 6)),
            process(22, 21, 20, (5, 6)),
            process(23, 22, 20, (5, 6)),
            process(24, 1, 20, (6, 0)),
        ];
        let stages = [20, 24];
        assert_eq!(found(&processes, &stages), [(20, vec![20, 21, 24])]);
        let found = pipelines(&processes, |process| stages.contains(&process.pid));
        assert!(found[0].is_meant(23) && !found[0].is_meant(25));
    }

    #[test]
    fn a_circle_and_two_writers_come_to_an_end() {
        let processes = [process(1, 0, 1, (5, 6)), process(2, 0, 1, (6, 5))];
        assert_eq!(found(&processes, &[1])[0].1.len(), 2);
        let processes =
            [process(1, 0, 1, (0, 5)), process(2, 0, 1, (0, 5)), process(3, 0, 1, (5, 0))];
        assert_eq!(found(&processes, &[3]), [(1, vec![1, 2, 3])]);
    }

    #[test]
    fn a_command_is_as_it_would_be_typed() {
        let arguments = ["/usr/bin/filter", ".a > 3", "it's", "x.ndjson"];
        let arguments = arguments.iter().map(|it| (*it).to_owned()).collect();
        let process = Process { arguments, ..Process::default() };
        assert_eq!(command(&process), r"filter '.a > 3' 'it'\''s' x.ndjson");
    }
}
