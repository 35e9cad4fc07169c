//! Every codec by its names, and those that a program adds.

use super::{
    Options, Place, Stage, astype, base64, bitround, blosc, byteswap, bz2, cast_value, categorize,
    checksum, delta, fixedscaleoffset, fletcher32, gzip, lookup3, lz4, lzma, objects, packbits,
    pcodec, permute, reshape, scale_offset, shuffle, vlen, zfp, zlib, zstd,
};
use craton_core::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// Reads one codec's metadata.
pub type Build = fn(&Options<'_>, &Place<'_>) -> Result<Stage>;

/// The codecs of this crate by their names; `numcodecs.x` and `x` are the same.
pub const CODECS: &[(&str, Build)] = &[
    ("adler32", checksum::adler32),
    ("astype", astype::build),
    ("base64", base64::build),
    ("bitround", bitround::build),
    ("blosc", blosc::build),
    ("bytes", byteswap::build),
    ("bz2", bz2::build),
    ("cast_value", cast_value::build),
    ("categorize", categorize::build),
    ("crc32", checksum::crc32),
    ("crc32c", checksum::crc32c),
    ("delta", delta::build),
    ("endian", byteswap::build),
    ("fixedscaleoffset", fixedscaleoffset::build),
    ("fletcher32", fletcher32::build),
    ("gzip", gzip::build),
    ("jenkins_lookup3", lookup3::build),
    ("json2", objects::json2),
    ("lz4", lz4::build),
    ("lzma", lzma::build),
    ("msgpack2", objects::msgpack2),
    ("packbits", packbits::build),
    ("pcodec", pcodec::build),
    ("quantize", astype::quantize),
    ("reshape", reshape::build),
    ("scale_offset", scale_offset::build),
    ("sharding_indexed", |_, _| Ok(Stage::Sharding)),
    ("shuffle", shuffle::build),
    ("transpose", permute::build),
    ("vlen-array", vlen::arrays),
    ("vlen-bytes", vlen::bytes),
    ("vlen-utf8", vlen::utf8),
    ("xz", lzma::build),
    ("zfp", zfp::build),
    ("zfpy", zfp::zfpy),
    ("zlib", zlib::build),
    ("zstd", zstd::build),
];

type Added = Arc<dyn Fn(&Options<'_>, &Place<'_>) -> Result<Stage> + Send + Sync>;

static ADDED: RwLock<BTreeMap<String, Added>> = RwLock::new(BTreeMap::new());

/// Adds a codec under the name that metadata give it: the `id` of version 2, or the whole `name` of version 3.
///
/// Arrays that are opened from now on know it. A name added before is replaced; arrays that are open keep what they have.
///
/// # Errors
/// [`ErrorKind::Conflict`] if this crate has a codec of that name.
///
/// # Examples
/// A codec whose bytes are all inverted:
/// ```
/// use craton_core::{BufferMut, DType, Decode, Order, Pool, Result};
/// use craton_format::codec::{self, Chain, Codec, Options, Place, Size, Stage};
/// use std::sync::Arc;
///
/// #[derive(Debug)]
/// struct Invert;
///
/// impl Codec for Invert {
///     fn label(&self) -> String {
///         "invert".to_owned()
///     }
///     fn encoded_size(&self, plain: Size) -> Size {
///         plain
///     }
///     fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
///         let Some(out) = out.get_mut(..encoded.len()) else {
///             return Ok(None);
///         };
///         out.iter_mut().zip(encoded).for_each(|(out, byte)| *out = !byte);
///         Ok(Some(encoded.len()))
///     }
///     fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
///         let mut out = pool.take(plain.len())?;
///         out.iter_mut().zip(plain).for_each(|(out, byte)| *out = !byte);
///         Ok(out)
///     }
/// }
///
/// codec::register("example.invert", |_options, _place| Ok(Stage::Bytes(Arc::new(Invert))))?;
///
/// let metadata = serde_json::json!({"name": "example.invert"});
/// let Stage::Bytes(invert) = codec::build(&Options::from_v3(&metadata)?, &Place::of_bytes())? else {
///     panic!("it was registered as a codec of bytes")
/// };
/// let mut out = [0; 2];
/// Chain::new(DType::UInt8, Order::C, vec![invert]).decode(&[0xff, 0x00], &mut out, &Pool::unlimited())?;
/// assert_eq!(out, [0x00, 0xff]);
/// # Ok::<(), craton_core::Error>(())
/// ```
pub fn register(
    name: &str,
    build: impl Fn(&Options<'_>, &Place<'_>) -> Result<Stage> + Send + Sync + 'static,
) -> Result<()> {
    if name.is_empty() || find(short(name)).is_some() {
        let message = format!("`{name}` is the name of a codec that is there already");
        return Err(Error::new(ErrorKind::Conflict, message).hint("choose a name of your own"));
    }
    let mut added = ADDED.write().unwrap_or_else(PoisonError::into_inner);
    added.insert(name.to_owned(), Arc::new(build));
    Ok(())
}

