//! Batches of Zarr's chunks between a store and NumPy's memory, for `craton.zarr`.

use crate::array::Memory as Bytes;
use crate::failure::to_exception;
use crate::selection::{Lies, pick};
use crate::store::Store;
use craton::objects::object::{self, Empty, Memory, Run, Wanted};
use craton::objects::{self, Item, LocalStore, Objects};
use craton_core::{ByteRange, Error};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;

/// How the elements of a chunk or shard are stored.
#[pyclass(frozen, module = "craton._native")]
pub(crate) struct ObjectForm {
    form: Arc<object::ObjectForm>,
}

fn json(text: &str) -> craton::Result<serde_json::Value> {
    serde_json::from_str(text)
        .map_err(|cause| Error::corrupt("the metadata are no JSON").caused_by(cause))
}

fn wrap(form: craton::Result<object::ObjectForm>) -> PyResult<ObjectForm> {
    form.map(|form| ObjectForm {
        form: Arc::new(form),
    })
    .map_err(|error| to_exception(&error))
}

#[pymethods]
impl ObjectForm {
    /// Of version 3, from its data type and codecs in JSON and the fill value's native bytes; the inner chunks of a shard are written
    /// in this order, if any.
    #[staticmethod]
    fn version_3(
        data_type: &str,
        codecs: &str,
        shape: Vec<usize>,
        fill: &[u8],
        write_order: Option<Vec<usize>>,
    ) -> PyResult<Self> {
        wrap(json(data_type).and_then(|data_type| {
            let form = object::ObjectForm::version_3(&data_type, &json(codecs)?, &shape, fill)?;
            match write_order {
                Some(order) => form.with_write_order(order),
                None => Ok(form),
            }
        }))
    }

    /// Of version 2, from `dtype`, `filters`, `compressor` and `order` in JSON.
    #[staticmethod]
    fn version_2(array: &str, shape: Vec<usize>, fill: &[u8]) -> PyResult<Self> {
        wrap(json(array).and_then(|array| object::ObjectForm::version_2(&array, &shape, fill)))
    }

    /// Whether every codec is written, too.
    #[getter]
    fn can_be_written(&self) -> bool {
        self.form.can_be_written()
    }

    /// The codecs in words.
    #[getter]
    fn label(&self) -> &str {
        self.form.label()
    }

    /// Whether the index of a shard is at its end, and its length; `None` if only the whole object tells anything.
    #[getter]
    fn index(&self) -> Option<(bool, u64)> {
        match self.form.index_range()? {
            ByteRange::Suffix(length) => Some((true, length)),
            ByteRange::Bounded { length, .. } => Some((false, length)),
            ByteRange::Whole => None,
        }
    }
}

/// A shard's inner chunks that are wanted.
#[pyclass(frozen, module = "craton._native")]
pub(crate) struct Shard {
    wanted: Wanted,
    runs: Vec<Run>,
}

#[pymethods]
impl Shard {
    /// Where the bytes begin and end that are to be fetched.
    #[getter]
    fn ranges(&self) -> Vec<(u64, u64)> {
        let range = |run: &Run| (run.range.start, run.range.end);
        self.runs.iter().map(range).collect()
    }
}

/// Chunks, and the array whose elements they hold.
#[pyclass(frozen, module = "craton._native")]
pub(crate) struct Batch {
    items: Vec<Item>,
    /// Held so that its memory stays.
    array: Py<PyAny>,
    start: usize,
    extent: (isize, isize),
    is_swapped: bool,
    is_readonly: bool,
}

/// Location, form, selection in the chunk, selection in the array, whether the rest is of no account.
type Given<'py> = (
    String,
    PyRef<'py, ObjectForm>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    bool,
);

#[derive(FromPyObject)]
struct Interface {
    #[pyo3(item)]
    data: (usize, bool),
    #[pyo3(item)]
    shape: Vec<usize>,
    #[pyo3(item)]
    strides: Option<Vec<isize>>,
}

