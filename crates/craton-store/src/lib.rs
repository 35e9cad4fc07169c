//! Reads byte ranges of named objects, wherever they lie, and writes local files.
//!
//! Takes URLs; gives [`craton_core::ReadRanges`]. Never looks inside an object, except to find the
//! members of a ZIP archive.

pub mod icechunk;
pub mod local;
pub mod memory;
pub mod partial;
pub mod pattern;
pub mod placed;
pub mod remote;
pub mod scheme;
pub mod scratch;
pub mod write;
pub mod zip;

#[cfg(any(test, feature = "contract"))]
pub mod contract;
#[cfg(any(test, feature = "contract"))]
pub mod server;

mod keys;
mod runtime;

pub use icechunk::{IcechunkRepository, IcechunkStore, IcechunkWriter};
pub use local::{LocalStore, PartFile};
pub use memory::MemoryStore;
pub use remote::{
    CacheUse, RemoteStore, StoreOptions, StoreSettings, cache_use, give_to_all, public_url,
};
pub use scheme::{open_store, open_store_with};
pub use scratch::ScratchFile;
pub use write::{WriteObjects, open_to_write};
pub use zip::ZipStore;
