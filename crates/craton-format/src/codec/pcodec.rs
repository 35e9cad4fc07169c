//! `pcodec`: the standalone format of pco, by its own library.

use super::numbers::NumberType;
use super::{Codec, Options, Place, Size, Stage, aligned};
use craton_core::{BufferMut, DType, Error, ErrorKind, Pool, Result};
use half::f16;
use pco::data_types::Number;
use pco::standalone::{simple_compress, simple_decompress_into};
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Numbers in pages of pco.
#[derive(Debug, Clone)]
pub struct Pcodec {
    element: NumberType,
    config: ChunkConfig,
    level: i64,
}

/// Runs `$work::<T>($arguments)` for the machine's type.
macro_rules! with_type {
    ($dtype:expr, $work:ident ( $($argument:expr),* )) => {
        match $dtype {
            DType::Int8 => $work::<i8>($($argument),*),
            DType::UInt8 => $work::<u8>($($argument),*),
            DType::Int16 => $work::<i16>($($argument),*),
            DType::UInt16 => $work::<u16>($($argument),*),
            DType::Int32 => $work::<i32>($($argument),*),
            DType::UInt32 => $work::<u32>($($argument),*),
            DType::Int64 => $work::<i64>($($argument),*),
            DType::UInt64 => $work::<u64>($($argument),*),
            DType::Float16 => $work::<f16>($($argument),*),
            DType::Float32 => $work::<f32>($($argument),*),
            DType::Float64 => $work::<f64>($($argument),*),
            other => Err(Error::internal(format!("pcodec of {other}"))),
        }
    };
}

impl Codec for Pcodec {
    fn label(&self) -> String {
        format!("pcodec:{}", self.level)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        let most = plain.most();
        Size::AtMost(most.saturating_add(most / 8).saturating_add(4096))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], pool: &Pool) -> Result<Option<usize>> {
        with_type!(self.element.dtype, decode(encoded, out, pool))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        with_type!(self.element.dtype, encode(plain, &self.config, pool))
    }
}

fn decode<T: Number + bytemuck::Pod>(
    encoded: &[u8],
    out: &mut [u8],
    pool: &Pool,
) -> Result<Option<usize>> {
    aligned::with_mut(out, pool, |numbers: &mut [T]| {
        let room = numbers.len();
        // Foreign bytes that the library trips over are damage like any other.
        let done = catch_unwind(AssertUnwindSafe(|| {
            simple_decompress_into(encoded, numbers)
        }));
        let damaged = || Error::corrupt("cannot decode pcodec");
        let progress = done.map_err(|_| damaged())?;
        let progress = progress.map_err(|cause| damaged().caused_by(cause))?;
        let is_whole = progress.finished && progress.n_processed <= room;
        Ok(is_whole.then_some(progress.n_processed * size_of::<T>()))
    })
}

fn encode<T: Number + bytemuck::Pod>(
    plain: &[u8],
    config: &ChunkConfig,
    pool: &Pool,
) -> Result<BufferMut> {
    let encoded = aligned::with(plain, |numbers: &[T]| simple_compress(numbers, config))?;
    let encoded = encoded.map_err(|cause| {
        Error::new(ErrorKind::InvalidInput, "cannot encode pcodec").caused_by(cause)
    })?;
    super::copied(&encoded, pool)
}

/// Reads the metadata of `pcodec`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let element = place.element;
    let is_number = element.dtype.is_integer() || element.dtype.is_float();
    if !is_number || element.narrow.is_some() || element.is_swapped {
        let message = format!("codec `pcodec` of {element}");
        return Err(Error::unsupported(message)
            .hint("integers and real floats in the machine's byte order are compressed"));
    }
    let level = options.integer("level", 0..=12, Some(8))?;
    let order = options.integer("delta_encoding_order", 0..=7, Some(-1));
    let order = match options.get("delta_encoding_order") {
        Some(_) => usize::try_from(order?).ok(),
        None => None,
    };
    let mode = match options.text("mode_spec")?.unwrap_or("auto") {
        "auto" => ModeSpec::Auto,
        "classic" => ModeSpec::Classic,
        other => return Err(unknown(options, "mode_spec", other, "`auto`, `classic`")),
    };
    let delta = match (options.text("delta_spec")?.unwrap_or("auto"), order) {
        ("auto" | "try_consecutive", Some(order)) => DeltaSpec::TryConsecutive(order),
        ("auto", None) => DeltaSpec::Auto,
        ("none" | "no_op", _) => DeltaSpec::NoOp,
        ("try_consecutive", None) => DeltaSpec::TryConsecutive(1),
        ("try_lookback", _) => DeltaSpec::TryLookback,
        (other, _) => {
            let accepted = "`auto`, `no_op`, `try_consecutive`, `try_lookback`";
            return Err(unknown(options, "delta_spec", other, accepted));
        }
    };
    let page = options.integer("equal_pages_up_to", 1..=1 << 24, Some(262_144))?;
    let config = ChunkConfig::default()
        .with_compression_level(usize::try_from(level).unwrap_or(8))
        .with_mode_spec(mode)
        .with_delta_spec(delta)
        .with_paging_spec(PagingSpec::EqualPagesUpTo(
            usize::try_from(page).unwrap_or(262_144),
        ));
    let codec = Pcodec {
        element,
        config,
        level,
    };
    Ok(Stage::Elements(Arc::new(codec)))
}

fn unknown(options: &Options<'_>, name: &str, value: &str, accepted: &str) -> Error {
    options.wrong(name, &serde_json::Value::from(value), accepted)
}
