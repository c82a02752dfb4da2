//! The decision where files continue, held to a model: a writer that appends, rotates, copies,
//! compresses and removes, and a reader that comes at any time between.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;

use proptest::prelude::*;

use super::identity::{Fingerprint, HEAD_BYTES_MAX, Identity, Inode, hash};
use super::mark::{Mark, POSITION_MAX, TAIL_BYTES_MAX};
use super::plan::{Contents, Found, Remembered, identity_of, in_order, plan};
use super::rotation::Rotated;

const LIVE: &str = "app.log";
/// The line with which files begin, as of a program that says that it starts.
const BEGIN: &[u8] = b"\"begin\"\n";
/// How many rotated files are kept.
const KEPT: usize = 4;

#[derive(Clone, Debug)]
struct File {
    inode: u64,
    content: Vec<u8>,
    compressed: bool,
    modified_us: i64,
}

#[derive(Default)]
struct Disk {
    files: BTreeMap<String, File>,
    clock_us: i64,
    inodes: u64,
    /// Inodes that nothing has any more: the next file gets one of them.
    free: Vec<u64>,
    /// Every line that was written whole, by its text.
    written: Vec<String>,
    /// Whether a last line was begun and not ended.
    torn: bool,
    /// Whether the file was copied and is to be truncated.
    copied: bool,
}

#[derive(Clone, Debug)]
enum Act {
    Append(u8, bool),
    Tear,
    /// The file is made, with nothing in it, if there is none.
    Make,
    Rename,
    Copy,
    Truncate,
    Compress(usize),
    Replace,
    /// The oldest of the rotated files is deleted.
    Remove,
    Run,
    /// A run that ends after it has read so many files.
    RunPart(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        5 => (1..40_u8, any::<bool>()).prop_map(|(lines, long)| Act::Append(lines, long)),
        2 => Just(Act::Tear),
        2 => Just(Act::Make),
        3 => Just(Act::Rename),
        2 => Just(Act::Copy),
        3 => Just(Act::Truncate),
        2 => (1..=KEPT).prop_map(Act::Compress),
        1 => Just(Act::Replace),
        2 => Just(Act::Remove),
        5 => Just(Act::Run),
        4 => (1_usize..3).prop_map(Act::RunPart),
    ];
    proptest::collection::vec(act, 1..40)
}

impl Disk {
    fn new_file(&mut self, content: Vec<u8>) -> File {
        let inode = self.free.pop().unwrap_or_else(|| {
            self.inodes += 1;
            self.inodes
        });
        File { inode, content, compressed: false, modified_us: self.clock_us }
    }

    fn live(&mut self) -> &mut File {
        if !self.files.contains_key(LIVE) {
            let file = self.new_file(BEGIN.to_vec());
            self.files.insert(LIVE.to_owned(), file);
        }
        self.files.get_mut(LIVE).unwrap()
    }

    fn append(&mut self, lines: u8, long: bool) {
        for _ in 0..lines {
            let mut line = format!("n{}", self.written.len());
            if long {
                line.push_str(&".".repeat(50));
            }
            let (torn, clock_us) = (std::mem::take(&mut self.torn), self.clock_us);
            let live = self.live();
            live.modified_us = clock_us;
            // The first half is there already.
            let text = if torn { line.get(1..).unwrap() } else { &line[..] };
            live.content.extend_from_slice(text.as_bytes());
            live.content.push(b'\n');
            self.written.push(line);
        }
    }

    /// Whether the file has more than the line with which all begin. A reader that has seen no more
    /// of one cannot tell it from others.
    fn is_distinct(&self) -> bool {
        let is_alike = |file: &File| {
            let lines = memchr::memchr_iter(b'\n', &file.content).count();
            lines == 1 && file.content.starts_with(BEGIN)
        };
        !self.files.get(LIVE).is_some_and(is_alike)
    }

    /// Whether the file is rotated now.
    fn may_rotate(&self) -> bool {
        self.files.contains_key(LIVE) && self.is_distinct() && !self.torn && !self.copied
    }

    fn tear(&mut self) {
        if !std::mem::replace(&mut self.torn, true) {
            let clock_us = self.clock_us;
            let live = self.live();
            live.modified_us = clock_us;
            live.content.push(b'n');
        }
    }

    fn make(&mut self) {
        if !self.files.contains_key(LIVE) && !self.torn {
            let file = self.new_file(Vec::new());
            self.files.insert(LIVE.to_owned(), file);
        }
    }

    /// The name of a rotated file, if it is there.
    fn rotated(&self, number: usize) -> Option<String> {
        ["", ".gz"]
            .map(|end| format!("{LIVE}.{number}{end}"))
            .into_iter()
            .find(|name| self.files.contains_key(name))
    }

