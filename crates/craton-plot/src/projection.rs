//! From longitude and latitude to a plane, and back.

use craton_core::{Error, Result};

/// A projection. Longitudes and latitudes are degrees; the plane's unit is a degree for [`Projection::PlateCarree`], else
/// the radius of the globe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Projection {
    /// Longitude across, latitude up.
    PlateCarree,
    /// The whole globe with curved sides. The longitude of its middle.
    Robinson(f64),
    /// Around the north pole, stereographic. The longitude that points down.
    NorthPolar(f64),
    /// Around the south pole, stereographic. The longitude that points up.
    SouthPolar(f64),
    /// As seen from afar. Longitude and latitude of the middle.
    Orthographic(f64, f64),
}

/// Robinson's table: for every five degrees of latitude the length of the parallel and its distance from the equator.
const ROBINSON: [(f64, f64); 19] = [
    (1.0, 0.0),
    (0.9986, 0.062),
    (0.9954, 0.124),
    (0.99, 0.186),
    (0.9822, 0.248),
    (0.973, 0.31),
    (0.96, 0.372),
    (0.9427, 0.434),
    (0.9216, 0.4958),
    (0.8962, 0.5571),
    (0.8679, 0.6176),
    (0.835, 0.6769),
    (0.7986, 0.7346),
    (0.7597, 0.7903),
    (0.7186, 0.8435),
    (0.6732, 0.8936),
    (0.6213, 0.9394),
    (0.5722, 0.9761),
    (0.5322, 1.0),
];
const ROBINSON_X: f64 = 0.8487;
const ROBINSON_Y: f64 = 1.3523;

/// What `--projection` may say.
pub const NAMES: &str = "platecarree, robinson, north, south, orthographic; with `orthographic:10,45` the middle is at 10°E 45°N, with `robinson:180` or `north:-45` at that longitude";

