//! How far the inputs have come in time, and which of them holds the others back.

/// How far one input has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// The greatest time seen in it.
    pub greatest_ms: Option<i64>,
    /// How far behind that a record may come.
    pub out_of_order_ms: i64,
    /// Nothing more comes of it.
    pub ended: bool,
    /// It does not count until it gives something.
    pub quiet: bool,
}

impl Progress {
    /// No record with an earlier time is expected of it; nothing is known before its first record.
    pub fn mark_ms(&self) -> Option<i64> {
        Some(self.greatest_ms?.saturating_sub(self.out_of_order_ms))
    }

    /// Takes note of a time; gives the record's effective one.
    pub fn observe(&mut self, time_ms: i64) -> i64 {
        let effective_ms = self.mark_ms().map_or(time_ms, |mark_ms| mark_ms.max(time_ms));
        self.greatest_ms = self.greatest_ms.max(Some(time_ms));
        effective_ms
    }
}

/// The input that holds the others back, and its mark: the least of those that count, and of
/// several such the first. What is not after it may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frontier {
    pub mark_ms: Option<i64>,
    pub input: usize,
}

impl Frontier {
    /// Of these inputs; none if none counts.
    pub fn of<'p>(inputs: impl Iterator<Item = &'p Progress>) -> Option<Frontier> {
        let counting = inputs.enumerate().filter(|(_, it)| !it.ended && !it.quiet);
        let marks = counting.map(|(input, it)| Frontier { mark_ms: it.mark_ms(), input });
        marks.min_by_key(|it| (it.mark_ms, it.input))
    }

    /// Whether what has this effective time, in this input, may go out: nothing that comes later
    /// can have its place before that.
    ///
    /// Of every other input `j` that counts, the mark is later, or it is the same and `j` comes
    /// after `input`; and the mark of `input` itself is not before the time. All of that holds if
    /// it does for the least pair of mark and number.
    pub fn allows(&self, at_ms: i64, input: usize) -> bool {
        self.mark_ms.is_some_and(|mark_ms| (at_ms, input) <= (mark_ms, self.input))
    }
}
