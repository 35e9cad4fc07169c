//! The whole main job, start to end: make or take data, open many stores as one, climatology, anomaly, area mean, map.

use crate::answer::{Answer, AnswerOptions, Question};
use crate::evaluate::Value;
use crate::labels::{Dataset, Variable};
use crate::output::zarr::{ZarrOptions, write_zarr};
use crate::output::{Labelled, Recipe};
use crate::session::Session;
use craton_core::{
    AttributeValue, Attributes, Block, Buffer, Calendar, DType, Error, Result, TimeKind, TimeType,
    TimeUnit,
};
use std::path::{Path, PathBuf};

/// Latitudes and longitudes of the made data: one degree.
const GRID: (usize, usize) = (181, 360);
const STEPS_A_DAY: usize = 4;
const YEARS: std::ops::Range<i64> = 2001..2003;

/// What to do, and where.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Data to use instead of making some.
    pub url: Option<String>,
    /// Where data and results go.
    pub directory: PathBuf,
    /// The budget in bytes.
    pub memory: u64,
    /// Threads, all cores if `None`.
    pub threads: Option<usize>,
}

/// One finished step.
#[derive(Debug, Clone)]
pub struct Step {
    /// What was done, in words.
    pub title: String,
    /// The expression, if there was one.
    pub expression: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// Bytes read from stores.
    pub bytes_read: u64,
    /// Bytes written to stores.
    pub bytes_written: u64,
    /// The most memory that the process ever held so far.
    pub peak_memory: u64,
}

/// A field to draw.
#[derive(Debug, Clone)]
pub struct Map {
    /// Values, latitudes times longitudes, north first.
    pub values: Vec<f64>,
    /// Rows and columns.
    pub shape: (usize, usize),
    /// What it shows.
    pub title: String,
    /// The unit of the values.
    pub units: String,
}

/// Runs everything, telling each step as it is done; gives the map of the last one.
///
/// # Errors
/// What any step reports.
/// # Cost
/// About 760 MB of data decoded three times; a gigabyte of disk for the made data and the results.
pub fn run(options: &DemoOptions, mut tell: impl FnMut(&Step)) -> Result<Map> {
    let session = Session::new(options.threads, Some(options.memory));
    let mut steps = Steps {
        session: &session,
        tell: &mut tell,
    };
    let inputs = match &options.url {
        Some(url) => vec![url.clone()],
        None => steps.run(
            "make two years of six-hourly data, one store a month",
            None,
            || make_data(options, &session),
        )?,
    };
    let (name, lat, lon) = steps.run("open all of it as one dataset", None, || {
        names(&inputs, &session)
    })?;
    let climatology = format!("ds[\"{name}\"].groupby(\"time.month\").mean()");
    let anomaly = format!("ds[\"{name}\"].groupby(\"time.month\") - {climatology}");
    let mean = format!(
        "ds[\"{name}\"].weighted(np.cos(np.deg2rad(ds[\"{lat}\"]))).mean((\"{lat}\", \"{lon}\"))"
    );
    let answers = [
        (
            "climatology: the mean of each month",
            climatology.clone(),
            "climatology.zarr",
        ),
        (
            "anomaly: each value less its month's mean",
            anomaly.clone(),
            "anomaly.zarr",
        ),
        ("area-weighted global mean", mean, "global_mean.csv"),
    ];
    for (title, expression, file) in answers {
        let path = options.directory.join(file);
        steps.run(title, Some(&expression), || {
            write(&expression, &inputs, &path, &session)
        })?;
    }
    let july = "climatology.sel(month=7) - climatology.sel(month=1)"
        .replace("climatology", &format!("ds[\"{name}\"]"));
    let result = options
        .directory
        .join("climatology.zarr")
        .display()
        .to_string();
    steps.run("map: July less January", Some(&july), || {
        let answer = Answer::plan(&Question::new(&july, &[result], false), &session)?;
        map_of(&answer, &lat, &session)
    })
}

struct Steps<'a> {
    session: &'a Session,
    tell: &'a mut dyn FnMut(&Step),
}

