//! Users and groups: ours, and those of the machine's database.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Group, Uid, User, geteuid, getgrouplist};

/// Whose rights our process has.
pub fn effective() -> u32 {
    geteuid().as_raw()
}

/// Whether our process has the rights of root.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// The user of that name, if there is one.
///
/// # Errors
/// When the database cannot be asked.
pub fn uid_of(name: &str) -> io::Result<Option<u32>> {
    Ok(User::from_name(name)?.map(|user| user.uid.as_raw()))
}

/// The group of that name, if there is one.
///
/// # Errors
/// When the database cannot be asked.
pub fn gid_of(name: &str) -> io::Result<Option<u32>> {
    Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()))
}

/// The groups that the database knows of a user, whose primary one is `gid`; none of a user that it
/// does not know.
///
/// # Errors
/// When the database cannot be asked.
pub fn groups_of(uid: u32, gid: u32) -> io::Result<Vec<u32>> {
    let Some(user) = User::from_uid(Uid::from_raw(uid))? else { return Ok(Vec::new()) };
    let name = CString::new(user.name).unwrap_or_default();
    let groups = getgrouplist(&name, Gid::from_raw(gid))?;
    Ok(groups.into_iter().map(Gid::as_raw).collect())
}
