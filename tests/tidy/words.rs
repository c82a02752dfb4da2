//! Words that users do not read: each has a plain one in its place. What users read is in the
//! strings of src/, in man/ (with all of `--help`), and in the pages.

use crate::source::Source;

/// What is not written, and what to write instead. Only what is wrong wherever it is written.
pub const WORDS: [(&str, &str); 42] = [
    ("all the same", "'still', 'anyway'"),
    ("anew", "'again', or a verb: 'rewritten', 'rebuilt'"),
    ("are not there", "'do not exist', 'are missing'"),
    ("are told", "'are reported'"),
    ("be told", "'be reported'"),
    ("behind", "'after' in time and in order"),
    ("by and by", "'periodically'"),
    ("came out", "'was emitted', 'was printed'"),
    ("come out", "'are emitted', 'are printed'"),
    ("comes out", "'is emitted', 'is printed'"),
    ("force to the disk", "'fsync'"),
    ("forced to the disk", "'fsynced'"),
    ("forces to the disk", "'fsyncs'"),
    ("go on", "'continue', 'resume'"),
    ("goes on", "'continues', 'resumes'"),
    ("in hand", "'in progress', 'held'"),
    ("in vain", "'without success', or what did not happen"),
    ("is no jq", "'is not a jq expression'"),
    ("is not there", "'does not exist', 'is missing'"),
    ("is told", "'is reported'"),
    ("left alone", "'not changed'"),
    ("looked at", "'read', 'checked', 'examined'"),
    ("looks at", "'reads', 'checks', 'uses'"),
    ("make no sense", "'are invalid', and why"),
    ("makes no sense", "'is invalid', and why"),
    ("nobody", "name the user, or say 'no process', 'no user'"),
    ("of no use", "'has no effect with …'"),
    ("put out", "'emit'; of work: 'postponed'"),
    ("puts out", "'emits'"),
    ("putting out", "'emitting'"),
    ("share out", "'divide', 'rebalance'"),
    ("shared out", "'divided', 'rebalanced'"),
    ("somebody", "name the program or user: 'another process'"),
    ("spelled", "'written'"),
    ("spelling", "'notation', 'digits'"),
    ("tell apart", "'distinguish'"),
    ("told apart", "'distinguished', 'tracked separately'"),
    ("went on", "'continued', 'resumed'"),
    ("what is there", "'what exists', or name it"),
    ("whoever", "name the program or user; programs are 'it'"),
    ("whom", "name the program or user; programs are 'it'"),
    ("worked on", "'processed'"),
];

/// The words of [`WORDS`] in a text whose first line is `line`: where, which, and what to write.
pub fn found(text: &str, line: usize) -> Vec<(usize, &'static str, &'static str)> {
    let words: Vec<(usize, &str)> = (line..)
        .zip(text.lines())
        .flat_map(|(line, text)| text.split_whitespace().map(move |word| (line, word)))
        // The end of a line of a string that continues on the next one.
        .filter(|(_, word)| *word != "\\")
        .collect();
    let mut all = Vec::new();
    for at in 0..words.len() {
        for (phrase, instead) in WORDS {
            if begins_with(&words[at..], phrase) {
                all.push((words[at].0, phrase, instead));
            }
        }
    }
    all
}

/// Whether words begin with those of a phrase. Punctuation may come before and after all of them.
fn begins_with(words: &[(usize, &str)], phrase: &str) -> bool {
    // A value that is filled in, like `{behind}`, is no word.
    let plain = |c: char| !c.is_alphanumeric() && !"{}".contains(c);
    let mut wanted = phrase.split(' ').peekable();
    let mut words = words.iter().enumerate();
    while let Some(wanted_word) = wanted.next() {
        let Some((at, (_, word))) = words.next() else { return false };
        let word = if at == 0 { word.trim_start_matches(plain) } else { word };
        let word = if wanted.peek().is_none() { word.trim_end_matches(plain) } else { word };
        if !word.eq_ignore_ascii_case(wanted_word) {
            return false;
        }
    }
    true
}

/// The words of [`WORDS`] in the strings of a source file, its unit tests left out.
pub fn in_strings(source: &Source) -> Vec<(usize, &'static str, &'static str)> {
    source.strings().into_iter().flat_map(|(line, text)| found(text, line)).collect()
}

/// Whether all of a file is for users.
pub fn is_page(path: &str) -> bool {
    let pages = ["README.md", "CHANGELOG.md"];
    pages.contains(&path)
        || path.starts_with("man/")
        || path.strip_prefix("docs/").is_some_and(|name| name.ends_with(".md"))
}

#[test]
fn words_are_found_across_lines_and_only_whole() {
    let which = |text: &str| -> Vec<(usize, &str)> {
        found(text, 1).into_iter().map(|(line, word, _)| (line, word)).collect()
    };
    assert_eq!(
        which("It goes\non, (behind) it. Nobody!"),
        [(1, "goes on"), (2, "behind"), (2, "nobody")]
    );
    assert_eq!(
        which("a good one; it goes. On and on, ahead of what is there."),
        [(1, "what is there")]
    );
    assert_eq!(which("lines are put \\\n    out"), [(1, "put out")]);
    assert_eq!(which("inhand, whomsoever, put, out"), []);
}

#[test]
fn words_are_found_in_strings_but_not_in_comments_and_tests() {
    let text = "// It goes on.\nlet a = \"x\ngoes on\"; // anew\n/// Anew.\nlet b = r#\"anew\"#;\n\
                #[cfg(test)]\nmod tests {\n    let c = \"anew\";\n}\n";
    let all = in_strings(&Source::new("src/a/b.rs", text));
    let all: Vec<(usize, &str)> = all.into_iter().map(|(line, word, _)| (line, word)).collect();
    assert_eq!(all, [(3, "goes on"), (5, "anew")]);
}

#[test]
fn the_list_is_in_order_and_names_each_word_once() {
    let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
    let mut sorted = words.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(words, sorted);
}