impl Steps<'_> {
    fn run<T>(
        &mut self,
        title: &str,
        expression: Option<&str>,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let before = self.session.metrics();
        let start = std::time::Instant::now();
        let result = work()?;
        let after = self.session.metrics();
        (self.tell)(&Step {
            title: title.to_owned(),
            expression: expression.map(str::to_owned),
            seconds: start.elapsed().as_secs_f64(),
            bytes_read: after.bytes_read - before.bytes_read,
            bytes_written: after.bytes_written - before.bytes_written,
            peak_memory: craton_exec::peak_resident(),
        });
        Ok(result)
    }
}

fn write(expression: &str, inputs: &[String], path: &Path, session: &Session) -> Result<()> {
    let answer = Answer::plan(&Question::new(expression, inputs, false), session)?;
    answer.write_to(
        path,
        &AnswerOptions {
            may_replace: true,
            ..AnswerOptions::default()
        },
        session,
    )
}

/// The variable to work on, and the names of its latitude and longitude.
fn names(inputs: &[String], session: &Session) -> Result<(String, String, String)> {
    let answer = Answer::plan(&Question::new("ds", inputs, false), session)?;
    let Value::Dataset(dataset) = answer.value() else {
        return Err(Error::invalid(
            "the URL names an array; the demo needs a dataset with a time axis",
        ));
    };
    let among = |dims: &[String], names: &[&str]| {
        dims.iter()
            .find(|dim| names.contains(&dim.as_str()))
            .cloned()
    };
    let fits = |variable: &Variable| {
        let lat = among(&variable.dims, &["lat", "latitude"])?;
        let lon = among(&variable.dims, &["lon", "longitude"])?;
        (variable.dims.len() == 3 && variable.axis("time").is_some()).then_some((lat, lon))
    };
    let found = dataset
        .variables
        .iter()
        .find_map(|(name, variable)| Some((name.clone(), fits(variable)?)));
    let (name, (lat, lon)) = found.ok_or_else(|| {
        Error::invalid("no variable has exactly the dimensions time, latitude and longitude")
            .hint("`craton info URL` shows what there is")
    })?;
    Ok((name, lat, lon))
}

fn map_of(answer: &Answer, lat: &str, session: &Session) -> Result<Map> {
    let Value::Array(array) = answer.value() else {
        return Err(Error::internal("the map is no array"));
    };
    let block = array.variable.values(session)?;
    let [rows, columns] = *block.shape() else {
        return Err(Error::internal("the map is not flat"));
    };
    let mut values: Vec<f64> = block
        .scalars()
        .filter_map(|scalar| scalar.to_f64())
        .collect();
    let first_is_south = match array.index(lat) {
        Some(index) => {
            let lats: Vec<f64> = index
                .values(session)?
                .scalars()
                .filter_map(|scalar| scalar.to_f64())
                .collect();
            lats.first() < lats.last()
        }
        None => false,
    };
    if first_is_south {
        values = values.chunks(columns).rev().flatten().copied().collect();
    }
    let units = array
        .variable
        .attributes
        .get("units")
        .and_then(AttributeValue::as_text)
        .unwrap_or("K");
    Ok(Map {
        values,
        shape: (rows, columns),
        title: "July less January".to_owned(),
        units: units.to_owned(),
    })
}

/// Writes one store a month; gives their paths.
fn make_data(options: &DemoOptions, session: &Session) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut start = crate::calendar::count_from_date(
        crate::calendar::Date::midnight(YEARS.start, 1, 1),
        Calendar::ProlepticGregorian,
        TimeUnit::Hour,
    )?;
    let first = start;
    for year in YEARS {
        for month in 1..=12u8 {
            let days = crate::calendar::days_in_month(Calendar::ProlepticGregorian, year, month);
            let steps = usize::from(days) * STEPS_A_DAY;
            let path = options
                .directory
                .join(format!("t2m-{year}-{month:02}.zarr"));
            let hours: Vec<i64> = (0..steps)
                .map(|step| start + (step * 24 / STEPS_A_DAY) as i64)
                .collect();
            let dataset = month_of_data(&hours, first)?;
            let zarr = ZarrOptions {
                may_replace: true,
                ..ZarrOptions::default()
            };
            let recipe = Recipe {
                expression: "made by `craton demo`".to_owned(),
                ..Recipe::default()
            };
            write_zarr(
                &[Labelled::Dataset(&dataset)],
                &path,
                &zarr,
                &recipe,
                session,
            )?;
            paths.push(path.display().to_string());
            start += i64::from(days) * 24;
        }
    }
    Ok(paths)
}