impl Projection {
    /// The projection called `text`: a name, then a colon and the longitude (and latitude) of the middle.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Usage`] that lists the projections.
    pub fn from_text(text: &str, middle: (f64, f64)) -> Result<Self> {
        let refuse = || {
            Error::usage(format!("`{text}` is no projection")).hint(format!("there are {NAMES}"))
        };
        let (name, place) = text.split_once(':').unwrap_or((text, ""));
        let numbers: Option<Vec<f64>> = place
            .split(',')
            .filter(|part| !part.is_empty())
            .map(|part| {
                part.trim()
                    .parse()
                    .ok()
                    .filter(|value: &f64| value.is_finite())
            })
            .collect();
        let numbers = numbers.ok_or_else(refuse)?;
        let (lon, lat) = match numbers.as_slice() {
            [] => (None, middle.1),
            [lon] => (Some(*lon), middle.1),
            [lon, lat] if lat.abs() <= 90.0 => (Some(*lon), *lat),
            _ => return Err(refuse()),
        };
        Ok(
            match name.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
                "platecarree" | "equirectangular" | "plate" => Self::PlateCarree,
                "robinson" => Self::Robinson(lon.unwrap_or(middle.0)),
                "north" | "northpolar" | "northpolarstereo" => Self::NorthPolar(lon.unwrap_or(0.0)),
                "south" | "southpolar" | "southpolarstereo" => Self::SouthPolar(lon.unwrap_or(0.0)),
                "orthographic" | "ortho" => Self::Orthographic(lon.unwrap_or(middle.0), lat),
                _ => return Err(refuse()),
            },
        )
    }

    /// The place of a point; `None` where it is not to be seen.
    #[must_use]
    pub fn forward(self, lon: f64, lat: f64) -> Option<(f64, f64)> {
        if !lon.is_finite() || lat.is_nan() || lat.abs() > 90.0 + 1e-9 {
            return None;
        }
        let lat = lat.clamp(-90.0, 90.0);
        match self {
            Self::PlateCarree => Some((lon, lat)),
            Self::Robinson(middle) => {
                let (length, height) = robinson(lat.abs());
                let x = ROBINSON_X * length * (lon - middle).to_radians();
                Some((x, ROBINSON_Y * height.copysign(lat)))
            }
            Self::NorthPolar(middle) => {
                let radius = 2.0 * (45.0 - lat / 2.0).to_radians().tan();
                let (sine, cosine) = (lon - middle).to_radians().sin_cos();
                (lat > -89.0).then_some((radius * sine, -radius * cosine))
            }
            Self::SouthPolar(middle) => {
                let radius = 2.0 * (45.0 + lat / 2.0).to_radians().tan();
                let (sine, cosine) = (lon - middle).to_radians().sin_cos();
                (lat < 89.0).then_some((radius * sine, radius * cosine))
            }
            Self::Orthographic(lon0, lat0) => {
                let (sine, cosine) = (lon - lon0).to_radians().sin_cos();
                let (sine_lat, cosine_lat) = lat.to_radians().sin_cos();
                let (sine0, cosine0) = lat0.to_radians().sin_cos();
                let towards = sine0 * sine_lat + cosine0 * cosine_lat * cosine;
                let y = cosine0 * sine_lat - sine0 * cosine_lat * cosine;
                (towards >= 0.0).then_some((cosine_lat * sine, y))
            }
        }
    }

    /// The point at a place; `None` beyond the globe. The longitude lies within 180° of the middle.
    #[must_use]
    pub fn inverse(self, x: f64, y: f64) -> Option<(f64, f64)> {
        match self {
            Self::PlateCarree => (y.abs() <= 90.0).then_some((x, y)),
            Self::Robinson(middle) => {
                let height = (y / ROBINSON_Y).abs();
                let (lat, length) = robinson_inverse(height)?;
                let off = (x / (ROBINSON_X * length)).to_degrees();
                (off.abs() <= 180.0).then_some((middle + off, lat.copysign(y)))
            }
            Self::NorthPolar(middle) => {
                let lat = 90.0 - 2.0 * (x.hypot(y) / 2.0).atan().to_degrees();
                Some((middle + x.atan2(-y).to_degrees(), lat))
            }
            Self::SouthPolar(middle) => {
                let lat = 2.0 * (x.hypot(y) / 2.0).atan().to_degrees() - 90.0;
                Some((middle + x.atan2(y).to_degrees(), lat))
            }
            Self::Orthographic(lon0, lat0) => {
                let square = x * x + y * y;
                if square > 1.0 {
                    return None;
                }
                let towards = (1.0 - square).sqrt();
                let (sine0, cosine0) = lat0.to_radians().sin_cos();
                let lat = (sine0 * towards + cosine0 * y).clamp(-1.0, 1.0).asin();
                let lon = x.atan2(cosine0 * towards - sine0 * y);
                Some((lon0 + lon.to_degrees(), lat.to_degrees()))
            }
        }
    }

    /// Whether longitude runs straight across and latitude straight up.
    #[must_use]
    pub fn is_plate_carree(self) -> bool {
        matches!(self, Self::PlateCarree)
    }

    /// Whether a line may leave the map on one side and come back on the other.
    #[must_use]
    pub fn has_sides(self) -> bool {
        matches!(self, Self::PlateCarree | Self::Robinson(_))
    }
}

/// Length and distance of a parallel by Robinson's table, straight between its entries' cubics at every quarter degree.
fn robinson(lat: f64) -> (f64, f64) {
    let at = lat * 4.0;
    let below = at.floor();
    let (from, to) = (robinson_quarter(below), robinson_quarter(below + 1.0));
    let part = at - below;
    (
        from.0 + (to.0 - from.0) * part,
        from.1 + (to.1 - from.1) * part,
    )
}

/// The table at a whole quarter of a degree: the cubic through the four nearest entries.
fn robinson_quarter(quarter: f64) -> (f64, f64) {
    let at = (quarter / 20.0).min(18.0);
    let start = (at.floor() as usize).saturating_sub(1).min(15);
    let place = at - start as f64;
    let weight = |node: usize| {
        (0..4)
            .filter(|other| *other != node)
            .fold(1.0, |weight, other| {
                weight * (place - other as f64) / (node as f64 - other as f64)
            })
    };
    (0..4).fold((0.0, 0.0), |(length, height), node| {
        let entry = ROBINSON[start + node];
        let weight = weight(node);
        (length + entry.0 * weight, height + entry.1 * weight)
    })
}

/// Latitude and length of the parallel at a distance from the equator.
fn robinson_inverse(height: f64) -> Option<(f64, f64)> {
    if !(0.0..=1.0).contains(&height) {
        return None;
    }
    let table = robinson_table();
    let above = table.partition_point(|(_, known)| *known <= height);
    let above = above.clamp(1, table.len() - 1);
    let (from, to) = (table[above - 1], table[above]);
    let part = (height - from.1) / (to.1 - from.1);
    let lat = ((above - 1) as f64 + part) / 4.0;
    Some((lat, from.0 + (to.0 - from.0) * part))
}

