//! What is generated and checked in is what would be generated now: man/ and completions/.
//! With MILLSTREAM_UPDATE=1 in the environment (scripts/generate), it is made so instead.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::roff::{self, Head};
use crate::common;
use millstream::cli::Tool;
use millstream::cli::pages::{Page, render};
use millstream::cmd::{program, tools};

const DIRS: [&str; 2] = ["man", "completions"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files that are there, as paths from the root.
fn present() -> BTreeSet<String> {
    DIRS.iter()
        .filter_map(|dir| Some((dir, fs::read_dir(root().join(dir)).ok()?)))
        .flat_map(|(dir, entries)| {
            entries.map(move |entry| {
                let name = entry.expect("an entry").file_name();
                format!("{dir}/{}", name.to_string_lossy())
            })
        })
        .collect()
}

fn write(pages: &[Page]) {
    let wanted: BTreeSet<String> = pages.iter().map(|page| page.path.clone()).collect();
    for path in present().difference(&wanted) {
        fs::remove_file(root().join(path)).expect("the old page is removed");
    }
    for page in pages {
        let path = root().join(&page.path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("the directory is made");
        fs::write(path, &page.text).expect("the page is written");
    }
}

/// Where a page of its own comes from, and its head.
const OF_MARKDOWN: [(&str, Head<'_>); 5] = [
    (
        "README.md",
        Head {
            name: "millstream",
            section: 7,
            about: "overview and tutorial: stream processing from the shell",
            without: &["Install", "More"],
            see_also: &[
                "millstream(1)",
                "millstream-windows(7)",
                "millstream-format(5)",
                "millstream-protocol(7)",
            ],
        },
    ),
    (
        "docs/WINDOWS.md",
        Head {
            name: "millstream-windows",
            section: 7,
            about: "event time, watermarks, windows and their results",
            without: &[],
            see_also: &["window(1)", "aggregate(1)", "millstream(7)"],
        },
    ),
    (
        "docs/COOKBOOK.md",
        Head {
            name: "millstream-cookbook",
            section: 7,
            about: "short recipes",
            without: &[],
            see_also: &["millstream(7)", "millstream-windows(7)"],
        },
    ),
    (
        "docs/FORMAT.md",
        Head {
            name: "millstream-format",
            section: 5,
            about: "the log on disk, byte by byte",
            without: &[],
            see_also: &["log-serve(1)", "log-admin(1)", "millstream-protocol(7)"],
        },
    ),
    (
        "docs/PROTOCOL.md",
        Head {
            name: "millstream-protocol",
            section: 7,
            about: "the protocol on the socket of log-serve",
            without: &[],
            see_also: &["log-serve(1)", "subscribe(1)", "millstream-format(5)"],
        },
    ),
];

/// All pages: those of the options, and those of docs/.
fn all() -> Vec<Page> {
    let mut pages = render(program()).expect("pages are made");
    for (path, head) in &OF_MARKDOWN {
        let markdown = fs::read_to_string(root().join(path)).expect("a page");
        let path = format!("man/{}.{}", head.name, head.section);
        pages.push(Page { path, text: roff::page(head, &markdown).into_bytes() });
    }
    pages
}

#[test]
fn pages_are_fresh() {
    let pages = all();
    if std::env::var_os("MILLSTREAM_UPDATE").is_some() {
        write(&pages);
    }
    let mut stale = present();
    for page in &pages {
        if fs::read(root().join(&page.path)).is_ok_and(|text| text == page.text) {
            stale.remove(&page.path);
        } else {
            stale.insert(page.path.clone());
        }
    }
    assert!(stale.is_empty(), "run scripts/generate; these files are not fresh: {stale:?}");
}

/// Every tool has a name on the PATH, and the other way round; the program is beside them.
#[test]
fn every_tool_has_a_name_and_pages() {
    let mains: BTreeSet<String> = fs::read_dir(root().join("src/bin"))
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let listed = tools().into_iter().filter(Tool::is_named).map(|tool| tool.name().to_owned());
    let listed: BTreeSet<String> = listed.chain(["millstream".to_owned()]).collect();
    assert_eq!(listed, mains, "src/bin/ and tools() of src/cmd/mod.rs differ");
    for tool in tools() {
        assert_eq!(tool.name(), tool.command().get_name());
    }
}

/// Every tool's help ends with examples, all in one form: a command, and deeper what it does.
#[test]
fn every_tool_has_examples() {
    for command in tools().iter().map(Tool::command).chain([program()]) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = help.split("Examples:\n").nth(1).unwrap_or_default();
        let examples: Vec<&str> = examples.lines().take_while(|line| !line.is_empty()).collect();
        let name = command.get_name();
        assert!(examples.len() >= 4, "{name}: too few examples");
        for pair in examples.chunk_by(|_, line| line.starts_with("      ")) {
            let form = pair.len() > 1 && pair[0].starts_with("  ") && !pair[0].starts_with("   ");
            assert!(form, "{name}: {pair:?}");
        }
    }
}

/// Bash is where the tests run anyway; the other shells' files come from the same generator.
#[test]
fn bash_takes_its_completions() {
    for page in render(program()).expect("pages are made") {
        if page.path.ends_with(".bash") {
            let checked = common::run(Command::new("bash").arg("-n"), &page.text);
            assert_eq!((checked.status, checked.stderr.as_str()), (0, ""), "{}", page.path);
        }
    }
}

/// What the programs that show manual pages say of ours.
#[test]
fn manual_pages_are_in_form() {
    if std::env::var_os("MILLSTREAM_UPDATE").is_some() {
        // They are being written just now.
        return;
    }
    let pages: Vec<String> = all().into_iter().map(|page| page.path).collect();
    // One that is missing is not fresh.
    let present = pages.iter().filter(|path| root().join(path).is_file());
    let pages: Vec<&str> = present.filter_map(|path| path.strip_prefix("man/")).collect();
    for (program, args) in [
        ("groff", &["-man", "-ww", "-z", "-Tutf8"][..]),
        ("mandoc", &["-T", "lint", "-W", "warning"]),
    ] {
        let mut command = Command::new(program);
        command.args(args).args(&pages).current_dir(root().join("man"));
        let Ok(output) = command.output() else {
            println!("left out: there is no {program}");
            continue;
        };
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        // The same options give the same pages on every day.
        let of_substance = |line: &&str| !line.contains("missing date");
        let said: Vec<&str> = said.lines().filter(of_substance).collect();
        assert!(said.is_empty(), "{program}: {said:#?}");
    }
}