    fn remove(&mut self, name: &str, lost: &mut BTreeSet<String>, seen: &BTreeSet<String>) {
        let file = self.files.remove(name).unwrap();
        self.free.push(file.inode);
        let text = String::from_utf8(file.content).unwrap();
        lost.extend(text.lines().map(str::to_owned).filter(|line| !seen.contains(line)));
    }

    fn shift(&mut self, lost: &mut BTreeSet<String>, seen: &BTreeSet<String>) {
        if let Some(oldest) = self.rotated(KEPT) {
            self.remove(&oldest, lost, seen);
        }
        for number in (1..KEPT).rev() {
            if let Some(name) = self.rotated(number) {
                let file = self.files.remove(&name).unwrap();
                let end = if file.compressed { ".gz" } else { "" };
                self.files.insert(format!("{LIVE}.{}{end}", number + 1), file);
            }
        }
    }

    fn act(&mut self, act: &Act, lost: &mut BTreeSet<String>, seen: &BTreeSet<String>) {
        self.clock_us += 1;
        match act {
            Act::Append(lines, long) => self.append(*lines, *long),
            Act::Tear if !self.copied => self.tear(),
            Act::Make => self.make(),
            Act::Rename if self.may_rotate() => {
                self.shift(lost, seen);
                let file = self.files.remove(LIVE).unwrap();
                self.files.insert(format!("{LIVE}.1"), file);
            }
            // Half of the copy may be there before all of it is.
            Act::Copy if self.may_rotate() => {
                self.shift(lost, seen);
                let content = self.live().content.clone();
                let copy = self.new_file(content);
                self.files.insert(format!("{LIVE}.1"), copy);
                self.copied = true;
            }
            Act::Truncate if self.copied => {
                self.copied = false;
                let content = self.live().content.clone();
                let copy = self.files.get_mut(&format!("{LIVE}.1")).unwrap();
                (copy.content, copy.modified_us) = (content, self.clock_us);
                self.live().content = BEGIN.to_vec();
            }
            Act::Compress(number) if !self.copied => {
                let name = format!("{LIVE}.{number}");
                if let Some(file) = self.files.remove(&name) {
                    let inode = self.new_file(Vec::new()).inode;
                    self.free.push(file.inode);
                    self.files.insert(name + ".gz", File { inode, compressed: true, ..file });
                }
            }
            Act::Remove if !self.copied => {
                if let Some(oldest) = (1..=KEPT).rev().find_map(|number| self.rotated(number)) {
                    self.remove(&oldest, lost, seen);
                }
            }
            // All is written once more into another file, as an editor does.
            Act::Replace if self.files.contains_key(LIVE) && !self.copied => {
                let file = self.files.remove(LIVE).unwrap();
                let another = self.new_file(file.content);
                self.files.insert(LIVE.to_owned(), another);
            }
            _ => {}
        }
    }
}

fn mark_of(content: &[u8], position: usize, ended: bool) -> Mark {
    let tail = &content[position.saturating_sub(TAIL_BYTES_MAX)..position];
    Mark::new(position as u64, ended, content, tail)
}

struct Texts(Vec<Vec<u8>>);

impl Contents for Texts {
    type Error = Infallible;

    fn agrees(&mut self, file: usize, mark: Mark) -> Result<bool, Infallible> {
        let (content, position) = (&self.0[file], mark.position as usize);
        Ok(position <= content.len() && mark_of(content, position, mark.ended) == mark)
    }

    fn at_end(&mut self, file: usize) -> Result<Mark, Infallible> {
        Ok(mark_of(&self.0[file], self.0[file].len(), false))
    }
}

/// A reader, with what the log has.
#[derive(Default)]
struct Reader {
    sources: HashMap<Identity, (Mark, i64)>,
    /// The lines of each source, in order.
    lines: Vec<String>,
}

