use super::*;

const ORIGIN: Origin<'_> = Origin { topic: "clicks", partition: 2, offset: 17, time_us: 1_500_000 };

const TERMINAL: Look = Look { color: false, columns: None, lines: None, terminal: true };

fn shown(layout: &mut Layout, records: &[&str]) -> String {
    let mut out = Vec::new();
    for record in records {
        if let Err(unfit) = layout.record(record.as_bytes(), Some(&ORIGIN), &mut out) {
            out.extend_from_slice(format!("[{unfit}]\n").as_bytes());
        }
    }
    layout.flush(&mut out);
    String::from_utf8(out).unwrap()
}

fn laid_out(format: Format, fields: Option<&str>, look: Look, records: &[&str]) -> String {
    shown(&mut Layout::new(format, fields, look, false).unwrap(), records)
}

#[test]
fn json_is_as_it_came_and_in_colour_on_request() {
    let record = r#"{"a":[1,true,null],"b":"x\"y","c":{}}"#;
    assert_eq!(laid_out(Format::Json, None, Look::default(), &[record]), format!("{record}\n"));
    let color = Look { color: true, ..Look::default() };
    assert_eq!(
        laid_out(Format::Json, None, color, &[r#"{"a":[1,true,null,"s"]}"#]),
        "{\u{1b}[34;1m\"a\"\u{1b}[0m:[\u{1b}[36m1\u{1b}[0m,\u{1b}[35mtrue\u{1b}[0m,\
         \u{1b}[2mnull\u{1b}[0m,\u{1b}[32m\"s\"\u{1b}[0m]}\n"
    );
    let colored = laid_out(Format::Json, None, color, &[record]);
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, behind)) = rest.split_once('\u{1b}') {
        plain += before;
        rest = behind.split_once('m').unwrap().1;
    }
    assert_eq!(plain + rest, format!("{record}\n"));
}

