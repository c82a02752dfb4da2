//! Whatever an expression does, it ends within its bounds, and its process goes on.

use std::sync::atomic::Ordering;
use std::thread;

use super::super::bounds::Budget;
use super::limits::on_a_small_stack;
use super::*;

const DEPTH: &str = "error: the expression recurses too deeply";
const MEMORY: &str = "error: the values of the expression take more than";

/// The results within the bounds of a daemon.
fn served(source: &str, record: &str) -> String {
    let bounds = Bounds::served(Default::default());
    bounded(source, record, Bounds { steps_max: 100_000, bytes_max: 16 << 20, ..bounds })
}

fn bounded(source: &str, record: &str, bounds: Bounds) -> String {
    let mut program = program(source);
    program.bound(bounds);
    let mut out = Vec::new();
    match program.load(record.as_bytes()).and_then(|mut record| record.write(0, &mut out)) {
        Ok(()) => String::from_utf8(out).unwrap().trim_end().replace('\n', " "),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn values_that_an_expression_nests_take_no_stack() {
    on_a_small_stack(|| {
        let deep = "reduce range(200000) as $i (0; [.])";
        let deep_objects = "reduce range(200000) as $i (0; {a: .})";
        let too_deep = "error: the result nests deeper than 1024 levels";
        for deep in [deep, deep_objects] {
            assert_eq!(results(&format!("{deep} | 1"), "null"), "1");
            assert_eq!(results(deep, "null"), too_deep);
            assert_eq!(results(&format!("{deep} | tojson | length"), "null"), too_deep);
            for walked in ["walk(.) | 1", "flatten"] {
                let said = results(&format!("{deep} | {walked}"), "null");
                assert!(!said.is_empty(), "{walked}");
            }
            let deep = deep.replace("200000", "20000");
            assert_eq!(results(&format!("[{deep}, {deep}] | .[0] == .[1]"), "null"), "true");
            assert_eq!(results(&format!("[{deep}, {deep}] | sort | length"), "null"), "2");
            assert_eq!(results(&format!("[{deep}] | contains([{deep}])"), "null"), "true");
        }
        let flat = results(&format!("{deep} | flatten"), "null");
        assert!(["[0]", DEPTH].contains(&flat.as_str()), "{flat}");
        assert_eq!(results(&format!("{deep} | error"), "null").get(..14), Some("error: [[[[[[["));
        let merged = format!("({deep_objects}) as $x | $x * $x | length");
        assert!(["1", DEPTH].contains(&results(&merged, "null").as_str()));
    });
}

#[test]
fn updates_that_recurse_change_what_was_there() {
    on_a_small_stack(|| {
        assert_eq!(results("recurse |= [.]", "1"), "[1]");
        assert_eq!(results("(recurse|scalars) |= {v: .}", "{\"a\":1}"), r#"{"a":{"v":1}}"#);
    });
}

#[test]
fn long_paths_are_walked_on_a_small_stack() {
    on_a_small_stack(|| {
        for path in
            [".a".repeat(30_000), ".[]?".repeat(16_000), ".".to_owned() + &"[]?".repeat(20_000)]
        {
            assert!(results(&path, "null").len() < 10, "{}", &path[..10]);
            assert!(!results(&format!("[paths({path})]"), "{}").is_empty());
        }
        let update = results(&format!("{} |= 1 | 2", ".a".repeat(10_000)), "null");
        assert_eq!(update, "2");
    });
}

#[test]
fn values_take_a_bounded_amount_of_memory() {
    on_a_small_stack(|| {
        for source in [
            "[range(3e8)] | length",
            "[repeat(1)]",
            "[limit(1e12; repeat([]))] | 1",
            "[limit(1e12; repeat({a: .}))] | 1",
            "reduce repeat(1) as $x ([]; . + [$x])",
            "reduce range(1e12) as $i ([]; .[$i % 1e7] = [$i])",
            "reduce range(1e12) as $i ({}; .[$i | tostring] = $i)",
            "reduce range(60) as $i ([1]; . + .) | length",
            "[range(1e9) | tostring * 1000]",
            "def f: [., .] | (f, f); f",
            "[range(10)] | sort_by(repeat(.))",
            "[range(10)] | group_by(repeat(.))",
            "[range(10)] | max_by(repeat(.))",
            "[] | .[16777215] = 1",
            "[range(40) | [] | .[16777215] = 1] | length",
            "[range(40) | null | setpath([16777215]; 1)] | length",
            "[limit(2000; repeat(1))] as $a | [limit(6000; repeat($a))] | flatten | length",
            "(\"<\" * 3000000) | @html | length",
            "(\"<\" * 3000000) | @uri | length",
            "(\"'\" * 3000000) | @sh | length",
            "(\"\\u0001\" * 3000000) | tojson | length",
        ] {
            let said = bounded(source, "null", Bounds { bytes_max: 4 << 20, ..Bounds::default() });
            assert!(said.starts_with(MEMORY) || said == DEPTH, "{source}: {said}");
        }
        let bounds = Bounds { bytes_max: 1 << 20, ..Bounds::default() };
        let shared = bounded("reduce range(60) as $i (1; [., .])", "null", bounds);
        assert_eq!(shared, "error: the results would be longer than 1048576 bytes");
        let mut program = program("reduce range(60) as $i (1; [., .])");
        program.bound(Bounds { bytes_max: 1 << 20, ..Bounds::default() });
        let value = program.load(b"null").unwrap().value(0).unwrap_err().to_string();
        assert_eq!(value, "the results would be longer than 1048576 bytes");
    });
}

#[test]
fn memory_that_is_free_again_counts_no_more() {
    on_a_small_stack(|| {
        let few = || Bounds { bytes_max: 1 << 20, ..Bounds::default() };
        let changed = "reduce range(20000) as $i ({}; .[\"a\", \"b\"] = [$i] | del(.a, .b))";
        assert_eq!(bounded(changed, "null", few()), "{}");
        // Nor does it count as more than it was.
        let said = bounded(&format!("{changed} | [range(1e9)] | length"), "null", few());
        assert!(said.starts_with(MEMORY), "{said}");
        let failed = "last(range(20000) | null | try ((.a, error(1)) |= 1) catch null)";
        assert_eq!(bounded(failed, "null", few()), "null");
    });
}

#[test]
fn an_expression_without_end_ends_in_a_daemon() {
    on_a_small_stack(|| {
        for source in [
            "last(repeat(.))",
            "until(false; .)",
            "def f: f; f",
            "last(range(1e18))",
            "first(range(1e18) | empty)",
            "reduce range(1e18) as $x (0; .)",
            "def f: try error(1) catch f; f",
            "repeat(try error(1) catch .) | empty",
            "label $out | repeat(.) | if . then empty else break $out end",
            &format!("last({}1)", "(1,1)|".repeat(60)),
            "reduce range(60) as $i (1; [., .]) | . == .",
            "reduce range(60) as $i (1; [., .]) | flatten",
            "[limit(1e18; empty, repeat(empty))]",
            "null | last(path(repeat(.a)))",
            "0 | def f(g): if . < 0 then g else . + 1 | f(g) end; f(.)",
            "any(repeat(false); .)",
            "[range(1e18) | select(. < 0)]",
            "last(splits(\"a\") | repeat(.))",
        ] {
            let said = served(source, "\"a\"");
            let bounds = ["error: the expression takes more than 100000 steps", MEMORY, DEPTH];
            assert!(bounds.iter().any(|bound| said.starts_with(bound)), "{source}: {said}");
        }
        assert_eq!(served("[range(10000)] | add", "null"), "49995000");
    });
}

#[test]
fn work_on_long_values_is_steps() {
    const STEPS: &str = "error: the expression takes more than 100000 steps";
    let texts = [
        "length",
        ".[5:6]",
        "ascii_downcase",
        "contains(\"y\")",
        "indices(\"y\")",
        ". == (\"x\" * 1000000)",
        ". < (\"x\" * 1000000)",
        "tojson",
        "@base64",
        "@html",
        "@uri",
        "ltrimstr(\"x\" * 1000000)",
        "split(\"y\")",
        "try tonumber catch 1",
        "explode",
        "{(.): 1} | length",
        ". as $key | {} | has($key)",
        ". as $key | {} | .[$key]",
        "test(\"y\")",
        "[match(\"y\"; \"g\")]",
        "trim",
    ];
    let arrays = [
        "sort",
        "index(-1)",
        "reverse",
        ".[1:]",
        "tojson",
        ". - [5]",
        ".[5] = 1",
        "del(.[5])",
        "flatten",
        "join(\",\")",
        "keys",
        "unique",
        ". + [1]",
        ". == ([65] | .[99999] = 65)",
        "contains([-1])",
        "map(65) | implode",
    ];
    on_a_small_stack(move || {
        let many =
            |what: &str, of: &str| format!("{of} as $of | last(range(100000) | $of | {what})");
        let within = bounded;
        let bounded = |source: &str| {
            let bounds = Bounds { steps_max: 100_000, ..Bounds::default() };
            within(source, "null", bounds)
        };
        for what in texts {
            assert_eq!(bounded(&many(what, "(\"x\" * 1000000)")), STEPS, "{what}");
        }
        for what in arrays {
            assert_eq!(bounded(&many(what, "([65] | .[99999] = 65)")), STEPS, "{what}");
        }
        for what in ["keys", ". * .", ". + {a: 1}", ". == ({} + .)", "to_entries", "del(.a)"] {
            let of = "(reduce range(1000) as $i ({}; .[$i | tostring] = 1))";
            assert_eq!(bounded(&many(what, of)), STEPS, "{what}");
        }
        assert_eq!(bounded("(\"x\" * 1000000) | until(length < 2; .[1:])"), STEPS);
        // What grows in its place is gone through once only.
        let grown = "reduce range(20000) as $i (\"\"; . + \"xxxxxxxxxx\") | length";
        assert_eq!(bounded(grown), "200000");
    });
}

#[test]
fn an_evaluation_ends_at_its_time_whatever_its_steps() {
    let bounds =
        || Bounds { time_max: Some(std::time::Duration::from_millis(50)), ..Bounds::default() };
    let over = "error: the expression takes more than 0 seconds of processor time";
    assert_eq!(bounded("last(repeat(.))", "null", bounds()), over);
    // Each of these searches goes to the end of the text for a match of one letter.
    let tags = format!("\"{}\"", "<".repeat(300_000));
    assert_eq!(bounded("gsub(\"<[^>]*>|<\"; \"\")", &tags, bounds()), over);
    assert_eq!(bounded("1 + 1", "null", bounds()), "2");
}

#[test]
fn evaluations_share_a_budget_of_memory() {
    const FEW: &str = "error: no memory to evaluate it: the values of all expressions take up to \
                       4194304 bytes together; try again";
    let budget: &'static Budget = Box::leak(Box::new(Budget::new(4 << 20)));
    let bounds = || Bounds { budget: Some(budget), ..Bounds::default() };
    let large = "[range(100000)] | length";
    assert_eq!(bounded(large, "null", bounds()), "100000");
    assert!(budget.take(4 << 20));
    assert_eq!(bounded(large, "null", bounds()), FEW);
    assert_eq!(bounded("[range(1000)] | length", "null", bounds()), "1000");
    budget.give_back(4 << 20);
    // More than there is in all; none of it stays taken.
    assert_eq!(bounded("[range(1000000)] | length", "null", bounds()), FEW);
    assert!(budget.take(4 << 20));
    assert!(Exceeded::Busy(1).is_passing() && !Exceeded::Steps(1).is_passing());
}

#[test]
fn an_evaluation_is_stopped_from_outside() {
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut program = program("last(repeat(.))");
    let bounds = Bounds { steps_max: u64::MAX, ..Bounds::served(std::sync::Arc::clone(&stop)) };
    program.bound(bounds);
    let evaluating = thread::spawn(move || program.load(b"1").unwrap().truth(0));
    stop.store(true, Ordering::Relaxed);
    let stopped = evaluating.join().unwrap();
    assert_eq!(stopped, Err(RecordError::Exceeded(Exceeded::Stopped)));
}

#[test]
fn a_range_is_of_numbers() {
    assert_eq!(results("[range(.)]", "\"5\""), "error: Range bounds must be numeric");
    for source in ["[range(null)]", "[range(0; \"a\")]", "[range([1])]", "range(0; 1; {})"] {
        assert!(results(source, "null").starts_with("error: Range bounds"), "{source}");
    }
    for (source, expected) in [
        ("[range(3)]", "[0,1,2]"),
        ("[range(2; 4)]", "[2,3]"),
        ("[range(0; 10; 3)]", "[0,3,6,9]"),
        ("[range(3; 0; -1)]", "[3,2,1]"),
        ("[range(0; 10; 0)]", "[]"),
        ("[range(0; 1; 0.25)]", "[0,0.25,0.5,0.75]"),
        ("[range(1.5)]", "[0,1]"),
        ("[range(2; 0)]", "[]"),
        ("[limit(2; range(0; infinite))]", "[0,1]"),
    ] {
        let said = results(source, "null");
        assert_eq!(said, expected, "{source}");
    }
}
