//! Which files a command line means: paths, and patterns that are expanded here.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::cli::Failure;

/// What was named on the command line.
#[derive(Debug)]
pub(super) struct Targets {
    /// Files that were named as they are.
    files: Vec<PathBuf>,
    patterns: Vec<(PathBuf, Pattern)>,
}

/// As in a shell: what is hidden is named with its dot, and a star does not reach over a slash.
const LIKE_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

impl Targets {
    /// Reads paths; one with `*`, `?` or `[` that is not the name of a file is a pattern.
    ///
    /// # Errors
    /// When a pattern is none, or the working directory is gone.
    pub fn new(paths: &[PathBuf]) -> anyhow::Result<Targets> {
        let mut targets = Targets { files: Vec::new(), patterns: Vec::new() };
        for path in paths {
            let absolute = std::path::absolute(path)?;
            let text = absolute.to_string_lossy();
            if !text.contains(['*', '?', '[']) || absolute.exists() {
                targets.files.push(resolved(&absolute));
                continue;
            }
            let pattern = Pattern::new(&text).map_err(|error| {
                Failure::usage(format!("{}: not a pattern: {}", path.display(), error.msg))
            })?;
            targets.patterns.push((absolute, pattern));
        }
        Ok(targets)
    }

    /// The files that were named as they are.
    pub fn named(&self) -> &[PathBuf] {
        &self.files
    }

    /// Whether files may be meant that are not there yet.
    pub fn have_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// All files that there are, and those that were named as they are.
    pub fn files(&self) -> BTreeSet<PathBuf> {
        let mut all: BTreeSet<PathBuf> = self.files.iter().cloned().collect();
        for (path, _) in &self.patterns {
            // What cannot be looked into has nothing for us.
            let found = glob::glob_with(&path.to_string_lossy(), LIKE_A_SHELL);
            let found = found.into_iter().flatten().flatten();
            all.extend(found.filter(|path| path.is_file()));
        }
        all
    }

    /// Whether a path is one that a pattern means.
    pub fn means(&self, path: &Path) -> bool {
        self.patterns.iter().any(|(_, pattern)| pattern.matches_path_with(path, LIKE_A_SHELL))
    }

    /// The directories in which files that are meant can appear.
    pub fn dirs(&self) -> BTreeSet<PathBuf> {
        let parent = |path: &PathBuf| path.parent().map(Path::to_owned);
        let mut dirs: BTreeSet<PathBuf> = self.files.iter().filter_map(parent).collect();
        for (path, _) in &self.patterns {
            let above = path.ancestors().skip(1).take_while(|dir| is_pattern(dir)).count();
            for dir in path.ancestors().skip(1).take(above + 1) {
                let found = glob::glob_with(&dir.to_string_lossy(), LIKE_A_SHELL);
                let found = found.into_iter().flatten().flatten();
                dirs.extend(found.filter(|path| path.is_dir()));
            }
        }
        dirs
    }
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// The path of a file without links in its directories: names that the kernel tells are so.
fn resolved(path: &Path) -> PathBuf {
    let of_dir = |dir: &Path| -> io::Result<PathBuf> { dir.canonicalize() };
    match (path.parent().map(of_dir), path.file_name()) {
        (Some(Ok(dir)), Some(name)) => dir.join(name),
        _ => path.to_owned(),
    }
}
