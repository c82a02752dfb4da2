//! Where the bytes of waiting records are: in chunks that are used again once nothing in them
//! waits, so that in the steady state no memory is asked for.

/// How much a chunk holds, unless a single record is longer.
const CHUNK_BYTES: usize = 64 << 10;
/// How many empty chunks are kept.
const SPARE_MAX: usize = 64;

/// The chunks of all inputs.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    chunks: Vec<Chunk>,
    /// Those without anything in them.
    spare: Vec<u32>,
    /// How many of these have kept their memory.
    warm: usize,
}

#[derive(Debug, Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// How many records in it wait.
    live: u32,
    /// Whether more goes into it.
    open: bool,
}

/// Where the bytes of a record are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    chunk: u32,
    at: u32,
    length: u32,
}

impl Spot {
    /// How many bytes the record has.
    pub fn bytes(self) -> u32 {
        self.length
    }
}

/// The chunk that an input fills.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filling(Option<u32>);

impl Chunks {
    /// Keeps bytes, of which there are less than 4 GiB.
    pub fn keep(&mut self, filling: &mut Filling, bytes: &[u8]) -> Spot {
        let number = match filling.0 {
            Some(number) if self.has_room(number, bytes.len()) => number,
            full => {
                if let Some(full) = full {
                    self.close(full);
                }
                let number = self.take_spare(bytes.len());
                filling.0 = Some(number);
                number
            }
        };
        let Some(chunk) = self.chunks.get_mut(number as usize) else {
            return Spot { chunk: number, at: 0, length: 0 };
        };
        let (at, length) = (to_u32(chunk.bytes.len()), to_u32(bytes.len()));
        chunk.bytes.extend_from_slice(bytes);
        chunk.live += 1;
        Spot { chunk: number, at, length }
    }

    /// The bytes of a record that waits.
    pub fn get(&self, spot: Spot) -> &[u8] {
        let chunk = self.chunks.get(spot.chunk as usize);
        let bytes = chunk.and_then(|chunk| chunk.bytes.get(spot.at as usize..));
        bytes.and_then(|bytes| bytes.get(..spot.length as usize)).unwrap_or_default()
    }

    /// A record waits no more.
    pub fn free(&mut self, spot: Spot) {
        let Some(chunk) = self.chunks.get_mut(spot.chunk as usize) else { return };
        chunk.live = chunk.live.saturating_sub(1);
        if chunk.live > 0 {
            return;
        }
        if chunk.open {
            chunk.bytes.clear();
        } else {
            self.give_back(spot.chunk);
        }
    }

    /// An input has ended that filled this.
    pub fn finish(&mut self, filling: &mut Filling) {
        if let Some(number) = filling.0.take() {
            self.close(number);
        }
    }

    fn has_room(&self, number: u32, length: usize) -> bool {
        let chunk = self.chunks.get(number as usize);
        chunk.is_some_and(|chunk| chunk.bytes.len().saturating_add(length) <= CHUNK_BYTES)
    }

    fn take_spare(&mut self, length: usize) -> u32 {
        let number = self.spare.pop().unwrap_or_else(|| {
            self.chunks.push(Chunk::default());
            to_u32(self.chunks.len() - 1)
        });
        if let Some(chunk) = self.chunks.get_mut(number as usize) {
            self.warm -= usize::from(chunk.bytes.capacity() > 0);
            chunk.open = true;
            chunk.bytes.reserve(length.max(CHUNK_BYTES));
        }
        number
    }

    fn close(&mut self, number: u32) {
        let Some(chunk) = self.chunks.get_mut(number as usize) else { return };
        chunk.open = false;
        if chunk.live == 0 {
            self.give_back(number);
        }
    }

    fn give_back(&mut self, number: u32) {
        let Some(chunk) = self.chunks.get_mut(number as usize) else { return };
        chunk.bytes.clear();
        if chunk.bytes.capacity() > 2 * CHUNK_BYTES || self.warm >= SPARE_MAX {
            chunk.bytes = Vec::new();
        }
        self.warm += usize::from(chunk.bytes.capacity() > 0);
        self.spare.push(number);
    }
}

/// As a number of 32 bits; none of these is larger.
fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_used_again() {
        let mut chunks = Chunks::default();
        let mut filling = [Filling::default(); 2];
        let record = [b'x'; 1000];
        for _ in 0..10_000 {
            let spots = [0, 1].map(|input| chunks.keep(&mut filling[input], &record));
            for spot in spots {
                assert_eq!(chunks.get(spot), record);
                chunks.free(spot);
            }
        }
        assert_eq!(chunks.chunks.len(), 2);
        filling.iter_mut().for_each(|filling| chunks.finish(filling));
        assert_eq!((chunks.spare.len(), chunks.warm), (2, 2));
    }

    #[test]
    fn a_record_that_waits_keeps_its_bytes() {
        let mut chunks = Chunks::default();
        let mut filling = Filling::default();
        let first = chunks.keep(&mut filling, b"first");
        for number in 0..1_000_u32 {
            let long = vec![b'y'; 70_000];
            let spot = chunks.keep(&mut filling, if number % 10 == 0 { &long } else { b"z" });
            chunks.free(spot);
        }
        assert_eq!(chunks.get(first), b"first");
        assert!(chunks.chunks.len() <= 3);
    }
}
