//! The decoder as a whole: values, quotes, line numbers, limits, and any cut into blocks.

use super::*;
use crate::ingest::formats::tests::{Seen, decode_all};
use crate::record::decode::Raw;
use crate::record::text::write_string;
use proptest::prelude::*;

fn all_text() -> CsvOptions {
    let types = "all-text".parse().unwrap();
    CsvOptions { values: Values { types, ..Values::default() }, ..CsvOptions::default() }
}

fn decode_with(options: CsvOptions, input: &[u8], block_bytes: usize) -> Vec<String> {
    let mut decoder = CsvDecoder::new(options);
    let mut seen = Seen::default();
    for block in input.chunks(block_bytes) {
        assert!(decoder.decode(block, &mut seen).is_continue());
    }
    assert!(decoder.finish(&mut seen).is_continue());
    seen.0
}

/// Decodes in blocks of every size, which must not matter.
#[track_caller]
fn decode(input: &[u8]) -> Vec<String> {
    decode_all(|| Box::new(CsvDecoder::new(CsvOptions::default())), input)
}

#[test]
fn rows_become_objects_with_keys_in_header_order() {
    assert_eq!(
        decode(b"b,a\n1,x\r\n2,\"y,\n\"\"z\"\"\"\n\n\n3,\xc3\xa4"),
        [r#"2:{"b":1,"a":"x"}"#, r#"3:{"b":2,"a":"y,\n\"z\""}"#, "7:{\"b\":3,\"a\":\"\u{e4}\"}~"]
    );
}

#[test]
fn a_bare_cell_is_a_value_only_if_it_is_spelled_as_json_spells_it() {
    let cells = [
        ("0", "0"),
        ("-0", "-0"),
        ("1.50", "1.50"),
        ("1E+05", "1E+05"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("true", "true"),
        ("false", "false"),
        ("", "null"),
        ("NA", "null"),
        ("007", r#""007""#),
        ("+1", r#""+1""#),
        ("1.", r#""1.""#),
        (".5", r#"".5""#),
        ("1_000", r#""1_000""#),
        (" 1", r#"" 1""#),
        ("0x1f", r#""0x1f""#),
        ("NaN", r#""NaN""#),
        ("True", r#""True""#),
        ("TRUE", r#""TRUE""#),
        ("null", r#""null""#),
        ("na", r#""na""#),
        ("[1]", r#""[1]""#),
        ("a\"b", r#""a\"b""#),
        ("\u{0}", r#""\u0000""#),
    ];
    for (cell, value) in cells {
        let input = format!("k,l\n{cell},\n");
        assert_eq!(decode(input.as_bytes()), [format!(r#"2:{{"k":{value},"l":null}}"#)], "{cell}");
    }
}

#[test]
fn a_quoted_cell_is_text() {
    assert_eq!(
        decode(b"a,b,c,d\n\"42\",\"\",\"NA\",\"true\"\n"),
        [r#"2:{"a":"42","b":"","c":"NA","d":"true"}"#]
    );
}

#[test]
fn the_user_says_what_means_null_and_whether_to_infer_at_all() {
    let nulls = CsvOptions {
        values: Values { nulls: vec!["-".to_owned()], ..Values::default() },
        ..CsvOptions::default()
    };
    assert_eq!(decode_with(nulls, b"a,b,c\n-,NA,\n", 9), [r#"2:{"a":null,"b":"NA","c":""}"#]);
    let texts = all_text();
    assert_eq!(decode_with(texts, b"a,b,c\n1,true,\n", 9), [r#"2:{"a":"1","b":"true","c":""}"#]);
}

#[test]
fn tabs_may_separate_cells() {
    let options = CsvOptions { delimiter: b'\t', ..CsvOptions::default() };
    assert_eq!(decode_with(options, b"a\tb\n1,5\t\"x\ty\"\n", 5), [r#"2:{"a":"1,5","b":"x\ty"}"#]);
}

#[test]
fn backslashes_count_between_tabs() {
    let escaped = |quote| {
        let values = Values { nulls: vec![String::new()], escapes: true, ..Values::default() };
        CsvOptions { delimiter: b'\t', quote, values, ..CsvOptions::default() }
    };
    let input = b"a\\tb\tb\tc\n1\t\\N\t\\\\N\n\"x\\ty\"\t\\\"x\ty\\\\n\\nz\n\\N1\t\tC:\\dir\\\n";
    for block_bytes in [1, 7, 1000] {
        assert_eq!(
            decode_with(escaped(Some(b'"')), input, block_bytes),
            [
                r#"2:{"a\tb":1,"b":null,"c":"\\N"}"#,
                r#"3:{"a\tb":"x\\ty","b":"\"x","c":"y\\n\nz"}"#,
                r#"4:{"a\tb":"\\N1","b":null,"c":"C:\\dir\\"}"#,
            ]
        );
        let bare = decode_with(escaped(None), input, block_bytes);
        assert_eq!(bare[1], r#"3:{"a\tb":"\"x\ty\"","b":"\"x","c":"y\\n\nz"}"#);
        let mut texts = escaped(None);
        texts.values.types = "all-text".parse().unwrap();
        let texts = decode_with(texts, input, block_bytes);
        assert_eq!(texts[0], r#"2:{"a\tb":"1","b":"\\N","c":"\\N"}"#);
    }
}

#[test]
fn columns_without_a_name_get_one_that_no_other_has() {
    assert!(decode(b"a,a\n0,x\n")[0].starts_with("1!the header names columns 1 and 2 \"a\""));
    assert_eq!(decode(b"c2,,c3_,\n1,2,3,4\n"), [r#"2:{"c2":1,"c2_":2,"c3_":3,"c4":4}"#]);
    assert_eq!(decode(b",c1,c1_\n1,2,3\n"), [r#"2:{"c1__":1,"c1":2,"c1_":3}"#]);
}

#[test]
fn a_byte_order_mark_is_skipped_once() {
    assert_eq!(decode(b"\xef\xbb\xbf\"a\"\n1\n"), [r#"2:{"a":1}"#]);
    assert_eq!(decode(b"\xef\xbb\xbf\xef\xbb\xbfa\n1\n"), ["2:{\"\u{feff}a\":1}"]);
    let torn = decode(b"\xef\xbba\n1\n");
    assert_eq!(
        torn.first().map(String::as_str),
        Some(
            r"1!invalid UTF-8 in the header's column 1; convert it, as with iconv -f CP1252 -t UTF-8!\xef\xbba"
        )
    );
    assert_eq!(decode(b"\xef\xbb").len(), 1);
    assert_eq!(decode(b"\xef\xbb\xbf"), [""; 0]);
}

#[test]
fn a_row_must_have_as_many_fields_as_the_header() {
    assert_eq!(
        decode(b"a,b\n1\n1,2,3,4\n1,2\n\"x\ny\"\n1,2,3"),
        [
            "2!the row has 1 field, the header 2!1",
            "3!the row has 4 fields, the header 2!1,2,3,4",
            r#"4:{"a":1,"b":2}"#,
            "5!the row has 1 field, the header 2 (a quoted field makes it run on to line 6)!\
             \\\"x\\ny\\\"",
            "7!the row has 3 fields, the header 2 (the input ends here, without a line end: it may \
             be cut short)!1,2,3",
        ]
    );
    let many = format!("a,b\n{}\n1,2\n", ",".repeat(9_999));
    assert_eq!(
        decode_with(CsvOptions::default(), many.as_bytes(), 1000),
        [
            format!("2!the row has 10000 fields, the header 2!{}", ",".repeat(9_999)),
            r#"3:{"a":1,"b":2}"#.to_owned()
        ]
    );
}

#[test]
fn some_columns_may_have_no_name() {
    assert_eq!(decode(b",a\n0,x\n"), [r#"2:{"c1":0,"a":"x"}"#]);
    assert_eq!(decode(b"a,,b,\"\"\n0,,x,\n"), [r#"2:{"a":0,"c2":null,"b":"x","c4":null}"#]);
    for nameless in ["\"\"\n0\n", ",,\na,b,c\n"] {
        let seen = decode(nameless.as_bytes());
        assert!(seen[0].starts_with("1!the header's column 1 has no name"), "{seen:?}");
    }
}

#[test]
fn a_bad_header_leaves_no_row_a_name() {
    let cases: [(&[u8], &str); 6] = [
        (
            b"a\0,b\0\n1,2,3\n",
            "NUL byte in the header's column 1; UTF-16 has such: convert it, as with iconv -f UTF-16LE -t UTF-8",
        ),
        (b"a,b,a\n1,2,3\n", "the header names columns 1 and 3 \"a\""),
        (b",,\n1,2,3\n", "the header's column 1 has no name"),
        (
            b"a,\xff,b\n1,2,3\n",
            "invalid UTF-8 in the header's column 2; convert it, as with iconv -f CP1252 -t UTF-8",
        ),
        (b"\"a\"b,c,d\n1,2,3\n", "characters after the quotes in the header's column 1"),
        (
            b"@millstream,c,d\n1,2,3\n",
            "the header's first column: the first key is \"@millstream\", which marks control records; rename it, or move it after another key",
        ),
    ];
    for (input, why) in cases {
        let seen = decode(input);
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert!(seen[0].starts_with(&format!("1!{why}!")), "{}", seen[0]);
        assert_eq!(seen[1], "2!the columns have no names: the header is bad!1,2,3");
    }
}

#[test]
fn invalid_utf8_is_found_in_its_column() {
    assert_eq!(
        decode(b"a,b\nx,\xffy\n\xc3,\xa4\nx,y\n"),
        [
            r#"2!invalid UTF-8 in column "b"; convert it, as with iconv -f CP1252 -t UTF-8!x,\xffy"#,
            r#"3!invalid UTF-8 in column "a"; convert it, as with iconv -f CP1252 -t UTF-8!\xc3,\xa4"#,
            r#"4:{"a":"x","b":"y"}"#,
        ]
    );
}

#[test]
fn characters_behind_a_closing_quote_are_not_lost_in_silence() {
    assert_eq!(
        decode(b"a,b\n\"x\"y,1\nx\"y,2\n"),
        [r#"2!characters after the quotes in column "a"!\"x\"y,1"#, r#"3:{"a":"x\"y","b":2}"#,]
    );
}

#[test]
fn an_open_quote_at_the_end_is_an_error() {
    assert_eq!(
        decode(b"a,b\n1,2\n3,\"x\n4,5\n"),
        [
            r#"2:{"a":1,"b":2}"#,
            "3!the input ends within a quoted field: a quote is missing, or it is cut short \
             (all of lines 3 to 4 is in that row)!3,\\\"x\\n4,5",
        ]
    );
}

#[test]
fn a_row_over_the_limit_is_handed_over_in_pieces() {
    let options = || CsvOptions { record_bytes_max: 12, ..CsvOptions::default() };
    for size in 1..30 {
        assert_eq!(
            decode_with(options(), b"a\n1234567\n\"12345678\n9abc\"\r\n123\n12345678901234", size),
            [
                "2!the row makes a record longer than the limit of 12 bytes!1234567".to_owned(),
                r#"3!the row is longer than the limit of 12 bytes!\"12345678\n9abc\""#.to_owned(),
                r#"5:{"a":123}"#.to_owned(),
                "6!the row is longer than the limit of 12 bytes!12345678901234".to_owned(),
            ],
            "blocks of {size}"
        );
        assert_eq!(
            decode_with(options(), b"a234567890123\n1\n", size),
            [
                "1!the row is longer than the limit of 12 bytes!a234567890123",
                "2!the columns have no names: the header is bad!1",
            ]
        );
    }
}

#[test]
fn every_input_has_a_header_of_its_own() {
    let mut decoder = CsvDecoder::new(CsvOptions::default());
    let mut seen = Seen::default();
    for input in ["\u{feff}a,b\n1,2", "", "c\r\n3\r\n4\r\n", "d,d\n1,1\n", "\u{feff}e\n5\n"] {
        assert!(decoder.decode(input.as_bytes(), &mut seen).is_continue());
        assert!(decoder.finish(&mut seen).is_continue());
    }
    assert_eq!(
        seen.0,
        [
            r#"2:{"a":1,"b":2}~"#,
            r#"2:{"c":3}"#,
            r#"3:{"c":4}"#,
            "1!the header names columns 1 and 2 \"d\"!d,d",
            "2!the columns have no names: the header is bad!1,1",
            r#"2:{"e":5}"#,
        ]
    );
}

#[test]
fn a_row_leaves_with_its_line_end() {
    let mut decoder = CsvDecoder::new(CsvOptions::default());
    let mut seen = Seen::default();
    for (block, count) in [("a\n1", 0), ("2", 0), ("\r", 1), ("\n", 1), ("3\n4", 2), ("\n", 3)] {
        assert!(decoder.decode(block.as_bytes(), &mut seen).is_continue());
        assert_eq!(seen.0.len(), count, "after {block:?}");
    }
    assert_eq!(seen.0, [r#"2:{"a":12}"#, r#"3:{"a":3}"#, r#"4:{"a":4}"#]);
}

#[test]
fn a_sink_that_has_enough_is_left_alone() {
    struct One(usize);
    impl Sink for One {
        fn record(&mut self, _: Raw<'_>) -> ControlFlow<()> {
            self.0 += 1;
            ControlFlow::Break(())
        }
        fn bad(&mut self, _: Bad<'_>) -> ControlFlow<()> {
            self.record(Raw { bytes: b"", line: 0, unterminated: false })
        }
    }
    let mut one = One(0);
    assert!(CsvDecoder::new(CsvOptions::default()).decode(b"a\n1\n2\n", &mut one).is_break());
    assert_eq!(one.0, 1);
}

/// A plain CSV writer: quotes where it must, and elsewhere if asked to.
fn write_csv(rows: &[Vec<(String, bool)>], line_end: &str) -> String {
    let mut csv = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .map(|(text, quote)| {
                let must =
                    text.contains(['"', ',', '\r', '\n']) || (row.len() == 1 && text.is_empty());
                match *quote || must {
                    true => format!("\"{}\"", text.replace('"', "\"\"")),
                    false => text.clone(),
                }
            })
            .collect();
        csv.push_str(&cells.join(","));
        csv.push_str(line_end);
    }
    csv
}

/// A cell's text, often one of those that could be mistaken for something else.
fn cell() -> impl Strategy<Value = (String, bool)> {
    let text = prop_oneof![
        proptest::sample::select(vec![
            "", "NA", "1", "-2.5e3", "true", "a,b", "\"", "\r\n", "\u{feff}", "007"
        ])
        .prop_map(str::to_owned),
        "[a-z\",\r\n\u{e4}]{0,6}",
        any::<String>(),
    ];
    (text, any::<bool>())
}

/// As `--from tsv` reads.
fn tabs() -> CsvOptions {
    let values = Values { escapes: true, ..CsvOptions::default().values };
    CsvOptions { delimiter: b'\t', values, ..CsvOptions::default() }
}

#[test]
fn an_empty_line_is_a_row_where_tabs_separate_and_one_column_is_alone() {
    let read = |input: &str| decode_with(tabs(), input.as_bytes(), 1);
    for (input, rows) in [
        ("\n\na\n\nx\n\n\n", vec!["4:null", "5:\"x\"", "6:null", "7:null"]),
        ("a\r\n\r\n\r\nx\r\n", vec!["2:null", "3:null", "4:\"x\""]),
        ("a\r\r\rx", vec!["2:null", "3:null", "4:\"x\"~"]),
        ("a\n", vec![]),
    ] {
        let expected: Vec<String> = rows
            .iter()
            .map(|row| {
                let (line, value) = row.split_once(':').unwrap();
                let (value, end) = value.strip_suffix('~').map_or((value, ""), |it| (it, "~"));
                format!("{line}:{{\"a\":{value}}}{end}")
            })
            .collect();
        assert_eq!(read(input), expected, "{input:?}");
        assert_eq!(decode_with(tabs(), input.as_bytes(), 100), expected, "{input:?}");
    }
    // Of two columns, and in CSV, it is none.
    assert_eq!(read("a\tb\n\n1\t2\n").len(), 1);
    assert_eq!(decode(b"a\n\n1\n").len(), 1);
    // The names may be given.
    let named = CsvOptions { names: Names::Given(vec!["a".to_owned()]), ..tabs() };
    assert_eq!(decode_with(named, b"\nx\n", 1), ["1:{\"a\":null}", "2:{\"a\":\"x\"}"]);
}

proptest! {
    /// What `--format tsv` writes comes back, row for row, also of one column. Empty texts are null,
    /// as in all that has no quotes.
    #[test]
    fn tabs_come_back_as_they_were_written(
        rows in (1_usize..4).prop_flat_map(|columns| {
            let text = prop_oneof![
                Just(None),
                "[a-z\u{e4} ,;\"]{0,3}".prop_map(Some),
                "[\"\\\\tnN \t\n\r]{0,4}".prop_map(Some),
            ];
            proptest::collection::vec(proptest::collection::vec(text, columns), 1..6)
        }),
        block_bytes in 1_usize..40,
    ) {
        use crate::layout::{Format, Layout, Look};
        let mut layout = Layout::new(Format::Tsv, None, Look::default(), false).unwrap();
        let record = |row: &[Option<String>], empty_is_null: bool| {
            let mut record = Vec::new();
            for (column, text) in row.iter().enumerate() {
                record.extend_from_slice(if column == 0 { b"{" } else { b"," });
                write_string(&format!("c{column}"), &mut record);
                record.push(b':');
                match text.as_ref().filter(|text| !(empty_is_null && text.is_empty())) {
                    Some(text) => write_string(text, &mut record),
                    None => record.extend_from_slice(b"null"),
                }
            }
            record.push(b'}');
            record
        };
        let mut written = Vec::new();
        for row in &rows {
            layout.record(&record(row, false), None, &mut written).unwrap();
        }
        let expected: Vec<String> =
            rows.iter().map(|row| String::from_utf8(record(row, true)).unwrap()).collect();
        let seen = decode_with(tabs(), &written, block_bytes);
        let records: Vec<&str> =
            seen.iter().map(|seen| seen.split_once(':').map_or("", |(_, record)| record)).collect();
        prop_assert_eq!(records, expected, "{}", String::from_utf8_lossy(&written));
    }

    /// What a writer wrote comes back, cell for cell, whatever the blocks.
    #[test]
    fn rows_come_back_as_they_were_written(
        rows in (1_usize..5).prop_flat_map(|columns| {
            proptest::collection::vec(proptest::collection::vec(cell(), columns), 0..6)
        }),
        crlf in any::<bool>(),
        block_bytes in 1_usize..40,
    ) {
        let columns = rows.first().map_or(1, Vec::len);
        let header: Vec<(String, bool)> =
            (0..columns).map(|column| (format!("c{column}"), false)).collect();
        let mut all = vec![header];
        all.extend(rows.iter().cloned());
        let csv = write_csv(&all, if crlf { "\r\n" } else { "\n" });
        let options = all_text();
        let seen = decode_with(options, csv.as_bytes(), block_bytes);
        let expected: Vec<String> = rows.iter().map(|row| {
            let mut record = Vec::new();
            for (column, (text, _)) in row.iter().enumerate() {
                record.extend_from_slice(if column == 0 { b"{" } else { b"," });
                write_string(&format!("c{column}"), &mut record);
                record.push(b':');
                write_string(text, &mut record);
            }
            record.push(b'}');
            String::from_utf8_lossy(&record).into_owned()
        }).collect();
        let records: Vec<&str> =
            seen.iter().map(|seen| seen.split_once(':').map_or("", |(_, record)| record)).collect();
        prop_assert_eq!(records, expected, "{}", csv);
    }

    /// Whatever the bytes, blocks do not matter, and nothing panics.
    #[test]
    fn blocks_do_not_matter(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "a", "b", "1", ",", ",", "\"", "\"\"", "\n", "\n", "\r\n", "\r", "NA", "\u{feff}",
            "\u{e4}",
        ]), 0..24),
        torn in any::<Option<proptest::sample::Index>>(),
        record_bytes_max in 4_usize..40,
    ) {
        let mut input = pieces.concat().into_bytes();
        if let (Some(torn), false) = (torn, input.is_empty()) {
            input[torn.index(pieces.concat().len())] = 0xc3;
        }
        let options = CsvOptions { record_bytes_max, ..CsvOptions::default() };
        let whole = decode_with(options.clone(), &input, input.len().max(1));
        for block_bytes in 1..input.len() {
            prop_assert_eq!(&decode_with(options.clone(), &input, block_bytes), &whole);
        }
    }
}

#[test]
fn what_is_pending_begins_where_the_next_row_does() {
    let input = b"a,b\n1,\"x\ny\"\n22,3\n";
    let mut decoder = CsvDecoder::new(CsvOptions::default());
    assert!(decoder.awaits_header());
    // Where what is pending begins, after so many bytes.
    let begins = [(3, 0), (4, 4), (8, 4), (11, 4), (12, 12), (16, 12), (17, 17)];
    let mut given = 0;
    for (bytes, begin) in begins {
        assert!(decoder.decode(&input[given..bytes], &mut Seen::default()).is_continue());
        given = bytes;
        assert_eq!(given as u64 - decoder.pending(), begin);
        assert_eq!(decoder.awaits_header(), given < 4);
    }
    let long = vec![b'x'; 30];
    let mut decoder = CsvDecoder::new(CsvOptions { record_bytes_max: 10, ..CsvOptions::default() });
    assert!(decoder.decode(b"\xef\xbb", &mut Seen::default()).is_continue());
    assert_eq!(decoder.pending(), 2);
    assert!(decoder.decode(b"\xbfa\n", &mut Seen::default()).is_continue());
    let mut seen = Seen::default();
    for pending in [30, 60] {
        assert!(decoder.decode(&long, &mut seen).is_continue());
        assert_eq!(decoder.pending(), pending);
    }
    assert!(decoder.finish(&mut seen).is_continue());
    assert_eq!(decoder.pending(), 0);
}