#[pymethods]
impl Batch {
    /// `None` if a selection is of no kind that is known here. `array` is a NumPy array of the elements' type; with `is_value` one
    /// without axes stands for all elements.
    #[staticmethod]
    fn of(
        items: Vec<Given<'_>>,
        array: Bound<'_, PyAny>,
        dropped: Vec<usize>,
        is_swapped: bool,
        is_value: bool,
    ) -> PyResult<Option<Self>> {
        let size: usize = array.getattr("itemsize")?.extract()?;
        let interface: Interface = array.getattr("__array_interface__")?.extract()?;
        let shape = interface.shape;
        let strides = interface.strides.unwrap_or_else(|| {
            let mut strides = vec![size.cast_signed(); shape.len()];
            for axis in (1..shape.len()).rev() {
                strides[axis - 1] = strides[axis] * shape[axis].cast_signed();
            }
            strides
        });
        let lies = Lies { shape, strides };
        let mut made = Vec::with_capacity(items.len());
        for (location, form, chunk, out, is_complete) in &items {
            let form = &form.form;
            if form.dtype().item_size() != Some(size) {
                return Ok(None);
            }
            let Some(pick) = pick(chunk, out, &dropped, form.shape(), &lies, is_value)? else {
                return Ok(None);
            };
            made.push(Item {
                location: location.clone(),
                form: form.clone(),
                pick,
                is_complete: *is_complete,
            });
        }
        Ok(Some(Self {
            items: made,
            start: interface.data.0,
            extent: lies.extent(size),
            is_swapped,
            is_readonly: interface.data.1,
            array: array.unbind(),
        }))
    }

    /// Which chunks are changed in part, so that what is there is needed to write them.
    fn partial(&self) -> Vec<bool> {
        self.items.iter().map(Item::is_partial).collect()
    }

    /// Reads chunks that are files under `root`, and says which of them exist.
    fn read_folder(&self, py: Python<'_>, root: PathBuf, threads: usize) -> PyResult<Vec<bool>> {
        let memory = self.memory_to_fill()?;
        let store = LocalStore::new(root);
        run(py, || {
            objects::read(&self.items, &Objects::Folder(&store), &memory, threads)
        })
    }

    /// Reads chunks that are objects of a store, and says which of them exist.
    fn read_store(
        &self,
        py: Python<'_>,
        store: PyRef<'_, Store>,
        threads: usize,
    ) -> PyResult<Vec<bool>> {
        let memory = self.memory_to_fill()?;
        let store = &store.store;
        run(py, || {
            objects::read(&self.items, &Objects::Store(store), &memory, threads)
        })
    }

    /// Decodes the chunks from number `first` on, whose bytes are given where they exist.
    fn decode(
        &self,
        py: Python<'_>,
        first: usize,
        held: Vec<Option<PyBuffer<u8>>>,
        threads: usize,
    ) -> PyResult<()> {
        let memory = self.memory_to_fill()?;
        let items = self.part(first, held.len())?;
        let held = slices(&held)?;
        run(py, || {
            objects::read(items, &Objects::Held(&held), &memory, threads).map(drop)
        })
    }

    /// Which bytes of chunk number `at`, a shard, are wanted, from the bytes of its index.
    fn locate(&self, py: Python<'_>, at: usize, index: PyBuffer<u8>) -> PyResult<Shard> {
        let items = self.part(at, 1)?;
        let index = [Some(index)];
        let index = slices(&index)?[0].unwrap_or_default();
        let (wanted, runs) = run(py, || objects::locate(&items[0], index))?;
        Ok(Shard { wanted, runs })
    }