#[test]
fn a_line_is_cut_to_the_width() {
    let look = |columns| Look { columns: Some(columns), ..TERMINAL };
    let json = |columns, record: &str| laid_out(Format::Json, None, look(columns), &[record]);
    assert_eq!(json(20, r#"{"a":1}"#), "{\"a\":1}\n");
    assert_eq!(json(6, r#"{"a":1}"#), "{\"a\":…\n");
    assert_eq!(json(1, r#"{"a":1}"#), "…\n");
    // Wide characters take two columns.
    assert_eq!(json(6, r#""日本語""#), "\"日本…\n");
    assert_eq!(json(5, r#""日本語""#), "\"日…\n");
}

#[test]
fn a_terminal_is_given_nothing_that_it_obeys() {
    let record = "{\"a\":\"\u{7f}\u{9b}2J\\u001b[1m\"}";
    let safe = "{\"a\":\"\\u007f\\u009b2J\\u001b[1m\"}\n";
    assert_eq!(laid_out(Format::Json, None, TERMINAL, &[record]), safe);
    for format in [Format::Pretty, Format::Raw, Format::Table] {
        let text = laid_out(format, Some(".a"), TERMINAL, &[record]);
        assert!(!text.contains(['\u{7f}', '\u{9b}', '\u{1b}']), "{text:?}");
    }
    assert_eq!(laid_out(Format::Raw, None, TERMINAL, &["\"a\\n\\u001b\""]), "a\\n\\u001b\n");
    assert_eq!(laid_out(Format::Raw, None, Look::default(), &["\"a\\nb\""]), "a\nb\n");
}

#[test]
fn pretty_is_indented_as_jq_does_it() {
    let record = r#"{"a":[1,{"b":[]}],"c":{},"d":"x"}"#;
    assert_eq!(
        laid_out(Format::Pretty, None, Look::default(), &[record]),
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {},\n  \"d\": \"x\"\n}\n"
    );
}

#[test]
fn columns_are_as_wide_as_the_records_need_that_are_there() {
    let records = [
        r#"{"host":"a","ms":1.5,"tags":[1]}"#,
        r#"{"host":"longer","ms":200}"#,
        r#"{"host":null,"ms":"n/a"}"#,
    ];
    assert_eq!(
        laid_out(Format::Table, Some(".host,.ms,.tags"), TERMINAL, &records),
        "host    ms   tags\na       1.5  [1]\nlonger  200  -\n-       n/a  -\n"
    );
}

#[test]
fn csv_distinguishes_null_from_an_empty_string() {
    let records =
        [r#"{"a":"x,y","b":1,"c":null}"#, r#"{"c":"","a":"q\"","b":[1,"z"]}"#, r#"{"b":true}"#];
    assert_eq!(
        laid_out(Format::Csv, None, Look::default(), &records),
        "a,b,c\n\"x,y\",1,\n\"q\"\"\",\"[1,\"\"z\"\"]\",\"\"\n,true,\n"
    );
    assert_eq!(
        laid_out(Format::Tsv, Some(".a,.b"), Look::default(), &[r#"{"a":"x\ty\\","b":2}"#]),
        "a\tb\nx\\ty\\\\\t2\n"
    );
    assert_eq!(
        laid_out(Format::Csv, None, Look::default(), &["[1,null,\"a b\"]", "[]"]),
        "1,,a b\n\n"
    );
}

#[test]
fn csv_on_a_terminal_has_nothing_that_it_obeys() {
    let record = "{\"a\":\"\\u001b[2J\"}";
    assert_eq!(laid_out(Format::Csv, None, TERMINAL, &[record]), "a\n\\u001b[2J\n");
    assert_eq!(laid_out(Format::Csv, None, Look::default(), &[record]), "a\n\u{1b}[2J\n");
}

#[test]
fn of_a_key_that_is_there_twice_the_last_value_counts() {
    let records = [r#"{"a":1,"a":2,"b":3}"#];
    assert_eq!(laid_out(Format::Csv, None, Look::default(), &records), "a,b\n2,3\n");
}

#[test]
fn what_has_no_column_is_an_error() {
    let csv = |records: &[&str]| laid_out(Format::Csv, None, Look::default(), records);
    assert_eq!(
        csv(&[r#"{"a":1}"#, r#"{"a":2,"b":3}"#, r#"{"a":4}"#]),
        "a\n1\n[the first record, whose fields are the columns, had no field \"b\"]\n4\n"
    );
    assert_eq!(csv(&["17"]), "[expected an object or an array for a line of values]\n");
    assert_eq!(csv(&["[1]", r#"{"a":1}"#]), "1\n[expected an array for a line of values]\n");
    assert_eq!(csv(&[r#"{"a":1}"#, "[1]"]), "a\n1\n[expected an object for a line of values]\n");
}

#[test]
fn templates_have_places_and_values() {
    let mut layout =
        Layout::template("%t/%p@%o %T\\t{{ .a }}|{{.b.c}}|{{.s}}%%", TERMINAL).unwrap();
    assert_eq!(
        shown(&mut layout, &[r#"{"a":1,"s":"x\ny"}"#]),
        "clicks/2@17 1970-01-01T00:00:01.500000Z\t1||x\\ny%\n"
    );
    for (text, why) in [
        ("{{.a", "'{{' without '}}'; write it like {{.host}}"),
        ("%x", "'%x' means nothing; "),
        ("\\x", "'\\x' means nothing; "),
        ("%", "'%' means nothing; "),
    ] {
        let error = Layout::template(text, TERMINAL).err().unwrap().to_string();
        assert!(error.starts_with(why), "{error}");
    }
    assert!(Layout::template("{{.a +}}", TERMINAL).is_err());
}

#[test]
fn places_stand_before_records_on_request() {
    let with = |format, fields| {
        let mut layout = Layout::new(format, fields, TERMINAL, true).unwrap();
        shown(&mut layout, &["{\"a\":1}"])
    };
    let place = "clicks/2@17 1970-01-01T00:00:01.500Z ";
    assert_eq!(with(Format::Json, None), format!("{place}{{\"a\":1}}\n"));
    assert_eq!(with(Format::Pretty, None), format!("{place}\n{{\n  \"a\": 1\n}}\n"));
    assert_eq!(
        with(Format::Csv, Some(".a")),
        "topic,partition,offset,time,a\nclicks,2,17,1970-01-01T00:00:01.500000Z,1\n"
    );
}
