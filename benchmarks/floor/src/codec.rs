//! Encoded bytes to decoded bytes and back, into buffers that are reused, with the C libraries alone.

use crate::Result;

/// Which library inflates zlib streams.
#[derive(Clone, Copy)]
pub enum Inflate {
    Libdeflate,
    Zlib,
}

impl Inflate {
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "libdeflate" => Ok(Self::Libdeflate),
            "zlib" => Ok(Self::Zlib),
            _ => Err(format!(
                "unknown inflate library `{name}`: libdeflate or zlib"
            )),
        }
    }
}

/// How a store's chunks are encoded.
#[derive(Clone, Copy)]
pub enum Codec {
    Plain,
    Zstd,
    /// LZ4 at level 5 over bytes shuffled by four, where it encodes.
    Blosc,
    /// zlib over bytes shuffled by four.
    ShuffledZlib(Inflate),
}

/// One thread's contexts, made once.
pub struct Decoder {
    codec: Codec,
    zstd: zstd_safe::DCtx<'static>,
    libdeflate: libdeflater::Decompressor,
    zlib: Option<Box<libz_sys::z_stream>>,
    shuffled: Vec<u8>,
}

impl Decoder {
    pub fn new(codec: Codec, chunk_bytes: usize) -> Result<Self> {
        let zlib = match codec {
            Codec::ShuffledZlib(Inflate::Zlib) => Some(new_zlib()?),
            _ => None,
        };
        let shuffled_bytes = if matches!(codec, Codec::ShuffledZlib(_)) {
            chunk_bytes
        } else {
            0
        };
        Ok(Self {
            codec,
            zstd: zstd_safe::DCtx::create(),
            libdeflate: libdeflater::Decompressor::new(),
            zlib,
            shuffled: vec![0; shuffled_bytes],
        })
    }

    /// Fills `decoded` from `encoded`, or says that it does not fit.
    pub fn decode(&mut self, encoded: &[u8], decoded: &mut [u8]) -> Result<()> {
        let count = match self.codec {
            Codec::Plain => {
                let known = encoded.len().min(decoded.len());
                decoded[..known].copy_from_slice(&encoded[..known]);
                encoded.len()
            }
            Codec::Zstd => self
                .zstd
                .decompress(decoded, encoded)
                .map_err(|code| format!("zstd: error {code}"))?,
            Codec::Blosc => decode_blosc(encoded, decoded)?,
            Codec::ShuffledZlib(_) => {
                let count = self.inflate(encoded)?;
                unshuffle(&self.shuffled, decoded);
                count
            }
        };
        if count == decoded.len() {
            Ok(())
        } else {
            Err(format!(
                "a chunk decoded to {count} bytes, expected {}",
                decoded.len()
            ))
        }
    }

    fn inflate(&mut self, encoded: &[u8]) -> Result<usize> {
        let Some(stream) = &mut self.zlib else {
            return self
                .libdeflate
                .zlib_decompress(encoded, &mut self.shuffled)
                .map_err(|error| format!("libdeflate: {error}"));
        };
        stream.next_in = encoded.as_ptr().cast_mut();
        stream.avail_in = u32::try_from(encoded.len()).map_err(|error| error.to_string())?;
        stream.next_out = self.shuffled.as_mut_ptr();
        stream.avail_out = u32::try_from(self.shuffled.len()).map_err(|error| error.to_string())?;
        // SAFETY: the stream was initialised by `new_zlib` and its pointers and lengths name live buffers.
        let code = unsafe {
            libz_sys::inflateReset(&raw mut **stream);
            libz_sys::inflate(&raw mut **stream, libz_sys::Z_FINISH)
        };
        if code == libz_sys::Z_STREAM_END {
            Ok(self.shuffled.len() - stream.avail_out as usize)
        } else {
            Err(format!("zlib: error {code}"))
        }
    }
}

