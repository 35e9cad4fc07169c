//! Numbers from their stored form to this machine's.

use super::datatype::{Element, Narrow};

/// Turns stored elements into native ones, in place.
pub fn to_native(bytes: &mut [u8], element: &Element) {
    if element.is_swapped {
        let size = element.dtype.swap_size();
        for number in bytes.chunks_exact_mut(size) {
            number.reverse();
        }
    }
    if let (Some(narrow), Some(size)) = (element.narrow, element.dtype.item_size()) {
        widen(bytes, size, narrow);
    }
}

/// Moves the used bits of each native integer to the bottom, and extends the sign.
pub fn widen(bytes: &mut [u8], size: usize, narrow: Narrow) {
    let unused = 64u32.saturating_sub(u32::from(narrow.precision)).min(63);
    for number in bytes.chunks_exact_mut(size) {
        let mut wide = [0u8; 8];
        let is_little = cfg!(target_endian = "little");
        let start = if is_little { 0 } else { 8 - size };
        wide[start..start + size].copy_from_slice(number);
        let value = u64::from_ne_bytes(wide) >> narrow.offset.min(63);
        #[allow(
            clippy::cast_possible_wrap,
            clippy::cast_sign_loss,
            reason = "bits, not numbers"
        )]
        let value = if narrow.is_signed {
            (((value << unused) as i64) >> unused) as u64
        } else {
            (value << unused) >> unused
        };
        number.copy_from_slice(&value.to_ne_bytes()[start..start + size]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_narrow_integers_are_extended() {
        let narrow = Narrow {
            offset: 4,
            precision: 8,
            is_signed: true,
        };
        let mut bytes = 0x0ff0_u16.to_ne_bytes();
        widen(&mut bytes, 2, narrow);
        assert_eq!(i16::from_ne_bytes(bytes), -1);
    }
}
