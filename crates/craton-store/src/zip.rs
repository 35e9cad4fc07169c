//! The members of a ZIP archive, as a store over the store that holds the archive.
//!
//! Reads stored and deflated members and ZIP64; only the central directory is trusted for sizes.

use crate::keys::names_under;
use crate::local::checked_range;
use craton_core::{BoxFuture, Buffer, BufferMut, ByteRange, Error, Pool, ReadRanges, Result};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

const END_RECORD: [u8; 4] = *b"PK\x05\x06";
const END_RECORD_64: [u8; 4] = *b"PK\x06\x06";
const END_LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const DIRECTORY_ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL_HEADER: [u8; 4] = *b"PK\x03\x04";
/// The end record with the longest comment, and the ZIP64 locator before it.
const LONGEST_TAIL: u64 = 22 + 65_535 + 20;
/// Deflate cannot grow more than this.
const DEFLATE_MOST: u64 = 1032;

/// A ZIP archive opened for reading.
#[derive(Debug)]
pub struct ZipStore {
    inner: Arc<dyn ReadRanges>,
    location: String,
    archive_size: u64,
    members: BTreeMap<String, Member>,
}

#[derive(Debug)]
struct Member {
    method: u16,
    is_encrypted: bool,
    crc: u32,
    compressed: u64,
    size: u64,
    header_offset: u64,
    /// Where the data start; known after the local header was read once.
    data_offset: OnceLock<u64>,
}

impl ZipStore {
    /// Reads the directory of the archive at `location` in `inner`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if there is no such object, [`craton_core::ErrorKind::Corrupt`] if
    /// it is no whole ZIP archive.
    pub async fn open(inner: Arc<dyn ReadRanges>, location: &str) -> Result<Self> {
        let url = inner.url_of(location);
        let opened = Self::open_unnamed(inner, location).await;
        opened.map_err(|error| error.at(url))
    }

    async fn open_unnamed(inner: Arc<dyn ReadRanges>, location: &str) -> Result<Self> {
        let pool = Pool::unlimited();
        let absent = || {
            Error::not_found(format!(
                "archive `{}` does not exist",
                inner.url_of(location)
            ))
        };
        let archive_size = inner.size(location).await?.ok_or_else(absent)?;
        let tail_length = archive_size.min(LONGEST_TAIL);
        let tail = inner
            .read(location, ByteRange::Suffix(tail_length), &pool)
            .await?
            .ok_or_else(absent)?;
        let tail_start = archive_size - tail_length;
        let mut end = EndRecord::find(&tail, tail_start)?;
        if let Some(offset) = end.record_64 {
            let range = ByteRange::Bounded { offset, length: 56 };
            let record = inner
                .read(location, range, &pool)
                .await?
                .ok_or_else(absent)?;
            end.widen(&record)?;
        }
        if end
            .offset
            .checked_add(end.length)
            .is_none_or(|past| past > archive_size)
        {
            let message = format!(
                "ZIP directory of {} bytes at {} lies outside the {archive_size} bytes of the archive",
                end.length, end.offset
            );
            return Err(Error::corrupt(message));
        }
        let range = ByteRange::Bounded {
            offset: end.offset,
            length: end.length,
        };
        let directory = inner
            .read(location, range, &pool)
            .await?
            .ok_or_else(absent)?;
        Ok(Self {
            members: parse_directory(&directory, end.count)?,
            location: location.to_owned(),
            archive_size,
            inner,
        })
    }

    async fn read_member(
        &self,
        location: &str,
        range: ByteRange,
        pool: &Pool,
    ) -> Result<Option<BufferMut>> {
        let Some(member) = self.members.get(location) else {
            return Ok(None);
        };
        let bytes = checked_range(range, member.size)?;
        if member.is_encrypted {
            return Err(Error::unsupported("the ZIP member is encrypted"));
        }
        match member.method {
            0 if member.compressed != member.size => {
                Err(Error::corrupt("a stored ZIP member has two sizes"))
            }
            0 => {
                let part = self.read_data(member, bytes.clone(), pool).await?;
                if bytes == (0..member.size) {
                    check_crc(&part, member.crc)?;
                }
                Ok(Some(part))
            }
            8 => {
                let whole = self.inflate(member, pool).await?;
                cut(whole, bytes, pool).map(Some)
            }
            method => {
                let message = format!("ZIP compression method {method} is not read");
                Err(Error::unsupported(message)
                    .hint("stored (0) and deflated (8) members are read"))
            }
        }
    }

