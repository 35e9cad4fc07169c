//! `lzma`: XZ, LZMA-alone and raw LZMA streams, as Python's `lzma` writes them.

use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, Error, Pool, Result};
use liblzma::stream::{Action, Check, Filters, LzmaOptions, Status, Stream};
use serde_json::Value;
use std::sync::Arc;

/// What a decoder may use beside its output; the largest preset needs a quarter of it.
const MEMORY: u64 = 256 << 20;

/// LZMA in one of its containers.
#[derive(Debug, Clone)]
pub struct Lzma {
    container: Container,
    /// How hard to try, and the filters of XZ where they are given instead.
    preset: u32,
    filters: Vec<RawFilter>,
    check: Option<Check>,
}

#[derive(Debug, Clone)]
enum Container {
    Xz,
    Alone,
    Raw(Vec<RawFilter>),
}

#[derive(Debug, Clone, Copy)]
enum RawFilter {
    Lzma1 {
        preset: u32,
        dictionary: Option<u32>,
    },
    Lzma2 {
        preset: u32,
        dictionary: Option<u32>,
    },
    Delta {
        distance: u8,
    },
    X86,
}

impl Lzma {
    fn open(&self) -> Result<Stream> {
        let opened = match &self.container {
            // Concatenated streams are legal in XZ files.
            Container::Xz => Stream::new_stream_decoder(MEMORY, liblzma::stream::CONCATENATED),
            Container::Alone => Stream::new_lzma_decoder(MEMORY),
            Container::Raw(filters) => {
                let mut list = Filters::new();
                for filter in filters {
                    filter.add_to(&mut list)?;
                }
                Stream::new_raw_decoder(&list)
            }
        };
        opened
            .map_err(|cause| Error::unsupported("this lzma container is not read").caused_by(cause))
    }
}

impl Lzma {
    fn open_encoder(&self) -> Result<Stream> {
        let list = |filters: &[RawFilter]| {
            let mut list = Filters::new();
            let added = filters
                .iter()
                .try_for_each(|filter| filter.add_to(&mut list));
            added.map(|()| list)
        };
        let check = self.check.unwrap_or(Check::Crc64);
        let opened = match &self.container {
            Container::Xz if self.filters.is_empty() => {
                Stream::new_easy_encoder(self.preset, check)
            }
            Container::Xz => Stream::new_stream_encoder(&list(&self.filters)?, check),
            Container::Alone => LzmaOptions::new_preset(self.preset)
                .and_then(|options| Stream::new_lzma_encoder(&options)),
            Container::Raw(filters) => Stream::new_raw_encoder(&list(filters)?),
        };
        opened.map_err(|cause| {
            Error::invalid("the options of `lzma` cannot be used").caused_by(cause)
        })
    }
}

impl Codec for Lzma {
    fn label(&self) -> String {
        match self.container {
            Container::Xz => "lzma:xz",
            Container::Alone => "lzma:alone",
            Container::Raw(_) => "lzma:raw",
        }
        .to_owned()
    }

    fn encoded_size(&self, plain: Size) -> Size {
        let most = plain.most();
        Size::AtMost(most.saturating_add(most / 16).saturating_add(4096))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let mut stream = self.open()?;
        let position = |total: u64| usize::try_from(total).unwrap_or(usize::MAX);
        loop {
            let (used, written) = (position(stream.total_in()), position(stream.total_out()));
            let status = stream.process(&encoded[used..], &mut out[written..], Action::Finish);
            let (used_now, written_now) =
                (position(stream.total_in()), position(stream.total_out()));
            let is_stuck = (used_now, written_now) == (used, written);
            match status {
                Ok(Status::StreamEnd) => return Ok(Some(written_now)),
                // Raw LZMA has no end mark: all input used is its end.
                Ok(_) if is_stuck && used == encoded.len() && self.has_no_end() => {
                    return Ok(Some(written_now));
                }
                Ok(_) if is_stuck && written == out.len() => return Ok(None),
                Ok(_) if !is_stuck => {}
                Err(liblzma::stream::Error::MemLimit) => {
                    let message = format!("lzma needs more than {MEMORY} bytes to decode");
                    return Err(Error::new(craton_core::ErrorKind::Budget, message));
                }
                Err(cause) => return Err(Error::corrupt("cannot decode lzma").caused_by(cause)),
                Ok(_) => return Err(Error::corrupt("cannot decode lzma: the stream is cut")),
            }
        }
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut stream = self.open_encoder()?;
        let mut out = pool.take(self.encoded_size(Size::Exact(plain.len())).most())?;
        let position = |total: u64| usize::try_from(total).unwrap_or(usize::MAX);
        loop {
            let (used, written) = (position(stream.total_in()), position(stream.total_out()));
            let status = stream.process(&plain[used..], &mut out[written..], Action::Finish);
            match status {
                Ok(Status::StreamEnd) => {
                    out.truncate(position(stream.total_out()));
                    return Ok(out);
                }
                Ok(_)
                    if (used, written)
                        != (position(stream.total_in()), position(stream.total_out())) => {}
                Ok(_) => return Err(Error::internal("cannot encode lzma: there is no room")),
                Err(cause) => {
                    return Err(Error::internal("cannot encode lzma").caused_by(cause));
                }
            }
        }
    }
}