/// Finds a codec of any name from its metadata.
type Find = Box<dyn Fn(&Options<'_>, &Place<'_>) -> Result<Option<Stage>> + Send + Sync>;

static ELSEWHERE: OnceLock<Find> = OnceLock::new();

/// Where codecs are looked for that are neither of this crate nor added, as a program may have them that this crate is a
/// part of. The first one that is told stays.
pub fn look_elsewhere(
    find: impl Fn(&Options<'_>, &Place<'_>) -> Result<Option<Stage>> + Send + Sync + 'static,
) {
    // OK to ignore: said above.
    let _ = ELSEWHERE.set(Box::new(find));
}

/// The names of all codecs: those of this crate and those that were added.
#[must_use]
pub fn names() -> Vec<String> {
    let added = ADDED.read().unwrap_or_else(PoisonError::into_inner);
    let known = CODECS.iter().map(|(name, _)| (*name).to_owned());
    known.chain(added.keys().cloned()).collect()
}

/// Reads the metadata of one codec.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for codecs that are neither in the table nor added nor found elsewhere,
/// [`ErrorKind::Corrupt`] for options out of range.
pub fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let name = options.codec();
    if short(name) == "pickle" {
        let message = "codec `pickle` is refused: reading it would run code that the file brings";
        return Err(
            Error::unsupported(message).hint("rewrite the array with `vlen-utf8` or `json2`")
        );
    }
    if let Some(build) = find(short(name)) {
        return build(options, place);
    }
    // Cloned, so that what it does may add codecs in turn.
    let added = {
        let added = ADDED.read().unwrap_or_else(PoisonError::into_inner);
        added.get(name).cloned()
    };
    match added {
        Some(build) => build(options, place),
        None => {
            if let Some(find) = ELSEWHERE.get()
                && let Some(stage) = find(options, place)?
            {
                return Ok(stage);
            }
            let message = format!("codec `{name}` is not read by this version");
            Err(Error::unsupported(message)
                .hint(format!("codecs that are read: {}", names().join(", "))))
        }
    }
}

fn short(name: &str) -> &str {
    name.strip_prefix("numcodecs.").unwrap_or(name)
}

fn find(name: &str) -> Option<Build> {
    CODECS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, build)| *build)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_crate_cannot_be_taken() {
        for name in ["zstd", "numcodecs.zstd", ""] {
            let error = register(name, |_, _| Ok(Stage::Sharding)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict, "{name}");
        }
    }

    #[test]
    fn a_name_added_twice_is_the_later_one_and_is_listed() {
        let metadata = serde_json::json!({"id": "registry.test"});
        let options = Options::from_v2(&metadata).unwrap();
        let error = build(&options, &Place::of_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        register("registry.test", |_, _| Ok(Stage::Endian(None))).unwrap();
        register("registry.test", |_, _| Ok(Stage::Sharding)).unwrap();
        let stage = build(&options, &Place::of_bytes()).unwrap();
        assert!(matches!(stage, Stage::Sharding));
        assert!(names().contains(&"registry.test".to_owned()));
    }
}
