//! The files of a family, as they are on the disk: a file, and what rotation made of those that had
//! its name before.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fs::{metadata, read_dir};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};

use super::content::Content;
use crate::cli::message;
use crate::ingest::files::identity::Inode;
use crate::ingest::files::mark::Mark;
use crate::ingest::files::plan::{Contents, Found, in_order};
use crate::ingest::files::rotation::Rotated;

/// How long to wait before files are looked at again that are rotated meanwhile: at first, at most.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How many files are opened at once: programs may have 1,024 as a rule.
const FILES_MAX: usize = 256;

/// A file of a family.
pub(super) struct Member {
    pub path: PathBuf,
    pub content: Content,
    pub found: Found,
}

/// The files of a family, the earliest first; an error if one that the user named cannot be read.
type Family = anyhow::Result<Vec<Member>>;

/// Reads the families of files that are all in one directory, whose names are then read only once
/// for all of them: of the first ones, as long as they do not have too many files together.
/// `is_named` says which other files the user named.
pub(super) fn families(lives: &[PathBuf], is_named: impl Fn(&Path) -> bool) -> Vec<Family> {
    let once = families_once(lives, &is_named).into_iter();
    let whole = |(live, family): (&PathBuf, anyhow::Result<Option<_>>)| match family {
        Ok(None) => members(live, &is_named),
        Ok(Some(members)) => Ok(members),
        Err(error) => Err(error),
    };
    lives.iter().zip(once).map(whole).collect()
}

/// Reads the family of one file, in which files may just have been renamed.
///
/// # Errors
/// When a file that the user named cannot be read.
pub(super) fn members(live: &Path, is_named: impl Fn(&Path) -> bool) -> Family {
    let (lives, mut again) = ([live.to_owned()], Again::default());
    loop {
        again.pause(live)?;
        if let Some(Some(members)) = families_once(&lives, &is_named).pop().transpose()? {
            return Ok(members);
        }
    }
}

/// The same as [`families`]; none for one in which files are being renamed: what was read of them
/// belongs to other names.
fn families_once(
    lives: &[PathBuf],
    is_named: &impl Fn(&Path) -> bool,
) -> Vec<anyhow::Result<Option<Vec<Member>>>> {
    let before = list(lives);
    let mut files = 0;
    let fits = |names: &&Vec<Named>| {
        files += names.len();
        files <= FILES_MAX
    };
    let count = before.iter().take_while(fits).count().max(1).min(lives.len());
    let opened: Vec<_> = before.iter().take(count).map(|names| open_all(names, is_named)).collect();
    let after = list(lives.get(..count).unwrap_or_default());
    let same = before.iter().zip(after).map(|(before, after)| *before == after);
    let sorted = |opened: Option<Vec<Member>>, is_same| opened.filter(|_| is_same).map(sorted);
    opened.into_iter().zip(same).map(|(opened, same)| Ok(sorted(opened?, same))).collect()
}

/// Whether a file was truncated since it was opened: what it was compared with may be a copy of
/// what it had.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn is_truncated(members: &[Member]) -> io::Result<bool> {
    // One that is alone was not compared with others.
    let compared = if members.len() > 1 { members } else { &[] };
    for Member { content, found, .. } in compared.iter().filter(|one| one.content.is_plain()) {
        if content.status()?.bytes < found.bytes || !content.head()?.starts_with(&found.head) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The files of a family, to be looked into.
pub(super) struct Members<'a>(pub &'a [Member]);

impl Contents for Members<'_> {
    type Error = anyhow::Error;

    fn agrees(&mut self, file: usize, mark: Mark) -> anyhow::Result<bool> {
        let Some(Member { path, content, found }) = self.0.get(file) else { return Ok(false) };
        match content.agrees(mark, &found.head) {
            Err(error) if !found.named => {
                message::note(&format!("{}: left out: {error}", path.display()));
                Ok(false)
            }
            agrees => agrees.with_context(|| path.display().to_string()),
        }
    }

    fn at_end(&mut self, file: usize) -> anyhow::Result<Mark> {
        let Some(Member { path, content, found }) = self.0.get(file) else {
            return Ok(Mark::default());
        };
        let reader = match content.reader(found.bytes) {
            // It is truncated meanwhile: no other file has this mark.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(Mark::new(found.bytes, true, &[], &[]));
            }
            reader => reader.with_context(|| path.display().to_string())?,
        };
        Ok(Mark::new(found.bytes, false, &found.head, reader.tail(found.bytes)))
    }
}

