//! Groups of equal steps of time, and what fills the steps between sparse times.

use super::not_on;
use crate::calendar::{Frequency, count_from_date, parse_range};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method};
use crate::labels::{
    DataArray, Dataset, Fill, GroupBy, GroupKey, Interpolation, InterpolationMethod, Method,
    Origin, Outside, Resampling, Side, Variable,
};
use craton_core::{DType, Error, Result};

const RESAMPLE: &[Receiver] = &[Receiver::Resample];

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "resample",
        LABELLED,
        "indexer=None, *, skipna=None, closed=None, label=None, offset=None, origin='start_day', restore_coord_dims=None, **indexer_kwargs",
        "Groups of equal steps of time (`D`, `7D`, `MS`, `QS-DEC`, `YE`, `3h`, …); then reduce them or fill them.",
        &[
            "ds.t2m.resample(time=\"MS\").mean()",
            "ds.tp.resample(time=\"QS-DEC\").sum()",
            "ds.t2m.resample(time=\"10D\", label=\"right\").max()",
        ],
        resample,
    ),
    of_steps(
        "ffill",
        "tolerance=None",
        "The last value before each step.",
        &["ds.t2m.isel(time=slice(0, 3)).resample(time=\"6h\").ffill()"],
        |call| between(call, Method::Pad),
    )
    .also(&["pad"]),
    of_steps(
        "bfill",
        "tolerance=None",
        "The next value after each step.",
        &["ds.t2m.isel(time=slice(0, 3)).resample(time=\"6h\").bfill()"],
        |call| between(call, Method::Backfill),
    )
    .also(&["backfill"]),
    of_steps(
        "nearest",
        "tolerance=None",
        "The value closest to each step.",
        &["ds.t2m.isel(time=slice(0, 3)).resample(time=\"6h\").nearest()"],
        |call| between(call, Method::Nearest),
    ),
    of_steps(
        "asfreq",
        "",
        "The values at the steps; missing where there are none.",
        &["ds.t2m.isel(time=slice(0, 3)).resample(time=\"12h\").asfreq()"],
        |call| between(call, Method::Exact),
    ),
    of_steps(
        "interpolate",
        "kind='linear'",
        "The values between, at each step.",
        &["ds.t2m.isel(time=slice(0, 3)).resample(time=\"6h\").interpolate(\"linear\")"],
        interpolate,
    ),
];

const fn of_steps(
    name: &'static str,
    signature: &'static str,
    doc: &'static str,
    examples: &'static [&'static str],
    function: crate::evaluate::registry::Function,
) -> Entry {
    method(name, RESAMPLE, signature, doc, examples, function)
}

fn resample(call: &Call<'_>) -> Result<Value> {
    let pairs = call.pairs("indexer")?;
    let [(dim, frequency)] = pairs.as_slice() else {
        return Err(
            Error::usage("`resample` takes one dimension with its frequency")
                .hint("such as `resample(time=\"MS\")`"),
        );
    };
    let frequency = frequency
        .as_text()
        .ok_or_else(|| Error::usage("a frequency is a text, such as `\"MS\"`"))?;
    let index = match call.object {
        Value::Array(array) => array.index(dim).cloned(),
        Value::Dataset(dataset) => dataset.index(dim).cloned(),
        _ => return Err(not_on(call)),
    };
    let index = index
        .ok_or_else(|| Error::not_found(format!("there are no times along `{dim}` to resample")))?;
    let how = Resampling {
        frequency: Frequency::parse(frequency)?,
        closed: side(call, "closed")?,
        label: side(call, "label")?,
        origin: origin(call, &index)?,
        offset: match call.text("offset")? {
            None => 0,
            Some(text) => match Frequency::parse(text)? {
                Frequency::Fixed { nanoseconds } => nanoseconds,
                _ => return Err(Error::usage("an offset has a fixed length, such as `6h`")),
            },
        },
    };
    let key = GroupKey::resampled(&index, &how, call.session)?;
    Ok(match call.object {
        Value::Array(array) => Value::ArrayGroup(GroupBy {
            object: array.clone(),
            key,
        }),
        Value::Dataset(dataset) => Value::DatasetGroup(GroupBy {
            object: dataset.clone(),
            key,
        }),
        _ => return Err(not_on(call)),
    })
}

fn side(call: &Call<'_>, name: &str) -> Result<Option<Side>> {
    Ok(match call.text(name)? {
        None => None,
        Some("left") => Some(Side::Left),
        Some("right") => Some(Side::Right),
        Some(_) => return Err(Error::usage(format!("`{name}` is \"left\" or \"right\""))),
    })
}

fn origin(call: &Call<'_>, index: &Variable) -> Result<Origin> {
    Ok(match call.text("origin")? {
        None | Some("start_day") => Origin::StartDay,
        Some("start") => Origin::Start,
        Some("epoch") => Origin::Epoch,
        Some("end") => Origin::End,
        Some("end_day") => Origin::EndDay,
        Some(text) => {
            let DType::Time(time) = index.dtype() else {
                return Err(Error::invalid("resampling what holds no times"));
            };
            let (date, _) = parse_range(text, time.calendar)?;
            Origin::At(count_from_date(date, time.calendar, time.unit)?)
        }
    })
}

/// Steps between sparse times take a value beside them.
fn between(call: &Call<'_>, how: Method) -> Result<Value> {
    let tolerance = call.distance("tolerance")?;
    let session = call.session;
    on_steps(call, |key, dataset| {
        let (dim, labels) = (&key.dim, &key.labels);
        dataset.reindex(dim, labels, how, tolerance, &Fill::Missing, session)
    })
}

fn interpolate(call: &Call<'_>) -> Result<Value> {
    let method = InterpolationMethod::from_name(call.text("kind")?.unwrap_or("linear"))?;
    let how = Interpolation {
        method,
        outside: Outside::Missing,
    };
    on_steps(call, |key, dataset| {
        let labels = DataArray::new(key.labels.clone());
        dataset.interpolate(&[(key.dim.clone(), labels)], how, call.session)
    })
}

/// What is made of the whole at the labels of the steps. Coordinates beside the labels have no values there.
fn on_steps(call: &Call<'_>, at: impl Fn(&GroupKey, &Dataset) -> Result<Dataset>) -> Result<Value> {
    let steps = |key: &GroupKey, dataset: &Dataset| {
        let mut whole = dataset.clone();
        whole
            .coords
            .retain(|name, coord| *name == key.dim || coord.axis(&key.dim).is_none());
        at(key, &whole)
    };
    match call.object {
        Value::ArrayGroup(groups) => {
            let filled = groups
                .object
                .through_dataset(|dataset| steps(&groups.key, dataset))?;
            Ok(Value::Array(filled))
        }
        Value::DatasetGroup(groups) => steps(&groups.key, &groups.object).map(Value::Dataset),
        _ => Err(not_on(call)),
    }
}
