//! The words every room shares: blocks, regions, grids, dtypes, errors and the traits by which rooms meet.
//!
//! Takes nothing; gives plain data and traits. Never reads a byte, starts a thread, or knows a format.

pub mod attribute;
pub mod block;
pub mod buffer;
pub mod dtype;
pub mod error;
pub mod grid;
pub mod region;
pub mod scalar;
pub mod sink;
pub mod size;
pub mod source;
pub mod spill;

pub use attribute::{AttributeValue, Attributes, Numbers};
pub use block::{Block, Strings};
pub use buffer::{Buffer, BufferMut, Pool};
pub use dtype::{Calendar, DType, TimeKind, TimeType, TimeUnit};
pub use error::{Context, Error, ErrorKind, Result};
pub use grid::{AxisChunk, AxisGrid, Grid};
pub use region::{AxisSelection, Region};
pub use scalar::Scalar;
pub use sink::{Sink, SinkChunks};
pub use source::{
    ArrayMeta, BoxFuture, ByteRange, ChunkRef, Decode, Decoded, MissingMeans, Order, Placement,
    ReadRanges, Reads, Source, StoredRange,
};
pub use spill::{Spill, SpillFile};
