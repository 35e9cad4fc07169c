//! Which unit the numbers of a plan have, whatever an attribute that was carried along says.
//!
//! xarray carries attributes through arithmetic, so that the square of a temperature still claims `K`. What was opened
//! notes its units here by the hash of its plan; the operators in between say what became of them.

use super::{Conversion, Unit};
use crate::labels::{DataArray, Operand, Variable};
use crate::session::Session;
use craton_core::{AttributeValue, DType, Error, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_plan::{NodeRef, PlanHash, Work, ops};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The units of what was opened or converted, by the hash of its plan.
#[derive(Debug, Default)]
pub struct Units {
    known: Mutex<HashMap<PlanHash, Option<String>>>,
}

/// What is known of the unit of a plan's numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Tracked {
    /// A unit, in the words of whoever stored it where nothing changed it.
    Known(String),
    /// Units went in, but what came out has none that can be told.
    Unknown,
    /// Nothing that went in had units.
    Untold,
}

impl Units {
    /// Notes the units of a variable that was opened.
    pub(crate) fn note(&self, variable: &Variable) {
        if let Some(units) = units_of(variable) {
            self.note_node(&variable.node, units);
        }
    }

    fn note_node(&self, node: &NodeRef, units: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = known
            .entry(node.hash())
            .or_insert_with(|| Some(units.to_owned()));
        // Equal values under two units: which of both is meant cannot be told.
        if noted.as_deref() != Some(units) {
            *noted = None;
        }
    }

    fn of_node(&self, node: &NodeRef) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&node.hash()).cloned().flatten()
    }

    /// The unit of the numbers of `node`.
    #[must_use]
    pub fn track(&self, node: &NodeRef) -> Tracked {
        Walk::of(node, self).result()
    }

    /// What may be shown as the units of `variable`: its attribute, unless arithmetic made that stale.
    ///
    /// An attribute that differs from all units that went in was given by the user, and stands.
    #[must_use]
    pub fn shown(&self, variable: &Variable) -> Option<String> {
        let units = units_of(variable)?;
        let walk = Walk::of(&variable.node, self);
        if !walk.seen.iter().any(|seen| seen == units) {
            return Some(units.to_owned());
        }
        Some(match walk.result() {
            Tracked::Untold => units.to_owned(),
            Tracked::Unknown => "unknown".to_owned(),
            Tracked::Known(tracked) => {
                let both = (Unit::parse(units), Unit::parse(&tracked));
                match both {
                    (Some(one), Some(other)) if one.is_same_as(&other) => units.to_owned(),
                    _ => tracked,
                }
            }
        })
    }

    /// `variable` with no stale units in its attributes.
    #[must_use]
    pub fn without_stale(&self, variable: &Variable) -> Variable {
        let mut variable = variable.clone();
        if let Some(shown) = self.shown(&variable)
            && units_of(&variable) != Some(shown.as_str())
        {
            let shown = AttributeValue::Text(shown);
            variable.attributes.insert("units".to_owned(), shown);
        }
        variable
    }

    /// Refuses to add or subtract arrays of different units.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] with the conversion to write, where both units are known and differ.
    pub fn check_operands(&self, function: Binary, left: &Operand, right: &Operand) -> Result<()> {
        let (Operand::Array(left), Operand::Array(right)) = (left, right) else {
            return Ok(());
        };
        let verb = match function {
            Binary::Add => "add",
            Binary::Subtract => "subtract",
            _ => return Ok(()),
        };
        let of = |array: &DataArray| {
            let text = self.shown(&array.variable)?;
            Unit::parse(&text).map(|unit| (text, unit))
        };
        let (Some((one, one_unit)), Some((other, other_unit))) = (of(left), of(right)) else {
            return Ok(());
        };
        // Pure numbers beside quantities are masks, counts and factors, which programs add on purpose.
        let is_pure = |unit: &Unit| unit.is_same_as(&Unit::ONE);
        if one_unit.is_same_as(&other_unit) || is_pure(&one_unit) || is_pure(&other_unit) {
            return Ok(());
        }
        let name = |array: &DataArray| match &array.name {
            Some(name) => format!("`{name}`"),
            None => "an array".to_owned(),
        };
        let message = format!(
            "cannot {verb} {} in `{one}` and {} in `{other}`",
            name(left),
            name(right)
        );
        let hint = match one_unit.is_convertible_to(&other_unit) {
            true => format!("convert the second: `.to_units(\"{one}\")`"),
            false => "they measure different things; `.drop_attrs()` of one of them computes with the bare numbers".to_owned(),
        };
        Err(Error::invalid(message).hint(hint))
    }
}

