//! Telling the aggregates on the command line from the files behind them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::aggregate::AggregateSpec;
use crate::aggregate::functions::function::Function;
use crate::cli::Failure;

/// Tells aggregates from files; `exists` says which files there are.
///
/// # Errors
/// When an argument is neither, or there is no aggregate among them.
pub fn sort_out(
    arguments: &[OsString],
    exists: impl Fn(&Path) -> bool,
) -> Result<(Vec<AggregateSpec>, Vec<PathBuf>), Failure> {
    let mut aggregates = Vec::new();
    let mut rest = arguments;
    while let Some((argument, behind)) = rest.split_first() {
        match read(argument) {
            Ok(Some(aggregate)) => aggregates.push(aggregate),
            Err(_) if exists(Path::new(argument)) => break,
            Err(why) => return Err(why),
            Ok(None) => break,
        }
        rest = behind;
    }
    for argument in rest.iter().filter(|argument| *argument != "-") {
        if !exists(Path::new(argument)) {
            check_missing(argument)?;
        }
    }
    if aggregates.is_empty() {
        return Err(Failure::usage(
            "no aggregate is given; name one before the files, like count or avg(.field)",
        ));
    }
    Ok((aggregates, rest.iter().map(PathBuf::from).collect()))
}

fn read(argument: &OsString) -> Result<Option<AggregateSpec>, Failure> {
    let Some(text) = argument.to_str() else { return Ok(None) };
    AggregateSpec::parse(text).map_err(|error| Failure::usage(error.to_string()))
}

/// Finds out whether what stands for a file, but is none, was meant as an aggregate.
fn check_missing(argument: &OsString) -> Result<(), Failure> {
    let text = argument.to_string_lossy();
    if read(argument)?.is_some() {
        let why = format!("'{text}' is an aggregate after a file; put all aggregates first");
        return Err(Failure::usage(why));
    }
    match Function::nearest(&text) {
        None => Ok(()),
        Some(function) => Err(Failure::usage(format!(
            "'{text}' is neither an aggregate nor a file; did you mean {}?",
            function.name
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sorts arguments out where only the files named `here*` exist.
    fn sorted(arguments: &[&str]) -> Result<(Vec<String>, Vec<PathBuf>), String> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let exists = |path: &Path| path.to_string_lossy().starts_with("here");
        sort_out(&arguments, exists)
            .map(|(aggregates, files)| (aggregates.into_iter().map(|a| a.text).collect(), files))
            .map_err(|error| error.to_string())
    }

    fn parts(aggregates: &[&str], files: &[&str]) -> Result<(Vec<String>, Vec<PathBuf>), String> {
        let aggregates = aggregates.iter().map(|text| (*text).to_owned()).collect();
        Ok((aggregates, files.iter().map(PathBuf::from).collect()))
    }

    #[test]
    fn aggregates_come_first_then_files() {
        assert_eq!(sorted(&["count", "avg(.x)"]), parts(&["count", "avg(.x)"], &[]));
        assert_eq!(sorted(&["count", "here", "-"]), parts(&["count"], &["here", "-"]));
        assert_eq!(sorted(&["count", "gone.csv"]), parts(&["count"], &["gone.csv"]));
        assert_eq!(sorted(&["count", "here(1).gz"]), parts(&["count"], &["here(1).gz"]));
        assert_eq!(
            sorted(&["count", "-", "count"]).err().as_deref(),
            Some("'count' is an aggregate after a file; put all aggregates first")
        );
    }

    #[test]
    fn a_slip_is_no_missing_file() {
        for (arguments, why) in [
            (vec!["avgg(.x)"], "'avgg(.x)': there is no aggregate 'avgg'; did you mean avg?"),
            (vec!["count", "agv(.x)"], "'agv(.x)': there is no aggregate 'agv'; did you mean avg?"),
            (vec!["cuont"], "'cuont' is neither an aggregate nor a file; did you mean count?"),
            (
                vec!["count", "here", "max(.x)"],
                "'max(.x)' is an aggregate after a file; put all aggregates first",
            ),
            (vec!["count", "sum"], "'sum': sum needs an expression; write it like sum(.field)"),
            (vec![], "no aggregate is given; name one before the files, like count or avg(.field)"),
            (
                vec!["here"],
                "no aggregate is given; name one before the files, like count or avg(.field)",
            ),
        ] {
            assert_eq!(sorted(&arguments).err().as_deref(), Some(why));
        }
    }
}
