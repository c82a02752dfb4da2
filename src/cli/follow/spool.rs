//! A directory of finished files, each of which is taken once and then put away.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, anyhow};

use super::content::{Content, Status};
use super::visit::Plan;
use crate::cli::Failure;
use crate::ingest::files::identity::{Fingerprint, Identity, hash};
use crate::ingest::files::mark::Mark;
use crate::ingest::files::memory::Memory;

/// What is added to the name of a file that was taken.
const DONE: &str = ".done";
/// How long a file is left alone after it was last written: its writer may not be done.
const SETTLING: Duration = Duration::from_secs(1);

/// A directory of finished files.
#[derive(Clone, Debug)]
pub struct Spool {
    /// The directory.
    pub dir: PathBuf,
    /// In which order its files are taken.
    pub order: Order,
    /// What is done with those that were taken.
    pub done: Done,
}

/// An order of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Order {
    /// By their names
    #[default]
    Name,
    /// By the time at which they were last written
    Time,
}

/// What is done with a file that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Done {
    /// It is renamed.
    #[default]
    Suffix,
    /// It is moved to this directory.
    Move(PathBuf),
    /// It is removed.
    Delete,
}

impl FromStr for Done {
    type Err = String;

    fn from_str(text: &str) -> Result<Done, String> {
        match (text, text.strip_prefix("move:")) {
            ("suffix", _) => Ok(Done::Suffix),
            ("delete", _) => Ok(Done::Delete),
            (_, Some(dir)) if !dir.is_empty() => Ok(Done::Move(PathBuf::from(dir))),
            _ => Err(format!("'{text}' is none of suffix, move:DIR and delete")),
        }
    }
}

/// What there is to do in the directory.
pub(super) struct Found {
    /// Files to be read, in order.
    pub visits: Vec<Plan>,
    /// Whether there are files that may not be finished.
    pub unsettled: Option<Duration>,
}

impl Spool {
    /// Looks which files are there; puts those away that the log has whole.
    ///
    /// # Errors
    /// When the directory or a file cannot be read, or a file was changed after it was taken.
    pub(super) fn look(&self, memory: &Memory, now_us: i64) -> anyhow::Result<Found> {
        let mut found = Found { visits: Vec::new(), unsettled: None };
        for (path, content, status) in self.files()? {
            let name = || path.display().to_string();
            let age = u64::try_from(now_us.saturating_sub(status.modified_us)).unwrap_or_default();
            if Duration::from_micros(age) < SETTLING {
                found.unsettled = Some(SETTLING);
                // Those that come after it wait for it.
                break;
            }
            let head = content.head().with_context(name)?;
            if is_changed(memory, &path, &content, &head).with_context(name)? {
                return Err(changed(&path));
            }
            let (identity, from) = known(memory, &path, &head, status);
            if from.ended {
                let is_whole = !content.is_plain() || from.position == status.bytes;
                if !is_whole || !content.agrees(from, &head).with_context(name)? {
                    return Err(changed(&path));
                }
                self.put_away(&path)?;
                continue;
            }
            found.visits.push(Plan {
                live: self.dir.clone(),
                path,
                inode: status.inode,
                cut: None,
                identity,
                stored: status.bytes,
                from,
                takes_rest: true,
                finishes: true,
                also: None,
            });
        }
        Ok(found)
    }

    /// Puts a file away that was taken whole; `before` is what it was when that began.
    ///
    /// # Errors
    /// When it was changed meanwhile, or cannot be put away.
    pub(super) fn finish(
        &self,
        path: &Path,
        content: &Content,
        before: Status,
    ) -> anyhow::Result<()> {
        let now = content.status().with_context(|| path.display().to_string())?;
        if (now.bytes, now.modified_us) != (before.bytes, before.modified_us) {
            return Err(changed(path));
        }
        self.put_away(path)
    }

    fn put_away(&self, path: &Path) -> anyhow::Result<()> {
        let name = path.file_name().unwrap_or_default();
        let to = match &self.done {
            Done::Delete => {
                return fs::remove_file(path).with_context(|| path.display().to_string());
            }
            Done::Suffix => {
                let mut name = name.to_owned();
                name.push(DONE);
                path.with_file_name(name)
            }
            Done::Move(dir) => dir.join(name),
        };
        if to.exists() {
            let (path, to) = (path.display(), to.display());
            return Err(anyhow!(
                "{path}: taken, and not put away: {to} is already there; move it away"
            ));
        }
        fs::rename(path, &to)
            .with_context(|| format!("{}: taken, and not put away", path.display()))
    }

    /// The files that are there, in order.
    fn files(&self) -> anyhow::Result<Vec<(PathBuf, Content, Status)>> {
        let of_dir = || self.dir.display().to_string();
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir).with_context(of_dir)? {
            let path = entry.with_context(of_dir)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') || name.ends_with(DONE) || !path.is_file() {
                continue;
            }
            let opened = Content::open(&path).and_then(|content| {
                let status = content.status()?;
                Ok((content, status))
            });
            match opened {
                Ok((content, status)) => files.push((path, content, status)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| path.display().to_string()),
            }
        }
        files.sort_by(|one, other| match self.order {
            Order::Name => one.0.cmp(&other.0),
            Order::Time => (one.2.modified_us, &one.0).cmp(&(other.2.modified_us, &other.0)),
        });
        Ok(files)
    }
}

/// Which source a file is, and how far the log has it. An inode is used again: a file that came
/// after its source was last heard of is another one.
fn known(memory: &Memory, path: &Path, head: &[u8], status: Status) -> (Identity, Mark) {
    let path = hash(path.as_os_str().as_encoded_bytes());
    let mut all = memory.of_family(path, std::iter::once(status.inode));
    all.retain(|one| one.identity.inode == status.inode);
    let is_it = |fingerprint: Fingerprint| fingerprint.is_of(head);
    let same = all
        .iter()
        .filter(|one| is_it(one.identity.fingerprint))
        .filter(|one| one.time_us.is_none_or(|time_us| status.changed_us <= time_us))
        .max_by_key(|one| one.mark);
    if let Some(same) = same {
        return (same.identity.clone(), same.mark);
    }
    let (inode, fingerprint) = (status.inode, Fingerprint::of(head));
    let mut identity = Identity { inode, fingerprint, path, again: 0, begun_us: None };
    while all.iter().any(|one| one.identity == identity) {
        identity.again += 1;
    }
    (identity, Mark::default())
}

/// Whether a file has more behind what was taken of it as a finished one.
fn is_changed(
    memory: &Memory,
    path: &Path,
    content: &Content,
    head: &[u8],
) -> std::io::Result<bool> {
    let (path, status) = (hash(path.as_os_str().as_encoded_bytes()), content.status()?);
    for one in memory.of_family(path, std::iter::once(status.inode)) {
        let (identity, mark) = (one.identity, one.mark);
        let is_it = (identity.inode, identity.path) == (status.inode, path);
        let more = is_it && mark.ended && content.is_plain() && mark.position < status.bytes;
        if more && identity.fingerprint.is_of(head) && content.agrees(mark, head)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn changed(path: &Path) -> anyhow::Error {
    let why =
        format!("{}: changed after it was taken; only finished files belong there", path.display());
    Failure::new(crate::cli::Status::Data, why).into()
}