/// Waits longer and longer before files are looked at again, but not for ever.
pub(super) struct Again(Duration);

impl Default for Again {
    fn default() -> Again {
        Again(PAUSE_MIN)
    }
}

impl Again {
    /// Waits.
    ///
    /// # Errors
    /// When the family of the file at `live` has changed too often.
    pub fn pause(&mut self, live: &Path) -> anyhow::Result<()> {
        if self.0 > PAUSE_MAX {
            return Err(anyhow!("{}: rotated again and again; try again", live.display()));
        }
        std::thread::sleep(self.0);
        self.0 = self.0.saturating_mul(2);
        Ok(())
    }
}

/// A name, what it says, and which file has it.
type Named = (PathBuf, Option<Rotated>, Inode);

/// Opens all files; none if one has another name meanwhile.
fn open_all(
    names: &[Named],
    is_named: &impl Fn(&Path) -> bool,
) -> anyhow::Result<Option<Vec<Member>>> {
    let mut members: Vec<Member> = Vec::new();
    let mut inodes = HashSet::new();
    for (path, rotated, inode) in names {
        let named = rotated.is_none() || is_named(path);
        let opened = Content::open(path).and_then(|content| {
            let status = content.status()?;
            Ok((content.head()?, status, content))
        });
        let (head, status, content) = match opened {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if named => {
                return Err(anyhow::Error::new(error).context(path.display().to_string()));
            }
            Err(error) => {
                message::note(&format!("{}: left out: {error}", path.display()));
                continue;
            }
        };
        if status.inode != *inode {
            return Ok(None);
        }
        // Another name of the same file.
        if inodes.insert(status.inode) {
            let compressed = !content.is_plain();
            let (path, rotated, inode) = (path.clone(), rotated.clone(), status.inode);
            let (bytes, modified_us) = (status.bytes, status.modified_us);
            let found = Found { inode, rotated, compressed, bytes, modified_us, named, head };
            members.push(Member { path, content, found });
        }
    }
    Ok(Some(members))
}

/// The names of the files of each family, in order; all are in one directory.
fn list(lives: &[PathBuf]) -> Vec<Vec<Named>> {
    let mut families: Vec<Vec<Named>> = vec![Vec::new(); lives.len()];
    let mut places: HashMap<Cow<'_, str>, Vec<usize>> = HashMap::new();
    for (place, live) in lives.iter().enumerate() {
        let name = live.file_name().unwrap_or_default().to_string_lossy();
        places.entry(name).or_default().push(place);
    }
    let dir = lives.first().and_then(|live| live.parent());
    let entries = dir.and_then(|dir| read_dir(dir).ok()).into_iter().flatten();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let rotated = Rotated::lives(&name).into_iter().filter_map(|live| {
            let places = places.get(&live)?;
            Some((places, Some(Rotated::of(&name, &live)?)))
        });
        let own = places.get(&name).map(|places| (places, None));
        let mut found = own.into_iter().chain(rotated).peekable();
        if found.peek().is_some()
            && let Ok(metadata) = metadata(entry.path())
            && metadata.is_file()
        {
            let inode = Inode { device: metadata.dev(), number: metadata.ino() };
            for (places, rotated) in found {
                for &place in places {
                    families[place].push((entry.path(), rotated.clone(), inode));
                }
            }
        }
    }
    families.iter_mut().for_each(put_in_order);
    families
}

/// Puts names in order, and leaves out what is being compressed: it is not whole.
fn put_in_order(names: &mut Vec<Named>) {
    names.sort_by(|one, other| one.0.cmp(&other.0));
    let plain: Vec<Rotated> =
        names.iter().filter_map(|(_, one, _)| one.clone()).filter(|one| !one.compressed).collect();
    let is_unfinished = |one: &Rotated| one.compressed && plain.iter().any(|two| two.is_same(one));
    names.retain(|(_, rotated, _)| !rotated.as_ref().is_some_and(is_unfinished));
}

fn sorted(members: Vec<Member>) -> Vec<Member> {
    let order = in_order(members.iter().map(|member| member.found.clone()).collect());
    let place = |member: &Member| order.iter().position(|one| one.inode == member.found.inode);
    let mut members: Vec<(usize, Member)> =
        members.into_iter().filter_map(|member| Some((place(&member)?, member))).collect();
    members.sort_by_key(|(place, _)| *place);
    members.into_iter().map(|(_, member)| member).collect()
}
