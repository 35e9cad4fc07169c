//! Which picture a result makes: a map, a section, lines or a histogram, by its dimensions and their attributes.
//!
//! Takes labelled arrays; gives drawings. The pixels are [`craton_plot`]'s.

mod dates;
mod field;
mod histogram;
mod lines;
mod map;
mod roles;
mod sink;
mod text;

use crate::answer::{Labelled, no_tree};
use crate::labels::{DataArray, Dataset};
use crate::output::{Recipe, whole_file::write_whole};
use crate::session::Session;
use craton_core::{DType, Error, Result};
use craton_plot::colour::{ColourMap, ScaleOptions};
use craton_plot::drawing::Drawing;
use craton_plot::figure::{Figure, WIDTH};
use craton_plot::map::GlobeRegion;
use craton_plot::terminal::MapOptions;
use craton_plot::{raster, svg};
use roles::{Role, Roles};
use std::path::Path;

/// What kind of picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Over longitude and latitude.
    Map,
    /// Over any two axes.
    Field,
    /// Lines along one axis.
    Line,
    /// How often each value occurs.
    Histogram,
}

impl Kind {
    /// The kind called `name`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Usage`] that lists the kinds.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "map" => Ok(Self::Map),
            "field" | "section" => Ok(Self::Field),
            "line" => Ok(Self::Line),
            "histogram" | "hist" => Ok(Self::Histogram),
            _ => Err(Error::usage(format!("`{name}` is no kind of plot"))
                .hint("there are map, field, line, histogram")),
        }
    }
}

/// What is asked of a picture; whatever is not is decided by the result.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlotOptions {
    /// The kind.
    pub kind: Option<Kind>,
    /// The value of the first colour, or the lower end of the axis of values.
    pub low: Option<f64>,
    /// The value of the last colour, or the upper end of the axis of values.
    pub high: Option<f64>,
    /// Colours for all values rather than from 2 % to 98 % of them.
    pub is_whole_range: bool,
    /// The colour map.
    pub map: Option<ColourMap>,
    /// The title.
    pub title: Option<String>,
    /// The part of the globe.
    pub region: Option<GlobeRegion>,
    /// The projection, as `craton_plot::projection::Projection::from_text` reads it.
    pub projection: Option<String>,
    /// Pixels across and down.
    pub size: Option<(u32, Option<u32>)>,
    /// Bins of a histogram.
    pub bins: Option<usize>,
}

/// Endings of picture files.
pub const ENDINGS: [&str; 2] = ["png", "svg"];

/// Draws `labelled` into a file, PNG or SVG by its ending, with the recipe inside.
///
/// # Errors
/// As [`draw`]; [`craton_core::ErrorKind::Conflict`] if the file exists and may not be replaced.
pub fn write(
    labelled: &Labelled,
    path: &Path,
    may_replace: bool,
    options: &PlotOptions,
    recipe: &Recipe,
    session: &Session,
) -> Result<()> {
    let is_svg = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("svg"));
    write_whole(path, may_replace, |out| {
        let density = if is_svg { 2 } else { 1 };
        let drawing = draw(labelled, options, density, &recipe.expression, session)?;
        let texts = texts(labelled, &drawing, recipe)?;
        let bytes = if is_svg {
            svg::svg(&drawing, &texts)?.into_bytes()
        } else {
            raster::png(&drawing, &texts)?
        };
        out.write_all(&bytes)
            .map_err(|error| Error::io("cannot write the picture", error))
    })
}

/// What a picture carries: its title, its recipe, and what made it.
fn texts(labelled: &Labelled, drawing: &Drawing, recipe: &Recipe) -> Result<Vec<(String, String)>> {
    let dataset = match labelled {
        Labelled::Dataset(dataset) => dataset.clone(),
        Labelled::Array(array) => {
            let name = array.name.clone().unwrap_or_else(|| "value".to_owned());
            let mut dataset = Dataset::default();
            dataset.variables.insert(name, array.variable.clone());
            dataset
        }
        Labelled::Tree(_) => return Err(no_tree("a picture")),
    };
    Ok(vec![
        ("Title".to_owned(), drawing.title.clone()),
        (
            "Software".to_owned(),
            format!("craton {}", env!("CARGO_PKG_VERSION")),
        ),
        ("craton_recipe".to_owned(), recipe.to_text(&dataset)?),
    ])
}

