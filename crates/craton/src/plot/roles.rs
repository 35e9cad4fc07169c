//! What the dimensions of a result stand for, by CF's attributes, then by their names.

use crate::labels::{DataArray, Variable};
use craton_core::DType;

/// What a coordinate stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Longitude,
    Latitude,
    /// Height, depth, pressure or a level.
    Vertical(Vertical),
    Time,
    Other,
}

/// Which way a vertical coordinate runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vertical {
    /// Values grow upwards.
    Up,
    /// Values grow downwards: depth.
    Down,
    /// Pressure: grows downwards, and equal ratios are of equal thickness.
    Pressure,
}

/// Roles of an array's dimensions, and its longitudes and latitudes.
#[derive(Debug, Clone)]
pub(super) struct Roles {
    dims: Vec<(String, Role)>,
    pub(super) places: Option<Places>,
}

/// The coordinates that place values on the globe, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) lon: String,
    pub(super) lat: String,
    pub(super) form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Each along a dimension of its own.
    Axes,
    /// Both along the array's last two dimensions that they share.
    Mesh,
    /// Both along one dimension.
    Points,
}

impl Roles {
    pub(super) fn of(array: &DataArray) -> Self {
        let dims = array.dims().iter().map(|dim| {
            let role = match array.index(dim) {
                Some(coord) => role_of(dim, coord),
                None => Role::Other,
            };
            (dim.clone(), role)
        });
        let dims: Vec<_> = dims.collect();
        let places = places(array, &dims);
        Self { dims, places }
    }

    pub(super) fn of_dim(&self, dim: &str) -> Role {
        self.dims
            .iter()
            .find(|(name, _)| name == dim)
            .map_or(Role::Other, |(_, role)| *role)
    }

    pub(super) fn has_places(&self) -> bool {
        self.places.is_some()
    }

    /// Whether longitudes and latitudes that are no axes lie along `dim`: taken to be the last two dimensions.
    pub(super) fn is_of_places(&self, dim: &str) -> bool {
        let is_mesh = self
            .places
            .as_ref()
            .is_some_and(|places| places.form == Form::Mesh);
        is_mesh && self.dims.iter().rev().take(2).any(|(name, _)| name == dim)
    }
}

fn places(array: &DataArray, dims: &[(String, Role)]) -> Option<Places> {
    let dim_of = |wanted: Role| dims.iter().find(|(_, role)| *role == wanted);
    if let (Some((lon, _)), Some((lat, _))) = (dim_of(Role::Longitude), dim_of(Role::Latitude)) {
        return Some(Places {
            lon: lon.clone(),
            lat: lat.clone(),
            form: Form::Axes,
        });
    }
    let coord_of = |wanted: Role, count: usize| {
        array.coords.iter().find(|(name, coord)| {
            coord.dims.len() == count
                && coord.dims != [(*name).clone()]
                && coord.dtype().is_float()
                && role_of(name, coord) == wanted
        })
    };
    for (count, form) in [(2, Form::Mesh), (1, Form::Points)] {
        if let (Some((lon, lon_coord)), Some((lat, lat_coord))) = (
            coord_of(Role::Longitude, count),
            coord_of(Role::Latitude, count),
        ) && lon_coord.dims == lat_coord.dims
        {
            return Some(Places {
                lon: lon.clone(),
                lat: lat.clone(),
                form,
            });
        }
    }
    None
}

