//! Splitting into groups.

use super::not_on;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, method};
use crate::labels::{GroupBy, GroupKey, Variable};
use craton_core::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[method(
    "groupby",
    LABELLED,
    "group",
    "Groups by a part of dates or by a coordinate's values; then reduce them, or combine each with its group's result.",
    &[
        "ds.t2m.groupby(\"time.month\").mean()",
        "ds.t2m.groupby(\"time.month\") - ds.t2m.groupby(\"time.month\").mean()",
    ],
    groupby,
)];

fn groupby(call: &Call<'_>) -> Result<Value> {
    let (object, session) = (call.object, call.session);
    let key = |coords: &dyn Fn(&str) -> Result<Variable>| match call.need("group")? {
        Value::Text(text) => {
            let (name, part) = match text.split_once('.') {
                Some((name, part)) => (name, Some(part)),
                None => (text.as_str(), None),
            };
            GroupKey::new(name, part, &coords(name)?, session)
        }
        Value::Array(array) => {
            let name = array.name.clone().unwrap_or_else(|| "group".to_owned());
            GroupKey::new(&name, None, &array.variable, session)
        }
        other => Err(Error::usage(format!("groups by {}", other.kind()))),
    };
    match object {
        Value::Array(array) => {
            let coord = |name: &str| match array.coords.get(name) {
                Some(coord) => Ok(coord.clone()),
                None => Err(Error::not_found(format!(
                    "no coordinate `{name}` to group by"
                ))),
            };
            Ok(Value::ArrayGroup(GroupBy {
                object: array.clone(),
                key: key(&coord)?,
            }))
        }
        Value::Dataset(dataset) => {
            let coord = |name: &str| dataset.array(name).map(|array| array.variable);
            Ok(Value::DatasetGroup(GroupBy {
                object: dataset.clone(),
                key: key(&coord)?,
            }))
        }
        _ => Err(not_on(call)),
    }
}
