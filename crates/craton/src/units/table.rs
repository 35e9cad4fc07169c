//! The names of units, and of their prefixes.

use super::Unit;

/// Symbols (no plural, symbols of prefixes), names (with plurals, names of prefixes), and what one is.
type Entry = (
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

/// Base units, in the order of the powers of [`Unit`].
const BASE: [(&[&str], &[&str]); super::BASES] = [
    (&["kg"], &["kilogram"]),
    (&["m"], &["meter", "metre"]),
    (&["s"], &["second", "sec"]),
    (
        &[
            "K",
            "degK",
            "deg_K",
            "degreeK",
            "degreesK",
            "degree_K",
            "degrees_K",
            "Kelvin",
        ],
        &[
            "kelvin",
            "degree_kelvin",
            "degree_Kelvin",
            "degrees_kelvin",
            "degrees_Kelvin",
        ],
    ),
    (&["A"], &["ampere", "amp"]),
    (&["mol"], &["mole"]),
    (&["cd"], &["candela"]),
];

/// Whatever is made of others. Definitions use entries above them, or base units.
///
/// # Source
/// The SI brochure; the definitions of UDUNITS-2 where a customary unit has several.
const DERIVED: &[Entry] = &[
    (&["g"], &["gram"], "0.001 kg"),
    (&["rad"], &["radian"], "1"),
    (&["sr"], &["steradian"], "1"),
    (&["Hz"], &["hertz"], "s-1"),
    (&["N"], &["newton"], "kg m s-2"),
    (&["Pa"], &["pascal"], "kg m-1 s-2"),
    (&["J"], &["joule"], "kg m2 s-2"),
    (&["W"], &["watt"], "kg m2 s-3"),
    (&["C"], &["coulomb"], "A s"),
    (&["V"], &["volt"], "kg m2 s-3 A-1"),
    (&["F"], &["farad"], "A2 s4 kg-1 m-2"),
    (&["Ω"], &["ohm"], "kg m2 s-3 A-2"),
    (&["S"], &["siemens"], "A2 s3 kg-1 m-2"),
    (&["Wb"], &["weber"], "kg m2 s-2 A-1"),
    (&["T"], &["tesla"], "kg s-2 A-1"),
    (&["H"], &["henry"], "kg m2 s-2 A-2"),
    (&["lm"], &["lumen"], "cd"),
    (&["lx"], &["lux"], "cd m-2"),
    (&["Bq"], &["becquerel"], "s-1"),
    (&["Gy"], &["gray"], "m2 s-2"),
    (&["Sv"], &["sievert"], "m2 s-2"),
    (&["kat"], &["katal"], "mol s-1"),
    (
        &[
            "degC",
            "deg_C",
            "degreeC",
            "degreesC",
            "degree_C",
            "degrees_C",
            "°C",
            "℃",
            "Celsius",
            "degree_c",
            "degrees_c",
            "degc",
            "deg_c",
        ],
        &[
            "celsius",
            "degree_celsius",
            "degree_Celsius",
            "degrees_celsius",
            "degrees_Celsius",
        ],
        "K @ 273.15",
    ),
    (
        &[
            "degF",
            "deg_F",
            "degreeF",
            "degreesF",
            "degree_F",
            "degrees_F",
            "°F",
            "℉",
        ],
        &[
            "fahrenheit",
            "degree_fahrenheit",
            "degrees_fahrenheit",
            "degree_Fahrenheit",
            "degrees_Fahrenheit",
        ],
        "0.5555555555555556 K @ 459.67",
    ),
    (
        &["degR", "degreeR", "°R"],
        &["rankine", "degree_rankine"],
        "0.5555555555555556 K",
    ),
    (&["min"], &["minute"], "60 s"),
    (&["h", "hr"], &["hour"], "3600 s"),
    (&["d"], &["day"], "86400 s"),
    (&[], &["week"], "604800 s"),
    (&[], &["fortnight"], "1209600 s"),
    (&["yr"], &["year", "tropical_year"], "31556925.9747 s"),
    (&[], &["month"], "2629743.831225 s"),
    (&[], &["common_year"], "31536000 s"),
    (&[], &["leap_year"], "31622400 s"),
    (&[], &["Julian_year", "julian_year"], "31557600 s"),
    (&[], &["Gregorian_year", "gregorian_year"], "31556952 s"),
    (&[], &["decade"], "315569259.747 s"),
    (&[], &["century", "centuries"], "3155692597.47 s"),
    (
        &[
            "°",
            "deg",
            "arcdeg",
            "degrees_north",
            "degrees_N",
            "degreesN",
            "degreeN",
            "degree_N",
            "degrees_east",
            "degrees_E",
            "degreesE",
            "degreeE",
            "degree_E",
            "degrees_south",
            "degrees_west",
            "degrees_W",
            "degrees_S",
            "degrees_true",
            "degree_true",
            "degreesT",
            "degree_T",
            "degrees_T",
            "degree_north",
            "degree_east",
            "degree_south",
            "degree_west",
        ],
        &["degree", "angular_degree", "arc_degree"],
        "0.017453292519943295",
    ),
    (
        &["'"],
        &["arcminute", "arc_minute", "angular_minute"],
        "0.0002908882086657216",
    ),
    (
        &["\""],
        &["arcsecond", "arc_second", "angular_second", "arcsec"],
        "4.84813681109536e-06",
    ),
    (&["bar"], &["bar"], "1e5 Pa"),
    (&["mb"], &[], "100 Pa"),
    (
        &["atm"],
        &["atmosphere", "standard_atmosphere"],
        "101325 Pa",
    ),
    (&["mmHg"], &["millimeter_Hg"], "133.322387415 Pa"),
    (&["inHg"], &["inch_Hg"], "3386.38864 Pa"),
    (&["torr", "Torr"], &[], "133.32236842105263 Pa"),
    (&["l", "L"], &["liter", "litre"], "0.001 m3"),
    (&["ha"], &["hectare"], "1e4 m2"),
    (&[], &["are"], "100 m2"),
    (&["t"], &["tonne", "metric_ton"], "1000 kg"),
    (
        &["u"],
        &["atomic_mass_unit", "dalton"],
        "1.66053906660e-27 kg",
    ),
    (&["lb", "lbs"], &["pound"], "0.45359237 kg"),
    (&["oz"], &["ounce"], "0.028349523125 kg"),
    (&["cal"], &["calorie"], "4.1868 J"),
    (
        &["eV"],
        &["electronvolt", "electron_volt"],
        "1.602176634e-19 J",
    ),
    (&["erg"], &[], "1e-7 J"),
    (&["dyn"], &["dyne"], "1e-5 N"),
    (&["hp"], &["horsepower"], "745.69987158227 W"),
    (&["ft"], &["foot", "feet"], "0.3048 m"),
    (&["in"], &["inch", "inches"], "0.0254 m"),
    (&["yd"], &["yard"], "0.9144 m"),
    (&["mi"], &["mile"], "1609.344 m"),
    (&["nmile", "nmi"], &["nautical_mile"], "1852 m"),
    (&[], &["fathom"], "1.8288 m"),
    (&["Å"], &["angstrom"], "1e-10 m"),
    (&[], &["micron"], "1e-6 m"),
    (&["au"], &["astronomical_unit"], "149597870700 m"),
    (&["kt", "kts", "kn"], &["knot"], "0.5144444444444445 m s-1"),
    (&["Gal"], &["gal"], "0.01 m s-2"),
    (&["gpm"], &["geopotential_meter"], "9.80665 m2 s-2"),
    (&["gravity"], &["standard_gravity"], "9.80665 m s-2"),
    (&[], &["sverdrup", "Sverdrup"], "1e6 m3 s-1"),
    (&["DU"], &["dobson", "dobson_unit"], "4.4615e-4 mol m-2"),
    (&["molec"], &["molecule"], "1.6605390671738466e-24 mol"),
    (&["E"], &["einstein"], "mol"),
    (&["%"], &["percent"], "0.01"),
    (&["ppm", "ppmv"], &[], "1e-6"),
    (&["ppb", "ppbv"], &[], "1e-9"),
    (&["ppt", "pptv"], &[], "1e-12"),
    (&["bit"], &["bit"], "1"),
    (&["count"], &["count"], "1"),
];

const PREFIXES: [(&str, &str, f64); 21] = [
    ("da", "deca", 1e1),
    ("Y", "yotta", 1e24),
    ("Z", "zetta", 1e21),
    ("E", "exa", 1e18),
    ("P", "peta", 1e15),
    ("T", "tera", 1e12),
    ("G", "giga", 1e9),
    ("M", "mega", 1e6),
    ("k", "kilo", 1e3),
    ("h", "hecto", 1e2),
    ("d", "deci", 1e-1),
    ("c", "centi", 1e-2),
    ("m", "milli", 1e-3),
    ("u", "micro", 1e-6),
    ("µ", "micro", 1e-6),
    ("n", "nano", 1e-9),
    ("p", "pico", 1e-12),
    ("f", "femto", 1e-15),
    ("a", "atto", 1e-18),
    ("z", "zepto", 1e-21),
    ("y", "yocto", 1e-24),
];

/// The unit called `name`: by a symbol or name of its own, a plural, or with a prefix.
pub(super) fn named(name: &str) -> Option<Unit> {
    if let Some(unit) = by_symbol(name).or_else(|| by_name(name)) {
        return Some(unit);
    }
    PREFIXES.iter().find_map(|(symbol, word, factor)| {
        let by_word = name.strip_prefix(word).and_then(by_name);
        let unit = by_word.or_else(|| by_symbol(name.strip_prefix(symbol)?))?;
        // A zero of its own lies elsewhere on another scale; nobody writes such units.
        (unit.origin == 0.0)
            .then(|| unit.times(Unit::number(*factor)))
            .flatten()
    })
}

fn by_symbol(name: &str) -> Option<Unit> {
    find(|symbols, _| symbols.contains(&name))
}

fn by_name(name: &str) -> Option<Unit> {
    let singular = name.strip_suffix('s').filter(|singular| singular.len() > 2);
    find(|_, names| names.contains(&name) || singular.is_some_and(|name| names.contains(&name)))
}

fn find(matches: impl Fn(&[&str], &[&str]) -> bool) -> Option<Unit> {
    if let Some(index) = BASE
        .iter()
        .position(|(symbols, names)| matches(symbols, names))
    {
        return Some(Unit::base(index));
    }
    let entry = DERIVED
        .iter()
        .find(|(symbols, names, _)| matches(symbols, names))?;
    Unit::parse(entry.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_is_a_unit_and_no_name_stands_twice() {
        let mut seen: Vec<&str> = Vec::new();
        let base = BASE.iter().map(|(symbols, names)| (*symbols, *names));
        for (symbols, names) in
            base.chain(DERIVED.iter().map(|(symbols, names, _)| (*symbols, *names)))
        {
            for name in symbols.iter().chain(names) {
                assert!(named(name).is_some(), "{name}");
                // A symbol may stand as the name too, for plurals and prefixes.
                let is_own = symbols.contains(name) && names.contains(name);
                assert!(is_own || !seen.contains(name), "{name} stands twice");
                seen.push(name);
            }
        }
    }
}
