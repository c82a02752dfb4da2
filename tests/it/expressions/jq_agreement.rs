//! Our expressions and the `jq` program give the same results, where there is a `jq`.
//!
//! Results are compared by value: jq spells numbers otherwise than they came. Each expression runs
//! inside `[try (…) catch "failed"]`, so that failing where jq fails counts as agreement, however
//! the message is worded.

use std::process::{Command, Stdio};

use millstream::expr::Program;
use serde_json::Value;

const RECORDS: [&str; 18] = [
    "null",
    "true",
    "0",
    "-17",
    "2.5",
    "1e3",
    r#""""#,
    r#""abc, \u00e4b\ud83d\ude00""#,
    r#""2015-03-05T23:51:47Z""#,
    r#""[1,{\"a\":2}]""#,
    "[]",
    "[3,1,2,1]",
    r#"["b","a",null]"#,
    r#"[[1,2],[3,[4,[5]]]]"#,
    r#"[{"a":2,"b":"x"},{"a":1,"b":"y"},{"a":2,"b":"z"}]"#,
    "{}",
    r#"{"a":1,"b":[1,2,{"c":null}],"d":{"e":"f"}}"#,
    r#"{"user":{"id":7,"tags":["x","y"]},"status":503,"path":"/buy/now?q=1","ms":12.75}"#,
];