fn units_of(variable: &Variable) -> Option<&str> {
    let units = variable.attributes.get("units")?.as_text()?;
    (!units.is_empty() && !matches!(variable.dtype(), DType::Time(_))).then_some(units)
}

/// `array` in other units.
///
/// # Units
/// `units`.
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the array's units are not known, either text is no unit, or they
/// measure different things.
pub fn to_units(array: &DataArray, units: &str, session: &Session) -> Result<DataArray> {
    let name = array.name.as_deref().unwrap_or("the array");
    let Some(own) = session.units().shown(&array.variable) else {
        return Err(
            Error::invalid(format!("`{name}` has no units to convert from"))
                .hint("give it units first: `.assign_attrs(units=\"K\")`"),
        );
    };
    let parse = |text: &str| {
        Unit::parse(text).ok_or_else(|| {
            Error::invalid(format!("`{text}` is no unit"))
                .hint("units read like `kg m-2 s-1`, `degC`, `hPa`")
        })
    };
    let conversion = parse(&own)?.conversion_to(&parse(units)?).ok_or_else(|| {
        Error::invalid(format!(
            "`{name}` in `{own}` cannot become `{units}`: they measure different things"
        ))
    })?;
    let mut variable = array.variable.clone();
    variable.node = converted(&variable.node, conversion)?;
    let text = AttributeValue::Text(units.to_owned());
    variable.attributes.insert("units".to_owned(), text);
    session.units().note_node(&variable.node, units);
    Ok(array.with_variable(variable))
}

/// Integers become doubles; floats stay what they are.
fn converted(node: &NodeRef, conversion: Conversion) -> Result<NodeRef> {
    if (conversion.factor - 1.0).abs() < 1e-14 && conversion.offset == 0.0 {
        return Ok(node.clone());
    }
    let dtype = match node.dtype() {
        dtype if dtype.is_float() || dtype.is_complex() => dtype,
        _ => DType::Float64,
    };
    let number = |value: f64| ops::scalar(Scalar::from_f64(dtype, value));
    let mut node = ops::cast(node, dtype)?;
    if (conversion.factor - 1.0).abs() >= 1e-14 {
        // 0.01 as such rounds; a division by 100 does not.
        let inverse = 1.0 / conversion.factor;
        node = if inverse.fract() == 0.0 && inverse.abs() < 1e15 {
            ops::binary(Binary::Divide, &node, &number(inverse)?)?
        } else {
            ops::binary(Binary::Multiply, &node, &number(conversion.factor)?)?
        };
    }
    if conversion.offset != 0.0 {
        node = ops::binary(Binary::Add, &node, &number(rounded(conversion.offset))?)?;
    }
    Ok(node)
}

fn rounded(value: f64) -> f64 {
    super::rounded(value)
}

/// The unit at one node of a plan.
#[derive(Debug, Clone)]
enum State {
    /// A unit; a text that is no unit of ours has only its words.
    Unit {
        unit: Option<Unit>,
        text: Option<String>,
        /// Powers of arrays without units: they may cancel, as weights do.
        bare: Vec<(PlanHash, i32)>,
    },
    /// A number of the expression.
    Number(f64),
    Unknown,
}

impl State {
    fn named(text: &str) -> Self {
        Self::Unit {
            unit: Unit::parse(text),
            text: Some(text.to_owned()),
            bare: Vec::new(),
        }
    }

    fn pure(text: &str) -> Self {
        Self::Unit {
            unit: Some(Unit::ONE),
            text: Some(text.to_owned()),
            bare: Vec::new(),
        }
    }

    fn of_unit(unit: Option<Unit>) -> Self {
        match unit {
            Some(unit) => Self::Unit {
                text: unit.to_text(),
                unit: Some(unit),
                bare: Vec::new(),
            },
            None => Self::Unknown,
        }
    }

