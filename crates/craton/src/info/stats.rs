//! Statistics of every variable, each in one scan.

use super::{ArrayInfo, Info};
use crate::labels::Variable;
use crate::open::{OpenOptions, Stored, open_group};
use crate::output::repr::scalar_text;
use crate::session::Session;
use craton_core::{DType, Error, ErrorKind, Result, Scalar};
use craton_kernels::fold::Reduction;
use craton_kernels::unary::Unary;
use craton_plan::NodeRef;
use craton_plan::ops::{self, ReduceOptions};
use serde_json::{Value, json};

/// What one scan tells of the decoded values of a variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Values in all.
    pub total: u64,
    /// Those that are NaN or NaT.
    pub missing: u64,
    /// Those that are infinite.
    pub infinite: u64,
    /// The smallest; `None` if all are missing.
    pub min: Option<Scalar>,
    /// The mean of what is not missing, where the dtype has one.
    pub mean: Option<Scalar>,
    /// The largest.
    pub max: Option<Scalar>,
    /// The units of these numbers.
    pub units: Option<String>,
}

impl Info {
    /// Adds statistics to every variable of numbers or times.
    ///
    /// A variable that cannot be read is listed as such; the first error of one is given back.
    ///
    /// # Errors
    /// As [`open_group`]; [`ErrorKind::Cancelled`].
    /// # Cost
    /// Reads every value once.
    pub fn add_statistics(&mut self, stored: &Stored, session: &Session) -> Result<Option<Error>> {
        let mut first_error = None;
        for group in &mut self.groups {
            let dataset = open_group(stored, &group.path, OpenOptions::default(), session)?;
            for array in &mut group.arrays {
                let found = match dataset.array(&array.name) {
                    Ok(decoded) => of_variable(&decoded.variable, session),
                    Err(error) => Err(error),
                };
                match found {
                    Ok(statistics) => array.statistics = statistics,
                    Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
                    Err(error) => {
                        let error = error.in_variable(&array.name).at(&stored.url);
                        group.broken.push((array.name.clone(), error.report()));
                        first_error = first_error.or(Some(error));
                    }
                }
            }
        }
        Ok(first_error)
    }
}

/// The statistics of one variable; `None` of what is no number and no time.
///
/// # Errors
/// What reading and computing report.
pub fn of_variable(variable: &Variable, session: &Session) -> Result<Option<Statistics>> {
    let node = &variable.node;
    let dtype = node.dtype();
    let is_number = dtype.is_integer() || dtype.is_float();
    if !is_number && !matches!(dtype, DType::Time(_)) {
        return Ok(None);
    }
    let total: u64 = node.shape().iter().product();
    let mut statistics = Statistics {
        total,
        missing: 0,
        infinite: 0,
        min: None,
        mean: None,
        max: None,
        units: session.units().shown(variable),
    };
    if total == 0 {
        return Ok(Some(statistics));
    }
    let fold = |reduction, node: &NodeRef| {
        let axes: Vec<usize> = (0..node.shape().len()).collect();
        ops::reduce(reduction, node, &axes, ReduceOptions::default())
    };
    // One stage: all folds have the same leaf, so each chunk is decoded once for all of them.
    let mut wanted = vec![
        fold(Reduction::Count, node)?,
        fold(Reduction::Min, node)?,
        fold(Reduction::Max, node)?,
    ];
    if is_number {
        // Narrow floats and wide integers alike are summed in double precision.
        wanted.push(fold(Reduction::Mean, &ops::cast(node, DType::Float64)?)?);
    }
    if dtype.is_float() {
        let is_infinite = ops::cast(&ops::unary(Unary::IsInf, node)?, DType::Int64)?;
        wanted.push(fold(Reduction::Sum, &is_infinite)?);
    }
    let blocks = session.compute(&wanted)?;
    let value = |at: usize| blocks.get(at).and_then(|block| block.get(0));
    let count = |at: usize| value(at).and_then(|value| u64::try_from(value.to_i64()?).ok());
    let present = |at: usize| value(at).filter(|value| !value.is_missing());
    let valid = count(0).ok_or_else(|| Error::internal("a count was computed to none"))?;
    statistics.missing = total.saturating_sub(valid);
    statistics.infinite = count(4).unwrap_or(0);
    (statistics.min, statistics.max, statistics.mean) = (present(1), present(2), present(3));
    Ok(Some(statistics))
}

impl Statistics {
    pub(super) fn to_json(&self) -> Value {
        let json = |value: &Option<Scalar>| match value {
            Some(value) if matches!(value.dtype(), DType::Time(_)) => json!(scalar_text(value)),
            Some(value) => value.to_json(),
            None => Value::Null,
        };
        json!({
            "count": self.total,
            "missing": self.missing,
            "infinite": self.infinite,
            "min": json(&self.min),
            "mean": json(&self.mean),
            "max": json(&self.max),
            "units": self.units,
        })
    }

    pub(super) fn to_text(&self) -> String {
        let mut parts = Vec::new();
        for (name, value) in [("min", &self.min), ("mean", &self.mean), ("max", &self.max)] {
            if let Some(value) = value {
                parts.push(format!("{name} {}", short(value)));
            }
        }
        if let (Some(units), false) = (&self.units, parts.is_empty()) {
            parts
                .last_mut()
                .into_iter()
                .for_each(|last| *last += &format!(" {units}"));
        }
        if self.total == self.missing {
            parts.push(match self.total {
                0 => "no values".to_owned(),
                _ => "no value is valid".to_owned(),
            });
        }
        parts.push(format!("missing {} of {}", self.missing, self.total));
        if self.infinite > 0 {
            parts.push(format!("infinite {}", self.infinite));
        }
        parts.join(", ")
    }
}

/// A mean has more digits than anybody reads; the JSON form has all of them.
fn short(value: &Scalar) -> String {
    match (value.dtype(), value.to_f64()) {
        (DType::Float64, Some(number)) if number.is_finite() => {
            let rounded: f64 = format!("{number:.7e}").parse().unwrap_or(number);
            Scalar::from_f64(DType::Float64, rounded).to_string()
        }
        _ => scalar_text(value),
    }
}

impl ArrayInfo {
    /// Statistics of the decoded values, where they were asked for.
    #[must_use]
    pub fn statistics(&self) -> Option<&Statistics> {
        self.statistics.as_ref()
    }
}
