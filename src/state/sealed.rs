//! Whole states: the version of their format, what they are of, and a checksum around them.

use super::VERSION;
use super::error::StateError;
use super::reader::Reader;
use super::writer::Writer;

const MAGIC: [u8; 8] = *b"mlstate\n";

/// Saves the state of `of`, which `save` writes.
pub fn seal(of: &str, save: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.put_plain(&MAGIC);
    writer.put_plain(&VERSION.to_le_bytes());
    writer.put_bytes(of.as_bytes());
    save(&mut writer);
    let crc = crc32c::crc32c(writer.as_bytes());
    writer.put_plain(&crc.to_le_bytes());
    writer.into_bytes()
}

/// Restores the state of `of` from what [`seal`] gave: `load` reads all that was saved.
///
/// # Errors
/// When it is none, or that of something else; when it is of another version, or damaged; when
/// `load` fails, or leaves something.
pub fn open<T>(
    of: &str,
    bytes: &[u8],
    load: impl FnOnce(&mut Reader<'_>) -> Result<T, StateError>,
) -> Result<T, StateError> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(StateError::NotAState)?;
    let (version, rest) = rest.split_first_chunk().ok_or(StateError::Short)?;
    match u32::from_le_bytes(*version) {
        VERSION => {}
        found => return Err(StateError::Version { found }),
    }
    let (content, crc) = rest.split_last_chunk().ok_or(StateError::Short)?;
    let sealed = bytes.get(..bytes.len() - crc.len()).unwrap_or_default();
    if crc32c::crc32c(sealed) != u32::from_le_bytes(*crc) {
        return Err(StateError::Checksum);
    }
    let mut reader = Reader::new(content);
    let found = reader.take_str()?;
    if found != of {
        return Err(StateError::Other { found: found.to_owned(), wanted: of.to_owned() });
    }
    let loaded = load(&mut reader)?;
    reader.end()?;
    Ok(loaded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        seal("filter", |to| to.put_bytes(b"what it holds"))
    }

    fn opened(bytes: &[u8]) -> Result<Vec<u8>, StateError> {
        open("filter", bytes, |from| Ok(from.take_bytes()?.to_owned()))
    }

    #[test]
    fn what_was_sealed_is_opened() {
        assert_eq!(opened(&sealed()), Ok(b"what it holds".to_vec()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let bytes = sealed();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(opened(&bytes[..length]).is_err(), "length {length}");
        }
        assert_eq!(opened(&[&bytes[..], &[0]].concat()), Err(StateError::Checksum));
    }

    #[test]
    fn foreign_bytes_are_refused_with_the_reason() {
        assert_eq!(opened(b"{\"a\":1}\n"), Err(StateError::NotAState));
        let other = seal("window", |to| to.put_bytes(b""));
        let why = opened(&other).unwrap_err().to_string();
        assert_eq!(why, "this is the state of 'window', not of 'filter'");
        let mut newer = sealed();
        newer[8] = 2;
        let why = opened(&newer).unwrap_err().to_string();
        assert_eq!(why, "state of format version 2; this program supports only version 1");
        let longer = seal("filter", |to| {
            to.put_bytes(b"what it holds");
            to.put_u8(0);
        });
        let why = opened(&longer).unwrap_err().to_string();
        assert_eq!(why, "the state is invalid: bytes after its end");
    }
}
