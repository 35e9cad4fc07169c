//! Zarr of both versions, read through one description of an array.
//!
//! [`open_hierarchy`] finds groups and arrays; [`ZarrArray`] is a [`craton_core::Source`];
//! [`ZarrStoreWriter`] writes version 3. The files `v2` and `v3` only turn metadata into a [`Description`].

mod array;
pub mod convert;
mod description;
mod dtype;
mod fields;
mod fill;
mod hierarchy;
mod layout;
pub mod object;
mod shard;
mod v2;
mod v3;
pub mod writer;

pub use array::ZarrArray;
pub use description::{Description, KeyEncoding};
pub use dtype::{DataType, register_data_type};
pub use fields::Field;
pub use hierarchy::{Node, NodeKind, open_hierarchy};
pub use writer::{ArraySpec, ZarrStoreUpdate, ZarrStoreWriter, compressors, parse_codecs};
