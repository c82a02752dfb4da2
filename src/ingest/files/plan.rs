//! Which files are to be read, from where: what is on the disk, compared with what the log
//! remembers.
//!
//! A *family* is a file and what rotation made of the files that had its name before. All of it is
//! one stream, cut into files.

use std::cmp::{Ordering, Reverse};
use std::collections::HashSet;

use super::identity::{Fingerprint, Identity, Inode};
use super::mark::Mark;
use super::rotation::Rotated;

/// A file of a family, as it is on the disk.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which file it is.
    pub inode: Inode,
    /// How it is named after the family's file; none if it is that one.
    pub rotated: Option<Rotated>,
    /// Whether its content is compressed.
    pub compressed: bool,
    /// How long it is on the disk, in bytes.
    pub bytes: u64,
    /// When it was last written, in µs since the epoch.
    pub modified_us: i64,
    /// Whether the user named it.
    pub named: bool,
    /// The first bytes of its content, as many as a fingerprint covers.
    pub head: Vec<u8>,
}

/// What the log remembers of a file.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// Which file it is.
    pub identity: Identity,
    /// How far it was read.
    pub mark: Mark,
    /// When the log last heard of it, in µs since the epoch, if that is known.
    pub time_us: Option<i64>,
}

/// A file that is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which one.
    pub file: usize,
    /// As which source.
    pub identity: Identity,
    /// Where the log stands in it; the beginning if it does not know it.
    pub mark: Mark,
    /// Whether the log knows it by its content alone.
    pub by_content: bool,
}

/// What is to be done about a family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The files to read, in order.
    pub steps: Vec<Step>,
    /// What is remembered of files that are there.
    pub kept: Vec<Identity>,
}

/// Puts the files of a family in order, the earliest first. Of a file that is there as it was and
/// compressed, the compressed one is left out: it is being made.
pub fn in_order(files: Vec<Found>) -> Vec<Found> {
    let plain: Vec<Rotated> = files
        .iter()
        .filter_map(|file| file.rotated.clone())
        .filter(|one| !one.compressed)
        .collect();
    // One of the file's own name is of a file before it, unless both begin alike.
    let live = files.iter().find(|file| file.rotated.is_none()).map(|file| file.head.clone());
    let is_of_live = |head: &[u8]| {
        live.as_ref().is_some_and(|live| live.starts_with(head) || head.starts_with(live))
    };
    let mut files: Vec<Found> = files
        .into_iter()
        .filter(|file| match &file.rotated {
            Some(one) if one.compressed => {
                let is_there = plain.iter().any(|other| other.is_same(one));
                !(is_there || one.is_live() && is_of_live(&file.head))
            }
            _ => true,
        })
        .collect();
    // The names say it only if all are of one kind.
    let rotated: Vec<&Rotated> = files.iter().filter_map(|file| file.rotated.as_ref()).collect();
    let by_name = rotated.windows(2).all(|pair| pair[0].order(pair[1]).is_some());
    let order = |one: &Found, other: &Found| match (&one.rotated, &other.rotated) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(of_one), Some(of_other)) if by_name => {
            of_one.order(of_other).unwrap_or(Ordering::Equal)
        }
        _ => one.modified_us.cmp(&other.modified_us),
    };
    files.sort_by(order);
    files
}

/// Looks into the files of a family.
pub trait Contents {
    /// Why a file cannot be looked into.
    type Error;

    /// Whether a file's content has a mark.
    ///
    /// # Errors
    /// When it cannot be read.
    fn agrees(&mut self, file: usize, mark: Mark) -> Result<bool, Self::Error>;

    /// The mark at the end of a file that is not compressed.
    ///
    /// # Errors
    /// When it cannot be read.
    fn at_end(&mut self, file: usize) -> Result<Mark, Self::Error>;
}

