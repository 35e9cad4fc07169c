//! Results as JSON: nested lists, written as they are computed.

use super::slabs::{budget, bytes_of, compute_all, cut, slabs};
use super::values::{Style, Values};
use crate::labels::{DataArray, DataTree, Dataset, Variable};
use crate::session::Session;
use craton_core::{Attributes, Block, Error, Result};
use craton_plan::NodeRef;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use std::io::{self, BufWriter, Write};

/// Writes `{"name", "dims", "shape", "dtype", "coords": {name: {dims, dtype, attrs, data}}, "attrs", "data"}`.
///
/// # Missing values
/// NaN and NaT are `null`.
/// # Errors
/// What computing reports, and failures of `out`.
/// # Cost
/// Computed whole where that fits into a quarter of the memory budget, else slab by slab.
pub fn write_array(array: &DataArray, session: &Session, out: &mut dyn Write) -> Result<()> {
    let nodes = array
        .coords
        .values()
        .chain([&array.variable])
        .map(|variable| variable.node.clone());
    let mut data = Data::new(nodes.collect(), session)?;
    let mut out = Output::new(out);
    out.text("{\"name\": ")?;
    out.json(&json!(array.name))?;
    for (key, value) in [
        ("dims", json!(array.variable.dims)),
        ("shape", json!(array.variable.shape())),
        ("dtype", json!(array.variable.dtype().name())),
    ] {
        out.field(key, &value)?;
    }
    out.text(", \"coords\": ")?;
    write_variables(&array.coords, &mut data, session, &mut out)?;
    out.field("attrs", &attributes(&array.variable.attributes))?;
    out.text(", \"data\": ")?;
    data.write_next(session, &mut out)?;
    out.text("}\n")?;
    out.finish()
}

/// Writes `{"dims", "attrs", "variables": {name: {dims, dtype, attrs, data}}, "coords": {…}}`.
///
/// # Errors
/// As [`write_array`].
/// # Cost
/// As [`write_array`], for all variables together.
pub fn write_dataset(dataset: &Dataset, session: &Session, out: &mut dyn Write) -> Result<()> {
    let variables = dataset.variables.values().chain(dataset.coords.values());
    let mut data = Data::new(
        variables.map(|variable| variable.node.clone()).collect(),
        session,
    )?;
    let mut out = Output::new(out);
    out.text("{\"dims\": ")?;
    out.json(&json!(dataset.sizes()))?;
    out.field("attrs", &attributes(&dataset.attributes))?;
    out.text(", \"variables\": ")?;
    write_variables(&dataset.variables, &mut data, session, &mut out)?;
    out.text(", \"coords\": ")?;
    write_variables(&dataset.coords, &mut data, session, &mut out)?;
    out.text("}\n")?;
    out.finish()
}

/// Writes `{"groups": {path: dataset}}`, each as [`write_dataset`] does.
///
/// # Errors
/// As [`write_array`].
pub fn write_tree(tree: &DataTree, session: &Session, out: &mut dyn Write) -> Result<()> {
    let failed = |error: io::Error| Error::io("cannot write the answer", error);
    let mut before = "{\"groups\": {";
    for (path, own) in tree.nodes() {
        write!(out, "{before}{}: ", json!(path)).map_err(failed)?;
        write_dataset(own, session, out)?;
        before = ", ";
    }
    writeln!(out, "}}}}").map_err(failed)
}

fn write_variables(
    variables: &IndexMap<String, Variable>,
    data: &mut Data,
    session: &Session,
    out: &mut Output<'_>,
) -> Result<()> {
    out.text("{")?;
    for (at, (name, variable)) in variables.iter().enumerate() {
        out.text(if at > 0 { ", " } else { "" })?;
        out.json(&json!(name))?;
        out.text(": {\"dims\": ")?;
        out.json(&json!(variable.dims))?;
        out.field("dtype", &json!(variable.dtype().name()))?;
        out.field("attrs", &attributes(&variable.attributes))?;
        out.text(", \"data\": ")?;
        data.write_next(session, out)
            .map_err(|error| error.in_variable(name))?;
        out.text("}")?;
    }
    out.text("}")
}

