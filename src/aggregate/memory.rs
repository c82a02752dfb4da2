//! How much memory vectors, trees and the states of groups take.
//!
//! What counts is resident memory: with what the allocator adds, and without the part of a large
//! vector that was never written to.

/// From this size on, in bytes, an allocation has pages of its own, which take no memory before
/// they are first written to.
const LARGE: usize = 128 * 1024;

/// How many entries a node of the standard library's trees has room for.
const NODE_ENTRIES: usize = 11;

/// How many entries a leaf and its share of the node above have, where a tree grew in order; one
/// that grew at random has hardly more.
const NODE_ENTRIES_USED: usize = 7;

/// How many bytes an allocation takes of memory: the common allocators keep 8 beside it, round up
/// to 16, and give no less than 32. With many small ones that is as much as is in them.
pub(super) fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + 8).next_multiple_of(16).max(32) }
}

/// How many bytes a vector with room for `capacity` values takes, of which `length` were written.
pub(super) fn written<T>(length: usize, capacity: usize) -> usize {
    let room = capacity * size_of::<T>();
    allocated(if room < LARGE { room } else { length * size_of::<T>() })
}

/// How many bytes a vector takes beside itself, without what its values take beside themselves.
pub(super) fn vector<T>(values: &Vec<T>) -> usize {
    written::<T>(values.len(), values.capacity())
}

/// Forgets the values of a vector. If it is large, its memory is given back: it may be long until
/// there are so many again.
pub(super) fn empty<T>(values: &mut Vec<T>) {
    if values.capacity() * size_of::<T>() < LARGE {
        values.clear();
    } else {
        *values = Vec::new();
    }
}

/// How many bytes one of the standard library's trees takes with so many entries of type `T`.
pub(super) fn tree<T>(entries: usize) -> usize {
    let leaf = allocated(NODE_ENTRIES * size_of::<T>() + 16);
    let children = (NODE_ENTRIES + 1) * size_of::<usize>();
    let leaves =
        if entries <= NODE_ENTRIES { entries.min(1) } else { entries.div_ceil(NODE_ENTRIES_USED) };
    let inner = if leaves < 2 { 0 } else { leaves.div_ceil(NODE_ENTRIES_USED) };
    leaves * leaf + inner * (leaf + children)
}

/// What takes memory beside itself.
pub(super) trait Holds {
    /// How many bytes that are now.
    fn beside(&self) -> usize;
}

impl<T> Holds for Vec<T> {
    fn beside(&self) -> usize {
        vector(self)
    }
}

/// The states of groups that take memory beside themselves.
pub(super) struct Holders<T> {
    all: Vec<T>,
    beside: usize,
}

impl<T> Default for Holders<T> {
    fn default() -> Holders<T> {
        Holders { all: Vec::new(), beside: 0 }
    }
}

impl<T: Holds> Holders<T> {
    /// Adds a state.
    pub(super) fn push(&mut self, state: T) {
        self.beside += state.beside();
        self.all.push(state);
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.all.reserve(more);
    }

    /// Changes a state.
    #[inline]
    pub(super) fn change<R>(&mut self, at: usize, work: impl FnOnce(&mut T) -> R) -> R {
        let state = &mut self.all[at];
        let before = state.beside();
        let given = work(state);
        // What it had before is part of the sum.
        self.beside = self.beside - before + state.beside();
        given
    }

    /// A state, for changes that neither allocate nor free.
    pub(super) fn get_mut(&mut self, at: usize) -> &mut T {
        &mut self.all[at]
    }

    /// All of them.
    pub(super) fn as_slice(&self) -> &[T] {
        &self.all
    }

    /// How many bytes all of them take.
    pub(super) fn bytes(&self) -> usize {
        vector(&self.all) + self.beside
    }
}

impl<T> std::ops::Index<usize> for Holders<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.all[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_allocations_take_more_than_is_in_them() {
        let taken = [0, 1, 24, 25, 40, 41].map(allocated);
        assert_eq!(taken, [0, 32, 32, 48, 48, 64]);
    }

    #[test]
    fn large_vectors_take_what_was_written() {
        assert_eq!(written::<u64>(1, 1_000), 8_016);
        assert_eq!(written::<u64>(1_000_001, 2_000_000), 8_000_016);
        let mut values: Vec<u8> = vec![0; 100];
        empty(&mut values);
        assert_eq!(vector(&values), 112);
        values.resize(LARGE, 0);
        empty(&mut values);
        assert_eq!(vector(&values), 0);
    }

    #[test]
    fn what_states_hold_is_known_however_they_change() {
        let mut lists: Holders<Vec<u8>> = Holders::default();
        for list in 0..3 {
            lists.push(Vec::new());
            lists.change(list, |bytes| bytes.extend([0; 50]));
        }
        let three = lists.bytes();
        lists.change(1, |bytes| *bytes = Vec::new());
        assert_eq!(lists.bytes(), three - 64);
        lists.change(0, |bytes| bytes.extend([0; 1_000]));
        assert!(lists.bytes() >= three + 900);
    }
}
