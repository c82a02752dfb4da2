//! What is said before a run of records.

use crate::api::reading::Chunk;
use crate::wire::answer::Answer;

/// What is said before a run of records, of its batches only to who asked for them.
pub fn header(mut chunk: Chunk, batches: bool) -> Answer {
    if !batches {
        chunk.batches.clear();
    }
    Answer::Records(chunk)
}
