//! How numbers are spelled: as jq spells them, everywhere.

use std::io::Write;

/// What jq writes for infinity, which JSON does not have: the greatest finite float.
const INFINITE: &[u8] = b"1.7976931348623157e+308";

/// Whole numbers of more digits than this are spelled with an exponent where they end in zeros.
const PLAIN_DIGITS_MAX: i64 = 38;

/// Exponents beyond this are left as they are spelled, so that sums with lengths fit 64 bits.
const EXPONENT_MAX: u64 = 1_000_000_000_000_000_000;

/// Appends a whole number.
pub fn write_whole(whole: i128, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
}

/// Where jq writes all floats without an exponent, however many digits they have.
const POSITIONAL: std::ops::Range<f64> = 1e-4..1e16;

/// Appends a computed number, spelled as jq spells it: the fewest digits that give the same float,
/// without an exponent unless the number is far longer than its digits. What is not a number is
/// null, and what is beyond the floats the greatest of them.
pub fn write_float(float: f64, out: &mut Vec<u8>) {
    if float.is_nan() {
        return out.extend_from_slice(b"null");
    }
    if float.is_sign_negative() {
        out.push(b'-');
    }
    if float.is_infinite() {
        return out.extend_from_slice(INFINITE);
    }
    let float = float.abs();
    let mut spelled = zmij::Buffer::new();
    let spelled = spelled.format_finite(float);
    // Most have few digits before and after their point.
    if POSITIONAL.contains(&float) || float == 0.0 {
        out.extend_from_slice(spelled.strip_suffix(".0").unwrap_or(spelled).as_bytes());
    } else if let Some(digits) = Digits::of(spelled.as_bytes()) {
        digits.write(out);
    }
}

/// Appends the result of a calculation: as [`write_float`], but what is beyond the floats is null,
/// and zero has no sign.
pub fn write_result(float: f64, out: &mut Vec<u8>) {
    if float.is_finite() {
        write_float(float + 0.0, out);
    } else {
        out.extend_from_slice(b"null");
    }
}

/// Appends the one spelling that all spellings of a number share: `1`, `1.0` and `1e0` all give
/// `1`. It is the number that is spelled, to its last digit, and no float near to it.
pub fn write_canonical(spelling: &str, out: &mut Vec<u8>) {
    let (negative, unsigned) = match spelling.strip_prefix('-') {
        Some(unsigned) => (true, unsigned.as_bytes()),
        None => (false, spelling.as_bytes()),
    };
    if is_canonical(unsigned) {
        return out.extend_from_slice(spelling.as_bytes());
    }
    match Digits::of(unsigned) {
        Some(digits) if digits.count == 0 => out.push(b'0'),
        Some(digits) => {
            if negative {
                out.push(b'-');
            }
            digits.write_plain(out);
        }
        None => out.extend_from_slice(spelling.as_bytes()),
    }
}

/// Whether a number is plainly in its canonical spelling, as most are: whole and short; or with a
/// point, and with no zero at an end that could be left out or make for an exponent.
fn is_canonical(unsigned: &[u8]) -> bool {
    const BYTES_MAX: usize = 18;
    let mut points = 0;
    for byte in unsigned {
        match byte {
            b'0'..=b'9' => {}
            b'.' => points += 1,
            _ => return false,
        }
    }
    match unsigned {
        _ if unsigned.len() > BYTES_MAX => false,
        [b'0'] | [b'0', b'.', b'0', ..] => false,
        [.., b'0'] => points == 0,
        _ => true,
    }
}

/// Splits the exponent off; none where it is beyond [`EXPONENT_MAX`].
fn split_exponent(unsigned: &[u8]) -> (&[u8], Option<i64>) {
    match unsigned.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => {
            let (mantissa, exponent) = (&unsigned[..at], &unsigned[at + 1..]);
            let exponent = str::from_utf8(exponent).ok().and_then(|text| text.parse::<i64>().ok());
            (mantissa, exponent.filter(|power| power.unsigned_abs() <= EXPONENT_MAX))
        }
        None => (unsigned, Some(0)),
    }
}

/// The digits of a number, but for zeros around them; 0 has none.
struct Digits<'a> {
    /// Digits, and perhaps a point among them, which means nothing here.
    digits: &'a [u8],
    /// How many digits are left out at the front.
    skip: usize,
    /// How many there are behind those.
    count: usize,
    /// How many of them stand before the decimal point; zeros where that is more than there are.
    point: i64,
}

