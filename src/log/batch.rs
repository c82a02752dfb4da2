//! A batch: records that are appended together, checked and placed.

/// Who appends, and where that producer stands (DESIGN section 4, "Producers and sequences").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The producer's name.
    pub producer: String,
    /// Where it stood before this batch; `None` where the producer does not say.
    pub after: Option<u64>,
    /// Where it stands after this batch.
    pub sequence: u64,
}

/// A record that the log refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// Which record of the batch, counted from 0.
    pub record: u64,
    /// What is wrong with it.
    pub why: String,
}

/// What an append came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// How many records the batch has.
    pub records: u64,
    /// For each partition that got some of them: the offset of the first.
    pub offsets: Vec<(u32, u64)>,
    /// The batch was there already, and nothing was written.
    pub duplicate: bool,
}