fn robinson_table() -> &'static [(f64, f64); 361] {
    static TABLE: std::sync::OnceLock<[(f64, f64); 361]> = std::sync::OnceLock::new();
    TABLE.get_or_init(|| std::array::from_fn(|quarter| robinson_quarter(quarter as f64)))
}

/// `lon` as the same meridian within 360° east of `west`.
#[must_use]
pub fn east_of(lon: f64, west: f64) -> f64 {
    west + (lon - west).rem_euclid(360.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(middle: f64, lat: f64) -> [Projection; 5] {
        [
            Projection::PlateCarree,
            Projection::Robinson(middle),
            Projection::NorthPolar(middle),
            Projection::SouthPolar(middle),
            Projection::Orthographic(middle, lat),
        ]
    }

    proptest! {
        #[test]
        fn inverse_undoes_forward(
            off in -179.0..179.0f64, lat in -88.0..88.0f64, middle in -180.0..180.0f64, lat0 in -90.0..90.0f64,
        ) {
            for projection in all(middle, lat0) {
                let lon = if projection.is_plate_carree() { off } else { middle + off };
                let Some((x, y)) = projection.forward(lon, lat) else {
                    prop_assert!(matches!(projection, Projection::Orthographic(..)));
                    continue;
                };
                let (lon_back, lat_back) = projection.inverse(x, y).unwrap();
                // Near the limb of the orthographic globe a place says little of latitude.
                let most = if matches!(projection, Projection::Orthographic(..)) { 2e-5 } else { 1e-7 };
                prop_assert!((lat_back - lat).abs() < most, "{projection:?} {lat} {lat_back}");
                let off = (lon_back - lon + 180.0).rem_euclid(360.0) - 180.0;
                prop_assert!(off.abs() * lat.to_radians().cos() < most, "{projection:?} {lon} {lon_back}");
            }
        }

        #[test]
        fn no_place_is_off_the_globe(x in -4.0..4.0f64, y in -4.0..4.0f64) {
            for projection in all(20.0, 50.0) {
                if let Some((lon, lat)) = projection.inverse(x, y) {
                    prop_assert!(lon.is_finite() && lat.abs() <= 90.0 + 1e-9, "{projection:?}");
                }
            }
        }
    }

    #[test]
    fn places_are_those_of_proj() {
        // `echo 10 50 | proj +proj=robin +R=1`, and with `+proj=ortho +lat_0=30`, `+proj=stere +lat_0=90`.
        let near = |found: Option<(f64, f64)>, wanted: (f64, f64)| {
            let (x, y) = found.unwrap();
            assert!(
                (x - wanted.0).abs() < 2e-4 && (y - wanted.1).abs() < 2e-4,
                "{x} {y}, not {wanted:?}"
            );
        };
        near(
            Projection::Robinson(0.0).forward(10.0, 50.0),
            (0.128_557, 0.835_181),
        );
        near(
            Projection::Orthographic(0.0, 30.0).forward(10.0, 50.0),
            (0.111_619, 0.346_903),
        );
        near(
            Projection::NorthPolar(0.0).forward(90.0, 60.0),
            (0.535_898, 0.0),
        );
    }

    #[test]
    fn texts_name_projections() {
        let middle = (7.0, 40.0);
        let named = |text| Projection::from_text(text, middle).unwrap();
        assert_eq!(named("plate-carree"), Projection::PlateCarree);
        assert_eq!(named("robinson"), Projection::Robinson(7.0));
        assert_eq!(named("Robinson:180"), Projection::Robinson(180.0));
        assert_eq!(named("ortho:-60"), Projection::Orthographic(-60.0, 40.0));
        assert_eq!(named("ortho:-60,10"), Projection::Orthographic(-60.0, 10.0));
        assert_eq!(named("north"), Projection::NorthPolar(0.0));
        for wrong in ["mercator", "ortho:1,91", "north:x", "ortho:1,2,3"] {
            let error = Projection::from_text(wrong, middle).unwrap_err();
            assert!(error.hint_text().unwrap().contains("robinson"), "{wrong}");
        }
    }
}
