//! Every example of the registry runs, on data made here.

use super::registry::entries;
use super::{Scope, Value, evaluate};
use crate::labels::{Dataset, Variable};
use crate::open::{OpenOptions, Opened, open};
use crate::output::zarr::{ZarrOptions, write_zarr};
use crate::output::{Labelled, Recipe};
use crate::session::Session;
use craton_core::{
    AttributeValue, Attributes, Block, Buffer, Calendar, DType, TimeKind, TimeType, TimeUnit,
};
use std::path::Path;

/// Two years of days on a small grid: distinct temperatures `t2m` and rain `tp`.
fn dataset() -> Dataset {
    let time = DType::Time(TimeType {
        unit: TimeUnit::Nanosecond,
        step: 1,
        calendar: Calendar::ProlepticGregorian,
        kind: TimeKind::Instant,
    });
    let variable = |dims: &[&str], dtype, shape: &[usize], bytes: Vec<u8>| {
        let block = Block::dense(dtype, shape.to_vec(), Buffer::copy_of(&bytes).unwrap()).unwrap();
        let dims = dims.iter().map(|dim| (*dim).to_owned()).collect();
        Variable::of_block(dims, block, Attributes::new()).unwrap()
    };
    let (days, lats, lons) = (730usize, 4usize, 3usize);
    // 2001-01-01.
    let first = 978_307_200i64;
    let times =
        (0..days as i64).flat_map(|day| ((first + day * 86_400) * 1_000_000_000).to_ne_bytes());
    let floats = |values: &[f64]| {
        values
            .iter()
            .flat_map(|value| value.to_ne_bytes())
            .collect()
    };
    let lat: Vec<u8> = floats(&[60.0, 30.0, 0.0, -30.0]);
    let lon: Vec<u8> = floats(&[0.0, 120.0, 240.0]);
    let shape = [days, lats, lons];
    let field = |scale: f32, start: f32| {
        let values = (0..days * lats * lons).map(|at| start + scale * at as f32);
        values.flat_map(f32::to_ne_bytes).collect::<Vec<u8>>()
    };
    let dims = ["time", "lat", "lon"];
    let mut dataset = Dataset::default();
    let coords = &mut dataset.coords;
    coords.insert(
        "time".into(),
        variable(&dims[..1], time, &[days], times.collect()),
    );
    coords.insert(
        "lat".into(),
        variable(&dims[1..2], DType::Float64, &[lats], lat),
    );
    coords.insert(
        "lon".into(),
        variable(&dims[2..], DType::Float64, &[lons], lon),
    );
    let variables = &mut dataset.variables;
    variables.insert(
        "t2m".into(),
        variable(&dims, DType::Float32, &shape, field(0.01, 250.0)),
    );
    variables.insert(
        "tp".into(),
        variable(&dims, DType::Float32, &shape, field(1e-5, 0.0)),
    );
    let kelvins = AttributeValue::Text("K".to_owned());
    dataset.variables["t2m"]
        .attributes
        .insert("units".to_owned(), kelvins);
    dataset
}

/// The same from a store, as users have it, with groups.
fn opened(path: &Path, session: &Session) -> Dataset {
    let recipe = Recipe::default();
    let (made, options) = (dataset(), ZarrOptions::default());
    let parts = [Labelled::Dataset(&made)];
    write_zarr(&parts, path, &options, &recipe, session).unwrap();
    let urls = [path.to_str().unwrap().to_owned()];
    match open(&urls, OpenOptions::default(), session).unwrap() {
        Opened::Dataset(opened) => opened,
        Opened::Array(_) => panic!("a group is no array"),
    }
}

/// Evaluates and computes, so that nothing stays a plan.
fn run(expression: &str, ds: Dataset, session: &Session) -> craton_core::Result<()> {
    let mut scope = Scope::default();
    scope.insert("ds", Value::Dataset(ds));
    let variables: Vec<Variable> = match evaluate(expression, scope, session)? {
        Value::Array(array) => {
            let coords = array.coords.into_values();
            coords.chain([array.variable]).collect()
        }
        Value::Dataset(dataset) => {
            let coords = dataset.coords.into_values();
            coords.chain(dataset.variables.into_values()).collect()
        }
        Value::Tree(tree) => {
            let nodes = tree.nodes().map(|(_, own)| own.clone());
            nodes
                .flat_map(|own| own.coords.into_values().chain(own.variables.into_values()))
                .collect()
        }
        Value::Number(..) | Value::Dict(_) | Value::Text(_) => Vec::new(),
        other => panic!("{expression}: an example that gives {}", other.kind()),
    };
    for variable in variables {
        variable.values(session)?;
    }
    Ok(())
}

#[test]
fn every_example_of_the_registry_runs() {
    let session = Session::new(Some(1), None);
    let examples = entries().flat_map(|entry| entry.examples);
    let folder = tempfile::tempdir().unwrap();
    let ds = opened(&folder.path().join("a.zarr"), &session);
    let failed: Vec<String> = examples
        .filter_map(|example| {
            let error = run(example, ds.clone(), &session).err()?;
            Some(format!("{example}: {}", error.report()))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn hints_come_from_the_registry() {
    let session = Session::new(Some(1), None);
    let hint = |expression: &str| {
        let error = run(expression, dataset(), &session).unwrap_err();
        error.hint_text().unwrap_or_default().to_owned()
    };
    assert!(hint("ds.t2m.maen()").starts_with("did you mean `mean`"));
    assert_eq!(hint("ds.t2m.mean"), "call it: `.mean(…)`");
    assert_eq!(hint("ds.time.dt.mnth"), "did you mean `month`?");
    assert_eq!(hint("np.sqr(ds.t2m)"), "did you mean `sqrt`?");
    assert_eq!(hint("ds.t2m.isel(tim=0, drp=True)"), "did you mean `time`?");
    assert_eq!(
        hint("ds.t2m.quantile()"),
        "it is `quantile(q, dim=None, *, method='linear', keep_attrs=None, skipna=None)`"
    );
}
