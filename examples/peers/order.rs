//! Whether a follower got every producer's records, each once and in order.

use std::io::{self, BufRead};

/// Reads lines such as `"7#12#…"`, record 12 of producer 7, until `each` have come of each of
/// `many` producers, or one is not the next.
pub fn check(many: usize, each: u64) -> io::Result<String> {
    let mut next = vec![0; many];
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    for _ in 0..each * many as u64 {
        line.clear();
        input.read_until(b'\n', &mut line)?;
        let text = String::from_utf8_lossy(&line);
        let mut words = text.trim_start_matches('"').split('#');
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
        let (Some(producer), Some(record)) = (number(), number()) else {
            return Err(io::Error::other(format!("not a record: {text}")));
        };
        let expected = next
            .get_mut(usize::try_from(producer).map_err(io::Error::other)?)
            .ok_or_else(|| io::Error::other(format!("no such producer: {text}")))?;
        if record != *expected {
            return Err(io::Error::other(format!("{expected} was to come, not {text}")));
        }
        *expected += 1;
    }
    Ok("in order".to_owned())
}