/// The role of a coordinate.
///
/// # Source
/// CF Conventions 1.11, chapter 4.
pub(super) fn role_of(name: &str, coord: &Variable) -> Role {
    if matches!(coord.dtype(), DType::Time(_)) {
        return Role::Time;
    }
    let text = |key: &str| {
        coord
            .attributes
            .get(key)
            .and_then(|value| value.as_text())
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let (units, standard_name) = (text("units"), text("standard_name"));
    let lower = name.to_ascii_lowercase();
    match standard_name.as_str() {
        "longitude" => return Role::Longitude,
        "latitude" => return Role::Latitude,
        // Degrees of another pole's globe.
        "grid_longitude" | "grid_latitude" => return Role::Other,
        _ => {}
    }
    match units.as_str() {
        "degrees_east" | "degree_east" | "degree_E" | "degrees_E" | "degreeE" | "degreesE" => {
            return Role::Longitude;
        }
        "degrees_north" | "degree_north" | "degree_N" | "degrees_N" | "degreeN" | "degreesN" => {
            return Role::Latitude;
        }
        _ => {}
    }
    let is_degrees = matches!(units.as_str(), "" | "degrees" | "degree" | "deg");
    if is_degrees
        && matches!(
            lower.as_str(),
            "lon" | "longitude" | "lons" | "nav_lon" | "xlong"
        )
    {
        return Role::Longitude;
    }
    if is_degrees
        && matches!(
            lower.as_str(),
            "lat" | "latitude" | "lats" | "nav_lat" | "xlat"
        )
    {
        return Role::Latitude;
    }
    vertical(
        &lower,
        &units,
        &standard_name,
        &text("positive"),
        &text("axis"),
    )
    .map_or(Role::Other, Role::Vertical)
}

fn vertical(
    name: &str,
    units: &str,
    standard_name: &str,
    positive: &str,
    axis: &str,
) -> Option<Vertical> {
    let is_pressure = matches!(
        units,
        "Pa" | "hPa"
            | "kPa"
            | "mbar"
            | "mb"
            | "millibar"
            | "millibars"
            | "bar"
            | "dbar"
            | "decibar"
    );
    let is_named = matches!(
        name,
        "lev"
            | "level"
            | "plev"
            | "pressure"
            | "pressure_level"
            | "isobaric"
            | "isobaricinhpa"
            | "height"
            | "altitude"
            | "z"
            | "depth"
            | "deptht"
            | "depthu"
            | "depthv"
            | "st_ocean"
            | "sigma"
            | "hybrid"
            | "model_level"
            | "olevel"
    );
    if is_pressure
        && (is_named || axis == "Z" || standard_name.contains("pressure") || !positive.is_empty())
    {
        // Sea water is measured in decibars, one a metre.
        let is_sea = matches!(units, "dbar" | "decibar");
        return Some(if is_sea {
            Vertical::Down
        } else {
            Vertical::Pressure
        });
    }
    match positive.to_ascii_lowercase().as_str() {
        "down" => return Some(Vertical::Down),
        "up" => return Some(Vertical::Up),
        _ => {}
    }
    if standard_name == "depth"
        || name.starts_with("depth")
        || name == "st_ocean"
        || name == "olevel"
    {
        return Some(Vertical::Down);
    }
    if standard_name.contains("sigma") || standard_name.contains("hybrid") {
        return Some(Vertical::Down);
    }
    let is_height = matches!(standard_name, "height" | "altitude" | "geopotential_height");
    (is_named || axis == "Z" || is_height).then_some(Vertical::Up)
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::{AttributeValue, Attributes, Block, Scalar};

    fn role(name: &str, attributes: &[(&str, &str)]) -> Role {
        let block = Block::constant(Scalar::from_f64(DType::Float64, 1.0), vec![3]);
        let attributes: Attributes = attributes
            .iter()
            .map(|(key, value)| ((*key).to_owned(), AttributeValue::Text((*value).to_owned())))
            .collect();
        role_of(
            name,
            &Variable::of_block(vec![name.to_owned()], block, attributes).unwrap(),
        )
    }

    #[test]
    fn attributes_come_before_names() {
        assert_eq!(
            role("x", &[("standard_name", "longitude")]),
            Role::Longitude
        );
        assert_eq!(role("y", &[("units", "degrees_north")]), Role::Latitude);
        assert_eq!(role("lat", &[]), Role::Latitude);
        assert_eq!(role("lat", &[("units", "m")]), Role::Other);
        assert_eq!(
            role(
                "rlon",
                &[("standard_name", "grid_longitude"), ("units", "degrees")]
            ),
            Role::Other
        );
        assert_eq!(role("x", &[("axis", "X"), ("units", "km")]), Role::Other);
    }

    #[test]
    fn verticals_know_their_way() {
        let is = |name: &str, attributes: &[(&str, &str)], way| {
            assert_eq!(
                role(name, attributes),
                Role::Vertical(way),
                "{name} {attributes:?}"
            );
        };
        is("plev", &[("units", "Pa")], Vertical::Pressure);
        is("level", &[("units", "millibars")], Vertical::Pressure);
        is("depth", &[("units", "m")], Vertical::Down);
        is("z", &[("units", "m"), ("positive", "down")], Vertical::Down);
        is("height", &[("units", "m")], Vertical::Up);
        is("p", &[("units", "dbar"), ("axis", "Z")], Vertical::Down);
        assert_eq!(role("pressure_error", &[("units", "hPa")]), Role::Other);
    }
}
