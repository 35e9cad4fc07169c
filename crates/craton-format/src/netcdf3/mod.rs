//! Classic netCDF files: CDF-1, CDF-2 (64-bit offsets) and CDF-5 (64-bit data).
//!
//! Takes a store and a file; gives one group and its variables. Values stay where they are: fixed
//! variables become ranges, record variables one range per record.

mod header;
mod source;
pub mod writer;

use crate::ranges::RangeCache;
use crate::tree::{Dimension, Group, Node, NodeKind};
use craton_core::{Error, ReadRanges, Result, Source};
use header::Header;
use source::{Netcdf3Array, Records};
use std::sync::Arc;

/// An opened file: its variables.
#[derive(Debug)]
pub struct Netcdf3File {
    /// The root group, then each variable.
    pub nodes: Vec<Node>,
}

impl Netcdf3File {
    /// The array at `path`.
    #[must_use]
    pub fn array(&self, path: &str) -> Option<&Arc<dyn Source>> {
        self.nodes.iter().find_map(|node| match &node.kind {
            NodeKind::Array(source) if node.path == path => Some(source),
            _ => None,
        })
    }
}

/// Opens a classic netCDF file.
///
/// # Errors
/// [`craton_core::ErrorKind::NotFound`] if there is no such file; corrupt if its header is damaged or
/// announces more records than the file can hold.
/// # Cost
/// Reads the header, 64 KiB at a time.
pub async fn open(store: Arc<dyn ReadRanges>, location: &str) -> Result<Netcdf3File> {
    let url = store.url_of(location);
    open_at(store, location, &url).await.map_err(|error| {
        Error::new(error.kind(), "cannot open the netCDF-3 file")
            .caused_by(error)
            .at(url)
    })
}

async fn open_at(store: Arc<dyn ReadRanges>, location: &str, url: &str) -> Result<Netcdf3File> {
    let mut cache = RangeCache::open(store.clone(), location).await?;
    let header = cache.run(header::parse).await?;
    let records = Records::of(&header, cache.size())?;
    let mut nodes = vec![Node {
        path: "/".to_owned(),
        kind: NodeKind::Group(root(&header, &records)),
    }];
    let location: Arc<str> = location.into();
    for variable in &header.variables {
        let path = format!("/{}", variable.name);
        let url = format!("{url}!{path}");
        let array = Netcdf3Array::new(
            store.clone(),
            location.clone(),
            url,
            &header,
            variable,
            &records,
            cache.size(),
        );
        let kind = match array {
            Ok(array) => NodeKind::Array(Arc::new(array)),
            Err(error) => NodeKind::Broken(error.in_variable(path.clone())),
        };
        nodes.push(Node { path, kind });
    }
    Ok(Netcdf3File { nodes })
}

fn root(header: &Header, records: &Records) -> Group {
    let dimensions = header
        .dimensions
        .iter()
        .enumerate()
        .map(|(number, dimension)| Dimension {
            name: dimension.name.clone(),
            length: if Some(number) == header.record_dimension {
                records.count
            } else {
                dimension.length
            },
            is_unlimited: Some(number) == header.record_dimension,
        });
    Group {
        attributes: header.attributes.clone(),
        dimensions: dimensions.collect(),
    }
}
