//! Records that come too late: kept or dropped, counted, and told.

use crate::cli::keep::Keep;
use crate::cli::{Status, message};
use crate::time::Duration;

/// What becomes of late records.
#[derive(Default)]
pub struct Late {
    keep: Option<Keep>,
    /// Lines on their way into the file.
    pending: Vec<u8>,
    count: u64,
    behind_max: Duration,
}

impl Late {
    /// Late records are dropped, or go to this file.
    pub fn new(keep: Option<Keep>) -> Late {
        Late { keep, ..Late::default() }
    }

    /// Takes a late record, so far behind the greatest event time; zero if that is not known.
    pub fn take(&mut self, record: &[u8], behind: Duration) {
        self.count += 1;
        self.behind_max = self.behind_max.max(behind);
        if self.keep.is_some() {
            self.pending.extend_from_slice(record);
            self.pending.push(b'\n');
        }
    }

    /// Writes what was taken into the file.
    ///
    /// # Errors
    /// When that fails.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        match &mut self.keep {
            Some(keep) if !self.pending.is_empty() => {
                let written = keep.write(&self.pending);
                self.pending.clear();
                written
            }
            _ => Ok(()),
        }
    }

    /// Reports how many records were late; to drop records is not to end with 0.
    pub fn conclude(&self) -> Status {
        if self.count == 0 {
            return Status::Done;
        }
        let records = if self.count == 1 { "late record" } else { "late records" };
        let (count, behind) = (self.count, self.behind_max);
        let (fate, status) = match &self.keep {
            Some(keep) => (format!("kept in {}", keep.path().display()), Status::Done),
            None => ("dropped".to_owned(), Status::Data),
        };
        // Behind a window, nobody knows by how much.
        let (by, waiting) = if behind == Duration::default() {
            let waiting =
                "a larger --out-of-order of window, right before aggregate, waits for them";
            (": the window was closed already".to_owned(), waiting.to_owned())
        } else {
            let waiting = format!("--out-of-order {behind} would have waited for all of them");
            (format!(", up to {behind} behind"), waiting)
        };
        let cure = if status == Status::Done { "" } else { "--late FILE keeps them, and " };
        message::note(&format!("{count} {records} {fate}{by}; {cure}{waiting}"));
        status
    }
}