/// Draws `labelled`; images have `density` pixels for each pixel of the picture.
///
/// # Errors
/// [`craton_core::ErrorKind::Usage`] if it has more than two dimensions or no number to draw, with the way out; what
/// computing reports.
/// # Cost
/// Computes the result once, held as no more cells than the picture has pixels.
pub fn draw(
    labelled: &Labelled,
    options: &PlotOptions,
    density: u32,
    expression: &str,
    session: &Session,
) -> Result<Drawing> {
    let plot = Plot {
        options,
        density,
        expression,
        session,
    };
    let arrays = plot.arrays(labelled)?;
    if let [array] = arrays.as_slice() {
        return plot.one(array).map_err(|error| match &array.name {
            Some(name) => error.in_variable(name),
            None => error,
        });
    }
    lines::draw(&plot, &arrays)
}

/// Draws `labelled` for a terminal.
///
/// # Errors
/// As [`draw`].
pub fn draw_in_terminal(
    labelled: &Labelled,
    options: &PlotOptions,
    terminal: &MapOptions,
    expression: &str,
    session: &Session,
) -> Result<String> {
    let plot = Plot {
        options,
        density: 1,
        expression,
        session,
    };
    let arrays = plot.arrays(labelled)?;
    match arrays.as_slice() {
        [array] if plot.kind_of(array)? == Kind::Field || plot.kind_of(array)? == Kind::Map => {
            field::in_terminal(&plot, array, terminal)
        }
        arrays => lines::in_terminal(&plot, arrays, terminal),
    }
}

/// A picture in the making.
struct Plot<'a> {
    options: &'a PlotOptions,
    density: u32,
    expression: &'a str,
    session: &'a Session,
}

