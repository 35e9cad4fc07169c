//! `lzma`: XZ, LZMA-alone and raw LZMA streams, as Python's `lzma` writes them.

use super::{Codec, Options, Place, Size, Stage};
use craton_core::{Error, Pool, Result};
use liblzma::stream::{Action, Filters, LzmaOptions, Status, Stream};
use serde_json::Value;
use std::sync::Arc;

/// What a decoder may use beside its output; the largest preset needs a quarter of it.
const MEMORY: u64 = 256 << 20;

/// LZMA in one of its containers.
#[derive(Debug, Clone)]
pub struct Lzma {
    container: Container,
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
pub(super) fn build(options: &Options<'_>, _place: &Place) -> Result<Stage> {
    let container = match options.integer("format", 1..=3, Some(1))? {
        1 => Container::Xz,
        2 => Container::Alone,
        _ => {
            let filters = options.get("filters").and_then(Value::as_array);
            let filters = filters.map_or(&[][..], Vec::as_slice);
            if filters.is_empty() || filters.len() > 4 {
                return Err(Error::corrupt(
                    "codec `lzma` in raw format needs one to four `filters`",
                ));
            }
            let filters = filters
                .iter()
                .map(|value| RawFilter::from_json(options, value));
            Container::Raw(filters.collect::<Result<_>>()?)
        }
    };
    Ok(Stage::Bytes(Arc::new(Lzma { container }), None))
}
