//! `--multiline`: lines that belong together, as a stack trace belongs to the line before it.

use regex_automata::meta::Regex;

/// Gathers the lines of a group: one that begins it, and those after it up to the next such line.
#[derive(Clone, Debug)]
pub(super) struct Joining {
    begins: Regex,
    /// The lines of the group, with line ends between them.
    bytes: Vec<u8>,
    /// The line of the input at which it begins.
    line: u64,
    /// How many bytes of the input they are, together with their line ends.
    input_bytes: u64,
    unterminated: bool,
    /// Whether pieces of the group were taken, since it is over the limit.
    over: bool,
}

/// The lines of a group.
#[derive(Debug)]
pub(super) struct Group {
    /// The lines, with line ends between them.
    pub bytes: Vec<u8>,
    /// The line of the input at which it begins.
    pub line: u64,
    /// Whether its last line had no line end.
    pub unterminated: bool,
    /// Whether this is what is left of a group that is over the limit.
    pub over: bool,
}

impl Joining {
    /// A line in which `begins` is found begins a group.
    pub fn new(begins: Regex) -> Joining {
        Joining {
            begins,
            bytes: Vec::new(),
            line: 0,
            input_bytes: 0,
            unterminated: false,
            over: false,
        }
    }

    /// Whether a line begins a group.
    pub fn begins(&self, line: &[u8]) -> bool {
        self.begins.is_match(line)
    }

    /// How many bytes of the input are in the group that is gathered.
    pub fn input_bytes(&self) -> u64 {
        self.input_bytes
    }

    /// Adds a line, which has its CR still but no LF.
    pub fn push(&mut self, line: &[u8], number: u64, unterminated: bool) {
        if self.input_bytes == 0 {
            self.line = number;
        } else {
            self.bytes.push(b'\n');
        }
        self.bytes.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        self.input_bytes += line.len() as u64 + u64::from(!unterminated);
        self.unterminated = unterminated;
    }

    /// What there is of a group that is over the limit, where it begins, and whether pieces of it
    /// were taken before.
    pub fn take_piece(&mut self, bytes_max: usize) -> Option<(Vec<u8>, u64, bool)> {
        (self.bytes.len() > bytes_max).then(|| {
            let before = std::mem::replace(&mut self.over, true);
            (std::mem::take(&mut self.bytes), self.line, before)
        })
    }

    /// Takes the group, if there is one, and makes ready for the next.
    pub fn take(&mut self) -> Option<Group> {
        let is_there = std::mem::take(&mut self.input_bytes) > 0;
        let bytes = std::mem::take(&mut self.bytes);
        let over = std::mem::take(&mut self.over);
        let unterminated = std::mem::take(&mut self.unterminated);
        is_there.then_some(Group { bytes, line: self.line, unterminated, over })
    }

    /// Gives back the memory of a group.
    pub fn reuse(&mut self, mut bytes: Vec<u8>) {
        if self.bytes.is_empty() {
            bytes.clear();
            self.bytes = bytes;
        }
    }
}
