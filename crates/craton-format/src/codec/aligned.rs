//! Numbers in buffers of bytes, for libraries that want slices of numbers.

use craton_core::{Error, Pool, Result};

/// Lets `work` write numbers into `out`, through a copy where that is not aligned. `out` is as many whole numbers.
///
/// # Errors
/// [`craton_core::ErrorKind::Corrupt`] if `out` is no whole count of numbers, those of `work`, and no memory for a copy.
pub fn with_mut<T: bytemuck::Pod, R>(
    out: &mut [u8],
    pool: &Pool,
    work: impl FnOnce(&mut [T]) -> Result<R>,
) -> Result<R> {
    if !out.len().is_multiple_of(size_of::<T>()) {
        return Err(no_whole_count(out.len(), size_of::<T>()));
    }
    if let Ok(numbers) = bytemuck::try_cast_slice_mut(out) {
        return work(numbers);
    }
    // Buffers of the pool are aligned for every type of numbers.
    let mut copy = pool.take(out.len())?;
    let done = match bytemuck::try_cast_slice_mut(&mut copy) {
        Ok(numbers) => work(numbers),
        Err(_) => Err(Error::internal("a buffer of the pool is not aligned")),
    };
    out.copy_from_slice(&copy);
    done
}

/// Lets `work` read the numbers in `bytes`, from a copy where those are not aligned.
///
/// # Errors
/// [`craton_core::ErrorKind::Corrupt`] if `bytes` are no whole count of numbers.
pub fn with<T: bytemuck::Pod, R>(bytes: &[u8], work: impl FnOnce(&[T]) -> R) -> Result<R> {
    if !bytes.len().is_multiple_of(size_of::<T>()) {
        return Err(no_whole_count(bytes.len(), size_of::<T>()));
    }
    Ok(match bytemuck::try_cast_slice(bytes) {
        Ok(numbers) => work(numbers),
        Err(_) => work(&bytemuck::allocation::pod_collect_to_vec::<u8, T>(bytes)),
    })
}

fn no_whole_count(bytes: usize, size: usize) -> Error {
    Error::corrupt(format!(
        "{bytes} bytes are no whole count of {size}-byte numbers"
    ))
}
