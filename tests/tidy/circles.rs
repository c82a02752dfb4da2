//! Circles of files: files that need each other to be understood, because each imports the next and
//! the last imports the first. New ones are refused; those that exist are listed with their reason.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;

/// The circles that exist, each with the reason why it is left. Most are pairs: two halves of one
/// idea, in files of their own because both are long.
pub const CIRCLES: [(&[&str], &str); 12] = [
    (
        &["src/record/decode.rs", "src/record/lines.rs"],
        "the trait of decoders says what its first implementation does",
    ),
    (
        &["src/time/event_time.rs", "src/time/format.rs"],
        "one way of reading event times, with a large part in a file of its own",
    ),
    (
        &["src/log/access.rs", "src/log/settings.rs"],
        "a setting says who may read; its value is read as all settings are",
    ),
    (
        &["src/log/directory.rs", "src/log/read/read_only.rs"],
        "a data directory, opened for writing or for reading only",
    ),
    (
        &["src/log/maintenance/due.rs", "src/log/topic.rs"],
        "a topic starts the work that is due, which works on the topic",
    ),
    (
        &["src/log/read/cursor.rs", "src/log/read/reader.rs"],
        "a reader hands out cursors, which read through it",
    ),
    (
        &["src/log/recover/reconcile.rs", "src/log/recover/recovery.rs"],
        "recovery of a partition, with one of its steps in a file of its own",
    ),
    (
        &["src/log/recover/repair.rs", "src/log/recover/verify.rs"],
        "a repair verifies first, and a verification says what a repair would do",
    ),
    (&["src/expr/jaq/dates.rs", "src/expr/jaq/strptime.rs"], "jq's functions of dates"),
    (
        &["src/expr/jaq/order.rs", "src/expr/jaq/rewrite.rs"],
        "a rewriting of expressions, with one rule in a file of its own",
    ),
    (&["src/expr/jaq/val/held.rs", "src/expr/jaq/val/text.rs"], "jq's strings and what they take"),
    (&["src/expr/jaq/val/mod.rs", "src/expr/jaq/write.rs"], "values are shown as they are written"),
];

/// For each file the files that it imports from.
pub type Imports = BTreeMap<String, BTreeSet<String>>;

/// Which file imports from which. A module and the modules below it count as one idea: what these
/// import from each other is left out. A re-export in a `mod.rs` is an import from the
/// file that has the item.
pub fn imports(sources: &[Source]) -> Imports {
    let modules = Modules::of(sources);
    sources
        .iter()
        .map(|source| {
            let here = module(&source.path);
            let files = source.paths().into_iter().filter_map(|(_, path)| {
                let target = modules.find(modules.absolute(&here, &path)?)?;
                let file = modules.files.get(&target)?;
                let related = here.starts_with(&target) || target.starts_with(&here);
                (!related && *file != source.path).then(|| (*file).to_owned())
            });
            (source.path.clone(), files.collect())
        })
        .collect()
}

/// The circles among the files, each sorted.
pub fn circles(imports: &Imports) -> BTreeSet<Vec<&str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|file| (file.as_str(), reached(imports, file))).collect();
    let together = |a: &str, b: &str| reached[a].contains(b) && reached[b].contains(a);
    reached
        .iter()
        .map(|(file, others)| others.iter().copied().filter(|o| together(file, o)).collect())
        .filter(|circle: &Vec<&str>| circle.len() > 1)
        .collect()
}

/// All files that are imported by `file`, directly or by way of others.
fn reached<'a>(imports: &'a Imports, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = vec![file];
    while let Some(file) = open.pop() {
        for next in imports.get(file).into_iter().flatten() {
            if reached.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    reached
}

/// The words of a module's or an item's path from the crate's root.
type Words = Vec<String>;

/// Modules, where they are, and what they re-export.
struct Modules<'a> {
    files: BTreeMap<Words, &'a str>,
    /// What a folder's `mod.rs` imports or re-exports: the name there, and what it means.
    names: BTreeMap<Words, Words>,
}

