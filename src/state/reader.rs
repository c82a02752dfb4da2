//! What states are read from: any bytes, of which each is believed only as far as it was checked.

use super::error::StateError;

/// More records than any stream has. Counts of a state are below that, so that they can be added
/// up.
pub const RECORDS_MAX: u64 = 1 << 53;

/// Gives the values that a [`Writer`](super::Writer) took. Each call fails if what comes next is
/// no such value, or ends too early.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads these bytes.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// When something is.
    pub fn end(self) -> Result<(), StateError> {
        match self.rest {
            [] => Ok(()),
            _ => Err(StateError::Invalid("bytes after its end")),
        }
    }

    /// The next bytes, as they are.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_plain(&mut self, length: usize) -> Result<&'a [u8], StateError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(StateError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A byte.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_u8(&mut self) -> Result<u8, StateError> {
        Ok(u8::from_le_bytes(self.take_array()?))
    }

    /// A truth value.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_bool(&mut self) -> Result<bool, StateError> {
        match self.take_u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(StateError::Invalid("a truth value that is neither 0 nor 1")),
        }
    }

    /// A number that [`put_u64`](super::Writer::put_u64) wrote.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_u64(&mut self) -> Result<u64, StateError> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.take_u8()?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << shift;
            if shifted >> shift != bits {
                break;
            }
            number |= shifted;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(StateError::Invalid("a number of more than 64 bits"))
    }

    /// How many records of a stream something is: less than [`RECORDS_MAX`].
    ///
    /// # Errors
    /// As of every value.
    pub fn take_records(&mut self) -> Result<u64, StateError> {
        let records = Some(self.take_u64()?).filter(|records| *records < RECORDS_MAX);
        records.ok_or(StateError::Invalid("more records than any stream has"))
    }

    /// How many values follow, of which each takes at least `bytes_min` bytes, which is not zero:
    /// so many that there may be room for them in what is left.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_count(&mut self, bytes_min: usize) -> Result<usize, StateError> {
        let count = usize::try_from(self.take_u64()?).map_err(|_| StateError::Short)?;
        if count <= self.rest.len() / bytes_min.max(1) { Ok(count) } else { Err(StateError::Short) }
    }

    /// A place among `count` values.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_place(&mut self, count: usize) -> Result<usize, StateError> {
        let place = usize::try_from(self.take_u64()?).ok().filter(|place| *place < count);
        place.ok_or(StateError::Invalid("a place that does not exist"))
    }

    /// A number that may be below zero.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_i64(&mut self) -> Result<i64, StateError> {
        Ok(i64::from_le_bytes(self.take_array()?))
    }

    /// A large number that may be below zero.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_i128(&mut self) -> Result<i128, StateError> {
        Ok(i128::from_le_bytes(self.take_array()?))
    }

    /// A float, which may be infinite or none.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_f64(&mut self) -> Result<f64, StateError> {
        Ok(f64::from_bits(u64::from_le_bytes(self.take_array()?)))
    }

    /// A float that is finite.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_finite(&mut self) -> Result<f64, StateError> {
        let float = self.take_f64()?;
        if float.is_finite() {
            Ok(float)
        } else {
            Err(StateError::Invalid("a number that is not finite"))
        }
    }

    /// A byte string.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_bytes(&mut self) -> Result<&'a [u8], StateError> {
        let length = self.take_count(1)?;
        self.take_plain(length)
    }

    /// A byte string that is text.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_str(&mut self) -> Result<&'a str, StateError> {
        str::from_utf8(self.take_bytes()?)
            .map_err(|_| StateError::Invalid("text that is not UTF-8"))
    }

    /// A value that may be missing, by `take`.
    ///
    /// # Errors
    /// As of every value.
    pub fn take_option<T>(
        &mut self,
        take: impl FnOnce(&mut Reader<'a>) -> Result<T, StateError>,
    ) -> Result<Option<T>, StateError> {
        if self.take_bool()? { take(self).map(Some) } else { Ok(None) }
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], StateError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(StateError::Short)?;
        self.rest = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Writer;
    use super::*;
    use proptest::prelude::*;

    fn read<'a, T>(
        bytes: &'a [u8],
        take: impl FnOnce(&mut Reader<'a>) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        take(&mut Reader::new(bytes))
    }

    #[test]
    fn numbers_beyond_64_bits_are_refused() {
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(read(&most, Reader::take_u64), Ok(u64::MAX));
        let mut more = most;
        more[9] = 0x02;
        assert!(matches!(read(&more, Reader::take_u64), Err(StateError::Invalid(_))));
        more[9] = 0x81;
        assert!(matches!(read(&more, Reader::take_u64), Err(StateError::Invalid(_))));
        assert_eq!(read(&most[..9], Reader::take_u64), Err(StateError::Short));
    }

    #[test]
    fn lengths_are_bounded_by_what_is_left() {
        let mut writer = Writer::new();
        writer.put_len(3);
        writer.put_plain(&[0; 12]);
        let bytes = writer.into_bytes();
        assert_eq!(read(&bytes, |from| from.take_count(4)), Ok(3));
        assert_eq!(read(&bytes, |from| from.take_count(5)), Err(StateError::Short));
        assert_eq!(read(&bytes[..4], Reader::take_bytes), Ok(&[0; 3][..]));
        assert_eq!(read(&bytes[..3], Reader::take_bytes), Err(StateError::Short));
        assert_eq!(read(&[0xff; 9], Reader::take_bytes), Err(StateError::Short));
    }

    #[test]
    fn only_what_a_writer_writes_is_read() {
        assert!(read(&[2], Reader::take_bool).is_err());
        assert!(read(&[1, 0xff], Reader::take_str).is_err());
        assert!(read(&[3], |from| from.take_place(3)).is_err());
        assert_eq!(read(&[2], |from| from.take_place(3)), Ok(2));
        assert!(read(&f64::NAN.to_bits().to_le_bytes(), Reader::take_finite).is_err());
        assert!(read(&[1, 2], |from| from.take_u8().and_then(|_| from.end())).is_err());
    }

    proptest! {
        #[test]
        fn what_was_put_is_taken(
            numbers in any::<(u8, bool, u64, i64, i128)>(), bits in any::<u64>(),
            bytes in proptest::collection::vec(any::<u8>(), 0..300), text in ".*",
            option in any::<Option<u64>>()
        ) {
            let float = f64::from_bits(bits);
            let mut to = Writer::new();
            to.put_u8(numbers.0);
            to.put_bool(numbers.1);
            to.put_u64(numbers.2);
            to.put_i64(numbers.3);
            to.put_i128(numbers.4);
            to.put_f64(float);
            to.put_bytes(&bytes);
            to.put_bytes(text.as_bytes());
            to.put_option(option, Writer::put_u64);
            let mut from = Reader::new(to.as_bytes());
            prop_assert_eq!(from.take_u8(), Ok(numbers.0));
            prop_assert_eq!(from.take_bool(), Ok(numbers.1));
            prop_assert_eq!(from.take_u64(), Ok(numbers.2));
            prop_assert_eq!(from.take_i64(), Ok(numbers.3));
            prop_assert_eq!(from.take_i128(), Ok(numbers.4));
            prop_assert_eq!(from.take_f64().map(f64::to_bits), Ok(bits));
            prop_assert_eq!(from.take_bytes(), Ok(&bytes[..]));
            prop_assert_eq!(from.take_str(), Ok(&text[..]));
            prop_assert_eq!(from.take_option(Reader::take_u64), Ok(option));
            prop_assert_eq!(from.end(), Ok(()));
        }
    }
}