    /// The unit, where it is one and nothing without units is part of it.
    fn unit(&self) -> Option<Unit> {
        match self {
            Self::Unit { unit, bare, .. } if bare.is_empty() => *unit,
            _ => None,
        }
    }

    /// Whether this is an array of which no unit is known.
    fn is_bare(&self) -> bool {
        matches!(self, Self::Unit { bare, text, .. } if !bare.is_empty() && text.is_none())
    }

    fn map(&self, change: impl Fn(Unit) -> Option<Unit>) -> Self {
        match self.unit() {
            Some(unit) => Self::of_unit(change(unit)),
            None if self.is_bare() => self.clone(),
            None => Self::Unknown,
        }
    }
}

/// Units of all nodes below one.
struct Walk {
    states: HashMap<PlanHash, State>,
    root: PlanHash,
    /// All units that went in.
    seen: Vec<String>,
}

impl Walk {
    /// Inputs before what they feed, without recursion: chains may be of any length.
    fn of(root: &NodeRef, units: &Units) -> Self {
        let mut walk = Self {
            states: HashMap::new(),
            root: root.hash(),
            seen: Vec::new(),
        };
        let mut pending = vec![root.clone()];
        while let Some(node) = pending.last().cloned() {
            if walk.states.contains_key(&node.hash()) {
                pending.pop();
                continue;
            }
            if let Some(text) = units.of_node(&node) {
                walk.states.insert(node.hash(), State::named(&text));
                walk.seen.push(text);
                continue;
            }
            let missing = node
                .inputs()
                .iter()
                .filter(|input| !walk.states.contains_key(&input.hash()));
            let missing: Vec<NodeRef> = missing.cloned().collect();
            if missing.is_empty() {
                let inputs = node.inputs().iter();
                let inputs: Vec<State> = inputs
                    .filter_map(|input| walk.states.get(&input.hash()).cloned())
                    .collect();
                walk.states.insert(node.hash(), after(&node, &inputs));
            } else {
                pending.extend(missing);
            }
        }
        walk
    }

    fn result(&self) -> Tracked {
        if self.seen.is_empty() {
            return Tracked::Untold;
        }
        match self.states.get(&self.root) {
            Some(State::Unit {
                text: Some(text),
                bare,
                ..
            }) if bare.is_empty() => Tracked::Known(text.clone()),
            _ => Tracked::Unknown,
        }
    }
}

/// The unit of what `node` makes of its inputs.
fn after(node: &NodeRef, inputs: &[State]) -> State {
    let operator = node.operator();
    let described = operator.describe();
    let word = described.split_whitespace().next().unwrap_or_default();
    match (operator.name(), inputs) {
        ("source" | "literal" | "full", []) => leaf(node),
        ("unary", [input]) => unary(word, input),
        ("binary", [left, right]) => binary(word, left, right),
        ("where", [_, one, other]) | ("fillna", [one, other]) => either(one, other),
        ("astype" | "index" | "take" | "transpose" | "broadcast_to" | "rechunk", [input]) => {
            input.clone()
        }
        ("take_points" | "fill_gaps" | "spline" | "pair", [input, ..]) => input.clone(),
        ("interpolate", [one, other, _]) => either(one, other),
        ("concat", [first, others @ ..]) => others
            .iter()
            .fold(first.clone(), |joined, other| either(&joined, other)),
        ("reduce" | "group_reduce" | "rolling" | "cumulate", [input]) => folded(word, input),
        ("quantile" | "group_quantile" | "weighted_quantile", [input]) => input.clone(),
        (_, [input]) if matches!(node.work(), Work::View) => input.clone(),
        _ => State::Unknown,
    }
}

fn leaf(node: &NodeRef) -> State {
    let number = match node.work() {
        Work::Literal(block) if block.len() == 1 || block.as_constant().is_some() => block.get(0),
        _ => None,
    };
    match number.and_then(|value| value.to_f64()) {
        Some(number) => State::Number(number),
        None => State::Unit {
            unit: Some(Unit::ONE),
            text: None,
            bare: vec![(node.hash(), 1)],
        },
    }
}

