//! Pages of docs/ as manual pages: one source, two forms.

use std::fmt::Write as _;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Pages that are manual pages, too: where a link to them leads.
const PAGES: [(&str, &str); 5] = [
    ("README.md", "millstream(7)"),
    ("FORMAT.md", "millstream-format(5)"),
    ("PROTOCOL.md", "millstream-protocol(7)"),
    ("WINDOWS.md", "millstream-windows(7)"),
    ("COOKBOOK.md", "millstream-cookbook(7)"),
];

/// What the head of a page says.
pub struct Head<'a> {
    /// The page's name: `millstream-format`.
    pub name: &'a str,
    /// Its section.
    pub section: u8,
    /// The line of its name.
    pub about: &'a str,
    /// Sections of the Markdown that are left out.
    pub without: &'a [&'a str],
    /// Pages to see, too.
    pub see_also: &'a [&'a str],
}

/// Makes a manual page of Markdown.
pub fn page(head: &Head<'_>, markdown: &str) -> String {
    let version = concat!("millstream ", env!("CARGO_PKG_VERSION"));
    let title = head.name.to_uppercase();
    let mut out = format!(".TH {title} {} \"\" \"{version}\" millstream\n", head.section);
    let _ = write!(
        out,
        ".SH NAME\n{} \\- {}\n.SH DESCRIPTION\n",
        escaped(head.name),
        escaped(head.about)
    );
    let mut roff = Roff { out, ..Roff::default() };
    let mut omitted = false;
    let mut heading: Option<(HeadingLevel, String)> = None;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                let (level, text) = heading.take().unwrap();
                if level <= HeadingLevel::H2 {
                    omitted = head.without.contains(&text.as_str());
                }
                if !omitted {
                    roff.heading(level, &text);
                }
            }
            Event::Text(text) | Event::Code(text) if heading.is_some() => {
                heading.as_mut().unwrap().1 += &text;
            }
            event if !omitted => roff.event(event),
            _ => {}
        }
    }
    roff.line(".SH \"SEE ALSO\"");
    roff.out += &escaped(&head.see_also.join(", "));
    roff.end_line();
    roff.out
}

/// A page as far as it is written.
#[derive(Default)]
struct Roff {
    out: String,
    /// Inside of a block of code.
    code: bool,
    /// The number of each list that is open, if it has numbers.
    lists: Vec<Option<u64>>,
    /// Where links lead that are open.
    links: Vec<String>,
    /// The names of the columns, and of the row that is open its cells.
    table: Table,
    /// A paragraph that begins belongs to what is before it: the first one of an item.
    joined: bool,
}

#[derive(Default)]
struct Table {
    head: Vec<String>,
    cells: Vec<String>,
    in_head: bool,
    /// What was written before the cell that is open.
    outside: Option<String>,
}