fn attributes(attributes: &Attributes) -> Value {
    let pairs = attributes
        .iter()
        .map(|(name, value)| (name.clone(), value.to_json()));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// The values of several nodes, handed out in their order.
struct Data {
    nodes: std::vec::IntoIter<NodeRef>,
    /// All values, where they fit into memory together.
    blocks: Option<std::vec::IntoIter<Block>>,
}

impl Data {
    fn new(nodes: Vec<NodeRef>, session: &Session) -> Result<Self> {
        let fits = bytes_of(&nodes) <= budget(session);
        let blocks = if fits {
            Some(compute_all(&nodes, session)?.into_iter())
        } else {
            None
        };
        Ok(Self {
            nodes: nodes.into_iter(),
            blocks,
        })
    }

    fn write_next(&mut self, session: &Session, out: &mut Output<'_>) -> Result<()> {
        let ended = || Error::internal("more variables than values");
        let node = self.nodes.next().ok_or_else(ended)?;
        // Taken even where there is nothing to write, so that blocks and nodes stay in step.
        let block = match &mut self.blocks {
            Some(blocks) => Some(blocks.next().ok_or_else(ended)?),
            None => None,
        };
        if node.shape().contains(&0) {
            return out.empty(node.shape());
        }
        if let Some(block) = block {
            return out.elements(&block, node.shape(), 0);
        }
        let size = node.dtype().item_size().unwrap_or(64).max(1) as u64;
        let mut written = 0;
        for ranges in slabs(node.shape(), budget(session) / size) {
            let block = compute_all(&[cut(&node, &ranges)?], session)?.remove(0);
            out.elements(&block, node.shape(), written)?;
            written += block.len() as u64;
        }
        Ok(())
    }
}

struct Output<'a> {
    out: BufWriter<&'a mut dyn Write>,
}

fn failed(cause: io::Error) -> Error {
    Error::io("cannot write the result", cause)
}