const EXPRESSIONS: &[&str] = &[
    ".",
    "..",
    ".a",
    ".a.b",
    ".a?",
    ".a?.b?",
    ".[0]",
    ".[-1]",
    ".[1:]",
    ".[:-1]",
    ".[1:2]",
    ".[]",
    ".[]?",
    ".[\"a\",\"d\"]?",
    ".user.tags[1]",
    ".b[2].c",
    ".status >= 500 and (.path | startswith(\"/buy\"))",
    ".status >= 500 or .a == 1",
    ". == null",
    ". < 1, . <= \"b\", . > [], . != {}",
    ".a // \"none\"",
    "(.[]? // empty) // 7",
    "not",
    ".a and .b, (.a or .b)",
    ". + 1",
    ". + .",
    ". - 1",
    ". - [1]",
    ". * 2",
    ". * .",
    ". / 2",
    ". / \",\"",
    ". % 3",
    "-.",
    ". + null",
    "[.[]?] | add",
    "{a, x: .b?}?",
    "{(.b?[0]? | tostring): 1}",
    "{a: (1, 2)}",
    "[.[]? | numbers]",
    "[..] | length",
    "[.. | scalars]",
    "length",
    "utf8bytelength",
    "keys",
    "to_entries",
    "with_entries(.value |= tojson)",
    "map(. )",
    "map_values(.)",
    "map(.a)",
    "[.[] | select(.a == 2) | .b]",
    "sort",
    "sort_by(.a)",
    "group_by(.a)",
    "unique",
    "unique_by(.a)",
    "min, max",
    "min_by(.a), max_by(.a)",
    "arrays | reverse",
    "add",
    "any, all",
    "any(. == 1), all(. != 1)",
    "flatten",
    "flatten(1)",
    "arrays | transpose?",
    "contains(\"b\")",
    "contains([1])",
    "contains({a: 1})",
    "inside([1, 2, 3, 4])",
    "has(\"a\")",
    "has(0)",
    "strings | index(\"b\")",
    "arrays | index(1), rindex(1)",
    "indices(1)",
    "first, last",
    "first(.[]), [limit(2; .[])]",
    "nth(1)",
    "until(true; .)",
    "[range(3)], [range(1; 7; 3)]",
    "reduce .[] as $x (0; . + 1)",
    "[foreach .[] as $x (0; . + 1; [$x, .])]",
    "[label $out | foreach .[] as $x (0; . + 1; if . > 2 then ., break $out else . end)]",
    "if . then 1 else 2 end",
    "if .a? == 1 then \"one\" elif .a? then \"other\" else \"none\" end",
    "try error(\"x\") catch .",
    "[.[]? as {a: $x} | $x]?",
    ". as [$x, $y] | [$y, $x]",
    "def f(g): [g, g]; f(.a?)",
    "def f($n): if $n == 0 then 0 else $n + f($n - 1) end; f(10)",
    "[recurse] | length",
    "[recurse(.[]?; . != null)] | length",
    "[paths]",
    "[paths(type == \"number\")]",
    "path(.a?), path(..)",
    "getpath([\"a\"])",
    "setpath([\"a\"]; 9)",
    "delpaths([[\"a\"], [\"b\"]])",
    "del(.a)",
    "del(.[0, 2])",
    "del(.[1:])",
    "to_entries?",
    ".a = 5",
    ".a.z = 5",
    ".a |= tojson",
    ".[] += 1",
    ".[1] = 9",
    ".[4] = 9",
    ".b[0] |= 7",
    ".a //= 3",
    "(.a, .b) = 0",
    ".[]? |= 1",
    "walk(if type == \"number\" then . + 1 else . end)",
    "tostring, tojson",
    "tonumber",
    "fromjson",
    "type",
    "ascii_downcase, ascii_upcase",
    "explode",
    "explode | implode",
    "split(\", \")",
    "join(\"-\")",
    "strings | ltrimstr(\"a\"), rtrimstr(\"b\")",
    "startswith(\"a\"), endswith(\"b\")",
    "test(\"B\"; \"i\")",
    "[match(\"[a-c]+\"; \"g\") | [.offset, .length, .string]]",
    "capture(\"(?<first>[a-z])(?<second>[0-9])?\")",
    "[scan(\"[a-z]\")]",
    "[splits(\",\\\\s*\")]",
    "sub(\"[a-c]\"; \"<x>\")",
    "gsub(\"(?<l>[a-c])\"; \"<\\(.l)>\")",
    "\"in \\(.) out\"",
    "@text, @json",
    "@html",
    "@uri",
    "@sh",
    "@base64",
    "@base64 | @base64d",
    "[.[]?] | @csv",
    "[.[]? | scalars] | @tsv",
    "floor, sqrt, ceil",
    "[pow(.; 2), log10] | map(floor)",
    "infinite > 1e300, (nan | isnan), (1 | isinfinite, isnormal)",
    "fromdate",
    "fromdate | todate",
    "strptime(\"%Y-%m-%dT%H:%M:%SZ\") | mktime",
    "gmtime | .[0:5]",
    "numbers | strftime(\"%Y-%m-%d %H:%M\")",
    "[.[]?] | [combinations?] | length",
    "[tostream]",
    "fromstream(tostream)",
    "[1 | truncate_stream([[0], 1], [[1, 0], 2], [[1, 0]], [[1]])]",
    "IN(1, 2)",
    "INDEX(.a)?",
    "arrays | sort | bsearch(1), bsearch(5)",
    "split(\"-\")? | map(tonumber?)",
    "[.[]? - .[]?]?",
    "\"\\(.[]?)-\\(1, 2)\"",
    "[.[0, 1]?[0, 1]?]",
    "reduce .[]? as $x (0; . + 1, . + 2)",
    "[foreach .[]? as $x (0; . + 1, . - 1; [.])]",
    "[.[]? |= (type, 1)]",
    "def f($x): [$x, x]; f(.[]?)",
    "nth(0, 1; 5, 6)",
    "arrays | sort_by(.a)",
    "nearbyint",
    "numbers | floor | gmtime | mktime, todate",
    "numbers | strftime(\"%c, %x, %X, %j, %U\")",
    "[test(\"b.*\"; null, \"s\", \"x\")]",
    "del(.[]? | select(. == 1), select(. == 2))",
    "del(.[]?, .[-1]?)",
    "del(.[-1]?, .[2]?, .[0:2]?)",
    "delpaths([[0], [0], [-1]])",
    "(.a | strings) |= ascii_downcase",
    "(.b[]? | numbers) += 1",
    "(.x? | values) = 1",
    "(.[]? // empty) |= type",
    "(first(.[]?), .[0]?) |= type",
    "(limit(1; .[]?)) = 5",
    "((.a.b)? | numbers) = 1",
    "(label $f | .[]? | ., break $f) |= 5",
    "(recurse | scalars) |= [.]",
    "(.. | numbers) |= . + 1",
    "[path(.[]? // .a?)]",
    "getpath([\"user\", \"id\"])? |= 1",
    "no_such_function",
    "strings | [splits(\"a\")] | length",
    "from_entries",
    "arrays | to_entries | map(.key)",
    "has(\"a\")?, has(0)?",
    "numbers | [limit(3; repeat(. + 1))]",
    "numbers | [range(.; . + 3)]",
    ".[1.7]?, .[0:1.5]?",
    "tojson | length",
    "$__missing",
    "1 +",
    "{",
];

/// What the fast evaluator is asked about each of [`PATHS`].
const FAST: [&str; 40] = [
    "@",
    "@ == 1",
    "@ != \"x\"",
    "@ < 2.5",
    "@ >= \"b\"",
    "@ > null and @ < true",
    "@ <= []",
    "@ > {}",
    "@ + 1",
    "@ - 0.5",
    "@ * 2",
    "@ / 4",
    "@ % 5",
    "@ + \"y\"",
    "@ + null",
    "-@",
    "@ // 7",
    "@ and true",
    "@ or false",
    "@ | not",
    "@ | type",
    "@ | length",
    "@ | tonumber",
    "@ | ascii_downcase",
    "@ | ascii_upcase",
    "@ | startswith(\"a\")",
    "@ | endswith(\"1\")",
    "@ | contains(\"b\")",
    "@ | test(\"[a-c]+\")",
    "@ | has(\"b\")",
    "@ | has(1)",
    "@ | IN(1, 503, \"x\")",
    "any(@[]; . == 1 or . == \"x\")",
    "all(@[]; . != null)",
    "if @ then 1 elif @ == false then 2 else 3 end",
    "@ | select(. != null) | type",
    "{x: @, y: [@, 1]}",
    "@ | floor",
    "@ | utf8bytelength",
    "\"<\\(@ | type)>\"",
];

