//! Hostile records and expressions stay within what a tool can bear.

use std::thread::Builder;

use super::*;
use crate::record::json::DEPTH_MAX;

fn nested(open: &str, depth: usize, close: &str) -> String {
    format!("{}1{}", open.repeat(depth), close.repeat(depth))
}

/// Runs `work` on a stack of the least size that a thread of ours has.
pub(super) fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn deep_records_are_evaluated_on_a_small_stack() {
    on_a_small_stack(|| {
        let sources = [
            ".",
            "..|numbers",
            "(..|numbers) |= . + 1",
            "walk(.)",
            "tojson|fromjson",
            "[paths]|length",
            "del(..|numbers)",
            ". == .",
            "[.,.]|sort|.[0]",
            "flatten?",
            "[tostream]|length",
            "fromstream(tostream)",
            "def f: if type == \"array\" then map(f) else . end; f",
            "getpath([paths] | last)",
            "delpaths([paths])",
            "error",
            ". + 1",
        ];
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let record = nested(open, DEPTH_MAX, close);
            for source in sources {
                let said = results(source, &record);
                assert!(said.len() < 8 * record.len(), "{source}: {}", said.len());
            }
        }
    });
}

#[test]
fn results_nest_no_deeper_than_records_may() {
    let record = nested("[", DEPTH_MAX, "]");
    assert_eq!(results("[.]", &record), "error: the result nests deeper than 1024 levels");
    assert_eq!(results("[.] | .[0]", &record), record);
    assert_eq!(results("reduce range(5000) as $i (0; [.]) | 1", "null"), "1");
}

#[test]
fn endless_recursion_is_an_error() {
    on_a_small_stack(|| {
        let too_deep = "error: the expression recurses too deeply";
        for source in [
            "def f: 1 + f; f",
            "def f: [f]; f",
            "def f: try f catch 1; f",
            "def f($x): $x + f($x + 1); f(0)",
            "def f: def g: f + 1; g + 1; f",
        ] {
            assert_eq!(results(source, "null"), too_deep, "{source}");
        }
        let factorial = "def f: if . <= 1 then 1 else . * (. - 1 | f) end; 2000 | f | . > 1e300";
        assert_eq!(results(factorial, "null"), "true");
        assert_eq!(results("def f: if . < 100000 then . + 1 | f else . end; f", "0"), "100000");
        let steps = "[range(2000) | \"a\"] as $p | setpath($p; 1) | [paths] | length";
        assert!(!results(steps, "null").is_empty());
    });
}

#[test]
fn long_expressions_are_compiled_and_run_on_a_small_stack() {
    on_a_small_stack(|| {
        assert_eq!(results(&vec!["1"; 16_000].join("+"), "null"), "16000");
        assert_eq!(results(&vec!["."; 16_000].join("|"), "5"), "5");
        for length in [100, 128, 129, 200] {
            let nested = format!("{}1", "-".repeat(length - 1));
            assert_eq!(results(&nested, "null"), if length % 2 == 0 { "-1" } else { "1" });
            let nested = format!("[{}]", vec!["."; length / 2].join("|"));
            assert_eq!(results(&nested, "7"), "[7]");
        }
        let many: Vec<String> = (0..2000).map(|id| format!(".id == {id}")).collect();
        assert_eq!(results(&many.join(" or "), "{\"id\":1999}"), "true");
        assert_eq!(results(&nested("(", 30_000, ")"), "null"), "1");
        assert_eq!(results(&format!("{}1", "-".repeat(60_000)), "null"), "1");
        let fault = fault(&"(".repeat(70_000));
        assert!(fault.contains("the expression is longer than 65536 bytes"), "{fault}");
    });
}

#[test]
fn nothing_that_a_record_holds_makes_a_value_of_any_size() {
    let too_long = "error: Repeat string result too long";
    assert_eq!(results("\"ab\" * .", "1e18"), too_long);
    assert_eq!(results(". * 4611686018427387904", "\"ab\""), too_long);
    assert_eq!(results(". * 0, . * -1, . * 0.5, . * 2", "\"ab\""), "\"\" null \"\" \"abab\"");
}
