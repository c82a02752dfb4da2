//! Properties of any record and any expression.

use proptest::prelude::*;

use super::*;
use crate::record::text::write_string;

/// JSON text in some spelling, and the compact text that `.` makes of it.
fn json() -> impl Strategy<Value = (String, String)> {
    let number = "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?";
    let leaf = prop_oneof![
        Just(("null".to_owned(), "null".to_owned())),
        any::<bool>().prop_map(|bool| (bool.to_string(), bool.to_string())),
        number.prop_map(|number| (number.clone(), number)),
        any::<(String, bool)>().prop_map(|(text, escaped)| string(&text, escaped)),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let space = prop_oneof![Just(""), Just(" "), Just("\t")];
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..6), space.clone()).prop_map(
                |(items, space)| {
                    let text = |of: fn(&(String, String)) -> &str| {
                        items.iter().map(of).collect::<Vec<_>>()
                    };
                    let spelled = text(|item| &item.0).join(&format!("{space},{space}"));
                    let compact = text(|item| &item.1).join(",");
                    (format!("[{space}{spelled}{space}]"), format!("[{compact}]"))
                }
            ),
            (proptest::collection::vec((any::<String>(), inner), 0..6), space).prop_map(
                |(fields, space)| {
                    let field = |at: usize, (key, value): &(String, (String, String))| {
                        // The place makes the key one of its kind.
                        let (spelled, compact) =
                            string(&format!("{key}{at}"), at.is_multiple_of(2));
                        (format!("{spelled}{space}:{}", value.0), format!("{compact}:{}", value.1))
                    };
                    let both = fields.iter().enumerate().map(|(at, entry)| field(at, entry));
                    let (spelled, compact): (Vec<_>, Vec<_>) = both.unzip();
                    let spelled = spelled.join(&format!("{space},{space}"));
                    (format!("{{{space}{spelled}}}"), format!("{{{}}}", compact.join(",")))
                }
            ),
        ]
    })
}

/// A string as JSON, escaped throughout or only where it must be, and as we write it.
fn string(text: &str, escaped: bool) -> (String, String) {
    let mut compact = Vec::new();
    write_string(text, &mut compact);
    let compact = String::from_utf8(compact).unwrap();
    if !escaped {
        return (compact.clone(), compact);
    }
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    (format!("\"{units}\""), compact)
}

proptest! {
    #[test]
    fn any_record_passes_through_with_its_spelling((text, compact) in json()) {
        prop_assert_eq!(results(".", &text), compact.as_str());
        prop_assert_eq!(results("walk(.)", &text), compact.as_str());
        prop_assert_eq!(results("[.] | tojson | fromjson | .[0]", &text), compact.as_str());
    }

    #[test]
    fn numbers_are_ordered_by_value(
        (left, right, wide) in any::<(i64, i64, u64)>(),
    ) {
        let record = format!("[{left},{right},{wide}]");
        prop_assert_eq!(results(".[0] < .[1]", &record), (left < right).to_string());
        prop_assert_eq!(results(".[0] == .[1]", &record), (left == right).to_string());
        let by_value = i128::from(left) < i128::from(wide);
        prop_assert_eq!(results(".[0] < .[2]", &record), by_value.to_string());
    }

    /// Whatever an expression means and whatever it is given: nothing panics, messages are short,
    /// and results are JSON.
    #[test]
    fn no_expression_panics(source in expression(), (record, _) in json()) {
        let mut program = program(&format!("limit(50; {source})"));
        let mut record = program.load(record.as_bytes()).unwrap();
        let mut out = Vec::new();
        if let Err(error) = record.write(0, &mut out) {
            prop_assert!(error.to_string().len() < 250, "{}", error);
        }
        for line in out.split_inclusive(|byte| *byte == b'\n') {
            prop_assert_eq!(crate::record::json::validate(line), Ok(()), "{}", source);
        }
        let first = out.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec();
        if let (false, Ok(value)) = (out.is_empty(), record.value(0)) {
            let mut json = Vec::new();
            value.write_json(&mut json);
            prop_assert_eq!(json, first, "{}", source);
        }
    }

    /// Reading only the fields that an expression looks at changes nothing.
    #[test]
    fn fields_that_are_not_read_are_not_missed(
        source in expression(),
        values in proptest::collection::vec(json(), 4),
    ) {
        let fields = ["a", "\\u0062", "a0", "a"].iter().zip(&values);
        let fields: Vec<_> = fields.map(|(key, (text, _))| format!("\"{key}\" : {text}")).collect();
        let record = format!(" {{ {} }} ", fields.join(" , "));
        let source = format!("limit(50; {source})");
        let whole = format!(". as $whole | {source}");
        prop_assert_eq!(results(&source, &record), results(&whole, &record), "{}", source);
    }

    #[test]
    fn no_text_is_an_expression_that_panics(
        source in "[ .a|()\\[\\]{}\"\\\\:;,?$@#0-9e+=*/<>!&é]{0,12}",
    ) {
        if let Err(error) = Program::compile(&[&source]) {
            prop_assert!(error.to_string().len() < 400, "{}", error);
            prop_assert!(source.get(error.span.clone()).is_some(), "{:?}", error.span);
        }
    }
}

