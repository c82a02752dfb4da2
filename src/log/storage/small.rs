//! Small files that are read and replaced as a whole: `topic.json`, `producers.json`, those of
//! groups, the list of a repair (`docs/FORMAT.md`, "Small files").
//!
//! Each is one JSON object. What is written has its own checksum as the last field; a file without
//! that field is read all the same, so that it may be written by hand.

use std::fmt::Display;
use std::io::{self, IoSlice};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Open, Storage};
use crate::log::LogError;

/// The longest small file that is read, in bytes: far more than any that was written, and little
/// enough to be held. What claims to be longer is not read at all.
pub(in crate::log) const SMALL_FILE_BYTES_MAX: u64 = 256 << 20;
/// What stands before the checksum, which has eight digits; then the object ends.
const FIELD: &[u8] = b",\"crc32c\":\"";
const DIGITS: usize = 8;

/// Reads a small file; `None` if there is none.
///
/// # Errors
/// [`LogError::BadFile`] when it is not what was written; or it cannot be read.
pub(in crate::log) fn read<T: DeserializeOwned>(
    storage: &dyn Storage,
    path: &Path,
) -> Result<Option<T>, LogError> {
    let contents = match read_whole(storage, path) {
        Ok(contents) => contents,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(damaged(path, error));
        }
        Err(error) => return Err(LogError::io(path, error)),
    };
    let object = unseal(&contents).map_err(|why| damaged(path, why))?;
    serde_json::from_slice(&object).map(Some).map_err(|error| damaged(path, error))
}

/// Replaces a small file: after a crash it is the old one or the new one.
///
/// # Errors
/// When any step fails; the old file is then still there, or the new one already is.
pub(in crate::log) fn write<T: Serialize>(
    storage: &dyn Storage,
    path: &Path,
    value: &T,
) -> Result<(), LogError> {
    let sealed = serde_json::to_vec(value).map_err(io::Error::other).map(seal);
    sealed
        .and_then(|contents| replace(storage, path, &contents))
        .map_err(|error| LogError::io(path, error))
}

/// An error for a small file whose contents are not what was written.
pub(in crate::log) fn damaged(path: &Path, why: impl Display) -> LogError {
    LogError::BadFile { path: path.to_owned(), why: format!("damaged: {why}") }
}

/// An error for a small file of another version than this code writes and reads.
pub(in crate::log) fn of_version(path: &Path, found: u32, known: u32) -> LogError {
    let why = format!("it has version {found}; this program supports only version {known}");
    LogError::BadFile { path: path.to_owned(), why }
}

/// An object with its checksum as the last field, and a line end.
pub(in crate::log) fn seal(mut object: Vec<u8>) -> Vec<u8> {
    if object.pop() == Some(b'}') {
        let crc = crc32c::crc32c(&object);
        object.extend_from_slice(FIELD);
        object.extend_from_slice(format!("{crc:08x}\"}}\n").as_bytes());
    }
    object
}

/// The object without its checksum, which must hold if there is one.
pub(in crate::log) fn unseal(contents: &[u8]) -> Result<Vec<u8>, String> {
    let line = contents.strip_suffix(b"\n").unwrap_or(contents);
    let body = line.strip_suffix(b"\"}").unwrap_or_default();
    let Some((before, digits)) = body.len().checked_sub(DIGITS).map(|at| body.split_at(at)) else {
        return Ok(line.to_vec());
    };
    let Some(object) = before.strip_suffix(FIELD) else { return Ok(line.to_vec()) };
    if format!("{:08x}", crc32c::crc32c(object)).as_bytes() != digits {
        return Err("the checksum does not match".to_owned());
    }
    Ok([object, b"}"].concat())
}

/// Whether contents are whole, and of a version that this code does not know.
pub(in crate::log) fn is_of_another_version(contents: &[u8]) -> bool {
    let object = unseal(contents).ok();
    let value = object.and_then(|object| serde_json::from_slice::<serde_json::Value>(&object).ok());
    value.is_some_and(|value| value.get("version").is_some_and(|it| it.is_u64() && *it != 1))
}

/// Replaces a file as a whole.
///
/// # Errors
/// As [`write`].
pub(in crate::log) fn replace(
    storage: &dyn Storage,
    path: &Path,
    contents: &[u8],
) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let file = storage.open(&temporary, Open::Create)?;
    file.write_at(0, &[IoSlice::new(contents)])?;
    file.sync()?;
    storage.rename(&temporary, path)?;
    storage.sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Reads a file as a whole.
///
/// # Errors
/// When it cannot be opened or read, or is longer than [`SMALL_FILE_BYTES_MAX`].
pub(in crate::log) fn read_whole(storage: &dyn Storage, path: &Path) -> io::Result<Vec<u8>> {
    let file = storage.open(path, Open::Read)?;
    let bytes = file.size()?;
    if bytes > SMALL_FILE_BYTES_MAX {
        let why = format!("it has {bytes} bytes; at most {SMALL_FILE_BYTES_MAX} are read");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    let mut contents = vec![0; usize::try_from(bytes).unwrap_or_default()];
    let count = file.read_at(0, &mut contents)?;
    contents.truncate(count);
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_what_was_given() {
        let object = br#"{"version":1,"key":".a"}"#;
        let sealed = seal(object.to_vec());
        let text = std::str::from_utf8(&sealed).unwrap();
        assert_eq!(text, "{\"version\":1,\"key\":\".a\",\"crc32c\":\"537cfab6\"}\n");
        assert_eq!(unseal(&sealed).unwrap(), object);
        assert_eq!(unseal(object).unwrap(), object);
        assert_eq!(unseal(b"").unwrap(), b"");
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Small {
            version: u32,
            key: String,
        }
        let value = Small { version: 1, key: ".user | ascii_downcase".to_owned() };
        let sealed = seal(serde_json::to_vec(&value).unwrap());
        let reads = |contents: &[u8]| {
            unseal(contents).is_ok_and(|object| serde_json::from_slice::<Small>(&object).is_ok())
        };
        assert!(reads(&sealed));
        for bit in 0..sealed.len() * 8 {
            let mut contents = sealed.clone();
            contents[bit / 8] ^= 1 << (bit % 8);
            assert!(!reads(&contents), "bit {bit}: {}", String::from_utf8_lossy(&contents));
        }
        for kept in 0..sealed.len() - 1 {
            assert!(!reads(&sealed[..kept]), "cut to {kept}");
        }
    }
}