impl Lzma {
    fn has_no_end(&self) -> bool {
        match &self.container {
            Container::Raw(filters) => filters
                .iter()
                .any(|filter| matches!(filter, RawFilter::Lzma1 { .. })),
            _ => false,
        }
    }
}

impl RawFilter {
    fn from_json(options: &Options<'_>, value: &Value) -> Result<Self> {
        let field = |name: &str| value.get(name).and_then(Value::as_u64);
        // Python's default preset is 6; its high bit asks for more effort and changes no memory.
        let preset = u32::try_from(field("preset").unwrap_or(6) & 0x1f)
            .unwrap_or(6)
            .min(9);
        let dictionary = field("dict_size").and_then(|size| u32::try_from(size).ok());
        match field("id") {
            Some(0x4000_0000_0000_0001) => Ok(Self::Lzma1 { preset, dictionary }),
            Some(0x21) => Ok(Self::Lzma2 { preset, dictionary }),
            Some(0x03) => {
                let distance = field("dist").unwrap_or(1).checked_sub(1);
                let distance = distance.and_then(|distance| u8::try_from(distance).ok());
                let wrong = || options.wrong("filters", value, "a delta distance from 1 to 256");
                Ok(Self::Delta {
                    distance: distance.ok_or_else(wrong)?,
                })
            }
            Some(0x04) => Ok(Self::X86),
            _ => Err(Error::unsupported(format!(
                "lzma filter {value} is not read"
            ))),
        }
    }

    fn add_to(self, list: &mut Filters) -> Result<()> {
        let failed =
            |cause| Error::corrupt("lzma filter options are out of range").caused_by(cause);
        let options = |preset, dictionary: Option<u32>| {
            let mut options = LzmaOptions::new_preset(preset).map_err(failed)?;
            if let Some(size) = dictionary {
                if u64::from(size) > MEMORY {
                    let message = format!("lzma dictionary of {size} bytes is too large");
                    return Err(Error::new(craton_core::ErrorKind::Budget, message));
                }
                options.dict_size(size);
            }
            Ok(options)
        };
        match self {
            Self::Lzma1 { preset, dictionary } => list.lzma1(&options(preset, dictionary)?),
            Self::Lzma2 { preset, dictionary } => list.lzma2(&options(preset, dictionary)?),
            Self::Delta { distance } => list.delta_properties(&[distance]).map_err(failed)?,
            Self::X86 => list.x86(),
        };
        Ok(())
    }
}

/// Reads the metadata of `lzma`.
pub(super) fn build(options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    let filters = match options.get("filters") {
        None => Vec::new(),
        Some(Value::Array(filters)) if filters.len() <= 4 => filters
            .iter()
            .map(|value| RawFilter::from_json(options, value))
            .collect::<Result<_>>()?,
        Some(other) => return Err(options.wrong("filters", other, "a list of up to four filters")),
    };
    let container = match options.integer("format", 1..=3, Some(1))? {
        1 => Container::Xz,
        2 => Container::Alone,
        _ if filters.is_empty() => {
            return Err(Error::corrupt(
                "codec `lzma` in raw format needs one to four `filters`",
            ));
        }
        _ => Container::Raw(filters.clone()),
    };
    // Python's default preset is 6; the highest bit asks for more effort.
    let preset = options.integer("preset", 0..=i64::from(u32::MAX), Some(6))?;
    let check = match options.integer("check", -1..=10, Some(-1))? {
        0 => Some(Check::None),
        1 => Some(Check::Crc32),
        4 => Some(Check::Crc64),
        10 => Some(Check::Sha256),
        _ => None,
    };
    Ok(Stage::Bytes(Arc::new(Lzma {
        container,
        preset: u32::try_from(preset).unwrap_or(6),
        filters,
        check,
    })))
}