impl<'a> Digits<'a> {
    /// Those of a number without a sign; none if its exponent is beyond [`EXPONENT_MAX`].
    fn of(unsigned: &'a [u8]) -> Option<Digits<'a>> {
        let (mantissa, Some(exponent)) = split_exponent(unsigned) else { return None };
        let digits = || mantissa.iter().filter(|byte| byte.is_ascii_digit());
        let skip = digits().take_while(|digit| **digit == b'0').count();
        let zeros = digits().rev().take_while(|digit| **digit == b'0').count();
        let all = digits().count();
        let count = all.saturating_sub(skip + zeros);
        let before_point = mantissa.iter().take_while(|byte| **byte != b'.').count();
        let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let point = exponent.saturating_add(length(before_point)).saturating_sub(length(skip));
        Some(Digits { digits: mantissa, skip, count, point })
    }

    /// As jq writes computed numbers.
    fn write(&self, out: &mut Vec<u8>) {
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        if self.point <= -4 || self.point > count.saturating_add(15) {
            self.write_scientific(out);
        } else {
            self.write_positional(out);
        }
    }

    /// The same, but whole numbers up to [`PLAIN_DIGITS_MAX`] without an exponent.
    fn write_plain(&self, out: &mut Vec<u8>) {
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        if (count..=PLAIN_DIGITS_MAX).contains(&self.point) {
            self.write_positional(out);
        } else {
            self.write(out);
        }
    }

    fn each(&self) -> impl Iterator<Item = u8> {
        let digits = self.digits.iter().copied().filter(u8::is_ascii_digit);
        digits.skip(self.skip).take(self.count)
    }

    fn write_scientific(&self, out: &mut Vec<u8>) {
        for (at, digit) in self.each().enumerate() {
            if at == 1 {
                out.push(b'.');
            }
            out.push(digit);
        }
        let exponent = self.point.saturating_sub(1);
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{sign}{:02}", exponent.unsigned_abs());
    }

    fn write_positional(&self, out: &mut Vec<u8>) {
        if self.point <= 0 {
            out.extend_from_slice(b"0.");
            out.extend((self.point..0).map(|_| b'0'));
        }
        for (digit, at) in self.each().zip(0_i64..) {
            if at > 0 && at == self.point {
                out.push(b'.');
            }
            out.push(digit);
        }
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        out.extend((count..self.point).map(|_| b'0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_are_written_as_people_expect() {
        for (float, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-2.5, "-2.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (12.639_1, "12.6391"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000"),
            (1e16, "1e+16"),
            (1e17, "1e+17"),
            (1.234e18, "1234000000000000000"),
            (f64::INFINITY, "1.7976931348623157e+308"),
            (f64::NEG_INFINITY, "-1.7976931348623157e+308"),
            (f64::NAN, "null"),
        ] {
            assert_eq!(written(|out| write_float(float, out)), text);
        }
        assert_eq!(written(|out| write_result(-0.0, out)), "0");
        assert_eq!(written(|out| write_result(f64::INFINITY, out)), "null");
        assert_eq!(written(|out| write_result(-2.5e-7, out)), "-2.5e-07");
    }

    #[test]
    fn all_spellings_of_a_number_are_one() {
        for (spellings, text) in [
            (["0", "-0", "0.0", "-0.0e5"], "0"),
            (["1", "1.0", "1e0", "10E-1"], "1"),
            (["1.5", "1.50", "15e-1", "0.15e1"], "1.5"),
            (["100000000000000000000", "1e20", "1E+20", "1.0e20"], "100000000000000000000"),
            (["1e40", "10e39", "1E40", "1.0e40"], "1e+40"),
            (["-12e-9", "-0.000000012", "-1.20E-8", "-00.12e-7"], "-1.2e-08"),
            (["1e999", "10e998", "0.1e1000", "1E+999"], "1e+999"),
            (
                ["1e999999999999", "10e999999999998", "0.1e1000000000000", "1E+0999999999999"],
                "1e+999999999999",
            ),
            (["0", "0e99999999999", "-0e-99999999999", "0.0e0"], "0"),
            (
                [
                    "9007199254740993.0",
                    "9007199254740993",
                    "9007199254740993e0",
                    "90071992547409930e-1",
                ],
                "9007199254740993",
            ),
        ] {
            for spelling in spellings {
                assert_eq!(written(|out| write_canonical(spelling, out)), text, "{spelling}");
            }
        }
        for own in [
            "1e9999999999999999999",
            "12345678901234567890123456789012345678901234567890",
            "0.1000000000000000055",
        ] {
            assert_eq!(written(|out| write_canonical(own, out)), own);
        }
    }

    proptest! {
        #[test]
        fn a_written_float_reads_back(float in any::<f64>()) {
            let text = written(|out| write_float(float, out));
            prop_assert!(crate::record::text::is_number(text.as_bytes()), "{}", text);
            prop_assert_eq!(text.parse::<f64>().unwrap(), float);
        }

        /// The short way of floats of usual sizes is the long way of all, and no spelling that reads
        /// back is shorter.
        #[test]
        fn floats_of_usual_sizes_are_spelled_as_all_others(float in 1e-6_f64..1e18, digits in 0..18_u32) {
            let scale = 10_f64.powi(digits.cast_signed());
            for float in [float, (float * scale).round() / scale, float.round()] {
                let short = written(|out| write_float(float, out));
                prop_assert_eq!(&short, &written(|out| write_canonical(&short, out)));
                prop_assert_eq!(short.parse::<f64>().unwrap().to_bits(), float.to_bits());
                let other = format!("{float}");
                let other = written(|out| write_canonical(&other, out));
                prop_assert_eq!(short.len(), other.len(), "{}", other);
            }
        }

        #[test]
        fn one_spelling_of_a_float_is_that_of_all(float in any::<f64>()) {
            prop_assume!(float.is_finite() && float != 0.0);
            // Where two of the shortest are equally near, the standard library takes the greater one.
            let computed = written(|out| write_float(float, out));
            let (digits, exponent) = computed.split_once('e').unwrap_or((&computed, "0"));
            let point = if digits.contains('.') { "" } else { "." };
            let longer = format!("{digits}{point}00e{exponent}");
            let all = [format!("{float}"), format!("{float:e}"), computed.clone(), longer];
            let canonical = all.map(|one| written(|out| write_canonical(&one, out)));
            prop_assert_eq!(&canonical[0], &canonical[1]);
            prop_assert_eq!(&canonical[2], &canonical[3]);
            prop_assert_eq!(canonical[0].parse::<f64>().unwrap(), float);
            prop_assert!(crate::record::text::is_number(canonical[0].as_bytes()));
        }
    }
}