fn unary(function: &str, input: &State) -> State {
    let is_pure = input
        .unit()
        .is_some_and(|unit| unit.is_convertible_to(&Unit::ONE));
    match function {
        "negative" | "positive" | "absolute" | "floor" | "ceil" | "trunc" | "rint" | "real"
        | "imag" | "conjugate" => input.clone(),
        "sqrt" => input.map(|unit| unit.root(2)),
        "cbrt" => input.map(|unit| unit.root(3)),
        "square" => powered(input, 2),
        "reciprocal" => powered(input, -1),
        "arcsin" | "arccos" | "arctan" | "radians" if is_pure => State::pure("radian"),
        "degrees" if is_pure => State::named("degree"),
        "isnan" | "isfinite" | "isinf" | "notnull" | "logical_not" | "invert" | "sign" => {
            State::pure("1")
        }
        "exp" | "exp2" | "expm1" | "log" | "log2" | "log10" | "log1p" | "sin" | "cos" | "tan"
        | "sinh" | "cosh" | "tanh" | "arcsinh" | "arccosh" | "arctanh"
            if is_pure =>
        {
            State::pure("1")
        }
        _ if input.is_bare() => input.clone(),
        _ => State::Unknown,
    }
}

fn binary(function: &str, left: &State, right: &State) -> State {
    match function {
        "add" => sum(left, right, false),
        "subtract" => sum(left, right, true),
        "multiply" => product(left, right, 1),
        "divide" => product(left, right, -1),
        "power" => match right {
            State::Number(number) if *number == 0.5 => left.map(|unit| unit.root(2)),
            State::Number(number) if number.fract() == 0.0 && number.abs() <= 20.0 => {
                #[allow(
                    clippy::cast_possible_truncation,
                    reason = "a whole number of at most 20"
                )]
                let exponent = *number as i32;
                powered(left, exponent)
            }
            _ => State::Unknown,
        },
        "maximum" | "minimum" | "fmax" | "fmin" | "hypot" => either(left, right),
        "copysign" => left.clone(),
        "arctan2" => State::pure("radian"),
        "equal" | "not_equal" | "less" | "less_equal" | "greater" | "greater_equal"
        | "logical_and" | "logical_or" | "logical_xor" | "bitwise_and" | "bitwise_or"
        | "bitwise_xor" => State::pure("1"),
        _ => State::Unknown,
    }
}

/// Of values that stand beside each other: the unit that they share. Numbers and bare arrays take the other's.
fn either(one: &State, other: &State) -> State {
    match (one, other) {
        (State::Number(_), state) | (state, State::Number(_)) => state.clone(),
        _ if one.is_bare() => other.clone(),
        _ if other.is_bare() => one.clone(),
        (State::Unit { text: mine, .. }, State::Unit { text: theirs, .. })
            if mine.is_some() && mine == theirs =>
        {
            one.clone()
        }
        _ => match (one.unit(), other.unit()) {
            (Some(mine), Some(theirs)) if mine.is_same_as(&theirs) => one.clone(),
            _ => State::Unknown,
        },
    }
}

fn sum(left: &State, right: &State, is_difference: bool) -> State {
    let shifted = |state: &State, shift: f64| match state {
        _ if shift == 0.0 => state.clone(),
        State::Unit {
            bare, text: None, ..
        } if !bare.is_empty() => state.clone(),
        _ => match state.unit().map(|unit| unit.shifted(shift)) {
            // Only zeros that have a name are meant as a conversion.
            Some(unit) if is_temperature(&unit) && unit.to_text().is_some() => {
                State::of_unit(Some(unit))
            }
            Some(unit) if unit.is_same_as(&Unit::ONE) => state.clone(),
            _ => State::Unknown,
        },
    };
    match (left, right) {
        (State::Number(one), State::Number(other)) => State::Number(if is_difference {
            one - other
        } else {
            one + other
        }),
        (state, State::Number(number)) if is_difference => shifted(state, -number),
        (state, State::Number(number)) => shifted(state, *number),
        (State::Number(number), state) if !is_difference => shifted(state, *number),
        (State::Number(_), _) => State::Unknown,
        _ => match either(left, right) {
            // Of two temperatures in degrees Celsius only the difference has a unit.
            state if state.unit().is_some_and(|unit| unit.origin != 0.0) => match is_difference {
                true => state.map(|unit| Some(unit.of_differences())),
                false => State::Unknown,
            },
            state => state,
        },
    }
}

