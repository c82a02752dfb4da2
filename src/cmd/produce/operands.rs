//! Which operands there are, and which options do not go together with them.

use std::path::PathBuf;

use super::Options;
use crate::cli::Failure;
use crate::cli::pump::in_option;

impl Options {
    /// All operands are FILEs, with --topic-by.
    pub(super) fn with_files(mut self) -> Options {
        let first = std::mem::take(&mut self.topic);
        if self.route.is_on() && !first.is_empty() {
            self.input.files.insert(0, PathBuf::from(first));
        } else {
            self.topic = first;
        }
        self
    }

    /// Refuses what does not go together with operands that are all FILEs.
    pub(super) fn check_operands(&self) -> Result<(), Failure> {
        let reads_files = !(self.topic.is_empty() && self.input.files.is_empty());
        if self.route.is_on() && self.collect.is_on() && self.route.topic_default.is_none() {
            let why = "--topic-by: with --resume, --follow and --spool it needs --topic-default \
                       TOPIC, which is the topic that keeps where each file was left";
            return Err(Failure::usage(why));
        }
        if self.route.is_on() && reads_files && self.collect.spools() {
            let why = "with --topic-by, all operands are FILEs, and --spool takes none";
            return Err(Failure::usage(why));
        }
        if self.route.is_on() && reads_files && self.live.is_on() {
            let why = "with --topic-by, all operands are FILEs, and --listen and --exec take none";
            return Err(Failure::usage(why));
        }
        Ok(())
    }

    /// Refuses what needs inputs one after the other, together with `--merge`.
    pub(super) fn check_merge(&self) -> Result<(), Failure> {
        let others = [
            ("--resume, --follow and --spool", self.collect.is_on()),
            ("--listen and --exec", self.live.is_on()),
            ("--producer", self.producer.is_some()),
            ("$offset", self.enrich.reads_offset()),
        ];
        match others.iter().find(|(_, is_on)| self.merge.merge && *is_on) {
            Some((option, _)) => Err(in_option("--merge", format!("does not go with {option}"))),
            None => Ok(()),
        }
    }
}