    /// Bytes `part` of the member's data as they lie in the archive.
    async fn read_data(
        &self,
        member: &Member,
        part: std::ops::Range<u64>,
        pool: &Pool,
    ) -> Result<BufferMut> {
        let start = self.data_offset(member, pool).await?;
        let fits = start
            .checked_add(member.compressed)
            .is_some_and(|end| end <= self.archive_size);
        if !fits {
            return Err(Error::corrupt(
                "the ZIP member reaches past the end of the archive",
            ));
        }
        let range = ByteRange::Bounded {
            offset: start + part.start,
            length: part.end - part.start,
        };
        self.read_archive(range, pool).await
    }

    async fn data_offset(&self, member: &Member, pool: &Pool) -> Result<u64> {
        if let Some(offset) = member.data_offset.get() {
            return Ok(*offset);
        }
        let range = ByteRange::Bounded {
            offset: member.header_offset,
            length: 30,
        };
        let header = self.read_archive(range, pool).await?;
        if header[..4] != LOCAL_HEADER {
            return Err(Error::corrupt(
                "the ZIP directory does not point at a member",
            ));
        }
        // The name and extra field here may differ in length from those in the directory.
        let skip = 30 + u64::from(u16_at(&header, 26)?) + u64::from(u16_at(&header, 28)?);
        Ok(*member
            .data_offset
            .get_or_init(|| member.header_offset.saturating_add(skip)))
    }

    async fn read_archive(&self, range: ByteRange, pool: &Pool) -> Result<BufferMut> {
        let read = self.inner.read(&self.location, range, pool).await?;
        read.ok_or_else(|| Error::not_found("the archive has gone while it was read"))
    }

    async fn inflate(&self, member: &Member, pool: &Pool) -> Result<BufferMut> {
        if member.size > member.compressed.saturating_mul(DEFLATE_MOST) {
            let message = format!(
                "a deflated ZIP member of {} bytes cannot hold {}",
                member.compressed, member.size
            );
            return Err(Error::corrupt(message));
        }
        let compressed = self.read_data(member, 0..member.compressed, pool).await?;
        let length = usize::try_from(member.size)
            .map_err(|_| Error::corrupt("the ZIP member is larger than memory"))?;
        let mut whole = pool.take(length)?;
        let written = DEFLATE
            .with_borrow_mut(|inflater| inflater.deflate_decompress(&compressed, &mut whole))
            .map_err(|cause| Error::corrupt("cannot inflate the ZIP member").caused_by(cause))?;
        if written != length {
            let message = format!("the ZIP member holds {written} bytes instead of {length}");
            return Err(Error::corrupt(message));
        }
        check_crc(&whole, member.crc)?;
        Ok(whole)
    }
}

thread_local! {
    static DEFLATE: RefCell<libdeflater::Decompressor> = RefCell::default();
}

impl ReadRanges for ZipStore {
    fn read<'a>(
        &'a self,
        location: &'a str,
        range: ByteRange,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<Option<BufferMut>>> {
        Box::pin(async move {
            let read = self.read_member(location, range, pool).await;
            read.map_err(|error| error.at(self.url_of(location)))
        })
    }

    fn size<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<Option<u64>>> {
        Box::pin(async move { Ok(self.members.get(location).map(|member| member.size)) })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move { Ok(names_under(&self.members, prefix)) })
    }

    fn url_of(&self, location: &str) -> String {
        format!("{}!/{location}", self.inner.url_of(&self.location))
    }

    fn is_remote(&self) -> bool {
        self.inner.is_remote()
    }

    fn version(&self, _location: &str) -> Option<String> {
        self.inner.version(&self.location)
    }
}

/// Where the directory is.
struct EndRecord {
    count: u64,
    length: u64,
    offset: u64,
    record_64: Option<u64>,
}

impl EndRecord {
    /// Finds the end record in the last bytes of the archive, which begin at `tail_start`.
    fn find(tail: &[u8], tail_start: u64) -> Result<Self> {
        let at = (0..tail.len().saturating_sub(21))
            .rev()
            .find(|at| tail[*at..].starts_with(&END_RECORD) && comment_fits(tail, *at))
            .ok_or_else(|| {
                Error::corrupt("no ZIP end record was found: the archive is cut or no ZIP")
            })?;
        let record = &tail[at..];
        if u16_at(record, 4)? != 0 && u16_at(record, 4)? != u16::MAX {
            return Err(Error::unsupported(
                "the ZIP archive is split over several disks",
            ));
        }
        let mut end = Self {
            count: u64::from(u16_at(record, 10)?),
            length: u64::from(u32_at(record, 12)?),
            offset: u64::from(u32_at(record, 16)?),
            record_64: None,
        };
        let needs_64 = end.count == u64::from(u16::MAX)
            || end.length == u64::from(u32::MAX)
            || end.offset == u64::from(u32::MAX);
        let locator = at.checked_sub(20).map(|start| &tail[start..at]);
        if let Some(locator) =
            locator.filter(|bytes| needs_64 && bytes.starts_with(&END_LOCATOR_64))
        {
            end.record_64 = Some(u64_at(locator, 8)?);
        }
        // A directory cannot end after the record that follows it.
        let record_start = tail_start + at as u64;
        if end.record_64.is_none() && end.offset.saturating_add(end.length) > record_start {
            return Err(Error::corrupt("the ZIP directory overlaps its end record"));
        }
        Ok(end)
    }

