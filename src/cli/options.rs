//! Options that several tools share, each defined once.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::format_options::FormatOptions;
use super::merged::MergePlan;
use super::progress::ProgressOptions;
use super::rejects::Tally;
use super::{Failure, Status};
use crate::ingest::formats::Choice;
use crate::record::RECORD_BYTES_MAX;

/// Where records come from, and what becomes of bad ones.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Input")]
pub struct InputOptions {
    /// Read these files in order, not standard input (-); gzip and zstd files are decompressed
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = None)]
    pub files: Vec<PathBuf>,

    /// Append bad lines to FILE and continue, instead of stopping at the first one
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub rejects: Option<PathBuf>,

    /// How many bad lines there were that did not stop the tool.
    #[arg(skip)]
    pub rejected: Tally,

    /// Refuse records longer than SIZE
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "16MiB")]
    pub max_record: u64,

    /// The format of the input.
    #[command(flatten)]
    pub format: FormatOptions,

    /// How FILEs are merged, if they are.
    #[arg(skip)]
    pub merge: Option<Arc<MergePlan>>,

    /// Whether progress through FILEs is shown.
    #[command(flatten)]
    pub progress: ProgressOptions,
}

impl InputOptions {
    /// The same for inputs that come from elsewhere than FILEs.
    #[must_use]
    pub fn without_files(&self) -> InputOptions {
        InputOptions { files: Vec::new(), ..self.clone() }
    }

    /// The longest record to accept, in bytes.
    pub fn record_bytes_max(&self) -> usize {
        usize::try_from(self.max_record).unwrap_or(RECORD_BYTES_MAX)
    }

    /// The format of the input.
    ///
    /// # Errors
    /// When its options make no sense.
    pub fn choice(&self) -> Result<Choice, Failure> {
        self.format.choice(self.record_bytes_max())
    }
}

/// Whether log-serve may read and write a tool's own pipes, which spares the tool's process.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Log")]
pub struct LendOptions {
    /// Do not let log-serve use this tool's pipe; $MILLSTREAM_NO_LEND does the same
    #[arg(hide_short_help = true)]
    #[arg(long)]
    no_lend: bool,
}

impl LendOptions {
    /// Whether a pipe may be lent, in either direction: not with the option, nor where the
    /// environment says so for all tools, to find out whether a fault comes of lending.
    pub fn allowed(self) -> bool {
        let off = std::env::var_os("MILLSTREAM_NO_LEND").is_some_and(|value| !value.is_empty());
        !self.no_lend && !off
    }
}

/// Where the log is.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Log")]
pub struct DataOptions {
    /// The log's directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]
    #[arg(long, global = true, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub data: Option<PathBuf>,
}

impl DataOptions {
    /// The directory that the option, or else the environment, names.
    ///
    /// # Errors
    /// When neither names one and there is no home directory either.
    pub fn dir(&self) -> Result<PathBuf, Failure> {
        let var =
            |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        self.data
            .clone()
            .or_else(|| var("MILLSTREAM_DIR"))
            .or_else(|| var("XDG_DATA_HOME").map(|dir| dir.join("millstream")))
            .or_else(|| var("HOME").map(|dir| dir.join(".local/share/millstream")))
            .ok_or_else(|| Failure::usage("no directory for the log; name one with --data DIR"))
    }

    /// The same directory, made with these permissions if it is not there: for a tool that writes
    /// the log.
    ///
    /// # Errors
    /// When there is none to name, or it cannot be made.
    pub fn made_dir(&self, mode: u32) -> Result<PathBuf, Failure> {
        let dir = self.dir()?;
        let made = DirBuilder::new().recursive(true).mode(mode).create(&dir);
        made.map_err(|error| {
            let status = match Status::of_io(&error) {
                Status::NotPermitted => Status::NotPermitted,
                _ => Status::CantCreate,
            };
            Failure::new(status, format!("{}: cannot create the directory: {error}", dir.display()))
        })?;
        Ok(dir)
    }
}

/// Reads a size in bytes: a number, alone or with one of the units k, M, G, T (powers of 1024; KiB,
/// MiB, GiB, TiB mean the same) or kB, MB, GB, TB (powers of 1000). It may have a fraction, as in
/// 1.5G, of which less than a byte is left out.
///
/// # Errors
/// When the text is not of this form, or the size does not fit in 63 bits.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit.trim() {
        "" | "B" => 1,
        "k" | "K" | "KiB" => 1 << 10,
        "M" | "MiB" => 1 << 20,
        "G" | "GiB" => 1 << 30,
        "T" | "TiB" => 1 << 40,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return Err(format!("'{text}' is not a size; write it like 512k, 16MiB or 1.5G")),
    };
    let malformed = || format!("'{text}' is not a size; write it like 512k, 16MiB or 1.5G");
    let too_large = || format!("'{text}' is too large");
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return Err(malformed());
    }
    let whole: u64 = whole.parse().map_err(|_| too_large())?;
    // A nanobyte of the largest unit is beyond what anybody writes.
    let billionths = fraction.get(..9).unwrap_or(fraction);
    let part = billionths.parse::<u128>().map_err(|_| malformed())? * u128::from(scale);
    let part = part / 10_u128.pow(u32::try_from(billionths.len()).unwrap_or_default());
    let bytes = u128::from(whole) * u128::from(scale) + part;
    i64::try_from(bytes).map(i64::unsigned_abs).map_err(|_| too_large())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_and_decimal_units() {
        assert_eq!(parse_bytes("17"), Ok(17));
        assert_eq!(parse_bytes("512k"), Ok(512 << 10));
        assert_eq!(parse_bytes("16MiB"), Ok(16 << 20));
        assert_eq!(parse_bytes("2GB"), Ok(2_000_000_000));
        assert_eq!(parse_bytes("1T"), Ok(1 << 40));
        assert_eq!(parse_bytes("1.5G"), Ok(3 << 29));
        assert_eq!(parse_bytes("0.5TB"), Ok(500_000_000_000));
        assert_eq!(parse_bytes("1.9"), Ok(1));
        assert_eq!(parse_bytes("0.3333333333333k"), Ok(341));
        for bad in
            ["", "k", "-1", "1.M", ".5M", "1.2.3", "1X", "99999999999G", "99999999999999999999"]
        {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }
}
