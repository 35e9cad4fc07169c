//! What is wrong with the conventions of a file: units, calendars, references, types of attributes, axes.
//!
//! Takes what lies at a URL; gives findings, each with its rule, its variable and what to do. Reads attributes and
//! coordinates, never data variables.

mod attributes;
mod axes;
mod numbers;
mod references;
mod report;
mod units;

use crate::calendar::TimeUnits;
use crate::labels::Dataset;
use crate::open::{OpenOptions, Stored, StoredGroup, open_group};
use crate::session::Session;
use craton_core::{ArrayMeta, Attributes, DType, ErrorKind, Result};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The conventions, or plain sense, are broken: programs will misread the file.
    Error,
    /// The conventions recommend otherwise, or something looks like a mistake.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule, as in [`RULES`].
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The group.
    pub group: String,
    /// The variable; `None` for what concerns the group.
    pub variable: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// All findings of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The URL as written.
    pub url: String,
    /// What was found, by group and variable.
    pub findings: Vec<Finding>,
    /// How many variables were looked at.
    pub variables: usize,
}

impl Report {
    /// How many findings there are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let matches = |finding: &&Finding| finding.severity == severity;
        self.findings.iter().filter(matches).count()
    }
}

/// Every rule and the section of the CF Conventions (1.11) that it comes from.
pub const RULES: &[(&str, &str)] = &[
    (
        "conventions",
        "2.6.1: the attribute `Conventions` names the version of CF",
    ),
    (
        "names",
        "2.3: names begin with a letter and have letters, digits and underscores; case does not tell apart",
    ),
    (
        "dimensions",
        "2.4: no dimension twice; time, height, latitude, longitude in this order",
    ),
    (
        "units",
        "3.1: units are a text that UDUNITS reads; of latitude and longitude, 4.1 and 4.2",
    ),
    (
        "standard_name",
        "3.3: a name of the table, and units that fit it",
    ),
    (
        "description",
        "3.2: a variable has a `long_name` or `standard_name`",
    ),
    (
        "fill_value",
        "2.5.1: `_FillValue` and `missing_value` have the variable's type; coordinates have none",
    ),
    (
        "valid_range",
        "2.5.1: two values of the variable's type, the smaller first",
    ),
    (
        "packing",
        "8.1: `scale_factor` and `add_offset` are single numbers of one floating type",
    ),
    (
        "calendar",
        "4.4: time has units since a date and a known calendar",
    ),
    (
        "coordinates",
        "5: named coordinates exist and lie along the variable's dimensions",
    ),
    (
        "bounds",
        "7.1: bounds exist, add one dimension, and repeat no other units",
    ),
    ("references", "3.4, 5.6, 7.2: named variables exist"),
    ("flags", "3.5: as many values or masks as meanings"),
    ("cell_methods", "7.3: dimensions and methods are known"),
    (
        "axis",
        "4: `axis` is one of X, Y, Z, T; `positive` is up or down",
    ),
    ("readable", "every variable can be read and decoded"),
    (
        "missing_labels",
        "2.5.1: coordinates have no missing values",
    ),
    (
        "monotonic",
        "1.3: labels of a dimension ascend or descend, none twice",
    ),
    ("gaps", "labels of time are evenly spaced"),
    (
        "range",
        "latitudes lie within -90 and 90, longitudes within one circle",
    ),
];

/// Looks for what is wrong with the group, array and all below that `stored` names.
///
/// # Errors
/// What opening a group reports; [`ErrorKind::Cancelled`]. A variable that cannot be read is a finding.
/// # Cost
/// Reads coordinates, and no data variable.
pub fn check(stored: &Stored, session: &Session) -> Result<Report> {
    stored.root()?;
    let prefix = format!("{}/", stored.selected.trim_end_matches('/'));
    let mut report = Report {
        url: stored.url.clone(),
        findings: Vec::new(),
        variables: 0,
    };
    let mut groups: Vec<(&String, &StoredGroup)> = stored
        .groups
        .iter()
        .filter(|(path, _)| **path == stored.selected || path.starts_with(&prefix))
        .collect();
    groups.sort_by(|one, other| one.0.cmp(other.0));
    for (path, group) in groups {
        let dataset = open_group(stored, path, OpenOptions::default(), session)?;
        let mut context = Context {
            path,
            group,
            dataset: &dataset,
            session,
            has_typed_attributes: !stored.is_zarr(),
            is_root: *path == stored.selected,
            findings: &mut report.findings,
        };
        context.run()?;
        report.variables += group.arrays.len();
    }
    let order = |finding: &Finding| {
        (
            finding.group.clone(),
            finding.variable.clone(),
            finding.severity,
        )
    };
    report.findings.sort_by_key(order);
    Ok(report)
}

/// One group, and where findings go.
struct Context<'a> {
    path: &'a str,
    group: &'a StoredGroup,
    dataset: &'a Dataset,
    session: &'a Session,
    /// Whether numbers in attributes have a type of their own; JSON's have not.
    has_typed_attributes: bool,
    is_root: bool,
    findings: &'a mut Vec<Finding>,
}

/// What a variable is of, as its attributes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Time,
    Vertical,
    Latitude,
    Longitude,
}