impl Plot<'_> {
    /// What is drawn, without dimensions of length one: one array, or several along the same dimension.
    fn arrays(&self, labelled: &Labelled) -> Result<Vec<DataArray>> {
        let arrays = match labelled {
            Labelled::Array(array) => vec![array.squeeze(None)?],
            Labelled::Dataset(dataset) => {
                let drawable = |array: &DataArray| can_be_drawn(array.variable.dtype());
                let arrays = dataset.arrays()?.into_iter().filter(drawable);
                arrays
                    .map(|array| array.squeeze(None))
                    .collect::<Result<Vec<_>>>()?
            }
            Labelled::Tree(_) => return Err(no_tree("a picture")),
        };
        let [first, rest @ ..] = arrays.as_slice() else {
            return Err(Error::usage("the result has no variable that can be drawn"));
        };
        for array in &arrays {
            let dtype = array.variable.dtype();
            if !can_be_drawn(dtype) {
                let error = Error::usage(format!("values of type {dtype} cannot be drawn"));
                let hint = if dtype.is_complex() {
                    "`np.abs(…)` gives real numbers"
                } else {
                    "only numbers can"
                };
                return Err(error.hint(hint));
            }
        }
        let same = |array: &DataArray| array.dims().len() == 1 && array.dims() == first.dims();
        let is_drawn_together = rest.is_empty() || same(first) && rest.iter().all(same);
        if !is_drawn_together {
            let names: Vec<&str> = arrays
                .iter()
                .filter_map(|array| array.name.as_deref())
                .collect();
            let message = format!(
                "the result has {} variables: {}",
                names.len(),
                names.join(", ")
            );
            let hint = format!(
                "draw one of them: `ds[\"{}\"]`",
                names.first().unwrap_or(&"")
            );
            return Err(Error::usage(message).hint(hint));
        }
        Ok(arrays)
    }

    fn one(&self, array: &DataArray) -> Result<Drawing> {
        match self.kind_of(array)? {
            Kind::Histogram => histogram::draw(self, array),
            Kind::Line => lines::draw(self, std::slice::from_ref(array)),
            Kind::Map => map::draw(self, array),
            Kind::Field => field::draw(self, array),
        }
    }

    /// The kind of picture for an array.
    fn kind_of(&self, array: &DataArray) -> Result<Kind> {
        if array.variable.shape().contains(&0) {
            return Err(Error::usage("the result has no values"));
        }
        if self.options.kind == Some(Kind::Histogram) {
            return Ok(Kind::Histogram);
        }
        let roles = Roles::of(array);
        match array.dims() {
            [] => Err(
                Error::usage("the result is a single value, there is nothing to draw")
                    .hint("`craton eval` prints it; a plot needs one or two dimensions"),
            ),
            [_] if roles.has_places() && self.options.kind != Some(Kind::Line) => Ok(Kind::Map),
            [_] => match self.options.kind {
                Some(Kind::Map | Kind::Field) => Err(Error::usage(
                    "one dimension without longitudes and latitudes makes no map",
                )
                .hint("`--kind line` or no `--kind` at all draws a line")),
                _ => Ok(Kind::Line),
            },
            [_, _] => Ok(match self.options.kind {
                Some(Kind::Map) if !roles.has_places() => {
                    return Err(Error::usage(format!(
                        "no longitudes and latitudes along {:?}",
                        array.dims()
                    ))
                    .hint("a coordinate with units `degrees_east` (`degrees_north`) is one; `--kind field` draws any two dimensions"));
                }
                Some(kind) => kind,
                None if roles.has_places() => Kind::Map,
                None if lines::suits(array, &roles) => Kind::Line,
                None => Kind::Field,
            }),
            _ => Err(too_many(array, &roles)),
        }
    }

    /// Size and texts of the picture.
    fn figure(&self, array: &DataArray) -> Result<Figure> {
        let (width, height) = self.options.size.unwrap_or((WIDTH, None));
        Ok(Figure {
            width,
            height,
            title: text::title(array, self.options.title.as_deref(), self.expression),
            subtitle: text::subtitle(array, self.expression, self.session)?,
            density: self.density,
        })
    }

    fn scale_options(&self, array: &DataArray) -> ScaleOptions {
        ScaleOptions {
            low: self.options.low,
            high: self.options.high,
            is_whole_range: self.options.is_whole_range,
            map: self.options.map,
            is_centred: text::is_centred(array),
        }
    }

    /// What the colour bar says.
    fn bar_label(&self, array: &DataArray) -> String {
        text::value_label(array, self.options.title.is_some())
    }
}

fn can_be_drawn(dtype: DType) -> bool {
    dtype == DType::Bool || dtype.is_integer() || dtype.is_float()
}

/// More than two dimensions: which to choose from.
fn too_many(array: &DataArray, roles: &Roles) -> Error {
    let sizes: Vec<String> = array
        .variable
        .sizes()
        .map(|(dim, length)| format!("{dim}: {length}"))
        .collect();
    let message = format!(
        "a picture has one or two dimensions, this has {} ({})",
        sizes.len(),
        sizes.join(", ")
    );
    // Longitude and latitude stay; of the others the first ones go.
    let stays = |dim: &&String| {
        matches!(roles.of_dim(dim), Role::Longitude | Role::Latitude) || roles.is_of_places(dim)
    };
    let (kept, mut others): (Vec<&String>, Vec<&String>) = array.dims().iter().partition(stays);
    others.truncate(array.dims().len() - 2);
    if kept.len() > 2 {
        others = array.dims().iter().take(array.dims().len() - 2).collect();
    }
    let choices: Vec<String> = others.iter().map(|dim| format!("{dim}=0")).collect();
    let means: Vec<String> = others.iter().map(|dim| format!("\"{dim}\"")).collect();
    let means = match means.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join(", ")),
    };
    Error::usage(message).hint(format!(
        "`.isel({})` takes one, `.mean({means})` the mean of all; `--kind histogram` draws any number",
        choices.join(", ")
    ))
}
