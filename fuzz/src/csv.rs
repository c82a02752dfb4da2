//! Whatever the CSV decoder makes of its input is JSON, and does not depend on how the input is cut
//! into blocks.

use std::ops::ControlFlow;

use millstream::ingest::formats::csv::{CsvDecoder, CsvOptions};
use millstream::record::decode::{Bad, Decoder, Raw, Sink};
use millstream::record::json::validate;

/// What came of the input: the line of each row, and its record if it was good.
#[derive(Default, PartialEq, Debug)]
struct Kept(Vec<(u64, Vec<u8>)>);

impl Sink for Kept {
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        assert!(validate(raw.bytes).is_ok(), "{:?}", String::from_utf8_lossy(raw.bytes));
        self.0.push((raw.line, raw.bytes.to_vec()));
        ControlFlow::Continue(())
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        // A row over the limit comes in pieces, which do depend on the blocks.
        if !bad.continued {
            self.0.push((bad.line, Vec::new()));
        }
        ControlFlow::Continue(())
    }
}

fn decode(input: &[u8], block_bytes: usize) -> Kept {
    let options = CsvOptions { record_bytes_max: 1 << 10, ..CsvOptions::default() };
    let mut decoder = CsvDecoder::new(options);
    let mut kept = Kept::default();
    for block in input.chunks(block_bytes) {
        if decoder.decode(block, &mut kept).is_break() {
            return kept;
        }
    }
    let _ = decoder.finish(&mut kept);
    kept
}

/// See the module.
pub fn csv(input: &[u8]) {
    let whole = decode(input, input.len().max(1));
    for block_bytes in [1, 3] {
        assert_eq!(decode(input, block_bytes), whole);
    }
}
