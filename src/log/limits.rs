//! Sizes that the log accepts at most.

/// The most that is appended at once, in bytes: one batch.
pub const BATCH_BYTES_MAX: usize = 64 << 20;
/// The longest name of a producer, in bytes.
pub const PRODUCER_NAME_BYTES_MAX: usize = 200;
