//! Asking stages what they do, several times in a moment: what one look shows may be chance.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::pipelines::{Member, Pipeline, pipelines};
use super::seen::Seen;
use crate::cli::answers::socket_name;
use crate::cli::figures::Figures;
use crate::sys::processes::{self, Process};
use crate::sys::socket::{connect_abstract, peer};
use crate::sys::user;

/// How long all stages together have for an answer.
const PATIENCE: Duration = Duration::from_millis(400);

/// No figures are longer.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// The name that the file of our program begins with.
const PROGRAM: &str = "millstream";

/// A pipeline, and what was seen of each member.
pub struct Watched {
    /// The process group of its first stage.
    pub group: u32,
    /// Its commands, as they would be typed.
    pub command: String,
    /// Its members, in order.
    pub members: Vec<(Member, Seen)>,
}

/// The pipelines of this user that `number` means, if it is given, after so many looks with a pause
/// between them. `tools` are the names of stages.
///
/// # Errors
/// When there is no /proc.
pub fn look(
    tools: &[&str],
    number: Option<u32>,
    looks: u32,
    pause: impl Fn(),
) -> anyhow::Result<Vec<Watched>> {
    let processes = processes::of_user(user::effective())?;
    let mut found = pipelines(&processes, |process| is_stage(process, tools));
    found.retain(|pipeline| number.is_none_or(|number| pipeline.is_meant(number)));
    let members = found.iter().flat_map(|pipeline| &pipeline.members);
    let asked = members.filter(|it| it.is_stage && !it.process.is_stopped);
    let mut seen: BTreeMap<u32, Seen> = asked.map(|it| (it.process.pid, Seen::default())).collect();
    for nth in 0..looks {
        if nth > 0 {
            pause();
        }
        ask_all(&mut seen);
        if seen.is_empty() {
            break;
        }
    }
    let with = |member: Member| {
        let seen = seen.get(&member.process.pid).cloned().unwrap_or_default();
        (member, seen)
    };
    let watched = |pipeline: Pipeline| Watched {
        group: pipeline.group,
        command: pipeline.command(),
        members: pipeline.members.into_iter().map(with).collect(),
    };
    Ok(found.into_iter().map(watched).collect())
}

/// Whether a process is one of our tools: it runs our program, or another version of it.
fn is_stage(process: &Process, tools: &[&str]) -> bool {
    let file = process.program.as_ref().and_then(|program| program.file_name());
    let file = file.map(|file| file.to_string_lossy()).unwrap_or_default();
    // A copy of the program may have the name of a tool.
    let is_ours = file.starts_with(PROGRAM) || file.starts_with(&process.name);
    is_ours && tools.contains(&process.name.as_str())
}

/// Asks all at once; who does not answer is not asked again.
fn ask_all(seen: &mut BTreeMap<u32, Seen>) {
    let end = Instant::now() + PATIENCE;
    let asked: Vec<(u32, Option<UnixStream>)> =
        seen.keys().map(|pid| (*pid, connect(*pid))).collect();
    for (pid, stream) in asked {
        let figures = stream.and_then(|stream| answer(stream, end));
        match (figures, seen.get_mut(&pid)) {
            (Some(figures), Some(seen)) => seen.add(figures),
            (None, Some(known)) if known.figures().is_none() => drop(seen.remove(&pid)),
            _ => {}
        }
    }
}

/// A connection to what answers for a process, if that is the process itself.
fn connect(pid: u32) -> Option<UnixStream> {
    let stream = connect_abstract(&socket_name(pid)).ok()?;
    let there = peer(&stream)?;
    let is_it = u32::try_from(there.pid) == Ok(pid) && there.uid == user::effective();
    is_it.then_some(stream)
}

fn answer(stream: UnixStream, end: Instant) -> Option<Figures> {
    let mut text = String::new();
    let left = end.saturating_duration_since(Instant::now());
    stream.set_read_timeout(Some(left.max(Duration::from_millis(1)))).ok()?;
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