    fn widen(&mut self, record: &[u8]) -> Result<()> {
        if !record.starts_with(&END_RECORD_64) {
            return Err(Error::corrupt(
                "the ZIP64 locator does not point at an end record",
            ));
        }
        self.count = u64_at(record, 32)?;
        self.length = u64_at(record, 40)?;
        self.offset = u64_at(record, 48)?;
        Ok(())
    }
}

fn comment_fits(tail: &[u8], at: usize) -> bool {
    u16_at(tail, at + 20).is_ok_and(|comment| at + 22 + usize::from(comment) <= tail.len())
}

fn parse_directory(directory: &[u8], count: u64) -> Result<BTreeMap<String, Member>> {
    let mut members = BTreeMap::new();
    let mut rest = directory;
    let mut entries = 0u64;
    while rest.starts_with(&DIRECTORY_ENTRY) {
        let (name_length, extra_length, comment_length) = (
            usize::from(u16_at(rest, 28)?),
            usize::from(u16_at(rest, 30)?),
            usize::from(u16_at(rest, 32)?),
        );
        let name = slice(rest, 46, name_length)?;
        let extra = slice(rest, 46 + name_length, extra_length)?;
        let member = parse_member(rest, extra)?;
        let name = String::from_utf8_lossy(name).into_owned();
        // Names that end in `/` are folders; they are known from what lies in them.
        if !name.ends_with('/') {
            members.insert(name, member);
        }
        rest = &rest[(46 + name_length + extra_length + comment_length).min(rest.len())..];
        entries += 1;
    }
    if entries != count {
        let message = format!("the ZIP directory holds {entries} members instead of {count}");
        return Err(Error::corrupt(message));
    }
    Ok(members)
}

fn parse_member(entry: &[u8], extra: &[u8]) -> Result<Member> {
    let mut sizes = [u32_at(entry, 24)?, u32_at(entry, 20)?, u32_at(entry, 42)?].map(u64::from);
    let mut wide = find_extra(extra, 1).unwrap_or(&[]);
    // The ZIP64 field holds, in this order, only those values that are all ones in the entry.
    for value in &mut sizes {
        if *value == u64::from(u32::MAX) && !wide.is_empty() {
            *value = u64_at(wide, 0)?;
            wide = &wide[8..];
        }
    }
    let [size, compressed, header_offset] = sizes;
    Ok(Member {
        method: u16_at(entry, 10)?,
        is_encrypted: u16_at(entry, 8)? & 1 != 0,
        crc: u32_at(entry, 16)?,
        compressed,
        size,
        header_offset,
        data_offset: OnceLock::new(),
    })
}

fn find_extra(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (id, length) = (u16_at(extra, 0).ok()?, usize::from(u16_at(extra, 2).ok()?));
        let body = extra.get(4..4 + length)?;
        if id == wanted {
            return Some(body);
        }
        extra = &extra[4 + length..];
    }
}

fn check_crc(bytes: &[u8], expected: u32) -> Result<()> {
    let actual = libdeflater::crc32(bytes);
    if actual == expected {
        return Ok(());
    }
    let message = format!("ZIP checksum does not match: {actual:08x} instead of {expected:08x}");
    Err(Error::corrupt(message))
}

fn cut(whole: BufferMut, bytes: std::ops::Range<u64>, pool: &Pool) -> Result<BufferMut> {
    if bytes == (0..whole.len() as u64) {
        return Ok(whole);
    }
    let whole: Buffer = whole.freeze();
    let part = usize::try_from(bytes.start)
        .ok()
        .zip(usize::try_from(bytes.end).ok())
        .and_then(|(start, end)| whole.get(start..end))
        .ok_or_else(|| Error::internal("range was checked against the member"))?;
    let mut out = pool.take(part.len())?;
    out.copy_from_slice(part);
    Ok(out)
}

