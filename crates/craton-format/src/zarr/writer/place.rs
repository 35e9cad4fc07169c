//! Where the objects of a store go: into a folder, or into a commit.

use craton_core::Result;
use craton_store::{IcechunkWriter, LocalStore, PartFile};
use std::sync::Arc;

/// A folder or a commit.
#[derive(Debug)]
pub(super) enum Place {
    Folder(LocalStore),
    Commit(Arc<IcechunkWriter>),
}

/// An object that is written piece by piece.
pub(super) enum Object<'a> {
    File(PartFile),
    /// Commits take whole objects only.
    Held {
        commit: &'a IcechunkWriter,
        location: &'a str,
        bytes: Vec<u8>,
    },
}

impl Place {
    pub fn write(&self, location: &str, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Folder(store) => store.write_atomic(location, bytes),
            Self::Commit(commit) => commit.set(location, bytes.to_vec()),
        }
    }

    pub fn begin<'a>(&'a self, location: &'a str) -> Result<Object<'a>> {
        Ok(match self {
            Self::Folder(store) => Object::File(store.begin(location)?),
            Self::Commit(commit) => Object::Held {
                commit,
                location,
                bytes: Vec::new(),
            },
        })
    }
}

impl Object<'_> {
    pub fn append(&mut self, more: &[u8]) -> Result<()> {
        match self {
            Self::File(file) => file.append(more),
            Self::Held { bytes, .. } => {
                bytes.extend_from_slice(more);
                Ok(())
            }
        }
    }

    pub fn commit(self) -> Result<()> {
        match self {
            Self::File(file) => file.commit(),
            Self::Held {
                commit,
                location,
                bytes,
            } => commit.set(location, bytes),
        }
    }
}
