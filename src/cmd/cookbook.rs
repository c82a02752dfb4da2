//! The recipes of docs/COOKBOOK.md, for `millstream help NAME`. The page is in the program, so what
//! is printed is what the tests have run.

use crate::cli::Recipe;

const PAGE: &str = include_str!("../../docs/COOKBOOK.md");

/// What a recipe's heading begins with.
const HEADING: &str = "### ";

/// All recipes, in the order of the page.
pub fn recipes() -> Vec<Recipe> {
    let parts = PAGE.split("\n## ");
    parts.flat_map(|part| part.split(HEADING).skip(1)).filter_map(recipe).collect()
}

/// A recipe: `name: title`, a few words, and commands with what they print.
fn recipe(text: &str) -> Option<Recipe> {
    let (heading, body) = text.split_once('\n')?;
    let (name, title) = heading.split_once(": ")?;
    let mut text = format!("{title}\n");
    let mut code = false;
    for line in body.trim_end().lines() {
        if line.starts_with("```") {
            code = !code;
            continue;
        }
        if code && !line.is_empty() {
            text.push_str("    ");
        }
        // The marks of code are for the page.
        text.push_str(&if code { line.to_owned() } else { line.replace('`', "") });
        text.push('\n');
    }
    Some(Recipe { name: name.to_owned(), title: title.to_owned(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_has_a_name_a_title_and_commands() {
        let recipes = recipes();
        assert!(recipes.len() >= 40, "{}", recipes.len());
        let mut names: Vec<&str> = recipes.iter().map(|recipe| recipe.name.as_str()).collect();
        for recipe in &recipes {
            assert!(recipe.text.contains("\n    $ "), "{recipe:?}");
            assert!(!recipe.text.contains("```"), "{recipe:?}");
            assert!(recipe.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), recipes.len());
    }

    #[test]
    fn a_recipe_is_printed_without_marks() {
        let text = "gap: The gap\n\nBy `over`.\n\n```console\n$ a `b`\n1\n```\n";
        let printed = "The gap\n\nBy over.\n\n    $ a `b`\n    1\n";
        assert_eq!(recipe(text).unwrap().text, printed);
    }
}
