//! Every recipe of docs/COOKBOOK.md, run by itself, prints what the page shows; and
//! `millstream help` prints recipes.

use std::process::{Command, Stdio};

use super::readme::{Shown, agrees, run, shown};
use crate::common;
use crate::common::tool;
use millstream::cmd::cookbook::recipes;

const PAGE: &str = include_str!("../../../docs/COOKBOOK.md");

/// Programs that recipes need, and a command that shows whether they can be used.
const NEEDED: [(&str, &str); 4] = [
    ("sqlite3 ", "sqlite3 --version"),
    ("psql ", "psql -qAtc 'select 1'"),
    ("duckdb ", "duckdb --version"),
    ("ssh ", "ssh -o BatchMode=yes -o ConnectTimeout=1 localhost command -v produce"),
];

/// What is missing for a recipe, if something is.
fn missing(recipe: &str) -> Option<&'static str> {
    let needed = NEEDED.iter().find(|(program, _)| recipe.contains(program))?;
    let mut check = Command::new("sh");
    check.args(["-c", needed.1]).stdin(Stdio::null()).stdout(Stdio::null());
    let works = check.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    (!works).then_some(needed.0.trim())
}

#[test]
fn every_recipe_prints_what_the_page_shows() {
    let mut recipes = PAGE.split("\n### ").skip(1);
    let files = shown(recipes.next().unwrap());
    let mut wrong = String::new();
    let mut count = 0;
    for recipe in recipes {
        count += 1;
        let name = recipe.split(':').next().unwrap();
        if let Some(program) = missing(recipe) {
            println!("{name}: left out: {program} is missing, or cannot be used here");
            continue;
        }
        let commands: Vec<Shown> =
            shown(PAGE.split("\n### ").nth(1).unwrap()).into_iter().chain(shown(recipe)).collect();
        let dir = tempfile::tempdir().unwrap();
        let output = run(&commands, dir.path());
        let parts: Vec<&str> = output.split('\x1e').collect();
        assert_eq!(parts.len(), commands.len() + 1, "{name} broke off:\n{output}");
        for (shown, part) in commands.iter().zip(parts).skip(files.len()) {
            let lines: Vec<&str> = part.lines().collect();
            let same = lines.len() == shown.output.len()
                && lines.iter().zip(&shown.output).all(|(line, shown)| agrees(line, shown));
            if !same {
                wrong += &format!("{name}: $ {}\n{part}\n", shown.command);
            }
        }
    }
    assert!(count >= 40, "{count}");
    assert!(wrong.is_empty(), "these commands print something else:\n{wrong}");
}

#[test]
fn help_prints_recipes_and_suggests_their_names() {
    let help = |args: &[&str]| common::run(&mut tool("millstream", args), "");
    for recipe in recipes() {
        assert_eq!(help(&["help", &recipe.name]).good(), recipe.text);
    }
    let gap = help(&["help", "gap"]).good();
    assert!(gap.starts_with("The time since the record before\n\nIn seconds;"), "{gap}");
    let all = help(&["help"]).good();
    assert!(all.contains("  gap             The time since the record before\n"), "{all}");
    for (name, said) in [
        (
            "dedup",
            "there is no tool or recipe 'dedup'; did you mean 'dedupe'? 'millstream --help' lists all",
        ),
        (
            "fliter",
            "there is no tool or recipe 'fliter'; did you mean 'filter'? 'millstream --help' lists all",
        ),
        ("zzz", "there is no tool or recipe 'zzz'; 'millstream --help' lists all"),
    ] {
        let ran = help(&["help", name]);
        assert_eq!((ran.status, ran.stderr), (2, format!("millstream: {said}\n")));
    }
}
