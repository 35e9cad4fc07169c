//! Texts compared and joined by operators.

use super::rows::Rows;
use super::{DataArray, Operand, Variable, agreed_attributes};
use crate::session::Session;
use craton_core::{Attributes, DType, Error, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_plan::ops;
use std::cmp::Ordering;

/// Whether elements of `dtype` are texts, or bytes that stand for them.
pub(crate) fn is_textual(dtype: DType) -> bool {
    is_text(dtype) || matches!(dtype, DType::FixedBytes(_) | DType::Bytes)
}

/// Whether elements of `dtype` are texts.
pub(crate) fn is_text(dtype: DType) -> bool {
    matches!(dtype, DType::Utf8 | DType::FixedUtf8(_))
}

impl Operand {
    pub(crate) fn is_textual(&self) -> bool {
        matches!(self, Self::Array(array) if is_textual(array.variable.dtype()))
    }

    /// The operand as an array; a number takes the name of the array `beside` it.
    pub(crate) fn to_array(&self, beside: &Self) -> Result<DataArray> {
        let number = match self {
            Self::Array(array) => return Ok(array.clone()),
            Self::Number(number, _) => number,
        };
        let variable = Variable::new(Vec::new(), ops::scalar(number.clone())?, Attributes::new())?;
        let name = match beside {
            Self::Array(array) => array.name.clone(),
            Self::Number(..) => None,
        };
        Ok(DataArray::new(variable).renamed(name))
    }
}

/// `function` of both sides, one of which at least holds texts or bytes: comparison, and joining by `+`. Texts are
/// ordered by their code points; a text equals nothing that is no text.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] for what NumPy does not do to texts; what reading the values reports.
pub(crate) fn binary_of_texts(
    function: Binary,
    left: &Operand,
    right: &Operand,
    session: &Session,
) -> Result<DataArray> {
    let (left, right) = (left.to_array(right)?, right.to_array(left)?);
    let dtypes = [left.variable.dtype(), right.variable.dtype()];
    let is_alike = dtypes.map(is_text) == [true; 2]
        || dtypes.map(|dtype| is_textual(dtype) && !is_text(dtype)) == [true; 2];
    let holds: fn(Option<Ordering>) -> bool = match function {
        Binary::Equal => |order| order == Some(Ordering::Equal),
        Binary::NotEqual => |order| order != Some(Ordering::Equal),
        Binary::Less if is_alike => |order| order == Some(Ordering::Less),
        Binary::LessEqual if is_alike => |order| order != Some(Ordering::Greater),
        Binary::Greater if is_alike => |order| order == Some(Ordering::Greater),
        Binary::GreaterEqual if is_alike => |order| order != Some(Ordering::Less),
        Binary::Add if dtypes.map(is_text) == [true; 2] => {
            let rows = Rows::of_common_labels(&[&left, &right], session)?;
            let joined: Vec<Scalar> = rows
                .iter()
                .map(|row| {
                    Scalar::from_text(&row.iter().filter_map(Scalar::to_text).collect::<String>())
                })
                .collect();
            return Ok(agreed(
                rows.array(DType::Utf8, &joined, &[])?,
                &left,
                &right,
            ));
        }
        _ => {
            let message = format!(
                "`{}` is not defined for {} and {}",
                function.name(),
                dtypes[0],
                dtypes[1]
            );
            return Err(Error::invalid(message).hint(
                "texts are compared with texts and joined by `+`; `.str` has what else can be done to them",
            ));
        }
    };
    let rows = Rows::of_common_labels(&[&left, &right], session)?;
    let truths: Vec<Scalar> = rows
        .iter()
        .map(|row| {
            let order = match row.as_slice() {
                [one, other] if is_alike => one
                    .to_text()
                    .map(|one| one.cmp(&other.to_text().unwrap_or_default())),
                _ => None,
            };
            Scalar::from_bytes(DType::Bool, &[u8::from(holds(order))])
        })
        .collect();
    Ok(agreed(
        rows.array(DType::Bool, &truths, &[])?,
        &left,
        &right,
    ))
}

/// The texts of `array` where `condition` holds, else those of `other`.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if `other` holds no texts, or is not there: no text is missing.
pub(crate) fn where_of_texts(
    array: &DataArray,
    condition: &DataArray,
    other: Option<&Operand>,
    session: &Session,
) -> Result<DataArray> {
    let Some(other) = other.filter(|other| other.is_textual()) else {
        return Err(Error::invalid("texts are replaced by what is no text")
            .hint("`.where(condition, \"\")` puts an empty text there: there is no missing one"));
    };
    let other = other.to_array(&Operand::Array(array.clone()))?;
    let rows = Rows::of_common_labels(&[array, condition, &other], session)?;
    let chosen: Vec<Scalar> = rows
        .iter()
        .filter_map(|row| {
            let [one, holds, other] = row.as_slice() else {
                return None;
            };
            let is_true = holds.to_f64().is_some_and(|truth| truth != 0.0);
            let text = if is_true { one } else { other }.to_text()?;
            Some(Scalar::from_text(&text))
        })
        .collect();
    let out = rows.array(DType::Utf8, &chosen, &[])?;
    Ok(out.renamed(array.name.clone()))
}

/// `out` with the attributes of both sides that do not contradict each other.
fn agreed(mut out: DataArray, left: &DataArray, right: &DataArray) -> DataArray {
    out.variable.attributes =
        agreed_attributes(&left.variable.attributes, &right.variable.attributes);
    out
}
