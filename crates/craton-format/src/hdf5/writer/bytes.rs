//! Little-endian bytes of HDF5's structures.

/// An address that leads nowhere.
pub const NOWHERE: u64 = u64::MAX;

/// Appends numbers as HDF5 stores them.
pub trait PutBytes {
    /// Two bytes.
    fn put16(&mut self, value: u16);
    /// Four bytes.
    fn put32(&mut self, value: u32);
    /// Eight bytes.
    fn put64(&mut self, value: u64);
}

impl PutBytes for Vec<u8> {
    fn put16(&mut self, value: u16) {
        self.extend(value.to_le_bytes());
    }
    fn put32(&mut self, value: u32) {
        self.extend(value.to_le_bytes());
    }
    fn put64(&mut self, value: u64) {
        self.extend(value.to_le_bytes());
    }
}

/// Native-endian elements whose parts have `size` bytes, as little-endian ones.
pub fn little_endian(bytes: &mut [u8], size: usize) {
    if cfg!(target_endian = "big") && size > 1 {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
}
