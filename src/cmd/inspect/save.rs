//! Writing records of the view to a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;

use crate::cli::shell::without_tilde;
use crate::layout::text::thousands;

/// A file that is being written.
pub struct Save {
    path: String,
    file: BufWriter<File>,
    /// The positions that are left.
    left: Range<u64>,
    records: u64,
    /// How many could not be read, or not as a whole.
    missing: u64,
    failed: Option<io::Error>,
}

impl Save {
    /// Makes a file for the records at these positions.
    ///
    /// # Errors
    /// When it exists, or cannot be made.
    pub fn begin(path: &str, left: Range<u64>) -> io::Result<Save> {
        let file = BufWriter::new(File::create_new(without_tilde(path))?);
        Ok(Save { path: path.to_owned(), file, left, records: 0, missing: 0, failed: None })
    }

    /// The next position.
    pub fn next(&mut self) -> Option<u64> {
        if self.failed.is_some() { None } else { self.left.next() }
    }

    /// Whether all is written, or no more can be.
    pub fn is_done(&self) -> bool {
        self.left.is_empty() || self.failed.is_some()
    }

    /// Writes a record; what is none any more is left out.
    pub fn take(&mut self, record: &[u8]) {
        if record.is_empty() {
            return;
        }
        let written = self.file.write_all(record).and_then(|()| self.file.write_all(b"\n"));
        self.failed = written.err();
        self.records += 1;
    }

    /// A record cannot be read.
    pub fn miss(&mut self) {
        self.missing += 1;
    }

    /// Ends the file; says what became of it.
    ///
    /// # Errors
    /// Why it is not whole.
    pub fn end(mut self) -> Result<String, String> {
        let flushed = self.file.flush();
        match self.failed.map_or(flushed, Err) {
            Ok(()) if self.missing > 0 => Err(format!(
                "{}: {} records cannot be read; {} are saved",
                self.path,
                thousands(self.missing),
                thousands(self.records)
            )),
            Ok(()) => Ok(format!("saved {} records to {}", thousands(self.records), self.path)),
            Err(error) => Err(format!("{}: {error}; the file is not whole", self.path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("saved");
        let mut save = Save::begin(path.to_str().unwrap(), 0..3).unwrap();
        assert_eq!((0..3).map_while(|_| save.next()).count(), 3);
        save.take(b"1");
        save.miss();
        save.take(b"3");
        assert!(save.end().unwrap_err().ends_with(": 1 records cannot be read; 2 are saved"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n3\n");
        assert!(Save::begin(path.to_str().unwrap(), 0..3).is_err());
    }
}
