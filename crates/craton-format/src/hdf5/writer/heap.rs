//! Global heaps: where values of varying length lie.

use super::bytes::PutBytes;

/// A collection is closed when it has grown so large.
const LARGEST: usize = 64 << 10;
/// HDF5 allocates no smaller ones.
const SMALLEST: usize = 4096;
const HEAD: usize = 16;

/// Collections one after the other from a known address on.
pub struct Heap {
    address: u64,
    bytes: Vec<u8>,
    /// Where the open collection begins.
    start: usize,
    /// Objects in the open collection.
    count: u16,
}

impl Heap {
    /// An empty heap whose first collection will be at `address`, a multiple of 8.
    pub fn at(address: u64) -> Self {
        Self {
            address,
            bytes: Vec::new(),
            start: 0,
            count: 0,
        }
    }

    /// Adds an object; gives the stored reference to it, which says `length`.
    pub fn add(&mut self, object: &[u8], length: u32) -> [u8; 16] {
        if length == 0 {
            return [0; 16];
        }
        let size = HEAD + object.len().next_multiple_of(8);
        if self.count == u16::MAX
            || (self.count > 0 && self.bytes.len() - self.start + size > LARGEST)
        {
            self.close();
        }
        if self.count == 0 {
            self.start = self.bytes.len();
            self.bytes.extend(b"GCOL\x01\0\0\0");
            // The size is written when the collection is closed.
            self.bytes.put64(0);
        }
        self.count += 1;
        self.bytes.put16(self.count);
        self.bytes.put16(1);
        self.bytes.put32(0);
        self.bytes.put64(object.len() as u64);
        self.bytes.extend(object);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let mut reference = [0; 16];
        reference[..4].copy_from_slice(&length.to_le_bytes());
        let collection = self.address + self.start as u64;
        reference[4..12].copy_from_slice(&collection.to_le_bytes());
        reference[12..].copy_from_slice(&u32::from(self.count).to_le_bytes());
        reference
    }

    /// Ends the open collection; what is left of the smallest size is marked as free.
    fn close(&mut self) {
        if self.count == 0 {
            return;
        }
        let used = self.bytes.len() - self.start;
        if used + HEAD <= SMALLEST {
            let free = SMALLEST - used;
            self.bytes.put64(0);
            self.bytes.put64(free as u64);
        }
        let size = used.max(SMALLEST);
        self.bytes.resize(self.start + size, 0);
        self.bytes[self.start + 8..][..8].copy_from_slice(&(size as u64).to_le_bytes());
        self.count = 0;
    }

    /// The bytes of all collections.
    pub fn finish(mut self) -> Vec<u8> {
        self.close();
        self.bytes
    }
}