fn is_temperature(unit: &Unit) -> bool {
    unit.is_convertible_to(&Unit::base(3))
}

fn product(left: &State, right: &State, sign: i32) -> State {
    match (left, right) {
        (State::Number(one), State::Number(other)) => State::Number(match sign {
            1 => one * other,
            _ => one / other,
        }),
        (state, State::Number(number)) if number.abs() == 1.0 => state.clone(),
        (State::Number(number), state) if number.abs() == 1.0 => match sign {
            1 => state.clone(),
            _ => powered(state, -1),
        },
        // A factor may convert or scale: which of both was meant cannot be told.
        (state, State::Number(_)) | (State::Number(_), state) => match state {
            state if state.is_bare() => state.clone(),
            state if state.unit().is_some_and(|unit| unit.is_same_as(&Unit::ONE)) => state.clone(),
            _ => State::Unknown,
        },
        (
            State::Unit {
                unit: Some(one),
                bare: mine,
                text,
            },
            State::Unit {
                unit: Some(other),
                bare: theirs,
                ..
            },
        ) => {
            let Some(unit) = other.power(sign).and_then(|other| one.times(other)) else {
                return State::Unknown;
            };
            let mut bare = mine.clone();
            for (hash, power) in theirs {
                match bare.iter_mut().find(|(known, _)| known == hash) {
                    Some((_, known)) => *known += sign * power,
                    None => bare.push((*hash, sign * power)),
                }
            }
            bare.retain(|(_, power)| *power != 0);
            let is_unchanged = unit.is_same_as(&one.of_differences());
            let text = match text {
                Some(text) if is_unchanged && one.origin == 0.0 => Some(text.clone()),
                _ => unit.to_text(),
            };
            State::Unit {
                unit: Some(unit),
                text,
                bare,
            }
        }
        _ => State::Unknown,
    }
}

fn powered(state: &State, exponent: i32) -> State {
    match state {
        State::Number(number) => State::Number(number.powi(exponent)),
        State::Unit {
            unit: Some(unit),
            bare,
            ..
        } => match unit.power(exponent) {
            Some(unit) => State::Unit {
                text: unit.to_text(),
                unit: Some(unit),
                bare: bare
                    .iter()
                    .map(|(hash, power)| (*hash, power * exponent))
                    .collect(),
            },
            None => State::Unknown,
        },
        _ => State::Unknown,
    }
}