/// A month of a made-up but plausible temperature: warm tropics, seasons that grow with latitude, days, weather.
fn month_of_data(hours: &[i64], first: i64) -> Result<Dataset> {
    let (rows, columns) = GRID;
    let lats: Vec<f32> = (0..rows).map(|row| 90.0 - row as f32).collect();
    let lons: Vec<f32> = (0..columns).map(|column| column as f32).collect();
    let mut values: Vec<f32> = Vec::with_capacity(hours.len() * rows * columns);
    for hour in hours {
        let season = (((hour - first) as f64 / 8766.0) * std::f64::consts::TAU).cos() as f32;
        let weather: Vec<f32> = lons
            .iter()
            .map(|lon| (lon.to_radians() * 3.0 + (hour - first) as f32 * 0.02).sin())
            .collect();
        for (row, lat) in lats.iter().enumerate() {
            let (sine, cosine) = lat.to_radians().sin_cos();
            let base = 245.0 + 55.0 * cosine * cosine - 18.0 * season * sine;
            let storms = 4.0 * (2.0 * sine * cosine).abs();
            values.extend(weather.iter().enumerate().map(|(column, wave)| {
                let noise = scatter((*hour as u64) << 32 | (row * columns + column) as u64);
                // Hundredths of a kelvin, as packed observations have.
                ((base + storms * wave + noise) * 100.0).round() / 100.0
            }));
        }
    }
    let time = TimeType {
        unit: TimeUnit::Hour,
        step: 1,
        calendar: Calendar::ProlepticGregorian,
        kind: TimeKind::Instant,
    };
    let text = |pairs: &[(&str, &str)]| -> Attributes {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    (*name).to_owned(),
                    AttributeValue::Text((*value).to_owned()),
                )
            })
            .collect()
    };
    let variable = |dims: &[&str], dtype, shape: Vec<usize>, bytes: &[u8], attributes| {
        let dims = dims.iter().map(|dim| (*dim).to_owned()).collect();
        Variable::of_block(
            dims,
            Block::dense(dtype, shape, Buffer::copy_of(bytes)?)?,
            attributes,
        )
    };
    let mut dataset = Dataset {
        attributes: text(&[("title", "made data: not observed anywhere")]),
        ..Dataset::default()
    };
    let mut coord = |name: &str, dtype, length, bytes: &[u8], attributes| {
        variable(&[name], dtype, vec![length], bytes, attributes)
            .map(|made| dataset.coords.insert(name.to_owned(), made))
    };
    coord(
        "time",
        DType::Time(time),
        hours.len(),
        bytemuck::cast_slice(hours),
        Attributes::new(),
    )?;
    coord(
        "lat",
        DType::Float32,
        rows,
        bytemuck::cast_slice(&lats),
        text(&[("units", "degrees_north"), ("standard_name", "latitude")]),
    )?;
    coord(
        "lon",
        DType::Float32,
        columns,
        bytemuck::cast_slice(&lons),
        text(&[("units", "degrees_east"), ("standard_name", "longitude")]),
    )?;
    let attributes = text(&[
        ("units", "K"),
        ("long_name", "2 metre temperature"),
        ("standard_name", "air_temperature"),
    ]);
    let shape = vec![hours.len(), rows, columns];
    let made = variable(
        &["time", "lat", "lon"],
        DType::Float32,
        shape,
        bytemuck::cast_slice(&values),
        attributes,
    )?;
    dataset.variables.insert("t2m".to_owned(), made);
    Ok(dataset)
}

/// A number between -0.5 and 0.5 that looks random and is always the same for the same place.
fn scatter(place: u64) -> f32 {
    let mixed = (place ^ (place >> 29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (mixed >> 40) as f32 / 16_777_216.0 - 0.5
}