/// Well-formed expressions.
fn expression() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(LEAVES.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(4, 16, 2, |inner| {
        let around = proptest::sample::select(AROUND.to_vec());
        let between = proptest::sample::select(BETWEEN.to_vec());
        prop_oneof![
            (inner.clone(), around)
                .prop_map(|(inside, around)| around.replace('@', &format!("({inside})"))),
            (inner.clone(), between, inner).prop_map(|(l, op, r)| format!("({l} {op} {r})")),
        ]
    })
}

const LEAVES: [&str; 60] = [
    ".",
    ".a",
    ".a0",
    ".[0]",
    ".[]?",
    ".[1:]?",
    ".[:-1]?",
    ".[-1]?",
    ".[\"b\"]?",
    "first(..|scalars)",
    "1",
    "0",
    "-1",
    "0.5",
    "1.50",
    "1e400",
    "9223372036854775807",
    "-9223372036854775808",
    "nan",
    "infinite",
    "null",
    "true",
    "false",
    "\"x\"",
    "\"a\u{e4}\"",
    "\"\"",
    "[]",
    "{}",
    "[1, 2.5, -0]",
    "{a: [1]}",
    "[\"a\", 0]",
    "length?",
    "keys?",
    "tojson",
    "tostring",
    "tonumber?",
    "type",
    "sort?",
    "add?",
    "flatten?",
    "reverse?",
    "unique?",
    "to_entries?",
    "from_entries?",
    "implode?",
    "explode?",
    "floor?",
    "sqrt?",
    "todate?",
    "gmtime?",
    "mktime?",
    "@base64?",
    "@base64d?",
    "@base32d?",
    "@csv?",
    "@tsv?",
    "@sh?",
    "@html?",
    "transpose?",
    "[tostream?]",
];

const BETWEEN: [&str; 18] = [
    "|", "|", "|", ",", "+", "-", "*", "/", "%", "//", "==", "<", ">=", "and", "or", "|=", "=",
    "+=",
];

const AROUND: [&str; 52] = [
    "[@]",
    "{a: @}",
    "{(@ | .): 1}",
    "try @ catch .",
    "(@)?",
    "-(@)",
    "if @ then . else 1 end",
    "\"<\\(@)>\"",
    "map(@)?",
    "map_values(@)?",
    "select(@)",
    "path(@)",
    "del(@)",
    "[paths(@)]",
    "to_entries | @",
    "limit(2; @)",
    "first(@)",
    "last(@)",
    "isempty(@)",
    "any(@)?",
    "all(@)?",
    "sort_by(@)?",
    "group_by(@)?",
    "min_by(@)?",
    "unique_by(@)?",
    "walk(@)",
    "def f: @; f | f",
    "label $l | @, break $l",
    ".[@]?",
    ".[(@):]?",
    "@ as [$x, {a: $y}] | [$x, $y]",
    "reduce .[]? as $x (0; @)",
    "[foreach .[]? as $x (0; @; [., $x])]",
    "contains(@)",
    "inside(@)",
    "has(@)",
    "test(@)",
    "[match(@; \"g\")]",
    "gsub(@; \"y\")",
    "split(@)",
    "join(@)",
    "ltrimstr(@)",
    "indices(@)",
    "index(@)",
    "getpath(@)",
    "setpath([\"a\", 1]; @)",
    "delpaths(@)",
    "pick(@)",
    "splits(@)",
    "strftime(@)",
    "strptime(@)",
    "bsearch(@)",
];