fn slice(bytes: &[u8], at: usize, length: usize) -> Result<&[u8]> {
    bytes
        .get(at..at + length)
        .ok_or_else(|| Error::corrupt("a ZIP record ends too early"))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16> {
    slice(bytes, at, 2).map(|two| u16::from_le_bytes([two[0], two[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    slice(bytes, at, 4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64> {
    let (low, high) = (u32_at(bytes, at)?, u32_at(bytes, at + 4)?);
    Ok(u64::from(low) | u64::from(high) << 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;
    use futures_util::FutureExt;

    /// A ZIP archive of `objects`, every other one deflated; with ZIP64 fields if `is_wide`.
    fn archive(objects: &BTreeMap<String, Vec<u8>>, is_wide: bool) -> Vec<u8> {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        let mut compressor = libdeflater::Compressor::default();
        for (number, (name, bytes)) in objects.iter().enumerate() {
            let mut data = bytes.clone();
            let is_deflated = number % 2 == 1;
            if is_deflated {
                data = vec![0; compressor.deflate_compress_bound(bytes.len())];
                let length = compressor.deflate_compress(bytes, &mut data).unwrap();
                data.truncate(length);
            }
            let offset = out.len() as u64;
            let fixed = |narrow: u64| if is_wide { u32::MAX } else { narrow as u32 };
            let mut common = vec![20, 0, 0, 8, if is_deflated { 8 } else { 0 }, 0, 0, 0, 0, 0];
            common.extend(libdeflater::crc32(bytes).to_le_bytes());
            common.extend(fixed(data.len() as u64).to_le_bytes());
            common.extend(fixed(bytes.len() as u64).to_le_bytes());
            common.extend((name.len() as u16).to_le_bytes());
            out.extend(LOCAL_HEADER);
            out.extend(&common);
            out.extend([3, 0]);
            out.extend(name.as_bytes());
            out.extend([9, 9, 9]);
            out.extend(&data);
            let mut extra = Vec::new();
            if is_wide {
                extra.extend([7, 0, 1, 0, 5, 1, 0, 24, 0]);
                for value in [bytes.len() as u64, data.len() as u64, offset] {
                    extra.extend(value.to_le_bytes());
                }
            }
            directory.extend(DIRECTORY_ENTRY);
            directory.extend([20, 0]);
            directory.extend(&common);
            directory.extend((extra.len() as u16).to_le_bytes());
            directory.extend([0; 10]);
            directory.extend(fixed(offset).to_le_bytes());
            directory.extend(name.as_bytes());
            directory.extend(extra);
        }
        let (start, count) = (out.len() as u64, objects.len() as u64);
        out.extend(&directory);
        if is_wide {
            let record = out.len() as u64;
            out.extend(END_RECORD_64);
            out.extend([
                44, 0, 0, 0, 0, 0, 0, 0, 45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            ]);
            for value in [count, count, directory.len() as u64, start] {
                out.extend(value.to_le_bytes());
            }
            out.extend(END_LOCATOR_64);
            out.extend([0; 4]);
            out.extend(record.to_le_bytes());
            out.extend([1, 0, 0, 0]);
        }
        out.extend(END_RECORD);
        out.extend([0; 4]);
        let narrow = if is_wide { u16::MAX } else { count as u16 };
        out.extend(narrow.to_le_bytes());
        out.extend(narrow.to_le_bytes());
        out.extend(
            (if is_wide {
                u32::MAX
            } else {
                directory.len() as u32
            })
            .to_le_bytes(),
        );
        out.extend((if is_wide { u32::MAX } else { start as u32 }).to_le_bytes());
        out.extend([4, 0]);
        out.extend(b"note");
        out
    }

    fn open(bytes: Vec<u8>) -> Result<ZipStore> {
        let store = MemoryStore::default();
        store.insert("a.zip", bytes);
        ZipStore::open(Arc::new(store), "a.zip")
            .now_or_never()
            .unwrap()
    }

    #[test]
    fn reads_agree_with_the_model_in_narrow_and_wide_archives() {
        let model = crate::contract::model(11);
        for is_wide in [false, true] {
            let store = open(archive(&model, is_wide)).unwrap();
            crate::contract::check(&store, &model, 5)
                .now_or_never()
                .unwrap();
        }
    }

    #[test]
    fn damaged_archives_give_errors_and_never_panic() {
        let model = crate::contract::model(2);
        let pool = Pool::unlimited();
        let mut small = model.clone();
        small.remove("folder.d/large");
        for is_wide in [false, true] {
            let good = archive(&small, is_wide);
            for at in 0..good.len() {
                let mut bad = good.clone();
                bad[at] ^= 1 << (at % 8);
                let Ok(store) = open(bad) else { continue };
                for (name, bytes) in &small {
                    let read = store
                        .read(name, ByteRange::Whole, &pool)
                        .now_or_never()
                        .unwrap();
                    if let Ok(Some(read)) = read {
                        assert!(*read == **bytes, "byte {at} changed `{name}` unnoticed");
                    }
                }
            }
            for length in 0..good.len() {
                let _ = open(good[..length].to_vec());
            }
        }
    }
}
