//! Zarr stores written byte by byte here, so that reading them is tested against nothing of craton's own.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// One array of 32-bit floats, its values a function of their number in C order.
pub struct Floats<'a> {
    pub name: &'a str,
    pub dims: &'a [&'a str],
    pub shape: &'a [usize],
    pub chunks: &'a [usize],
    pub attributes: Value,
    pub value: fn(usize) -> f32,
}

/// Writes a group at `folder` with these arrays.
pub fn write_group(folder: &Path, arrays: &[Floats<'_>]) {
    fs::create_dir_all(folder).unwrap();
    let group =
        json!({"zarr_format": 3, "node_type": "group", "attributes": {"title": "made by a test"}});
    fs::write(folder.join("zarr.json"), group.to_string()).unwrap();
    for array in arrays {
        array.write(folder);
    }
}

impl Floats<'_> {
    fn write(&self, folder: &Path) {
        let folder = folder.join(self.name);
        fs::create_dir_all(&folder).unwrap();
        let metadata = json!({"zarr_format": 3, "node_type": "array", "shape": self.shape, "data_type": "float32",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": self.chunks}},
            "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "dimension_names": self.dims, "attributes": self.attributes});
        fs::write(folder.join("zarr.json"), metadata.to_string()).unwrap();
        let counts: Vec<usize> = self
            .shape
            .iter()
            .zip(self.chunks)
            .map(|(length, chunk)| length.div_ceil(*chunk))
            .collect();
        for chunk in indices(&counts) {
            let mut bytes = Vec::new();
            for inside in indices(self.chunks) {
                let index = chunk
                    .iter()
                    .zip(self.chunks)
                    .zip(&inside)
                    .map(|((chunk, length), inside)| chunk * length + inside);
                let number = index
                    .zip(self.shape)
                    .try_fold(0, |number, (index, length)| {
                        (index < *length).then_some(number * length + index)
                    });
                bytes.extend(number.map_or(0.0, self.value).to_le_bytes());
            }
            let key: Vec<String> = chunk.iter().map(usize::to_string).collect();
            let path = folder.join("c").join(key.join("/"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for length in shape {
        let longer =
            |index: Vec<usize>| (0..*length).map(move |at| [index.as_slice(), &[at]].concat());
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}

/// A coordinate in one chunk.
pub fn index<'a>(
    name: &'a &'a str,
    shape: &'a [usize; 1],
    attributes: Value,
    value: fn(usize) -> f32,
) -> Floats<'a> {
    Floats {
        name,
        dims: std::slice::from_ref(name),
        shape,
        chunks: shape,
        attributes,
        value,
    }
}

/// A number that looks random, from 0 to 1.
pub fn noise(number: usize) -> f32 {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 / (1 << 24) as f32
}

/// Temperature and rain over 97 days and a small grid, in chunks that never meet, every ninth or so missing.
pub fn write_weather(folder: &Path) {
    let (dims, shape) = (["time", "lat", "lon"], [97, 11, 13]);
    write_group(
        folder,
        &[
            index(
                &"time",
                &[97],
                json!({"units": "days since 2000-01-30", "calendar": "standard"}),
                |day| day as f32,
            ),
            index(&"lat", &[11], json!({"units": "degrees_north"}), |row| {
                50.0 - 10.0 * row as f32
            }),
            index(&"lon", &[13], json!({"units": "degrees_east"}), |column| {
                7.5 * column as f32
            }),
            Floats {
                name: "t2m",
                dims: &dims,
                shape: &shape,
                chunks: &[10, 4, 13],
                attributes: json!({"units": "K", "long_name": "temperature"}),
                value: |number| match number % 9 {
                    4 => f32::NAN,
                    _ => 250.0 + 50.0 * noise(number),
                },
            },
            Floats {
                name: "tp",
                dims: &dims,
                shape: &shape,
                chunks: &[7, 11, 5],
                attributes: json!({"units": "mm", "_FillValue": 3.0, "scale_factor": 0.1}),
                value: |number| (noise(number + 7) * 20.0).floor(),
            },
        ],
    );
}