    /// Decodes what is wanted of chunk number `at` from the bytes of the shard's ranges.
    fn decode_ranges(
        &self,
        py: Python<'_>,
        at: usize,
        shard: PyRef<'_, Shard>,
        bytes: Vec<Option<PyBuffer<u8>>>,
        threads: usize,
    ) -> PyResult<()> {
        let memory = self.memory_to_fill()?;
        let items = self.part(at, 1)?;
        let bytes = slices(&bytes)?;
        let shard = &*shard;
        let runs = shard
            .runs
            .iter()
            .cloned()
            .zip(bytes.into_iter().map(Option::unwrap_or_default));
        let runs: Vec<(Run, &[u8])> = runs.collect();
        run(py, || {
            objects::read_runs(&items[0], &shard.wanted, &runs, &memory, threads)
        })
    }

    /// Writes all chunks as files under `root`.
    fn write_folder(
        &self,
        py: Python<'_>,
        root: PathBuf,
        writes_empty: bool,
        threads: usize,
    ) -> PyResult<()> {
        let memory = self.memory();
        let store = LocalStore::new(root);
        run(py, || {
            objects::write(&self.items, &store, &memory, empty(writes_empty), threads)
        })
    }

    /// Encodes the chunks from number `first` on, given what is there where that is needed; `None` for those that are to be gone.
    fn encode(
        &self,
        py: Python<'_>,
        first: usize,
        there: Vec<Option<PyBuffer<u8>>>,
        writes_empty: bool,
        threads: usize,
    ) -> PyResult<Vec<Option<Bytes>>> {
        let memory = self.memory();
        let items = self.part(first, there.len())?;
        let there = slices(&there)?;
        let made = run(py, || {
            objects::encode(items, &there, &memory, empty(writes_empty), threads)
        })?;
        Ok(made.into_iter().map(|made| made.map(Bytes::of)).collect())
    }

    /// The array whose elements are read or written.
    #[getter]
    fn array(&self, py: Python<'_>) -> Py<PyAny> {
        self.array.clone_ref(py)
    }
}

impl Batch {
    fn memory(&self) -> Memory<'_> {
        let (low, high) = self.extent;
        let start = std::ptr::with_exposed_provenance_mut(self.start);
        // SAFETY: NumPy told address, shape and strides of the array, which is held and cannot be resized while it is. That nobody
        // else changes it during a call is up to who called, as for every function of NumPy; zarr gives no place twice.
        unsafe { Memory::new(start, low, high, self.is_swapped) }
    }

    fn memory_to_fill(&self) -> PyResult<Memory<'_>> {
        if self.is_readonly {
            return Err(to_exception(&Error::invalid(
                "the array to read into is read-only",
            )));
        }
        Ok(self.memory())
    }

    fn part(&self, first: usize, count: usize) -> PyResult<&[Item]> {
        let end = first.saturating_add(count);
        self.items
            .get(first..end)
            .ok_or_else(|| to_exception(&Error::internal("a chunk outside its batch")))
    }
}

fn empty(is_written: bool) -> Empty {
    match is_written {
        true => Empty::Written,
        false => Empty::LeftOut,
    }
}

/// Runs `work` detached from the interpreter.
fn run<T: Send>(py: Python<'_>, work: impl FnOnce() -> craton::Result<T> + Send) -> PyResult<T> {
    py.detach(work).map_err(|error| to_exception(&error))
}

/// The bytes of buffers, which live as long as these do.
fn slices(buffers: &[Option<PyBuffer<u8>>]) -> PyResult<Vec<Option<&[u8]>>> {
    let slice =
        |buffer: &PyBuffer<u8>| {
            if !buffer.is_c_contiguous() {
                return Err(to_exception(&Error::invalid(
                    "encoded bytes do not lie together",
                )));
            }
            if buffer.len_bytes() == 0 {
                return Ok(&[][..]);
            }
            // SAFETY: the buffer holds so many bytes there as long as it is held; encoded bytes are not changed by anybody.
            Ok(unsafe {
                std::slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), buffer.len_bytes())
            })
        };
    buffers
        .iter()
        .map(|buffer| buffer.as_ref().map(slice).transpose())
        .collect()
}
