//! The names of a segment's files (`docs/FORMAT.md`, "Segment data").
//!
//! Compaction writes a segment's data anew, in its next generation; the index names the generation
//! that counts, and so the file.

/// What the name of a file has at its end until all of it is on the disk.
pub(in crate::log) const UNFINISHED: &str = ".tmp";

/// The name of a segment's data in its `generation`.
pub(in crate::log) fn data_name(base: u64, generation: u32) -> String {
    match generation {
        0 => format!("{base:020}.ndjson"),
        _ => format!("{base:020}.{generation}.ndjson"),
    }
}

/// The name of a segment's index.
pub(in crate::log) fn index_name(base: u64) -> String {
    format!("{base:020}.index")
}

/// The base offset and the generation of the data that a file of this name holds.
pub(in crate::log) fn parse_data(name: &str) -> Option<(u64, u32)> {
    let stem = name.strip_suffix(".ndjson")?;
    let (digits, generation) = match stem.split_once('.') {
        None => (stem, 0),
        Some((digits, generation)) => (digits, generation.parse().ok()?),
    };
    // Only the one spelling that we write is ours.
    let base = parse_base(digits)?;
    (data_name(base, generation) == name).then_some((base, generation))
}

/// The base offset of the segment whose index has this name.
pub(in crate::log) fn parse_index(name: &str) -> Option<u64> {
    parse_base(name.strip_suffix(".index")?)
}

fn parse_base(digits: &str) -> Option<u64> {
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (base, generation) in [(0, 0), (131_072, 0), (7, 1), (u64::MAX, u32::MAX)] {
            assert_eq!(parse_data(&data_name(base, generation)), Some((base, generation)));
            assert_eq!(parse_index(&index_name(base)), Some(base));
        }
        assert_eq!(data_name(5, 12), "00000000000000000005.12.ndjson");
    }

    #[test]
    fn other_names_are_not_ours() {
        for name in [
            "",
            ".ndjson",
            "5.ndjson",
            "00000000000000000005.ndjson.tmp",
            "00000000000000000005.0.ndjson",
            "00000000000000000005.01.ndjson",
            "00000000000000000005.+1.ndjson",
            "00000000000000000005..ndjson",
            "00000000000000000005.1.1.ndjson",
            "00000000000000000005.4294967296.ndjson",
            "99999999999999999999.ndjson",
            "+0000000000000000005.ndjson",
        ] {
            assert_eq!(parse_data(name), None, "{name}");
        }
        assert_eq!(parse_index("00000000000000000005.index.tmp"), None);
        assert_eq!(parse_index("+0000000000000000005.index"), None);
    }
}
