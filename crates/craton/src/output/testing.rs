//! Small labelled arrays for tests.

use crate::labels::{DataArray, Variable};
use crate::session::Session;
use craton_core::{
    AttributeValue, Attributes, Block, Calendar, DType, Strings, TimeKind, TimeType, TimeUnit,
};
use indexmap::IndexMap;

pub(crate) fn session() -> Session {
    Session::new(Some(1), Some(256 << 20))
}

pub(crate) fn floats(values: &[f64], shape: &[usize]) -> Block {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_ne_bytes())
        .collect();
    Block::from_bytes(DType::Float64, shape.to_vec(), &bytes).unwrap()
}

pub(crate) fn texts(values: &[&str]) -> Block {
    let strings = Strings::from_items(values.iter().map(|text| text.as_bytes()));
    Block::strings(DType::Utf8, vec![values.len()], strings).unwrap()
}

pub(crate) fn times(counts: &[i64], unit: TimeUnit, calendar: Calendar) -> Block {
    let bytes: Vec<u8> = counts
        .iter()
        .flat_map(|count| count.to_ne_bytes())
        .collect();
    let time = TimeType {
        unit,
        step: 1,
        calendar,
        kind: TimeKind::Instant,
    };
    Block::from_bytes(DType::Time(time), vec![counts.len()], &bytes).unwrap()
}

pub(crate) fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), AttributeValue::Text((*text).to_owned())))
        .collect()
}

pub(crate) fn variable(dims: &[&str], block: Block) -> Variable {
    let dims = dims.iter().map(|dim| (*dim).to_owned()).collect();
    Variable::of_block(dims, block, Attributes::new()).unwrap()
}

/// `t2m` in K over two times and three stations, one value missing.
pub(crate) fn temperatures() -> DataArray {
    let mut values = variable(
        &["time", "station"],
        floats(&[1.5, f64::NAN, 3.0, 4.0, 5.0, f64::INFINITY], &[2, 3]),
    );
    values.attributes = attributes(&[("units", "K")]);
    let days = times(
        &[10_957, 10_958],
        TimeUnit::Day,
        Calendar::ProlepticGregorian,
    );
    let coords = IndexMap::from([
        ("time".to_owned(), variable(&["time"], days)),
        (
            "station".to_owned(),
            variable(&["station"], texts(&["a", "b,c", "d\"e"])),
        ),
        ("height".to_owned(), variable(&[], floats(&[2.0], &[]))),
    ]);
    DataArray {
        name: Some("t2m".to_owned()),
        variable: values,
        coords,
    }
}
