//! Which file it is, whatever its name: device, inode, and a fingerprint of its first bytes,
//! because an inode is used again, and because a compressed file has another one.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher24;

/// How many of a file's first bytes a fingerprint covers, at most.
pub const HEAD_BYTES_MAX: usize = 1024;

/// What the name of a source begins with.
const PREFIX: &str = "file:";

/// A file's numbers in the file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Inode {
    /// The device.
    pub device: u64,
    /// The inode.
    pub number: u64,
}

/// The length and the hash of a file's first bytes, as many as there were when it was first seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    bytes: u32,
    hash: u64,
}

/// Which file it is: a source's name in the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Its numbers when it was first read.
    pub inode: Inode,
    /// Of its decompressed content.
    pub fingerprint: Fingerprint,
    /// The hash of the path under which it was first read: that of the file before its rotations.
    pub path: u64,
    /// Tells it from an earlier file of which all the above is the same.
    pub again: u32,
    /// When the first file of its family was first read, in µs since the epoch, if that is known.
    pub begun_us: Option<i64>,
}

impl Fingerprint {
    /// Of a content that begins with `head`.
    pub fn of(head: &[u8]) -> Fingerprint {
        let head = head.get(..HEAD_BYTES_MAX).unwrap_or(head);
        Fingerprint { bytes: head.len() as u32, hash: hash(head) }
    }

    /// Whether it covers nothing: every content has it.
    pub fn is_empty(self) -> bool {
        self.bytes == 0
    }

    /// Whether a content that begins with `head` has it: as many bytes, and the same.
    pub fn is_of(self, head: &[u8]) -> bool {
        head.get(..self.bytes as usize).is_some_and(|head| hash(head) == self.hash)
    }
}

impl Identity {
    /// Reads a source's name; none if it is another producer's.
    pub fn parse(name: &str) -> Option<Identity> {
        let mut numbers = name.strip_prefix(PREFIX)?.split(':').map(|text| {
            let plain = text.bytes().all(|byte| byte.is_ascii_hexdigit());
            plain.then(|| u64::from_str_radix(text, 16).ok()).flatten()
        });
        let mut next = || numbers.next().flatten();
        let inode = Inode { device: next()?, number: next()? };
        let fingerprint = Fingerprint { bytes: u32::try_from(next()?).ok()?, hash: next()? };
        let path = next()?;
        let again = match numbers.next() {
            None => 0,
            Some(again) => u32::try_from(again?).ok()?,
        };
        let begun_us = match numbers.next() {
            None => None,
            Some(begun_us) => Some(i64::try_from(begun_us?).ok()?),
        };
        numbers.next().is_none().then_some(Identity { inode, fingerprint, path, again, begun_us })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { inode, fingerprint, path, again, begun_us } = self;
        write!(out, "{PREFIX}{:x}:{:x}", inode.device, inode.number)?;
        write!(out, ":{:x}:{:016x}:{path:016x}", fingerprint.bytes, fingerprint.hash)?;
        match (again, begun_us) {
            (0, None) => Ok(()),
            (again, None) => write!(out, ":{again:x}"),
            (again, Some(begun_us)) => write!(out, ":{again:x}:{begun_us:x}"),
        }
    }
}

/// SipHash-2-4 with the key 0, which gives the same everywhere.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new();
    hasher.write(bytes);
    hasher.finish()
}
