//! Whether the lines of a log are records: what verifying and repairing ask of each.

use crate::record::RECORD_BYTES_MAX;
use crate::record::check::{Verdict, each_line};
use crate::record::json::validate;
use crate::record::lines::is_blank;
use crate::record::reserved::is_reserved;

/// A batch's lines, those that were no records empty.
pub(in crate::log) struct Cleaned {
    pub bytes: Vec<u8>,
    /// Which lines were no records, counted from 0; never empty.
    pub faulty: Vec<u64>,
    /// What was wrong with the first of them.
    fault: String,
}

impl Cleaned {
    /// The first line that was no record.
    pub fn first_faulty(&self) -> u64 {
        self.faulty.first().copied().unwrap_or_default()
    }

    /// What was wrong, for people.
    pub fn why(&self) -> String {
        let fault = &self.fault;
        match self.faulty.len() {
            1 => format!("the record is {fault}"),
            count => {
                format!("the record is {fault}, the first of {count} such records in its batch")
            }
        }
    }
}

/// Why the log would not take a line, its LF removed; none if it would, or if the line is blank: so
/// are records that were removed.
pub(in crate::log) fn fault_of(line: &[u8]) -> Option<String> {
    let verdict = match validate(line) {
        _ if is_blank(line) => Verdict::Blank,
        Ok(()) => Verdict::Record,
        Err(error) => Verdict::Bad(error),
    };
    fault(line, &verdict)
}

/// The lines of a batch without those that the log would not take; none if there are no such lines.
pub(in crate::log) fn without_faulty_lines(bytes: &[u8]) -> Option<Cleaned> {
    let mut faulty = Vec::new();
    let mut first = None;
    each_line(bytes, |number, line, verdict| {
        if let Some(fault) = fault(line, &verdict) {
            faulty.push(number);
            first.get_or_insert(fault);
        }
    });
    let fault = first?;
    let mut cleaned = Vec::with_capacity(bytes.len());
    let mut left = faulty.iter().peekable();
    for (number, line) in (0..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let is_faulty = left.next_if_eq(&&number).is_some();
        cleaned.extend_from_slice(if is_faulty { b"\n" } else { line });
    }
    Some(Cleaned { bytes: cleaned, faulty, fault })
}

fn fault(line: &[u8], verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Bad(error) => Some(error.to_string()),
        Verdict::Record if line.len() > RECORD_BYTES_MAX => {
            Some(format!("longer than {RECORD_BYTES_MAX} bytes"))
        }
        Verdict::Record if is_reserved(line) => Some("a control record".to_owned()),
        Verdict::Record | Verdict::Blank => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_records_are_emptied_and_told() {
        assert!(without_faulty_lines(b"{}\n\n1\n").is_none());
        let one = without_faulty_lines(b"{}\n[\"a\"\\n]\n1\n").unwrap();
        assert_eq!((one.bytes.as_slice(), one.first_faulty()), (&b"{}\n\n1\n"[..], 1));
        let why = "not valid JSON: a comma or the closing bracket is missing at byte 5";
        assert_eq!(one.why(), format!("the record is {why}"));
        let two = without_faulty_lines(b"{\"@millstream\":1}\n2\nx\n").unwrap();
        assert_eq!((two.bytes.as_slice(), two.faulty.as_slice()), (&b"\n2\n\n"[..], &[0, 2][..]));
        let why = "the record is a control record, the first of 2 such records in its batch";
        assert_eq!(two.why(), why);
    }

    #[test]
    fn a_line_alone_is_judged_as_in_a_batch() {
        for line in [&b"{}"[..], b"", b" ", b"\x0c", b"x", b"{\"@millstream\":1}", b"[\"a\"\\n]"] {
            let batch = [line, b"\n"].concat();
            let in_batch = without_faulty_lines(&batch).map(|cleaned| cleaned.fault);
            assert_eq!(fault_of(line), in_batch, "{}", line.escape_ascii());
        }
    }
}