fn folded(reduction: &str, input: &State) -> State {
    match reduction {
        "mean" | "min" | "max" | "first" | "last" | "median" | "ffill" => input.clone(),
        "sum" | "cumsum" => match input.unit() {
            Some(unit) if unit.origin != 0.0 => State::Unknown,
            _ => input.clone(),
        },
        "std" => match input.unit() {
            Some(unit) if unit.origin != 0.0 => State::of_unit(Some(unit.of_differences())),
            _ => input.clone(),
        },
        "var" => powered(input, 2),
        "count" | "any" | "all" | "argmin" | "argmax" => State::pure("1"),
        _ => State::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::{attributes, floats, session, variable};
    use craton_kernels::fold::Reduction;
    use craton_kernels::unary::Unary;
    use craton_plan::ops::ReduceOptions;

    fn array(values: &[f64], units: &str, session: &Session) -> Variable {
        let mut array = variable(&["x"], floats(values, &[values.len()]));
        array.attributes = attributes(&[("units", units)]);
        session.units().note(&array);
        array
    }

    fn number(value: f64) -> NodeRef {
        ops::scalar(Scalar::from_f64(DType::Float64, value)).unwrap()
    }

    fn shown(of: &Variable, node: NodeRef, session: &Session) -> String {
        let mut of = of.clone();
        of.dims.truncate(node.shape().len());
        session.units().shown(&of.with_node(node).unwrap()).unwrap()
    }

    #[test]
    fn arithmetic_never_leaves_a_stale_unit() {
        let session = session();
        let t = array(&[280.0, 290.0], "K", &session);
        let q = array(&[0.5, 0.25], "kg m-3", &session);
        let c = array(&[7.0, 8.0], "degC", &session);
        let binary = |function, one: &Variable, other: NodeRef| {
            ops::binary(function, &one.node, &other).unwrap()
        };
        let mean = ops::reduce(Reduction::Mean, &t.node, &[0], ReduceOptions::default()).unwrap();
        let var = ops::reduce(Reduction::Var, &c.node, &[0], ReduceOptions::default()).unwrap();
        let squared = ops::unary(Unary::Square, &t.node).unwrap();
        for (of, node, expected) in [
            (&t, t.node.clone(), "K"),
            (&t, binary(Binary::Multiply, &t, t.node.clone()), "K2"),
            (&t, squared.clone(), "K2"),
            (&t, ops::unary(Unary::Sqrt, &squared).unwrap(), "K"),
            (&t, binary(Binary::Subtract, &t, number(273.15)), "degC"),
            (&t, binary(Binary::Subtract, &t, number(1.0)), "unknown"),
            (&t, binary(Binary::Multiply, &t, number(2.0)), "unknown"),
            (&t, binary(Binary::Multiply, &t, q.node.clone()), "kg m-3 K"),
            (&t, binary(Binary::Less, &t, number(280.0)), "1"),
            (&c, binary(Binary::Subtract, &c, c.node.clone()), "K"),
            (&c, binary(Binary::Add, &c, c.node.clone()), "unknown"),
            (&c, var, "K2"),
            (&t, ops::unary(Unary::Exp, &t.node).unwrap(), "unknown"),
        ] {
            assert_eq!(shown(of, node, &session), expected);
        }
        assert_eq!(shown(&t, mean, &session), "K");
    }

    #[test]
    fn weights_without_units_cancel() {
        let session = session();
        let t = array(&[280.0, 290.0], "K", &session);
        let w = variable(&["x"], floats(&[0.3, 0.7], &[2])).node;
        let weighted = ops::binary(Binary::Multiply, &t.node, &w).unwrap();
        assert_eq!(shown(&t, weighted.clone(), &session), "unknown");
        let sum = |node: &NodeRef| {
            ops::reduce(Reduction::Sum, node, &[0], ReduceOptions::default()).unwrap()
        };
        let mean = ops::binary(Binary::Divide, &sum(&weighted), &sum(&w)).unwrap();
        assert_eq!(shown(&t, mean, &session), "K");
    }

    #[test]
    fn units_that_a_user_gave_stand() {
        let session = session();
        let mut t = array(&[280.0, 290.0], "K", &session);
        t.node = ops::binary(Binary::Multiply, &t.node, &number(1000.0)).unwrap();
        t.attributes = attributes(&[("units", "mK")]);
        assert_eq!(session.units().shown(&t).unwrap(), "mK");
    }

    #[test]
    fn conversions_compute_and_are_tracked() {
        let session = session();
        let p = array(&[100_000.0, 101_325.0], "Pa", &session);
        let p = to_units(&DataArray::new(p), "hPa", &session).unwrap();
        let values: Vec<f64> = p
            .variable
            .values(&session)
            .unwrap()
            .scalars()
            .filter_map(|value| value.to_f64())
            .collect();
        assert_eq!(values, [1000.0, 1013.25]);
        let squared = ops::unary(Unary::Square, &p.variable.node).unwrap();
        assert_eq!(shown(&p.variable, squared, &session), "10000 kg2 m-2 s-4");
        let error = to_units(&p, "m", &session).unwrap_err().report();
        assert!(error.contains("measure different things"), "{error}");
    }

    #[test]
    fn different_units_do_not_add_up() {
        let session = session();
        let operand = |values: &[f64], units: &str| {
            Operand::Array(DataArray::new(array(values, units, &session)))
        };
        let (one, other) = (operand(&[1.0, 2.0], "K"), operand(&[3.0, 4.0], "degC"));
        let units = session.units();
        let error = units.check_operands(Binary::Add, &one, &other).unwrap_err();
        assert!(
            error.report().contains(".to_units(\"K\")"),
            "{}",
            error.report()
        );
        units
            .check_operands(Binary::Multiply, &one, &other)
            .unwrap();
        units
            .check_operands(Binary::Subtract, &one, &operand(&[5.0, 6.0], "kelvin"))
            .unwrap();
    }
}