const PATHS: [&str; 12] = [
    ".",
    ".a",
    ".b",
    ".a.b",
    ".d.e",
    ".user.id",
    ".user.tags[1]",
    ".[0]",
    ".[-1]",
    ".path",
    ".ms",
    ".a?",
];

/// Where we mean to differ: expressions, records, and why.
const DIFFERENCES: &[(&[&str], &[&str], &str)] = &[
    (
        &[
            "tostring, tojson",
            "\"in \\(.) out\"",
            "@text, @json",
            "@html",
            "@uri",
            "@sh",
            "@base64",
            "@base64 | @base64d",
            "tojson | length",
        ],
        &["1e3"],
        "a number that nobody computes with keeps its spelling in strings, too",
    ),
    (
        &[".[1.7]?, .[0:1.5]?"],
        &[
            "[3,1,2,1]",
            r#"["b","a",null]"#,
            "[[1,2],[3,[4,[5]]]]",
            r#"[{"a":2,"b":"x"},{"a":1,"b":"y"},{"a":2,"b":"z"}]"#,
        ],
        "an index with a fraction counts down, as in jq 1.7, and does not give null",
    ),
];

/// What we give for a record: the array of results, or none if the expression does not compile.
fn ours(expression: &str) -> Option<Vec<Value>> {
    let mut program = Program::compile(&[&wrapped(expression)]).ok()?;
    let each = RECORDS.iter().map(|record| {
        let mut record = program.load(record.as_bytes()).expect("the record is valid");
        let mut out = Vec::new();
        record.write(0, &mut out).expect("failures are caught");
        serde_json::from_slice(&out).expect("results are JSON")
    });
    Some(each.collect())
}

fn wrapped(expression: &str) -> String {
    // The expression stands on a line of its own in case it ends in a comment, and compiles alone.
    format!("[try (\n{expression}\n) catch \"failed\"]")
}

fn theirs(expression: &str) -> Option<Vec<Value>> {
    let mut child = Command::new("jq")
        .args(["-c", &wrapped(expression)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("jq starts");
    {
        use std::io::Write;
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let _ = stdin.write_all(RECORDS.join("\n").as_bytes());
    }
    let output = child.wait_with_output().expect("jq ends");
    let text = String::from_utf8(output.stdout).expect("jq writes UTF-8");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("jq writes JSON")).collect();
    (!lines.is_empty()).then_some(lines)
}

/// Equal, numbers by their value as doubles, which is all that jq has.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            let field = |(key, value)| right.get(key).is_some_and(|other| same(value, other));
            left.len() == right.len() && left.iter().all(field)
        }
        (left, right) => left == right,
    }
}

#[test]
fn we_agree_with_jq() {
    if Command::new("jq").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no jq here");
        return;
    }
    let mut differences = Vec::new();
    for expression in EXPRESSIONS {
        match (ours(expression), theirs(expression)) {
            (Some(ours), Some(theirs)) => {
                assert_eq!(ours.len(), theirs.len(), "{expression}");
                for ((record, ours), theirs) in RECORDS.iter().zip(&ours).zip(&theirs) {
                    let meant = DIFFERENCES
                        .iter()
                        .any(|(es, rs, _)| es.contains(expression) && rs.contains(record));
                    if !meant && !same(ours, theirs) {
                        differences
                            .push(format!("{record} | {expression}\n  we: {ours}\n  jq: {theirs}"));
                    }
                }
            }
            (None, None) => {}
            (ours, _) => {
                let which = if ours.is_some() { "jq" } else { "we" };
                differences.push(format!("{expression}\n  only {which} refuse it"));
            }
        }
    }
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
}

#[test]
fn the_fast_evaluator_agrees_with_jq() {
    if Command::new("jq").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no jq here");
        return;
    }
    let about = |path: &'static str| FAST.iter().map(move |what| what.replace('@', path));
    let expressions: Vec<String> = PATHS.into_iter().flat_map(about).collect();
    for expression in &expressions {
        let program = Program::compile(&[expression]).expect("it compiles");
        // What is behind an index from the end is no field of the record.
        let has = expression.starts_with(".[-1]") && expression.contains("has");
        assert_eq!(program.explain().not_fast.is_some(), has, "{expression}");
    }
    let each: Vec<String> = expressions.iter().map(|expression| wrapped(expression)).collect();
    let theirs = theirs(&format!("[{}]", each.join(","))).expect("jq takes them");
    let mut differences = Vec::new();
    for (at, expression) in expressions.iter().enumerate() {
        let ours = ours(expression).expect("it compiles");
        for ((record, ours), theirs) in RECORDS.iter().zip(&ours).zip(&theirs) {
            let theirs = &theirs[0][at];
            if !same(ours, theirs) {
                differences.push(format!("{record} | {expression}\n  we: {ours}\n  jq: {theirs}"));
            }
        }
    }
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
}