/// Decides about the files of a family, which are in order. `path` is the hash of the path of the
/// family's file; `began_us` is when this run first examined files, in µs since the epoch.
///
/// A rotated file that the log does not know is read if it came after one that it knows, or was
/// written since the family was first visited: it was never read then, whatever its place. What
/// was rotated before that stays as it is. So the file itself is visited also while it is empty:
/// the log is to know that the family was visited.
///
/// # Errors
/// When `contents` cannot be looked into.
pub fn plan<C: Contents>(
    files: &[Found],
    remembered: &[Remembered],
    path: u64,
    began_us: i64,
    contents: &mut C,
) -> Result<Plan, C::Error> {
    let known = recognise(files, remembered, path, contents)?;
    let newest = known.iter().rposition(Option::is_some);
    let begun = begun_us(remembered, path);
    let begun_us = begun.unwrap_or(began_us);
    let mut plan = Plan::default();
    for (at, file) in files.iter().enumerate() {
        if let Some((source, by_content)) = known[at] {
            let Remembered { identity, mark, .. } = &remembered[source];
            plan.kept.push(identity.clone());
            let is_read = if file.compressed { mark.ended } else { file.bytes == mark.position };
            if !is_read || by_content && file.compressed {
                let (identity, mark) = (identity.clone(), *mark);
                plan.steps.push(Step { file: at, identity, mark, by_content });
            }
            continue;
        }
        let is_live = file.rotated.is_none();
        let is_new = file.named
            || is_live
            || newest.is_some_and(|newest| at > newest)
            || file.modified_us >= begun_us;
        let is_some = file.bytes > 0 || is_live && begun.is_none();
        if is_new && is_some && !is_being_copied(files, at, contents)? {
            let identity = identity_of(file, remembered, path, began_us);
            let mark = Mark::default();
            plan.steps.push(Step { file: at, identity, mark, by_content: false });
        }
    }
    Ok(plan)
}

/// Whether a rotated file is a copy of the family's file, which is about to be truncated: what it
/// has is read from there, and what comes of it later is known by its content.
fn is_being_copied<C: Contents>(
    files: &[Found],
    at: usize,
    contents: &mut C,
) -> Result<bool, C::Error> {
    let file = &files[at];
    let Some(live) = files.iter().position(|other| other.rotated.is_none()) else {
        return Ok(false);
    };
    let may_be = at != live
        && !file.compressed
        && file.bytes <= files[live].bytes
        && files[live].head.starts_with(&file.head);
    Ok(may_be && {
        let mark = contents.at_end(at)?;
        contents.agrees(live, mark)?
    })
}

/// When a family was first read, as far as what is remembered of it says. When the log last heard
/// of a file may be later than that of others which it has not come to.
fn begun_us(remembered: &[Remembered], path: u64) -> Option<i64> {
    let of_family = remembered.iter().filter(|one| one.identity.path == path);
    of_family.filter_map(|one| one.identity.begun_us.or(one.time_us)).min()
}

/// The identity that a file gets that the log does not know.
pub fn identity_of(file: &Found, remembered: &[Remembered], path: u64, began_us: i64) -> Identity {
    let (inode, fingerprint) = (file.inode, Fingerprint::of(&file.head));
    let begun_us = Some(begun_us(remembered, path).unwrap_or(began_us));
    let mut identity = Identity { inode, fingerprint, path, again: 0, begun_us };
    while remembered.iter().any(|one| one.identity == identity) {
        identity.again += 1;
    }
    identity
}

/// For each file, what is remembered of it, if anything, and whether that is by its content alone.
/// Of all that agree, those count of which most of the content is known, and the file itself before
/// its copies.
fn recognise<C: Contents>(
    files: &[Found],
    remembered: &[Remembered],
    path: u64,
    contents: &mut C,
) -> Result<Vec<Option<(usize, bool)>>, C::Error> {
    let mut pairs = Vec::new();
    for (source, Remembered { identity, mark, .. }) in remembered.iter().enumerate() {
        for (at, file) in files.iter().enumerate() {
            let by_content = identity.inode != file.inode;
            // Only what rotation copies or compresses: other files may be equal by chance. One of
            // which nothing was read is equal to all, but for its first bytes; and a copy of it is
            // newer than the first visit, unless it is compressed.
            let is_told = mark.position > 0 || file.compressed && !identity.fingerprint.is_empty();
            let is_like = !by_content || identity.path == path && is_told;
            let is_there = file.compressed || mark.position <= file.bytes;
            // An inode is used again: one of an empty file that was finished may have more now.
            let is_another = mark.ended && mark.position == 0 && !file.head.is_empty();
            if is_like && is_there && !is_another && identity.fingerprint.is_of(&file.head) {
                pairs.push((Reverse(*mark), by_content, at, source));
            }
        }
    }
    pairs.sort_unstable();
    let mut known: Vec<Option<(usize, bool)>> = vec![None; files.len()];
    let mut taken = HashSet::new();
    for (Reverse(mark), by_content, at, source) in pairs {
        if known[at].is_some() || taken.contains(&source) {
            continue;
        }
        // A compressed file does not change.
        let is_certain = !by_content && files[at].compressed && mark.ended;
        let agrees = is_certain || contents.agrees(at, mark)?;
        let is_sure = !by_content && mark.position > 0;
        if agrees && (is_sure || !is_being_copied(files, at, contents)?) {
            taken.insert(source);
            known[at] = Some((source, by_content));
        }
    }
    Ok(known)
}
