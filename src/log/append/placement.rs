//! Which partition a record goes to by its key (`docs/FORMAT.md`, "Placement"): the one to which
//! Kafka's Java client sends the same key, so that topics of both sides can be joined by partition.
//! Small whole numbers spread well, too.

use crate::expr::{Exceeded, Program, RecordError, Value};

/// The partition of a record by its key; `text` is a buffer. `exceeded` is set if the evaluation
/// of the key ran into a bound.
pub(in crate::log) fn place_by_key(
    program: &mut Program,
    record: &[u8],
    partitions: u32,
    text: &mut Vec<u8>,
    exceeded: &mut Option<Exceeded>,
) -> Result<u32, String> {
    let mut loaded = program.load(record).map_err(|error| error.to_string())?;
    let value: Value<'_> = loaded.value(0).map_err(|error| {
        if let RecordError::Exceeded(bound) = error {
            *exceeded = Some(bound);
        }
        format!("its key: {error}")
    })?;
    Ok(partition_of(value, partitions, text))
}

/// The partition of a key: `toPositive(murmur2(bytes)) % partitions`, as
/// `BuiltInPartitioner.partitionForKey` has it. The bytes are those of a string, else of the
/// compact JSON text.
fn partition_of(key: Value<'_>, partitions: u32, text: &mut Vec<u8>) -> u32 {
    let hash = match key {
        Value::Text(string) => murmur2(string.as_bytes()),
        key => {
            text.clear();
            key.write_json(text);
            murmur2(text)
        }
    };
    (hash & 0x7fff_ffff) % partitions
}

/// MurmurHash2 with 32 bits and Kafka's seed (`org.apache.kafka.common.utils.Utils.murmur2`).
fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let (words, rest) = bytes.as_chunks::<4>();
    // Its length as Kafka has it: of 32 bits. No record is that long.
    let mut hash = SEED ^ bytes.len() as u32;
    for &word in words {
        let mut k = u32::from_le_bytes(word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (at, &byte) in rest.iter().enumerate() {
            hash ^= u32::from(byte) << (8 * at);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

/// The partition of a key by its compact JSON text, which is no string: for models of a topic.
#[cfg(test)]
pub(in crate::log) fn partition_of_json(text: &str, partitions: u32) -> u32 {
    partition_of(Value::Json(text), partitions, &mut Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Kafka's `UtilsTest.testMurmur2`.
    #[test]
    fn the_hash_is_that_of_kafka() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107_i32),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
    }

    #[test]
    fn a_string_goes_by_its_contents_and_all_else_by_its_text() {
        for partitions in [1, 3, 7, 1024] {
            let of = |hash: i32| (hash & 0x7fff_ffff) as u32 % partitions;
            let place = |key| partition_of(key, partitions, &mut Vec::new());
            assert_eq!(place(Value::Text("foobar")), of(-790_332_482));
            assert_eq!(place(Value::Number("21")), of(-973_932_308));
            assert_eq!(place(Value::Text("21")), of(-973_932_308));
            assert_eq!(place(Value::Null), place(Value::Text("null")));
        }
    }

    #[test]
    fn small_numbers_use_all_partitions() {
        for keys in [1..13, 0..8, 100..112] {
            let mut counts = [0; 4];
            for key in keys {
                let spelled = format!("{key}");
                let place = partition_of(Value::Number(&spelled), 4, &mut Vec::new());
                counts[place as usize] += 1;
            }
            assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
        }
    }
}