impl Roff {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.code => self.code_lines(&text),
            Event::Text(text) => self.text(&text),
            Event::Code(text) => {
                let text = format!("\\fB{}\\fR", escaped(&text));
                self.raw(&text);
            }
            Event::SoftBreak => self.end_line(),
            Event::HardBreak => self.line(".br"),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph if self.joined => self.joined = false,
            Tag::Paragraph => self.paragraph(),
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                self.paragraph();
                self.line(".RS 4");
                self.line(".nf");
                self.code = true;
            }
            Tag::List(number) => {
                if !self.lists.is_empty() {
                    self.line(".RS 2");
                }
                self.lists.push(number);
            }
            Tag::Item => {
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}.", *number - 1)
                    }
                    _ => "\\(bu".to_owned(),
                };
                self.line(&format!(".IP {mark} 3"));
                self.joined = true;
            }
            Tag::Strong => self.raw("\\fB"),
            Tag::Emphasis => self.raw("\\fI"),
            Tag::Link { dest_url, .. } => self.links.push(dest_url.into_string()),
            Tag::TableHead => {
                self.table = Table { in_head: true, ..Table::default() };
            }
            Tag::TableCell => {
                self.table.outside = Some(std::mem::take(&mut self.out));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.end_line(),
            TagEnd::CodeBlock => {
                self.code = false;
                self.line(".fi");
                self.line(".RE");
            }
            TagEnd::List(_) => {
                self.lists.pop();
                if !self.lists.is_empty() {
                    self.line(".RE");
                }
            }
            TagEnd::Item => self.end_line(),
            TagEnd::Strong | TagEnd::Emphasis => self.raw("\\fR"),
            TagEnd::Link => {
                let to = self.links.pop().unwrap();
                if let Some(place) = shown(&to).filter(|place| !self.out.ends_with(place.as_str()))
                {
                    self.raw(&format!(" ({place})"));
                }
            }
            TagEnd::TableCell => {
                let outside = self.table.outside.take().unwrap();
                let cell = std::mem::replace(&mut self.out, outside);
                self.table.cells.push(cell.trim().to_owned());
            }
            TagEnd::TableHead => {
                self.table.head = std::mem::take(&mut self.table.cells);
                self.table.in_head = false;
            }
            TagEnd::TableRow => self.row(),
            _ => {}
        }
    }

    /// Begins a paragraph, unless a heading has.
    fn paragraph(&mut self) {
        let last = self.out.lines().last();
        if !last.is_some_and(|line| line.starts_with(".S")) {
            self.line(".PP");
        }
    }

    /// A row is an entry: its first cell, and then the others, with the names of their columns where
    /// there are several.
    fn row(&mut self) {
        let cells = std::mem::take(&mut self.table.cells);
        let Some((first, others)) = cells.split_first() else { return };
        self.line(".TP");
        self.raw(if first.is_empty() { "\\&" } else { first });
        self.end_line();
        let names: Vec<String> = self.table.head.iter().skip(1).cloned().collect();
        for (number, (cell, name)) in others.iter().zip(&names).enumerate() {
            if number > 0 {
                self.line(".br");
            }
            if others.len() > 1 && !name.is_empty() {
                self.raw(&format!("\\fI{name}\\fR: "));
            }
            self.raw(if cell.is_empty() { "\\&" } else { cell });
            self.end_line();
        }
    }

    fn heading(&mut self, level: HeadingLevel, text: &str) {
        match level {
            HeadingLevel::H1 => {}
            HeadingLevel::H2 => self.line(&format!(".SH \"{}\"", escaped(&text.to_uppercase()))),
            _ => self.line(&format!(".SS \"{}\"", escaped(text))),
        }
    }

    fn code_lines(&mut self, text: &str) {
        for line in text.lines() {
            let line = escaped(line);
            let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
            let _ = writeln!(self.out, "{guard}{line}");
        }
    }

    fn text(&mut self, text: &str) {
        self.raw(&escaped(text));
    }

    /// What is roff already. A line that would be a request is none.
    fn raw(&mut self, text: &str) {
        let begins = self.out.is_empty() || self.out.ends_with('\n');
        if begins && text.starts_with(['.', '\'']) {
            self.out.push_str("\\&");
        }
        self.out.push_str(if begins { text.trim_start() } else { text });
    }

    /// A request, on a line of its own.
    fn line(&mut self, request: &str) {
        self.end_line();
        self.out.extend([request, "\n"]);
    }

    fn end_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }
}

/// Where a link leads, for a reader of manual pages; none within a page.
fn shown(to: &str) -> Option<String> {
    let path = to.split('#').next().unwrap_or_default();
    if path.is_empty() {
        return None;
    }
    let file = path.rsplit('/').next().unwrap_or_default();
    let page = PAGES.iter().find(|(name, _)| *name == file).map(|(_, page)| (*page).to_owned());
    let manual = || Some(format!("{}(1)", path.strip_prefix("man/")?.strip_suffix(".1")?));
    Some(escaped(
        &page.or_else(manual).unwrap_or_else(|| path.trim_start_matches("../").to_owned()),
    ))
}

/// A text in which nothing is roff, in ASCII.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '"' => out.push_str("\\(dq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            ' '..='~' => out.push(letter),
            other => out += &format!("\\[u{:04X}]", u32::from(other)),
        }
    }
    out
}

#[test]
fn markdown_becomes_a_manual_page() {
    let head = Head {
        name: "mill",
        section: 7,
        about: "grinds",
        without: &["Install"],
        see_also: &["jq(1)"],
    };
    let text = "# Mill\nA `b-c` and\n.d [e](FORMAT.md#x).\n\n## Install\nGone.\n\n## Use\n```sh\n.a \\\n```\n- one\n  \
                - two\n\n| a | b | c |\n| - | - | - |\n| **x** | y | z |\n";
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        page(&head, text),
        format!(
            ".TH MILL 7 \"\" \"millstream {version}\" millstream\n.SH NAME\nmill \\- grinds\n.SH DESCRIPTION\nA \
             \\fBb\\-c\\fR and\n\\&.d e (millstream\\-format(5)).\n.SH \"USE\"\n.RS 4\n.nf\n\\&.a \
             \\e\n.fi\n.RE\n.IP \\(bu 3\none\n.RS 2\n.IP \\(bu 3\ntwo\n.RE\n.TP\n\\fBx\\fR\n\\fIb\\fR: \
             y\n.br\n\\fIc\\fR: z\n.SH \"SEE ALSO\"\njq(1)\n"
        )
    );
}
