//! Reading our own source for the house rules: a file's code without its tests, comments and texts,
//! and the paths that the code names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One file of src/.
pub struct Source {
    /// Where it is, from the package's root: `src/wire/frame.rs`.
    pub path: String,
    /// All of it.
    pub text: String,
    /// Its code: the unit tests cut off, comments and what is in quotes made blank. Every byte
    /// keeps its line.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let code = blank(&text[..tests_at(text)]);
        Source { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// The first name below src/: `wire` for src/wire/frame.rs, `lib.rs` for src/lib.rs.
    pub fn room(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or_default()
    }

    /// How many modules deep the file is: 1 for src/wire/mod.rs, 2 for src/wire/frame.rs.
    pub fn depth(&self) -> usize {
        let parts = self.path.split('/').count() - 1;
        if self.path.ends_with("/mod.rs") || self.path == "src/lib.rs" { parts - 1 } else { parts }
    }

    /// The lines of the text before the unit tests, numbered.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let count = self.code.lines().count();
        (1..).zip(self.text.lines()).take(count)
    }

    /// What is in quotes before the unit tests, with the line on which it begins.
    pub fn strings(&self) -> Vec<(usize, &str)> {
        let text = &self.text[..tests_at(&self.text)];
        let mut strings = Vec::new();
        let mut at = 0;
        while let Some(first) = text[at..].chars().next() {
            let (kept, blanked) = token(&text[at..], first);
            if blanked > 0 && !text[at..].starts_with('/') {
                strings.push((line_of(text, at), &text[at + kept..at + kept + blanked]));
            }
            at += kept + blanked;
        }
        strings
    }

    /// The lines on which the code has `needle`.
    pub fn lines_with(&self, needle: &str) -> Vec<usize> {
        self.code.match_indices(needle).map(|(at, _)| line_of(&self.code, at)).collect()
    }

    /// Every path that the code names, with its line; `use a::{b, c}` gives `a::b` and `a::c`.
    pub fn paths(&self) -> Vec<(usize, String)> {
        let mut paths = Vec::new();
        let mut at = 0;
        while let Some(start) = next_word(&self.code, at) {
            at = tree(&self.code, start, "", &mut paths);
        }
        let line_ends: Vec<usize> = self.code.match_indices('\n').map(|(at, _)| at).collect();
        let line = |at| line_ends.partition_point(|&end| end < at) + 1;
        paths.into_iter().map(|(at, path)| (line(at), path)).collect()
    }
}

/// The package's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All of src/, but for modules that are there only for tests.
pub fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    walk(&root().join("src"), &mut files);
    files.sort();
    let mut sources: Vec<Source> = files
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| Source::new(&relative(path), &fs::read_to_string(path).unwrap()))
        .collect();
    let tests: Vec<String> = sources.iter().flat_map(test_modules).collect();
    sources.retain(|source| {
        !tests.iter().any(|test| {
            source.path == format!("{test}.rs") || source.path.starts_with(&format!("{test}/"))
        })
    });
    sources
}

/// The places, without `.rs`, of the modules that a file declares for tests only.
pub fn test_modules(source: &Source) -> Vec<String> {
    let dir = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
    for_tests(&source.text)
        .filter_map(|(_, item)| item.strip_suffix(';')?.split(' ').next_back())
        .map(|module| format!("{}/{module}", dir.trim_end_matches("/lib")))
        .collect()
}

/// The files that belong to the project: those that git knows, or would add.
pub fn tracked() -> Vec<String> {
    let git = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root())
        .output();
    match git {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter(|path| root().join(path).is_file())
            .map(str::to_owned)
            .collect(),
        // Not a checkout, but an unpacked package: all of it is the project's.
        _ => {
            let mut files = Vec::new();
            walk(root(), &mut files);
            files.iter().map(|path| relative(path)).collect()
        }
    }
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files.push(path);
        } else if path != root().join("target") {
            walk(&path, files);
        }
    }
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