fn new_zlib() -> Result<Box<libz_sys::z_stream>> {
    extern "C" fn allocate(_: *mut libc::c_void, count: u32, size: u32) -> *mut libc::c_void {
        // SAFETY: `calloc` accepts any two sizes.
        unsafe { libc::calloc(count as usize, size as usize) }
    }
    extern "C" fn release(_: *mut libc::c_void, memory: *mut libc::c_void) {
        // SAFETY: zlib returns what `allocate` gave.
        unsafe { libc::free(memory) }
    }
    let mut stream = Box::new(libz_sys::z_stream {
        next_in: std::ptr::null_mut(),
        avail_in: 0,
        total_in: 0,
        next_out: std::ptr::null_mut(),
        avail_out: 0,
        total_out: 0,
        msg: std::ptr::null_mut(),
        state: std::ptr::null_mut(),
        zalloc: allocate,
        zfree: release,
        opaque: std::ptr::null_mut(),
        data_type: 0,
        adler: 0,
        reserved: 0,
    });
    let size = i32::try_from(size_of::<libz_sys::z_stream>()).map_err(|error| error.to_string())?;
    // SAFETY: the stream is initialised as zlib asks, and boxed because zlib keeps a pointer to it.
    let code = unsafe { libz_sys::inflateInit_(&raw mut *stream, libz_sys::zlibVersion(), size) };
    if code == libz_sys::Z_OK {
        Ok(stream)
    } else {
        Err(format!("zlib: error {code}"))
    }
}

fn decode_blosc(encoded: &[u8], decoded: &mut [u8]) -> Result<usize> {
    let stated = encoded
        .get(12..16)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes);
    if stated.map(|length| length as usize) != Some(encoded.len()) {
        return Err("a Blosc chunk does not have the length that its header states".to_string());
    }
    // SAFETY: the header's length was checked against `encoded`, and `decoded` has the length passed.
    let code = unsafe {
        blosc_src::blosc_decompress_ctx(
            encoded.as_ptr().cast(),
            decoded.as_mut_ptr().cast(),
            decoded.len(),
            1,
        )
    };
    usize::try_from(code).map_err(|_| format!("blosc: error {code}"))
}

/// Four byte planes back to four-byte numbers.
fn unshuffle(planes: &[u8], decoded: &mut [u8]) {
    let count = decoded.len() / 4;
    let (first, rest) = planes.split_at(count);
    let (second, rest) = rest.split_at(count);
    let (third, fourth) = rest.split_at(count);
    let bytes = first.iter().zip(second).zip(third).zip(fourth);
    for (word, (((a, b), c), d)) in decoded.chunks_exact_mut(4).zip(bytes) {
        word.copy_from_slice(&[*a, *b, *c, *d]);
    }
}

/// One thread's compressor, and where it leaves what it made.
pub struct Encoder {
    codec: Codec,
    zstd: zstd_safe::CCtx<'static>,
    encoded: Vec<u8>,
}

impl Encoder {
    pub fn new(codec: Codec, chunk_bytes: usize) -> Result<Self> {
        let mut zstd = zstd_safe::CCtx::create();
        zstd.set_parameter(zstd_safe::CParameter::CompressionLevel(3))
            .map_err(|code| format!("zstd: error {code}"))?;
        let most = match codec {
            Codec::Plain => 0,
            Codec::Zstd => zstd_safe::compress_bound(chunk_bytes),
            Codec::Blosc => chunk_bytes + blosc_src::BLOSC_MAX_OVERHEAD as usize,
            Codec::ShuffledZlib(_) => return Err("zlib is not encoded".to_string()),
        };
        Ok(Self {
            codec,
            zstd,
            encoded: vec![0; most],
        })
    }

    /// The encoded bytes of one chunk.
    pub fn encode<'a>(&'a mut self, decoded: &'a [u8]) -> Result<&'a [u8]> {
        let size = match self.codec {
            Codec::Zstd => self
                .zstd
                .compress2(&mut self.encoded[..], decoded)
                .map_err(|code| format!("zstd: error {code}"))?,
            Codec::Blosc => {
                // SAFETY: both pointers go with the lengths of their buffers, and the name ends with a zero.
                let code = unsafe {
                    blosc_src::blosc_compress_ctx(
                        5,
                        blosc_src::BLOSC_SHUFFLE as i32,
                        4,
                        decoded.len(),
                        decoded.as_ptr().cast(),
                        self.encoded.as_mut_ptr().cast(),
                        self.encoded.len(),
                        c"lz4".as_ptr(),
                        0,
                        1,
                    )
                };
                usize::try_from(code).map_err(|_| format!("blosc: error {code}"))?
            }
            Codec::Plain | Codec::ShuffledZlib(_) => return Ok(decoded),
        };
        Ok(&self.encoded[..size])
    }
}