impl Reader {
    /// Reads so many files, at the most.
    fn run(&mut self, disk: &Disk, files_max: usize) {
        let path = hash(LIVE.as_bytes());
        let (mut files, mut contents) = (Vec::new(), HashMap::new());
        for (name, file) in &disk.files {
            let inode = Inode { device: 1, number: file.inode };
            contents.insert(inode, &file.content);
            let head = file.content[..file.content.len().min(HEAD_BYTES_MAX)].to_vec();
            files.push(Found {
                inode,
                rotated: Rotated::of(name, LIVE),
                compressed: file.compressed,
                bytes: if file.compressed { 7 } else { file.content.len() as u64 },
                modified_us: file.modified_us,
                named: name == LIVE,
                head,
            });
        }
        let files = in_order(files);
        let remembered: Vec<Remembered> = self
            .sources
            .iter()
            .map(|(identity, (mark, time_us))| Remembered {
                identity: identity.clone(),
                mark: *mark,
                time_us: Some(*time_us),
            })
            .collect();
        let mut texts = Texts(files.iter().map(|file| contents[&file.inode].clone()).collect());
        let plan = plan(&files, &remembered, path, disk.clock_us, &mut texts).unwrap();
        for step in plan.steps.into_iter().take(files_max) {
            let file = &files[step.file];
            let content = contents[&file.inode];
            let ended = file.rotated.is_some();
            let rest = &content[step.mark.position as usize..];
            let taken = match ended {
                true => rest.len(),
                false => rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1),
            };
            let text = std::str::from_utf8(&rest[..taken]).unwrap();
            self.lines.extend(text.lines().map(str::to_owned));
            let position = step.mark.position as usize + taken;
            let mark = mark_of(content, position, ended && file.compressed);
            assert!(mark.sequence() >= step.mark.sequence(), "a position went back");
            self.sources.insert(step.identity, (mark, disk.clock_us));
            if step.by_content && file.compressed {
                let another = identity_of(file, &remembered, path, disk.clock_us);
                self.sources.insert(another, (mark, disk.clock_us));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Whatever happens between two runs, each line comes once, and none is missing that was on the
    /// disk when a run came.
    #[test]
    fn each_line_comes_once(acts in acts()) {
        let (mut disk, mut reader) = (Disk::default(), Reader::default());
        let (mut lost, mut ran) = (BTreeSet::new(), false);
        for act in acts.iter().chain([&Act::Truncate, &Act::Append(1, false), &Act::Run]) {
            let seen: BTreeSet<String> = reader.lines.iter().cloned().collect();
            let files_max = match act {
                Act::Run => Some(usize::MAX),
                Act::RunPart(files) => Some(*files),
                _ => None,
            };
            if files_max.is_some() && !disk.is_distinct() {
                continue;
            }
            if let Some(files_max) = files_max {
                // The first run takes the file as it is, and nothing that was rotated before.
                if !ran {
                    let live = disk.files.get(LIVE).map(|file| file.content.clone());
                    let live = String::from_utf8(live.unwrap_or_default()).unwrap();
                    let there: BTreeSet<&str> = live.lines().collect();
                    lost = disk.written.iter().filter(|line| !there.contains(&***line)).cloned().collect();
                    ran = disk.files.contains_key(LIVE);
                }
                reader.run(&disk, files_max);
            } else {
                disk.act(act, &mut lost, &seen);
            }
        }
        let lines: Vec<&String> = reader.lines.iter().filter(|line| *line != "\"begin\"").collect();
        let wanted: Vec<&String> = disk.written.iter().filter(|line| !lost.contains(*line)).collect();
        prop_assert_eq!(lines, wanted);
    }

    #[test]
    fn a_sequence_is_read_back(position in 0..=POSITION_MAX, ended: bool, text in "[a-z]{0,40}") {
        let mark = Mark::new(position, ended, text.as_bytes(), text.as_bytes());
        prop_assert_eq!(Mark::of(mark.sequence()), mark);
        prop_assert!(Mark::new(position + 1, ended, b"", b"").sequence() > mark.sequence() || position == POSITION_MAX);
    }

    #[test]
    fn a_name_is_read_back(
        device: u64, number: u64, path: u64, again in 0..3_u32, head: Vec<u8>,
        begun_us in proptest::option::of(0..i64::MAX),
    ) {
        let inode = Inode { device, number };
        let identity = Identity { inode, fingerprint: Fingerprint::of(&head), path, again, begun_us };
        prop_assert_eq!(Identity::parse(&identity.to_string()), Some(identity.clone()));
        prop_assert!(identity.to_string().len() < 120);
    }

    #[test]
    fn any_name_is_read_without_a_panic(name in "(file:)?[0-9a-f:x+]{0,40}") {
        let _ = Identity::parse(&name);
    }
}

#[test]
fn the_numbers_are_those_of_the_document() {
    // SipHash-2-4 of 0, 1, … 7 with a key of zeros would be another: this is that of no bytes.
    assert_eq!(hash(b""), 0x1e92_4b9d_7377_00d7);
    let mark = Mark::new(5, true, b"1\n22\n", b"1\n22\n");
    let check = u64::from(crc32c::crc32c(b"1\n22\n1\n22\n")) & 0x7_ffff;
    assert_eq!(mark.sequence(), (5 << 20) + (1 << 19) + check);
}
