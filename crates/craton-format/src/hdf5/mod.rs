//! HDF5 and netCDF-4 files, read without the C library and its global lock.
//!
//! Takes a store and a file; gives the tree of groups and arrays with netCDF-4's dimensions. Opening reads
//! headers only; each dataset's chunk index is read once, when its first chunk is looked for. Nothing
//! outside the file is ever read.

mod attributes;
mod bitshuffle;
mod btree2;
mod cursor;
mod datatype;
mod filters;
mod header;
mod heap;
pub mod index;
mod links;
mod messages;
mod netcdf;
mod numbers;
mod object;
mod plugins;
mod source;
mod strings;
mod superblock;
pub mod writer;

use crate::ranges::RangeCache;
use crate::tree::{Node, NodeKind};
use craton_core::{Error, ReadRanges, Result, Source};
use links::Target;
use netcdf::{Member, Objects};
use object::Object;
use source::{File, Hdf5Array};
use std::sync::Arc;
use superblock::{Superblock, View};

/// A file with more objects is refused.
const MOST_OBJECTS: usize = 2_000_000;

/// An opened file: its groups and arrays.
#[derive(Debug)]
pub struct Hdf5File {
    /// The root group, then each group's arrays, then the groups below it; what is broken comes last.
    pub nodes: Vec<Node>,
}

impl Hdf5File {
    /// The array at `path`.
    #[must_use]
    pub fn array(&self, path: &str) -> Option<&Arc<dyn Source>> {
        self.nodes.iter().find_map(|node| match &node.kind {
            NodeKind::Array(source) if node.path == path => Some(source),
            _ => None,
        })
    }
}

/// Opens an HDF5 or netCDF-4 file.
///
/// # Errors
/// [`craton_core::ErrorKind::NotFound`] if there is no such file, corrupt or unsupported if its
/// superblock or root group cannot be read. What is broken further down is a broken node.
/// # Cost
/// Reads 64 KiB at the head and whatever headers lie outside of it.
pub async fn open(store: Arc<dyn ReadRanges>, location: &str) -> Result<Hdf5File> {
    let url = store.url_of(location);
    open_at(store, location, &url).await.map_err(|error| {
        Error::new(error.kind(), "cannot open the HDF5 file")
            .caused_by(error)
            .at(url)
    })
}

async fn open_at(store: Arc<dyn ReadRanges>, location: &str, url: &str) -> Result<Hdf5File> {
    let mut cache = RangeCache::open(store.clone(), location).await?;
    let superblock = cache.run(superblock::parse).await?;
    let objects = read_objects(&mut cache, &superblock).await?;
    let (location, size, widths) = (location.into(), cache.size(), superblock.widths);
    let file = Arc::new(File {
        store,
        location,
        size,
        widths,
    });
    let members = netcdf::members(&objects, superblock.root)?;
    let nodes = members.into_iter().map(|(path, member)| {
        let kind = match member {
            Member::Group(group) => NodeKind::Group(group),
            Member::Broken(error) => NodeKind::Broken(error.in_variable(path.clone()).at(url)),
            Member::Variable {
                dataset,
                names,
                shape,
            } => {
                let array =
                    Hdf5Array::new(file.clone(), format!("{url}!{path}"), dataset, names, shape);
                match array {
                    Ok(array) => NodeKind::Array(Arc::new(array)),
                    Err(error) => NodeKind::Broken(error.in_variable(path.clone()).at(url)),
                }
            }
        };
        Node { path, kind }
    });
    Ok(Hdf5File {
        nodes: nodes.collect(),
    })
}

/// Every object that hard links lead to, level by level, so that one round of requests serves a level.
async fn read_objects(cache: &mut RangeCache, superblock: &Superblock) -> Result<Objects> {
    let widths = superblock.widths;
    let mut objects = Objects::new();
    let mut level = vec![superblock.root];
    while !level.is_empty() {
        let read = cache
            .run_all(&level, |cache, address| {
                object::parse(View { cache, widths }, *address)
            })
            .await?;
        let mut below = Vec::new();
        for (address, object) in level.iter().zip(read) {
            if let Ok(Object::Group { links, .. }) = &object {
                below.extend(links.iter().filter_map(|link| match link.target {
                    Target::Hard(address) => Some(address),
                    _ => None,
                }));
            }
            objects.insert(*address, object);
        }
        below.sort_unstable();
        below.dedup();
        below.retain(|address| !objects.contains_key(address));
        if objects.len() + below.len() > MOST_OBJECTS {
            return Err(Error::unsupported(format!(
                "a file of more than {MOST_OBJECTS} objects"
            )));
        }
        level = below;
    }
    Ok(objects)
}