/// Where a file's unit tests begin: at the first module of them that has its code here.
fn tests_at(text: &str) -> usize {
    for_tests(text).find(|(_, item)| item.ends_with('{')).map_or(text.len(), |(at, _)| at)
}

/// The modules of a file that are there only for tests: where each is, and its first line.
fn for_tests(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let attribute = "#[cfg(test)]\n";
    text.match_indices(attribute).filter_map(move |(at, _)| {
        let item = text[at + attribute.len()..].lines().next()?;
        let module = item.starts_with("mod ") || item.starts_with("pub") && item.contains(" mod ");
        module.then_some((at, item))
    })
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Makes comments and the inside of strings blank; line ends stay.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kept, blanked) = token(rest, first);
        out.push_str(&rest[..kept]);
        out.extend(rest[kept..kept + blanked].chars().map(|c| if c == '\n' { c } else { ' ' }));
        rest = &rest[kept + blanked..];
    }
    out
}

/// How much of the text's first token to keep, and how much behind that to make blank.
fn token(text: &str, first: char) -> (usize, usize) {
    let until = |end: &str, from: usize| {
        text[from..].find(end).map_or(text.len() - from, |at| at + end.len())
    };
    if text.starts_with("//") {
        return (0, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (0, 2 + until("*/", 2));
    }
    if let Some(raw) = text.strip_prefix('r').filter(|raw| raw.starts_with(['#', '"'])) {
        let hashes = raw.bytes().take_while(|&byte| byte == b'#').count();
        let open = 2 + hashes;
        if raw[hashes..].starts_with('"') {
            return (open, until(&format!("\"{}", "#".repeat(hashes)), open));
        }
    }
    if first == '"' {
        return (1, string_bytes(&text[1..]));
    }
    if first == '\'' {
        // A character, not a lifetime.
        let quoted = text[1..]
            .find('\'')
            .filter(|&end| text[1..].starts_with('\\') || text[1..1 + end].chars().count() == 1);
        if let Some(end) = quoted {
            let escaped_quote = text[1..].starts_with("\\'");
            return (1, if escaped_quote { 3 } else { end + 1 });
        }
    }
    // A whole word, so that the r of `for` does not begin a raw string.
    let word = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let byte_string = matches!(&text[..word], "b" | "br" | "c" | "cr");
    (
        if word == 0 {
            first.len_utf8()
        } else if byte_string {
            1
        } else {
            word
        },
        0,
    )
}

/// The bytes of a string up to and with its closing quote.
fn string_bytes(inside: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    inside.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where the next word begins, at or after `at`.
fn next_word(code: &str, at: usize) -> Option<usize> {
    code[at..].find(is_word).map(|found| at + found)
}

/// Reads the path that begins at `at`, and the tree of paths if it ends in a group, each with where
/// it begins; returns where it ended.
fn tree(code: &str, mut at: usize, prefix: &str, paths: &mut Vec<(usize, String)>) -> usize {
    let start = at;
    let mut path = prefix.to_owned();
    loop {
        let word = code[at..].find(|c| !is_word(c)).map_or(code.len(), |end| at + end);
        path.push_str(&code[at..word]);
        at = word;
        if !code[at..].starts_with("::") {
            break;
        }
        path.push_str("::");
        at += 2;
        if code[at..].starts_with('{') {
            return group(code, at + 1, &path, paths);
        }
        if !code[at..].starts_with(is_word) {
            break;
        }
    }
    paths.push((start, path));
    at.max(start + 1)
}

fn group(code: &str, mut at: usize, prefix: &str, paths: &mut Vec<(usize, String)>) -> usize {
    while let Some(found) = code[at..].find(|c| is_word(c) || c == '}') {
        at += found;
        if code[at..].starts_with('}') {
            return at + 1;
        }
        at = tree(code, at, prefix, paths);
    }
    code.len()
}