impl<'a> Modules<'a> {
    fn of(sources: &'a [Source]) -> Modules<'a> {
        let files = sources.iter().map(|source| (module(&source.path), &source.path[..])).collect();
        let mut modules = Modules { files, names: BTreeMap::new() };
        for source in sources.iter().filter(|source| source.path.ends_with("mod.rs")) {
            let here = module(&source.path);
            for (name, path) in used(&source.code) {
                if let Some(means) = modules.absolute(&here, &path) {
                    modules.names.insert([&here[..], &[name]].concat(), means);
                }
            }
        }
        modules
    }

    /// A path as seen from the crate's root, if it is one of ours.
    fn absolute(&self, here: &[String], path: &str) -> Option<Words> {
        let words: Words =
            path.split("::").filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let (first, rest) = words.split_first()?;
        match first.as_str() {
            "crate" | "millstream" => Some(rest.to_vec()),
            "self" => Some([here, rest].concat()),
            "super" => {
                let supers = words.iter().take_while(|word| *word == "super").count();
                Some([here.get(..here.len().checked_sub(supers)?)?, &words[supers..]].concat())
            }
            _ => {
                let below = [here, &words[..]].concat();
                self.files.contains_key(&below[..here.len() + 1]).then_some(below)
            }
        }
    }

    /// The module that has an item; re-exports are followed.
    fn find(&self, mut path: Words) -> Option<Words> {
        for _ in 0..8 {
            let words =
                (1..=path.len()).rev().find(|&words| self.files.contains_key(&path[..words]))?;
            match path.get(..=words).and_then(|name| self.names.get(name)) {
                Some(means) => path = [&means[..], &path[words + 1..]].concat(),
                None => return Some(path[..words].to_vec()),
            }
        }
        None
    }
}

/// What the `use` items of a file give a name: each name, and the path that it means.
fn used(code: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let is_item = code[..at].ends_with(['\n', ' ']) || at == 0;
        let Some(end) = code[at..].find(';').filter(|_| is_item) else { continue };
        let item = Source::new("", &code[at + 4..at + end]);
        let mut paths = item.paths().into_iter().map(|(_, path)| path).peekable();
        let last = |path: &str| path.rsplit("::").next().unwrap_or_default().to_owned();
        while let Some(path) = paths.next() {
            let name = match paths.next_if(|next| last(next) == "as") {
                Some(_) => paths.next().map(|alias| last(&alias)).unwrap_or_default(),
                None => last(&path),
            };
            match path.strip_suffix("::self") {
                Some(module) => found.push((last(module), module.to_owned())),
                None => found.push((name, path)),
            }
        }
    }
    found
}

/// The module of a file: `wire`, `frame` for `src/wire/frame.rs`.
fn module(path: &str) -> Words {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// The rule finds what it is there to find.
mod rules {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> =
            files.iter().map(|(path, text)| Source::new(path, text)).collect();
        let imports = imports(&sources);
        circles(&imports).into_iter().map(|circle| circle.join(" ")).collect()
    }

    #[test]
    fn circles_are_found_however_they_are_written() {
        let (a, b) = ("src/log/a.rs", "src/log/b.rs");
        let both = [format!("{a} {b}")];
        assert_eq!(found(&[(a, "use super::b::B;\n"), (b, "use crate::log::a::{A, C};\n")]), both);
        assert_eq!(found(&[(a, "fn f() { super::b::f() }\n"), (b, "use super::a;\n")]), both);
        assert!(found(&[(a, "use super::b;\n"), (b, "// super::a::f\n")]).is_empty());
        let tests = "#[cfg(test)]\nmod tests {\n    use super::super::a::A;\n}\n";
        assert!(found(&[(a, "use super::b;\n"), (b, tests)]).is_empty());
    }

    #[test]
    fn circles_of_three_are_found_whole() {
        let files = [
            ("src/log/a.rs", "use super::b;\n"),
            ("src/log/b.rs", "use super::c;\n"),
            ("src/log/c.rs", "use super::a;\n"),
            ("src/log/d.rs", "use super::a;\n"),
        ];
        assert_eq!(found(&files), ["src/log/a.rs src/log/b.rs src/log/c.rs"]);
    }

    #[test]
    fn re_exports_are_followed() {
        let (folder, a, b) = ("src/log/mod.rs", "src/log/a.rs", "src/wire/b.rs");
        let both = [format!("{a} {b}")];
        for names in ["pub use a::{A, B as C};\n", "pub(crate) use self::a::{C};\n"] {
            let files =
                [(folder, names), (a, "use crate::wire::b;\n"), (b, "use crate::log::C;\n")];
            assert_eq!(found(&files), both, "{names}");
        }
    }

    #[test]
    fn a_folder_and_its_files_are_one_idea() {
        let files = [("src/log/mod.rs", "use a::A;\n"), ("src/log/a.rs", "use super::B;\n")];
        assert!(found(&files).is_empty());
    }
}