impl<'a> Output<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Self {
            out: BufWriter::with_capacity(1 << 16, out),
        }
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.out.write_all(text.as_bytes()).map_err(failed)
    }

    fn json(&mut self, value: &Value) -> Result<()> {
        serde_json::to_writer(&mut self.out, value).map_err(|cause| failed(cause.into()))
    }

    fn field(&mut self, key: &str, value: &Value) -> Result<()> {
        self.text(&format!(", \"{key}\": "))?;
        self.json(value)
    }

    fn finish(mut self) -> Result<()> {
        self.out.flush().map_err(failed)
    }

    /// The elements of `block` as those from number `first` on of an array of `shape`, with their brackets.
    fn elements(&mut self, block: &Block, shape: &[u64], first: u64) -> Result<()> {
        // Elements in one list of each axis, innermost first.
        let sizes: Vec<u64> = shape
            .iter()
            .rev()
            .scan(1u64, |size, length| {
                *size = size.saturating_mul(*length);
                Some(*size)
            })
            .collect();
        let lists_at = |number: u64| {
            sizes
                .iter()
                .take_while(|size| number.is_multiple_of(**size))
                .count()
        };
        let values = Values::new(block);
        for index in 0..block.len() {
            let number = first + index as u64;
            if number > 0 {
                self.text(", ")?;
            }
            for _ in 0..lists_at(number) {
                self.text("[")?;
            }
            values
                .write(index, Style::Json, &mut self.out)
                .map_err(failed)?;
            for _ in 0..lists_at(number + 1) {
                self.text("]")?;
            }
        }
        Ok(())
    }

    /// Lists without elements.
    fn empty(&mut self, shape: &[u64]) -> Result<()> {
        let Some((length, rest)) = shape.split_first() else {
            return Ok(());
        };
        self.text("[")?;
        for at in 0..*length {
            self.text(if at > 0 { ", " } else { "" })?;
            self.empty(rest)?;
        }
        self.text("]")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{floats, session, temperatures, variable};
    use super::*;
    use craton_core::{DType, Scalar};

    fn of_array(array: &DataArray) -> String {
        let mut out = Vec::new();
        write_array(array, &session(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_array_is_one_document_with_nested_lists() {
        let expected = concat!(
            r#"{"name": "t2m", "dims": ["time","station"], "shape": [2,3], "dtype": "float64", "coords": "#,
            r#"{"time": {"dims": ["time"], "dtype": "datetime64[D]", "attrs": {}, "#,
            r#""data": ["2000-01-01T00:00:00", "2000-01-02T00:00:00"]}, "#,
            r#""station": {"dims": ["station"], "dtype": "str", "attrs": {}, "data": ["a", "b,c", "d\"e"]}, "#,
            r#""height": {"dims": [], "dtype": "float64", "attrs": {}, "data": 2.0}}, "#,
            r#""attrs": {"units":"K"}, "data": [[1.5, null, 3.0], [4.0, 5.0, "Infinity"]]}"#,
            "\n"
        );
        assert_eq!(of_array(&temperatures()), expected);
    }

    #[test]
    fn integers_of_64_bits_are_exact() {
        let block = Block::constant(
            Scalar::from_bytes(DType::UInt64, &u64::MAX.to_ne_bytes()),
            vec![2],
        );
        let text = of_array(&DataArray::new(variable(&["x"], block)));
        assert!(
            text.ends_with("\"data\": [18446744073709551615, 18446744073709551615]}\n"),
            "{text}"
        );
    }

    #[test]
    fn arrays_without_elements_keep_their_lists() {
        let text = of_array(&DataArray::new(variable(&["x", "y"], floats(&[], &[2, 0]))));
        assert!(text.ends_with("\"data\": [[], []]}\n"), "{text}");
        let text = of_array(&DataArray::new(variable(&["x", "y"], floats(&[], &[0, 2]))));
        assert!(text.ends_with("\"data\": []}\n"), "{text}");
    }

    #[test]
    fn slabs_write_what_the_whole_writes() {
        let whole = floats(&(0..24).map(f64::from).collect::<Vec<_>>(), &[2, 3, 4]);
        let write = |most: u64| {
            let mut bytes = Vec::new();
            let mut sink: &mut dyn Write = &mut bytes;
            let mut out = Output::new(&mut sink);
            let node = craton_plan::ops::literal(whole.clone()).unwrap();
            let mut written = 0;
            for ranges in slabs(&[2, 3, 4], most) {
                let block = compute_all(&[cut(&node, &ranges).unwrap()], &session())
                    .unwrap()
                    .remove(0);
                out.elements(&block, &[2, 3, 4], written).unwrap();
                written += block.len() as u64;
            }
            out.finish().unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(write(24), write(5));
        assert!(write(24).starts_with("[[[0.0, 1.0, 2.0, 3.0], [4.0"));
    }

    #[test]
    fn a_variable_without_elements_shifts_no_values() {
        let mut dataset = Dataset::default();
        let empty = variable(&["t"], floats(&[], &[0]));
        dataset.variables.insert("none".to_owned(), empty);
        dataset
            .variables
            .insert("seven".to_owned(), variable(&[], floats(&[7.0], &[])));
        let mut out = Vec::new();
        write_dataset(&dataset, &session(), &mut out).unwrap();
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["variables"]["none"]["data"], json!([]));
        assert_eq!(value["variables"]["seven"]["data"], json!(7.0));
    }

    #[test]
    fn a_dataset_has_sizes_variables_and_coords() {
        let mut dataset = Dataset::from_arrays([("t2m".to_owned(), temperatures())]).unwrap();
        dataset.attributes = super::super::testing::attributes(&[("title", "x")]);
        let mut out = Vec::new();
        write_dataset(&dataset, &session(), &mut out).unwrap();
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["dims"], json!({"time": 2, "station": 3}));
        assert_eq!(value["attrs"]["title"], "x");
        assert_eq!(
            value["variables"]["t2m"]["data"][1],
            json!([4.0, 5.0, "Infinity"])
        );
        assert_eq!(
            value["coords"]["station"]["data"],
            json!(["a", "b,c", "d\"e"])
        );
    }
}
