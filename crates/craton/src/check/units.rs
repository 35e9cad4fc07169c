//! Units and calendars.

use super::{Context, Kind, Subject};
use crate::calendar::{TimeDecoder, TimeUnits};
use crate::units::Unit;
use craton_core::{AttributeValue, Calendar, TimeUnit};

/// Units of vertical coordinates that CF keeps for older files.
const DEPRECATED: [&str; 3] = ["level", "layer", "sigma_level"];

/// Logarithmic units, which have no linear conversion.
fn is_logarithmic(units: &str) -> bool {
    let bare = units.to_lowercase();
    matches!(bare.as_str(), "db" | "dbz" | "bel" | "neper" | "dbm")
        || bare.contains("(re ")
        || bare.contains("(re:")
}

/// Units of common standard names, to catch a name on the wrong quantity.
const CANONICAL: &[(&str, &str)] = &[
    ("air_temperature", "K"),
    ("surface_temperature", "K"),
    ("sea_surface_temperature", "K"),
    ("sea_water_temperature", "K"),
    ("sea_water_potential_temperature", "K"),
    ("soil_temperature", "K"),
    ("dew_point_temperature", "K"),
    ("air_potential_temperature", "K"),
    ("brightness_temperature", "K"),
    ("toa_brightness_temperature", "K"),
    ("air_pressure", "Pa"),
    ("surface_air_pressure", "Pa"),
    ("air_pressure_at_mean_sea_level", "Pa"),
    ("air_pressure_at_sea_level", "Pa"),
    ("specific_humidity", "1"),
    ("relative_humidity", "1"),
    ("eastward_wind", "m s-1"),
    ("northward_wind", "m s-1"),
    ("wind_speed", "m s-1"),
    ("wind_from_direction", "degree"),
    ("upward_air_velocity", "m s-1"),
    ("lagrangian_tendency_of_air_pressure", "Pa s-1"),
    ("geopotential", "m2 s-2"),
    ("geopotential_height", "m"),
    ("precipitation_flux", "kg m-2 s-1"),
    ("rainfall_flux", "kg m-2 s-1"),
    ("precipitation_amount", "kg m-2"),
    ("lwe_precipitation_rate", "m s-1"),
    ("cloud_area_fraction", "1"),
    ("land_area_fraction", "1"),
    ("sea_ice_area_fraction", "1"),
    ("sea_ice_thickness", "m"),
    ("sea_water_salinity", "1"),
    ("sea_water_practical_salinity", "1"),
    ("eastward_sea_water_velocity", "m s-1"),
    ("northward_sea_water_velocity", "m s-1"),
    ("sea_surface_height_above_geoid", "m"),
    ("surface_altitude", "m"),
    ("height", "m"),
    ("altitude", "m"),
    ("depth", "m"),
    ("cell_area", "m2"),
    ("toa_outgoing_longwave_flux", "W m-2"),
    ("surface_downwelling_shortwave_flux_in_air", "W m-2"),
    ("surface_upward_sensible_heat_flux", "W m-2"),
    ("surface_upward_latent_heat_flux", "W m-2"),
    ("atmosphere_mass_content_of_water_vapor", "kg m-2"),
    ("mass_fraction_of_cloud_liquid_water_in_air", "1"),
    ("projection_x_coordinate", "m"),
    ("projection_y_coordinate", "m"),
    ("grid_latitude", "degree"),
    ("grid_longitude", "degree"),
    ("latitude", "degree"),
    ("longitude", "degree"),
];

pub(super) fn of_variable(context: &mut Context<'_>, variable: &Subject<'_>) {
    let Some(value) = variable.meta.attributes.get("units") else {
        return missing(context, variable);
    };
    let hint = "units are a text such as `K`, `kg m-2 s-1` or `1`";
    let Some(units) = value.as_text() else {
        let message = format!("`units` is {}, which is no text", value.to_json());
        return context.error("units", variable.name, message, hint);
    };
    let is_time_unit = units
        .split_whitespace()
        .any(|word| word.eq_ignore_ascii_case("since"));
    if is_time_unit {
        return calendar(context, variable, units);
    }
    if matches!(variable.kind, Some(Kind::Time)) && variable.is_index() {
        let message = format!("time has the units `{units}`");
        let hint = "times are counted since a date: `days since 2000-01-01`";
        return context.error("calendar", variable.name, message, hint);
    }
    if DEPRECATED.contains(&units) {
        let message = format!("the unit `{units}` is deprecated");
        let hint = "use `1`, and say in `standard_name` what the levels are";
        return context.warn("units", variable.name, message, hint);
    }
    let Some(unit) = Unit::parse(units) else {
        if !is_logarithmic(units) && !variable.is_text() {
            let message = format!("`{units}` is no unit that UDUNITS knows");
            context.error("units", variable.name, message, hint);
        }
        return;
    };
    direction(context, variable, units);
    canonical(context, variable, units, &unit);
}

