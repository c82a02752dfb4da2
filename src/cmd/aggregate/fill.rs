//! `aggregate --fill`: windows without records.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::aggregate::{Filling, GroupSpec, ListedGroups};
use crate::cli::Failure;
use crate::cli::pump::in_option;
use crate::time::Duration;

/// How many results are added at once, if nothing else is said.
const ROWS_MAX: usize = 100_000;

/// Which results are added.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Windows")]
pub struct FillOptions {
    /// Report windows without records, too: with counts, sums and rates of 0
    ///
    /// From the first window with a record to the last one, as far as the watermark. With --idle,
    /// which is an option of window where that comes before aggregate, it continues while no records
    /// arrive.
    #[arg(hide_short_help = true)]
    #[arg(long, conflicts_with = "over")]
    fill: bool,

    /// With --fill: report a group until windows end DURATION after its last window with a record
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "DURATION", requires = "fill", allow_hyphen_values = true)]
    fill_for: Option<Duration>,

    /// With --fill and --by: always report the groups in FILE, an object with their fields a line
    #[arg(hide_short_help = true)]
    #[arg(
        long, value_name = "FILE", requires = "fill", requires = "by",
        value_hint = clap::ValueHint::FilePath
    )]
    fill_groups: Option<PathBuf>,

    /// With --fill: stop when more than N results would be added at once
    #[arg(help_heading = "Limits", hide_short_help = true)]
    #[arg(long, value_name = "N", default_value_t = ROWS_MAX, requires = "fill")]
    max_fill: usize,
}

impl FillOptions {
    /// Which results are added for these groups, if any are.
    ///
    /// # Errors
    /// When it is not said for which groups; when a file is not readable, or lists no groups.
    pub fn filling(&self, groups: &[GroupSpec]) -> anyhow::Result<Option<Filling>> {
        if !self.fill {
            return Ok(None);
        }
        if !groups.is_empty() && self.fill_for.is_none() && self.fill_groups.is_none() {
            let why = "with --by, it must be known for which groups; add --fill-for DURATION, like \
                       --fill-for 1h, or --fill-groups FILE";
            return Err(in_option("--fill", why).into());
        }
        let always = match &self.fill_groups {
            Some(path) => listed(path, groups)?,
            None => Vec::new(),
        };
        let lasts_ms = match self.fill_for {
            Some(lasts) => Some(lasts.ms()),
            None => groups.is_empty().then_some(i64::MAX),
        };
        Ok(Some(Filling { lasts_ms, always, rows_max: self.max_fill }))
    }
}

/// The keys of the groups in a file.
fn listed(path: &Path, groups: &[GroupSpec]) -> anyhow::Result<Vec<Vec<u8>>> {
    let text = std::fs::read(path).with_context(|| path.display().to_string())?;
    let mut listed = ListedGroups::new(groups).map_err(|error| in_option("--by", error))?;
    let mut keys = Vec::new();
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let place = || format!("--fill-groups: {}:{}", path.display(), at + 1);
        let key = listed.key(line).map_err(|error| in_option(&place(), error))?;
        keys.push(key);
    }
    match keys.is_empty() {
        true => Err(Failure::usage(format!("--fill-groups: {}: no groups", path.display())).into()),
        false => Ok(keys),
    }
}
