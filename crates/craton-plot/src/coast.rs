//! The bundled coastlines.

/// Coastlines of Natural Earth's 1:50m map; `assets/README.md` tells the encoding.
static BYTES: &[u8] = include_bytes!("../assets/coast.bin");

/// Every coastline as points of longitude and latitude, one line after the other.
pub(crate) fn lines() -> impl Iterator<Item = Vec<(f64, f64)>> {
    let mut rest = BYTES;
    std::iter::from_fn(move || {
        let count = varint(&mut rest)?;
        let (mut lon, mut lat) = (0i64, 0i64);
        let mut points = Vec::new();
        for _ in 0..count {
            lon += difference(&mut rest)?;
            lat += difference(&mut rest)?;
            points.push((lon as f64 / 100.0, lat as f64 / 100.0));
        }
        Some(points)
    })
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 127) << shift;
        if byte & 128 == 0 {
            return Some(value);
        }
    }
    None
}

fn difference(rest: &mut &[u8]) -> Option<i64> {
    let value = varint(rest)?;
    let half = (value >> 1) as i64;
    Some(if value & 1 == 0 { half } else { -half - 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coastlines_are_whole_and_on_the_globe() {
        let lines: Vec<_> = lines().collect();
        assert!(lines.len() > 500 && lines.iter().all(|line| line.len() > 2));
        let points = || lines.iter().flatten();
        assert!(points().all(|(lon, lat)| lon.abs() <= 180.01 && lat.abs() <= 90.0));
        // Land's End, Cornwall.
        let near = |(lon, lat): &(f64, f64)| (lon + 5.7).abs() < 0.15 && (lat - 50.07).abs() < 0.1;
        assert!(points().any(near));
        let rest = BYTES.len();
        assert!(rest < 100_000);
    }
}