impl Context<'_> {
    fn run(&mut self) -> Result<()> {
        attributes::of_group(self);
        let names: Vec<String> = self.group.arrays.keys().cloned().collect();
        for name in &names {
            let meta = self.group.arrays[name].meta().clone();
            let variable = Subject {
                name,
                meta: &meta,
                dims: dims_of(&meta),
                kind: kind_of(name, &meta.attributes),
            };
            attributes::of_variable(self, &variable);
            units::of_variable(self, &variable);
            numbers::of_variable(self, &variable);
            references::of_variable(self, &variable);
        }
        for (name, error) in &self.dataset.broken {
            if error.kind() == ErrorKind::Cancelled {
                return Err(error.again());
            }
            // What the units rule says already is not said again.
            let is_told = self.findings.iter().any(|finding| {
                finding.variable.as_ref() == Some(name) && finding.rule == "calendar"
            });
            if !is_told {
                self.findings.push(Finding {
                    rule: "readable",
                    severity: Severity::Error,
                    group: self.path.to_owned(),
                    variable: Some(name.clone()),
                    message: error.message().to_owned(),
                    hint: error
                        .hint_text()
                        .unwrap_or("fetch or write the file again")
                        .to_owned(),
                });
            }
        }
        axes::of_group(self)
    }

    fn error(&mut self, rule: &'static str, variable: &str, message: String, hint: &str) {
        self.find(rule, Severity::Error, variable, message, hint);
    }

    fn warn(&mut self, rule: &'static str, variable: &str, message: String, hint: &str) {
        self.find(rule, Severity::Warning, variable, message, hint);
    }

    fn find(
        &mut self,
        rule: &'static str,
        severity: Severity,
        variable: &str,
        message: String,
        hint: &str,
    ) {
        debug_assert!(RULES.iter().any(|(name, _)| *name == rule));
        self.findings.push(Finding {
            rule,
            severity,
            group: self.path.to_owned(),
            variable: (!variable.is_empty()).then(|| variable.to_owned()),
            message,
            hint: hint.to_owned(),
        });
    }

    /// Whether a variable of the group names `name` in its attribute `attribute`.
    fn is_named_in(&self, attributes: &[&str], name: &str) -> bool {
        self.group.arrays.values().any(|source| {
            let named = |attribute: &&str| text(&source.meta().attributes, attribute);
            let mut texts = attributes.iter().filter_map(named);
            texts.any(|text| text.split([' ', ':']).any(|word| word == name))
        })
    }

    /// Whether `name` holds the bounds of another variable, whose attributes it takes over.
    fn is_bounds(&self, name: &str) -> bool {
        self.is_named_in(&["bounds", "climatology"], name)
    }
}

/// One stored variable and what is known of it.
struct Subject<'a> {
    name: &'a str,
    meta: &'a ArrayMeta,
    dims: Vec<String>,
    kind: Option<Kind>,
}

impl Subject<'_> {
    fn text(&self, attribute: &str) -> Option<&str> {
        text(&self.meta.attributes, attribute)
    }

    fn has(&self, attribute: &str) -> bool {
        self.meta.attributes.contains_key(attribute)
    }

    /// Whether this labels its own dimension.
    fn is_index(&self) -> bool {
        self.dims == [self.name]
    }

    fn is_number(&self) -> bool {
        self.meta.dtype.is_integer() || self.meta.dtype.is_float()
    }

    fn is_text(&self) -> bool {
        matches!(
            self.meta.dtype,
            DType::Utf8 | DType::Bytes | DType::FixedBytes(_) | DType::FixedUtf8(_)
        )
    }

    /// Whether this only carries attributes of a map projection.
    fn is_grid_mapping(&self) -> bool {
        self.has("grid_mapping_name")
    }

    fn is_flag(&self) -> bool {
        self.has("flag_meanings") || self.has("flag_values") || self.has("flag_masks")
    }
}

fn dims_of(meta: &ArrayMeta) -> Vec<String> {
    let dim = |axis: usize| {
        let name = meta.dimension_names.get(axis).cloned().flatten();
        name.unwrap_or_else(|| format!("dim_{axis}"))
    };
    (0..meta.shape.len()).map(dim).collect()
}

fn text<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    attributes.get(name)?.as_text()
}

/// By standard name, then by units, then by axis, as CF identifies coordinates.
fn kind_of(name: &str, attributes: &Attributes) -> Option<Kind> {
    let units = text(attributes, "units").unwrap_or_default();
    match text(attributes, "standard_name").unwrap_or_default() {
        "time" | "forecast_reference_time" => return Some(Kind::Time),
        "latitude" => return Some(Kind::Latitude),
        "longitude" => return Some(Kind::Longitude),
        _ => {}
    }
    let is_of = |stem: &str| {
        units
            .strip_prefix("degrees_")
            .or_else(|| units.strip_prefix("degree_"))
            .is_some_and(|rest| rest == stem || rest == stem[..1].to_uppercase())
    };
    if is_of("north") {
        return Some(Kind::Latitude);
    }
    if is_of("east") {
        return Some(Kind::Longitude);
    }
    if TimeUnits::parse(units).is_ok() {
        return Some(Kind::Time);
    }
    match text(attributes, "axis").unwrap_or_default() {
        "T" => Some(Kind::Time),
        "Z" => Some(Kind::Vertical),
        _ if text(attributes, "positive").is_some() => Some(Kind::Vertical),
        _ => match name.to_ascii_lowercase().as_str() {
            "latitude" | "lat" if units.starts_with("degree") => Some(Kind::Latitude),
            "longitude" | "lon" if units.starts_with("degree") => Some(Kind::Longitude),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests;
