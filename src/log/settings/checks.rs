//! What the settings of a topic must be, beside what their types say.

use super::{PARTITIONS_MAX, Settings, VERSION};
use crate::expr::Program;
use crate::log::LogError;
use crate::record::RECORD_BYTES_MAX;

/// The longest `key` or `tombstone` that a topic is given, in bytes. Topics that have longer ones
/// keep them.
pub const EXPRESSION_BYTES_MAX: usize = 4096;

const TOMBSTONE: &str = "tombstone";

impl Settings {
    /// Checks that a topic with the settings `before` can take these.
    pub(in crate::log) fn check_change(
        &self,
        before: &Settings,
        force: bool,
    ) -> Result<(), LogError> {
        let refuse = |why: String| Err(LogError::BadSettings { why });
        if self.key != before.key {
            return refuse(
                "the key cannot be changed, since it decides each record's partition".to_owned(),
            );
        }
        if self.partitions < before.partitions {
            return refuse(format!(
                "{} partitions: the topic has {}, and removing some would lose their records",
                self.partitions, before.partitions
            ));
        }
        match &self.key {
            Some(key) if self.partitions > before.partitions && !force => refuse(format!(
                "adding partitions to a topic with a key: records of one {key} would go to another \
                 partition than earlier ones, and be read out of order; --force adds them anyway"
            )),
            _ => Ok(()),
        }
    }

    /// Checks what the types leave open.
    ///
    /// # Errors
    /// When the version is unknown, a number is out of its range, or the key is no jq expression.
    pub fn check(&self) -> Result<(), LogError> {
        let refuse = |why: String| Err(LogError::BadSettings { why });
        if self.version != VERSION {
            return refuse(format!(
                "it has version {}; this program supports only version {VERSION}",
                self.version
            ));
        }
        if !(1..=PARTITIONS_MAX).contains(&self.partitions) {
            return refuse(format!(
                "{} partitions: a topic has from 1 to {PARTITIONS_MAX}",
                self.partitions
            ));
        }
        if self.segment_bytes == 0 {
            return refuse("a segment of 0 bytes cannot hold records".to_owned());
        }
        if self.segment_ms == Some(0) {
            return refuse("a segment of 0 ms cannot hold records".to_owned());
        }
        match self.record_bytes_max {
            Some(bytes) if bytes == 0 || bytes > RECORD_BYTES_MAX as u64 => {
                return refuse(format!(
                    "records of up to {bytes} bytes: the maximum is {RECORD_BYTES_MAX}, the minimum 1"
                ));
            }
            _ => {}
        }
        self.check_access()?;
        self.check_unique()?;
        self.check_compaction()
    }

    /// Checks the reach of unique keys.
    fn check_unique(&self) -> Result<(), LogError> {
        let reach = [self.unique_ms, self.unique_last, self.unique_max];
        let why = match self.unique() {
            None if reach.iter().any(Option::is_some) => {
                "unique_ms, unique_last and unique_max have no effect without unique"
            }
            None => return Ok(()),
            Some(unique) => match unique.contradiction() {
                Some(why) => why,
                None => return Ok(()),
            },
        };
        Err(LogError::BadSettings { why: why.to_owned() })
    }

    /// Checks what compaction needs; a setting without effect is a misunderstanding.
    fn check_compaction(&self) -> Result<(), LogError> {
        let why = match self {
            Settings { compact: true, key: None, .. } => {
                "compact keeps the last record of each key, and the topic has no key"
            }
            Settings { compact: false, tombstone: Some(_), .. } => {
                "a tombstone has no effect without compact"
            }
            Settings { tombstone: None, tombstone_ms: Some(_), .. } => {
                "tombstone_ms has no effect without a tombstone"
            }
            _ => return Ok(()),
        };
        Err(LogError::BadSettings { why: why.to_owned() })
    }

    /// Checks the expressions when they are set. Topics that already have others keep them.
    ///
    /// # Errors
    /// When one is too long: each list of topics has them all. When one is not jq. When the
    /// tombstone holds for every record: compaction would remove every key.
    pub(in crate::log) fn check_new_expressions(&self) -> Result<(), LogError> {
        let refuse = |why: String| Err(LogError::BadSettings { why });
        for (what, source) in self.expressions() {
            let bytes = source.len();
            if bytes > EXPRESSION_BYTES_MAX {
                return refuse(format!(
                    "the {what} has {bytes} bytes; at most {EXPRESSION_BYTES_MAX}"
                ));
            }
            let program = compile(what, source)?;
            if what == TOMBSTONE
                && let Err(error) = program.check_tells_apart(0)
            {
                return refuse(format!("the {what} would remove every key: {error}"));
            }
        }
        Ok(())
    }

    /// Compiles the expressions, to see that they are jq.
    ///
    /// # Errors
    /// When one is not.
    pub(in crate::log) fn check_expressions(&self) -> Result<(), LogError> {
        self.expressions().try_for_each(|(what, source)| compile(what, source).map(drop))
    }

    /// The expressions, each with its name in messages.
    fn expressions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let (key, tombstone) = (self.key.as_deref(), self.tombstone.as_deref());
        let all = [("key", key), (TOMBSTONE, tombstone), ("unique key", self.unique.as_deref())];
        all.into_iter().filter_map(|(what, source)| Some((what, source?)))
    }
}

fn compile(what: &str, source: &str) -> Result<Program, LogError> {
    Program::compile(&[source]).map_err(|error| LogError::BadSettings {
        why: format!("the {what} is not a jq expression: {error}"),
    })
}
