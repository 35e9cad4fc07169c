//! A concatenation reads like its parts, one after the other.

use crate::reading::{Values, now, read_all};
use craton_core::{
    ArrayMeta, BoxFuture, Buffer, ChunkRef, DType, ErrorKind, Grid, Result, Scalar, Source,
};
use craton_format::combine::ConcatSource;
use craton_format::pieces::Plain;
use proptest::prelude::*;
use std::sync::Arc;

/// An array in memory, cut into equal chunks of which the last are stored whole.
#[derive(Debug)]
struct Model {
    meta: ArrayMeta,
    first: i32,
}

impl Model {
    fn new(shape: &[u64], chunks: &[u64], first: i32) -> Self {
        let meta = ArrayMeta {
            dtype: DType::Int32,
            shape: shape.to_vec(),
            grid: Grid::regular(shape, chunks).unwrap(),
            fill_value: Scalar::from_i64(DType::Int32, -1),
            dimension_names: vec![None; shape.len()],
            attributes: craton_core::Attributes::new(),
            codecs: String::new(),
            shard_shape: None,
        };
        Self { meta, first }
    }
}

impl Source for Model {
    fn meta(&self) -> &ArrayMeta {
        &self.meta
    }
    fn locate<'a>(&'a self, index: &'a [u64]) -> BoxFuture<'a, Result<ChunkRef>> {
        Box::pin(async move {
            let chunk = self.meta.grid.chunk(index);
            let mut bytes = Vec::new();
            for row in 0..chunk[0].encoded {
                for column in 0..chunk[1].encoded {
                    let (row, column) = (chunk[0].start + row, chunk[1].start + column);
                    let value = self.first + (row * self.meta.shape[1] + column) as i32;
                    bytes.extend(value.to_ne_bytes());
                }
            }
            let decode = Arc::new(Plain { is_swapped: false });
            Ok(ChunkRef::Inline {
                bytes: Buffer::copy_of(&bytes)?,
                decode,
            })
        })
    }
    fn url(&self) -> &str {
        "model"
    }
}

proptest! {
    #[test]
    fn a_concatenation_along_the_first_axis_is_its_parts(
        lengths in prop::collection::vec(0u64..6, 1..6),
        width in 1u64..5,
        chunk in (1u64..4, 1u64..4),
    ) {
        let mut expected = Vec::new();
        let parts = lengths.iter().enumerate().map(|(number, length)| {
            let part = Model::new(&[*length, width], &[chunk.0, chunk.1], 1000 * number as i32);
            let Values::Bytes(bytes) = read_all(&part).unwrap() else { panic!("numbers") };
            expected.extend(bytes);
            Arc::new(part) as Arc<dyn Source>
        });
        let whole = ConcatSource::new(parts.collect(), 0).unwrap();
        prop_assert_eq!(&whole.meta().shape, &vec![lengths.iter().sum::<u64>(), width]);
        prop_assert_eq!(read_all(&whole).unwrap(), Values::Bytes(expected));
    }

    #[test]
    fn a_concatenation_along_the_last_axis_interleaves_rows(
        widths in prop::collection::vec(1u64..6, 1..5),
        chunk in (1u64..4, 1u64..4),
    ) {
        let parts: Vec<Arc<dyn Source>> = widths
            .iter()
            .enumerate()
            .map(|(number, width)| {
                Arc::new(Model::new(&[2, *width], &[chunk.0, chunk.1], 1000 * number as i32)) as Arc<dyn Source>
            })
            .collect();
        let mut rows = [Vec::new(), Vec::new()];
        for part in &parts {
            let Values::Bytes(bytes) = read_all(part.as_ref()).unwrap() else { panic!("numbers") };
            let (first, second) = bytes.split_at(bytes.len() / 2);
            rows[0].extend_from_slice(first);
            rows[1].extend_from_slice(second);
        }
        let whole = ConcatSource::new(parts, 1).unwrap();
        prop_assert_eq!(read_all(&whole).unwrap(), Values::Bytes(rows.concat()));
    }
}

#[test]
fn sources_that_differ_are_refused_by_name() {
    let part =
        |shape: &[u64], chunks: &[u64]| Arc::new(Model::new(shape, chunks, 0)) as Arc<dyn Source>;
    let refused = |parts: Vec<Arc<dyn Source>>| ConcatSource::new(parts, 0).unwrap_err();
    let shape = refused(vec![part(&[2, 3], &[2, 2]), part(&[2, 4], &[2, 2])]);
    assert_eq!(shape.kind(), ErrorKind::InvalidInput);
    assert!(shape.message().contains("shape"), "{shape:?}");
    let cut = refused(vec![part(&[2, 3], &[2, 2]), part(&[2, 3], &[2, 3])]);
    assert!(cut.message().contains("cut of axis 1"), "{cut:?}");
    assert_eq!(refused(Vec::new()).kind(), ErrorKind::InvalidInput);
}

#[test]
fn sources_without_chunks_take_no_place() {
    let part =
        |length, first| Arc::new(Model::new(&[length, 1], &[2, 1], first)) as Arc<dyn Source>;
    let whole =
        ConcatSource::new(vec![part(0, 0), part(3, 10), part(0, 20), part(1, 30)], 0).unwrap();
    let expected: Vec<u8> = [10i32, 11, 12, 30]
        .into_iter()
        .flat_map(i32::to_ne_bytes)
        .collect();
    assert_eq!(read_all(&whole).unwrap(), Values::Bytes(expected));
    assert!(now(whole.locate(&[2, 0])).is_ok());
}