fn missing(context: &mut Context<'_>, variable: &Subject<'_>) {
    let is_exempt = !variable.is_number()
        || variable.is_flag()
        || variable.is_grid_mapping()
        || variable.has("cf_role")
        || context.is_bounds(variable.name)
        || context.is_named_in(&["formula_terms"], variable.name);
    if is_exempt {
        return;
    }
    let message = "`units` are missing".to_owned();
    let name = variable.text("standard_name").unwrap_or_default();
    let canonical = CANONICAL.iter().find(|(known, _)| *known == name);
    match (canonical, variable.kind) {
        (Some((_, units)), _) if *units != "1" => {
            let hint = format!("`{name}` is measured in `{units}` or a multiple of it");
            context.error("units", variable.name, message, &hint);
        }
        (_, Some(Kind::Time)) => {
            let hint = "times are counted since a date: `days since 2000-01-01`";
            context.error("calendar", variable.name, message, hint);
        }
        _ => {
            let hint = "say what one is; `1` for a pure number";
            context.warn("units", variable.name, message, hint);
        }
    }
}

/// Latitudes and longitudes tell themselves apart by their units.
fn direction(context: &mut Context<'_>, variable: &Subject<'_>, units: &str) {
    let expected = match variable.kind {
        Some(Kind::Latitude) => "degrees_north",
        Some(Kind::Longitude) => "degrees_east",
        _ => return,
    };
    let stem = &expected["degrees_".len()..];
    let initial = stem[..1].to_uppercase();
    let spellings = ["degrees_", "degree_", "degrees", "degree"];
    let fits = spellings.iter().any(|start| {
        units
            .strip_prefix(start)
            .is_some_and(|rest| rest == initial || rest == stem)
    });
    if !fits {
        let message = format!("the units are `{units}`");
        context.warn(
            "units",
            variable.name,
            message,
            &format!("write `{expected}`"),
        );
    }
}

fn canonical(context: &mut Context<'_>, variable: &Subject<'_>, units: &str, unit: &Unit) {
    let Some(standard_name) = variable.text("standard_name") else {
        return;
    };
    let known = CANONICAL.iter().find(|(name, _)| *name == standard_name);
    let expected = known.and_then(|(_, text)| Some((text, Unit::parse(text)?)));
    if let Some((text, expected)) = expected
        && !unit.is_convertible_to(&expected)
    {
        let message = format!("`{standard_name}` has the units `{units}`");
        let hint =
            format!("it is measured in `{text}` or a multiple of it; or the name is another's");
        context.error("standard_name", variable.name, message, &hint);
    }
}

fn calendar(context: &mut Context<'_>, variable: &Subject<'_>, units: &str) {
    if !variable.is_number() {
        let message = format!("times are stored as {}", variable.meta.dtype);
        let hint = "store numbers since a date";
        return context.error("calendar", variable.name, message, hint);
    }
    let hint = "times read like `days since 2000-01-01 00:00:00`";
    let parsed = match TimeUnits::parse(units) {
        Ok(parsed) => parsed,
        Err(error) => {
            return context.error("calendar", variable.name, error.message().to_owned(), hint);
        }
    };
    let stored = variable.meta.attributes.get("calendar");
    let calendar = match stored.map(|value| (value, value.as_text())) {
        None => {
            if !context.is_bounds(variable.name) {
                let message = "there is no `calendar`, so it is `standard`".to_owned();
                let hint = "write which calendar it is: `standard`, `proleptic_gregorian`, `noleap`, `360_day`, …";
                context.warn("calendar", variable.name, message, hint);
            }
            Calendar::Standard
        }
        Some((value, text)) => match text.and_then(Calendar::from_name) {
            Some(calendar) => {
                if text == Some("gregorian") {
                    let message = "`gregorian` is deprecated".to_owned();
                    context.warn("calendar", variable.name, message, "write `standard`");
                }
                calendar
            }
            None => {
                let message = format!("no calendar is called {}", value.to_json());
                let hint = "there are standard, proleptic_gregorian, julian, noleap, 365_day, all_leap, 366_day and 360_day";
                return context.error("calendar", variable.name, message, hint);
            }
        },
    };
    let decoder = TimeDecoder {
        units: parsed,
        calendar,
        resolution: TimeUnit::Nanosecond,
    };
    let zero = crate::calendar::TimeValues::Integers(&[0]);
    if let Err(error) = decoder.decode(zero) {
        let hint = error.hint_text().unwrap_or(hint).to_owned();
        context.error("calendar", variable.name, error.message().to_owned(), &hint);
    }
    let is_fractional = |value: &AttributeValue| value.as_f64().is_some_and(|value| value == 0.0);
    if variable
        .meta
        .attributes
        .get("scale_factor")
        .is_some_and(is_fractional)
    {
        let message = "`scale_factor` of times is 0".to_owned();
        context.error("calendar", variable.name, message, "remove it");
    }
}
