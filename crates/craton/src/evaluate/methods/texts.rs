//! Texts and what is made of them: `array.str`.

pub(super) mod bytes;
mod format;
mod pattern;
pub(super) mod pieces;
mod python;
pub(super) mod wrap;

use super::not_on;
use crate::evaluate::Value;
use crate::evaluate::arguments::{Arguments, Call};
use crate::evaluate::registry::{Entry, Function, Receiver, method, property};
use crate::labels::{DataArray, Rows, Variable, is_text, is_textual};
use crate::language::BinaryOperator;
use crate::session::Session;
use craton_core::{DType, Error, Result, Scalar};
use format::{formatted, percent, python_text};
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use python::Sides;

const TEXTS: &[Receiver] = &[Receiver::Texts];

pub(super) const ENTRIES: &[Entry] = &[
    property(
        "str",
        &[Receiver::DataArray],
        "The methods of the texts that the array holds, and `+`, `*`, `%` and `[…]` of them.",
        &["ds.time.dt.season.str.lower()"],
        |call| match call.object {
            Value::Array(array) if is_textual(array.variable.dtype()) => {
                Ok(Value::Texts(array.clone()))
            }
            Value::Array(array) => {
                let message = format!(
                    "`.str` of {} values, which are no texts",
                    array.variable.dtype()
                );
                Err(Error::invalid(message))
            }
            _ => Err(not_on(call)),
        },
    ),
    method(
        "len",
        TEXTS,
        "",
        "How many characters each text has.",
        &["ds.time.dt.season.str.len()"],
        |call| {
            Texts::of(call, &[])?.map(DType::Int64, |text, _| {
                Ok(whole(text.chars().count() as i64))
            })
        },
    ),
    method(
        "get",
        TEXTS,
        "i, default=''",
        "The character at a place in each text.",
        &["ds.time.dt.season.str.get(0)"],
        |call| {
            Texts::of(call, &["i", "default"])?.map(DType::Utf8, |text, beside| {
                let at = beside.whole(0)?.unwrap_or(0);
                let stop = (at != -1).then_some(at.saturating_add(1));
                let found = python::sliced(text, Some(at), stop, None)?;
                Ok(Scalar::from_text(&match found.is_empty() {
                    true => beside.text(1)?.unwrap_or_default(),
                    false => found,
                }))
            })
        },
    ),
    method(
        "slice",
        TEXTS,
        "start=None, stop=None, step=None",
        "The characters of each text between two places, as `[start:stop:step]` takes them.",
        &["ds.time.dt.season.str.slice(0, 2)"],
        |call| {
            Texts::of(call, &["start", "stop", "step"])?.map(DType::Utf8, |text, beside| {
                let (start, stop) = (beside.whole(0)?, beside.whole(1)?);
                let text = python::sliced(text, start, stop, beside.whole(2)?)?;
                Ok(Scalar::from_text(&text))
            })
        },
    ),
    method(
        "slice_replace",
        TEXTS,
        "start=None, stop=None, repl=''",
        "Each text with the characters between two places replaced.",
        &["ds.time.dt.season.str.slice_replace(0, 1, \"-\")"],
        |call| {
            Texts::of(call, &["start", "stop", "repl"])?.map(DType::Utf8, |text, beside| {
                let (start, stop) = (beside.whole(0)?, beside.whole(1)?);
                let is_empty = python::sliced(text, start, stop, None)?.is_empty();
                let before = match start {
                    Some(_) => python::sliced(text, None, start, None)?,
                    None => String::new(),
                };
                let after = match stop {
                    Some(_) if is_empty => python::sliced(text, start, None, None)?,
                    Some(_) => python::sliced(text, stop, None, None)?,
                    None => String::new(),
                };
                let between = beside.text(2)?.unwrap_or_default();
                Ok(Scalar::from_text(&[before, between, after].concat()))
            })
        },
    ),
    method(
        "cat",
        TEXTS,
        "*others, sep=''",
        "Each text and those of other arrays, one after another.",
        &["ds.time.dt.season.str.cat(ds.time.dt.year, sep=\" \")"],
        |call| {
            let mut values: Vec<Option<&Value>> = call.positional.iter().map(Some).collect();
            values.push(call.get("sep"));
            Texts::beside(held(call)?, &values, call.session)?.map(DType::Utf8, |text, beside| {
                let last = values.len() - 1;
                let separator = beside.text(last)?.unwrap_or_default();
                let mut out = text.to_owned();
                for at in 0..last {
                    out.push_str(&separator);
                    out.push_str(&beside.text(at)?.unwrap_or_default());
                }
                Ok(Scalar::from_text(&out))
            })
        },
    ),
    method(
        "join",
        TEXTS,
        "dim=None, sep=''",
        "The texts along a dimension, one after another.",
        &["ds.time.dt.season.str.join(\"time\", sep=\",\")"],
        join,
    ),
    method(
        "format",
        TEXTS,
        "*args, **kwargs",
        "Each text as a template with `{}` or `{name}` for what is put in, as text.",
        &["ds.time.dt.season.str.cat(\" {}\").str.format(ds.time.dt.year)"],
        |call| {
            let mut named = Vec::new();
            for (name, value) in &call.others {
                match value {
                    Value::Text(text) => named.push((name.as_str(), text.clone())),
                    Value::Number(number, _) => named.push((name.as_str(), python_text(number)?)),
                    other => {
                        let message = format!("`{name}` is {}, not one value", other.kind());
                        return Err(
                            Error::invalid(message).hint("arrays are put in by place: `{}`")
                        );
                    }
                }
            }
            let values: Vec<Option<&Value>> = call.positional.iter().map(Some).collect();
            Texts::beside(held(call)?, &values, call.session)?.map(DType::Utf8, |text, beside| {
                let given = (0..values.len()).map(|at| Ok(beside.text(at)?.unwrap_or_default()));
                let given = given.collect::<Result<Vec<String>>>()?;
                Ok(Scalar::from_text(&formatted(text, &given, &named)?))
            })
        },
    ),
    plain(
        "capitalize",
        "Each text with a capital first and small letters after it.",
        &["ds.time.dt.season.str.capitalize()"],
        |call| same(call, python::capitalized),
    ),
    plain(
        "lower",
        "Each text in lower case.",
        &["ds.time.dt.season.str.lower()"],
        |call| same(call, str::to_lowercase),
    ),
    plain(
        "upper",
        "Each text in upper case.",
        &["ds.time.dt.season.str.upper()"],
        |call| same(call, str::to_uppercase),
    ),
    plain(
        "swapcase",
        "Each text with upper and lower case exchanged.",
        &["ds.time.dt.season.str.swapcase()"],
        |call| same(call, python::swapped),
    ),
    plain(
        "title",
        "Each text with a capital at the start of each word.",
        &["ds.time.dt.season.str.title()"],
        |call| same(call, python::title),
    ),
    plain(
        "casefold",
        "Each text as it is compared where case does not matter.",
        &["ds.time.dt.season.str.casefold()"],
        |call| same(call, python::folded),
    ),
    method(
        "normalize",
        TEXTS,
        "form",
        "Each text in a normal form of Unicode: NFC, NFD, NFKC or NFKD.",
        &["ds.time.dt.season.str.normalize(\"NFC\")"],
        |call| {
            let form: fn(&str) -> String = match call.need_text("form")? {
                "NFC" => |text| ComposingNormalizer::new_nfc().normalize(text).into_owned(),
                "NFKC" => |text| ComposingNormalizer::new_nfkc().normalize(text).into_owned(),
                "NFD" => |text| {
                    DecomposingNormalizer::new_nfd()
                        .normalize(text)
                        .into_owned()
                },
                "NFKD" => |text| {
                    DecomposingNormalizer::new_nfkd()
                        .normalize(text)
                        .into_owned()
                },
                other => {
                    let error = Error::usage(format!("there is no normal form `{other}`"));
                    return Err(error.hint("there are NFC, NFD, NFKC and NFKD"));
                }
            };
            same(call, form)
        },
    ),
    plain(
        "isalnum",
        "Whether each text is of letters and digits, one at least.",
        &["ds.time.dt.season.str.isalnum()"],
        |call| each_is(call, |one| python::is_letter(one) || one.is_numeric()),
    ),
    plain(
        "isalpha",
        "Whether each text is of letters, one at least.",
        &["ds.time.dt.season.str.isalpha()"],
        |call| each_is(call, python::is_letter),
    ),
    plain(
        "isdecimal",
        "Whether each text is of decimal digits, one at least.",
        &["ds.time.dt.strftime(\"%Y\").str.isdecimal()"],
        |call| each_is(call, python::is_decimal),
    ),
    plain(
        "isdigit",
        "Whether each text is of digits, one at least.",
        &["ds.time.dt.strftime(\"%Y\").str.isdigit()"],
        |call| each_is(call, |one| python::is_decimal(one) || python::is_digit(one)),
    ),
    plain(
        "isnumeric",
        "Whether each text is of characters that stand for numbers, one at least.",
        &["ds.time.dt.strftime(\"%Y\").str.isnumeric()"],
        |call| each_is(call, python::is_numeral),
    ),
    plain(
        "isspace",
        "Whether each text is of white space, one at least.",
        &["ds.time.dt.season.str.isspace()"],
        |call| each_is(call, python::is_space),
    ),
    plain(
        "islower",
        "Whether the letters of each text are small, one at least.",
        &["ds.time.dt.season.str.islower()"],
        |call| holds(call, &[], |text, _| Ok(python::is_lower(text))),
    ),
    plain(
        "isupper",
        "Whether the letters of each text are capitals, one at least.",
        &["ds.time.dt.season.str.isupper()"],
        |call| holds(call, &[], |text, _| Ok(python::is_upper(text))),
    ),
    plain(
        "istitle",
        "Whether the words of each text begin with a capital that small letters follow.",
        &["ds.time.dt.season.str.istitle()"],
        |call| holds(call, &[], |text, _| Ok(python::is_titled(text))),
    ),
    method(
        "startswith",
        TEXTS,
        "pat",
        "Whether each text begins with another.",
        &["ds.time.dt.season.str.startswith(\"D\")"],
        |call| {
            holds(call, &["pat"], |text, beside| {
                Ok(text.starts_with(&beside.need_text(0)?))
            })
        },
    ),
    method(
        "endswith",
        TEXTS,
        "pat",
        "Whether each text ends with another.",
        &["ds.time.dt.season.str.endswith(\"F\")"],
        |call| {
            holds(call, &["pat"], |text, beside| {
                Ok(text.ends_with(&beside.need_text(0)?))
            })
        },
    ),
    method(
        "pad",
        TEXTS,
        "width, side='left', fillchar=' '",
        "Each text with a character repeated at a side, up to a width.",
        &["ds.time.dt.season.str.pad(5, side=\"both\")"],
        |call| pad(call, Sides::parse(call.text("side")?.unwrap_or("left"))?),
    ),
    method(
        "center",
        TEXTS,
        "width, fillchar=' '",
        "Each text with a character repeated on both sides, up to a width.",
        &["ds.time.dt.season.str.center(7, \"-\")"],
        |call| pad(call, Sides::Both),
    ),
    method(
        "ljust",
        TEXTS,
        "width, fillchar=' '",
        "Each text with a character repeated after it, up to a width.",
        &["ds.time.dt.season.str.ljust(5, \".\")"],
        |call| pad(call, Sides::Right),
    ),
    method(
        "rjust",
        TEXTS,
        "width, fillchar=' '",
        "Each text with a character repeated before it, up to a width.",
        &["ds.time.dt.season.str.rjust(5)"],
        |call| pad(call, Sides::Left),
    ),
    method(
        "zfill",
        TEXTS,
        "width",
        "Each text with zeros before it, up to a width.",
        &["ds.time.dt.strftime(\"%m\").str.zfill(4)"],
        |call| pad(call, Sides::Left),
    ),
    method(
        "strip",
        TEXTS,
        "to_strip=None, side='both'",
        "Each text without some characters at its ends; without white space if none are named.",
        &["ds.time.dt.season.str.strip(\"D\")"],
        |call| strip(call, Sides::parse(call.text("side")?.unwrap_or("both"))?),
    ),
    method(
        "lstrip",
        TEXTS,
        "to_strip=None",
        "Each text without some characters at its start; without white space if none are named.",
        &["ds.time.dt.season.str.lstrip(\"D\")"],
        |call| strip(call, Sides::Left),
    ),
    method(
        "rstrip",
        TEXTS,
        "to_strip=None",
        "Each text without some characters at its end; without white space if none are named.",
        &["ds.time.dt.season.str.rstrip(\"F\")"],
        |call| strip(call, Sides::Right),
    ),
    method(
        "repeat",
        TEXTS,
        "repeats",
        "Each text a number of times.",
        &["ds.time.dt.season.str.repeat(2)"],
        |call| {
            Texts::of(call, &["repeats"])?.map(DType::Utf8, |text, beside| {
                let times = usize::try_from(beside.need_whole(0)?).unwrap_or(0);
                if text.len().saturating_mul(times) > LONGEST {
                    return Err(Error::invalid(format!("a text {times} times")));
                }
                Ok(Scalar::from_text(&text.repeat(times)))
            })
        },
    ),
    method(
        "translate",
        TEXTS,
        "table",
        "Each text with characters, named by their numbers, replaced by texts, by characters' numbers or, by `None`, nothing.",
        &["ds.time.dt.season.str.translate({68: \"d\"})"],
        translate,
    ),
    found(
        "find",
        "sub, start=0, end=None, side='left'",
        "The place in each text where another stands first, -1 if it is not in it.",
        &["ds.time.dt.season.str.find(\"J\")"],
    ),
    found(
        "rfind",
        "sub, start=0, end=None",
        "The place in each text where another stands last, -1 if it is not in it.",
        &["ds.time.dt.season.str.rfind(\"J\")"],
    ),
    found(
        "index",
        "sub, start=0, end=None, side='left'",
        "The place in each text where another stands first, which must be in it.",
        &["ds.time.dt.season.str.cat(\"J\").str.index(\"J\")"],
    ),
    found(
        "rindex",
        "sub, start=0, end=None",
        "The place in each text where another stands last, which must be in it.",
        &["ds.time.dt.season.str.cat(\"J\").str.rindex(\"J\")"],
    ),
];

/// Texts longer than this are made by mistake.
const LONGEST: usize = 1 << 24;

const fn plain(
    name: &'static str,
    doc: &'static str,
    examples: &'static [&'static str],
    function: Function,
) -> Entry {
    method(name, TEXTS, "", doc, examples, function)
}

const fn found(
    name: &'static str,
    signature: &'static str,
    doc: &'static str,
    examples: &'static [&'static str],
) -> Entry {
    const FUNCTION: Function = |call| {
        let is_last = call.name().starts_with('r') || {
            let side = call.text("side")?.unwrap_or("left");
            Sides::parse(side)? == Sides::Right
        };
        Texts::of(call, &["sub", "start", "end"])?.map(DType::Int64, |text, beside| {
            let part = beside.need_text(0)?;
            let at = python::find(text, &part, beside.whole(1)?, beside.whole(2)?, is_last);
            match at {
                Some(at) => Ok(whole(at)),
                None if call.name().ends_with("find") => Ok(whole(-1)),
                None => Err(Error::invalid(format!("`{part}` is not in `{text}`"))
                    .hint("`.str.find(…)` gives -1 there")),
            }
        })
    };
    method(name, TEXTS, signature, doc, examples, FUNCTION)
}

fn whole(number: i64) -> Scalar {
    Scalar::from_i64(DType::Int64, number)
}

/// The texts of the call; bytes are none.
fn held<'a>(call: &Call<'a>) -> Result<&'a DataArray> {
    let Value::Texts(array) = call.object else {
        return Err(not_on(call));
    };
    match is_text(array.variable.dtype()) {
        true => Ok(array),
        false => Err(Error::invalid(format!("`.str.{}` of bytes", call.called))
            .hint("`.str.decode(\"utf-8\")` makes texts of them")),
    }
}

/// Texts, and beside each of them what a method is given for it.
struct Texts {
    rows: Rows,
    each: Vec<(String, Beside)>,
}

impl Texts {
    /// The texts of a call, and its arguments of these names, each one value or an array.
    fn of(call: &Call<'_>, names: &[&str]) -> Result<Self> {
        let values: Vec<Option<&Value>> = names.iter().map(|name| call.get(name)).collect();
        Self::beside(held(call)?, &values, call.session)
    }

    fn beside(array: &DataArray, values: &[Option<&Value>], session: &Session) -> Result<Self> {
        let whole = Value::Array(array.clone());
        let own = whole.as_operand()?;
        let arrays = values.iter().flatten().map(|value| {
            let operand = match value {
                Value::Texts(array) => Value::Array(array.clone()).as_operand()?,
                value => value.as_operand_beside(&whole)?,
            };
            operand.to_array(&own)
        });
        let arrays = arrays.collect::<Result<Vec<DataArray>>>()?;
        let all: Vec<&DataArray> = std::iter::once(array).chain(&arrays).collect();
        let rows = Rows::of(&all, session)?;
        let each = rows.iter().map(|row| {
            let mut row = row.into_iter();
            let text = row
                .next()
                .and_then(|text| text.to_text())
                .unwrap_or_default();
            let values = values.iter().map(|value| value.and_then(|_| row.next()));
            (text, Beside(values.collect()))
        });
        Ok(Self {
            each: each.collect(),
            rows,
        })
    }

    /// The array of what is made of each text.
    fn map(&self, dtype: DType, make: impl Fn(&str, &Beside) -> Result<Scalar>) -> Result<Value> {
        let made = self.each.iter().map(|(text, beside)| make(text, beside));
        let made = made.collect::<Result<Vec<_>>>()?;
        self.rows.array(dtype, &made, &[]).map(Value::Array)
    }
}

/// What a method is given for one text; nothing is `None`.
struct Beside(Vec<Option<Scalar>>);

impl Beside {
    fn scalar(&self, at: usize) -> Option<&Scalar> {
        self.0.get(at)?.as_ref()
    }

    /// A text; numbers as Python writes them.
    fn text(&self, at: usize) -> Result<Option<String>> {
        self.scalar(at).map(python_text).transpose()
    }

    fn need_text(&self, at: usize) -> Result<String> {
        let text = self.text(at)?;
        text.ok_or_else(|| Error::usage("None where a text is needed"))
    }

    fn whole(&self, at: usize) -> Result<Option<i64>> {
        let Some(scalar) = self.scalar(at) else {
            return Ok(None);
        };
        match scalar.to_i64() {
            Some(number) => Ok(Some(number)),
            None => {
                let message = format!("`{}` where a whole number is needed", python_text(scalar)?);
                Err(Error::usage(message))
            }
        }
    }

    fn need_whole(&self, at: usize) -> Result<i64> {
        let number = self.whole(at)?;
        number.ok_or_else(|| Error::usage("None where a whole number is needed"))
    }
}

/// Each text changed.
fn same(call: &Call<'_>, change: impl Fn(&str) -> String) -> Result<Value> {
    Texts::of(call, &[])?.map(DType::Utf8, |text, _| Ok(Scalar::from_text(&change(text))))
}

/// Whether something holds for each text.
fn holds(
    call: &Call<'_>,
    names: &[&str],
    holds: impl Fn(&str, &Beside) -> Result<bool>,
) -> Result<Value> {
    Texts::of(call, names)?.map(DType::Bool, |text, beside| {
        let truth = u8::from(holds(text, beside)?);
        Ok(Scalar::from_bytes(DType::Bool, &[truth]))
    })
}

/// Whether each text has characters, all of them of a kind.
fn each_is(call: &Call<'_>, is: impl Fn(char) -> bool) -> Result<Value> {
    holds(call, &[], |text, _| {
        Ok(!text.is_empty() && text.chars().all(&is))
    })
}

fn pad(call: &Call<'_>, sides: Sides) -> Result<Value> {
    let names: &[&str] = match call.name() {
        "zfill" => &["width"],
        _ => &["width", "fillchar"],
    };
    Texts::of(call, names)?.map(DType::Utf8, |text, beside| {
        let filler = match beside.text(1)? {
            Some(filler) => filler,
            None if call.name() == "zfill" => "0".to_owned(),
            None => " ".to_owned(),
        };
        let mut characters = filler.chars();
        let (Some(filler), None) = (characters.next(), characters.next()) else {
            return Err(Error::invalid(format!("`{filler}` is not one character")));
        };
        let width = beside.need_whole(0)?;
        if width > LONGEST as i64 {
            return Err(Error::invalid(format!("a width of {width} characters")));
        }
        Ok(Scalar::from_text(&python::padded(
            text, width, filler, sides,
        )))
    })
}

fn strip(call: &Call<'_>, sides: Sides) -> Result<Value> {
    Texts::of(call, &["to_strip"])?.map(DType::Utf8, |text, beside| {
        let which = beside.text(0)?;
        Ok(Scalar::from_text(&python::stripped(
            text,
            which.as_deref(),
            sides,
        )))
    })
}

fn translate(call: &Call<'_>) -> Result<Value> {
    let Value::Dict(pairs) = call.need("table")? else {
        return Err(Error::usage("`table` must be a dict"));
    };
    let character = |number: i64| {
        let character = u32::try_from(number).ok().and_then(char::from_u32);
        character.ok_or_else(|| Error::invalid(format!("no character has the number {number}")))
    };
    let mut table = Vec::new();
    for (from, to) in pairs {
        // As in Python, texts as keys are no characters.
        let Some(from) = from.as_i64() else { continue };
        let to = match to {
            Value::None => String::new(),
            Value::Text(text) => text.clone(),
            other => match other.as_i64() {
                Some(number) => character(number)?.to_string(),
                None => return Err(Error::usage(format!("`table` with {}", other.kind()))),
            },
        };
        table.push((character(from)?, to));
    }
    same(call, |text| {
        let mut out = String::new();
        for character in text.chars() {
            match table.iter().find(|(from, _)| *from == character) {
                Some((_, to)) => out.push_str(to),
                None => out.push(character),
            }
        }
        out
    })
}

fn join(call: &Call<'_>) -> Result<Value> {
    let array = held(call)?;
    let dim = match (call.text("dim")?, array.dims()) {
        (Some(dim), dims) if dims.len() > 1 => dim.to_owned(),
        (_, [dim]) => dim.clone(),
        (_, []) => return Ok(Value::Array(array.clone())),
        (None, _) => {
            return Err(
                Error::usage("`join` needs the dimension along which texts are joined")
                    .hint(format!("one of {:?}", array.dims())),
            );
        }
        (Some(_), _) => return Err(not_on(call)),
    };
    let Some(axis) = array.variable.axis(&dim) else {
        return Err(Error::invalid(format!("there is no dimension `{dim}`")));
    };
    let length = array.variable.shape()[axis];
    // Read once, not once for each part.
    let values = array.variable.values(call.session)?;
    let attributes = array.variable.attributes.clone();
    let variable = Variable::of_block(array.dims().to_vec(), values, attributes)?;
    let array = array.with_variable(variable);
    let mut parts = (0..length).map(|at| {
        let at = crate::labels::PositionSelection::At(at as i64);
        array.select_positions(&dim, &at).map(Value::Array)
    });
    let first = match parts.next() {
        Some(first) => first?,
        None => return Err(Error::invalid(format!("`{dim}` has no texts to join"))),
    };
    let Value::Array(first) = first else {
        return Err(not_on(call));
    };
    let mut positional = Vec::new();
    for part in parts {
        positional.push(part?);
    }
    let keywords = call.get("sep").map(|sep| ("sep".to_owned(), sep.clone()));
    let arguments = Arguments {
        positional,
        keywords: keywords.into_iter().collect(),
    };
    super::call(&Value::Texts(first), "cat", arguments, call.session)
}

/// `texts[at]`: a character by a number, characters by a slice.
pub(in crate::evaluate) fn sliced(object: &Value, at: &Value, session: &Session) -> Result<Value> {
    let (name, positional) = match at {
        Value::Slice(slice) => ("slice", slice.to_vec()),
        at => ("get", vec![at.clone()]),
    };
    let arguments = Arguments {
        positional,
        keywords: Vec::new(),
    };
    super::call(object, name, arguments, session)
}

/// `texts + other`, `texts * number` and `texts % values`.
pub(in crate::evaluate) fn operator_of_texts(
    operator: BinaryOperator,
    texts: &Value,
    other: &Value,
    session: &Session,
) -> Result<Value> {
    let name = match operator {
        BinaryOperator::Add => "cat",
        BinaryOperator::Multiply => "repeat",
        BinaryOperator::Remainder => return of_percent(texts, other, session),
        _ => {
            let message = format!("`{}` is not defined for `.str`", operator.symbol());
            return Err(Error::usage(message)
                .hint("there are `+`, `*` and `%`; texts are compared without `.str`"));
        }
    };
    let arguments = Arguments {
        positional: vec![other.clone()],
        keywords: Vec::new(),
    };
    super::call(texts, name, arguments, session)
}

fn of_percent(texts: &Value, other: &Value, session: &Session) -> Result<Value> {
    let Value::Texts(array) = texts else {
        return Err(Error::usage("`%` of no texts"));
    };
    if !is_text(array.variable.dtype()) {
        return Err(Error::invalid("`.str %` of bytes")
            .hint("`.str.decode(\"utf-8\")` makes texts of them"));
    }
    // Several values are put in as texts, one as it is.
    let (values, are_texts): (Vec<Option<&Value>>, bool) = match other {
        Value::Tuple(values) => (values.iter().map(Some).collect(), true),
        Value::Dict(_) => {
            return Err(Error::unsupported("`.str %` with a dict")
                .hint("`.str.format(name=…)` puts values in by name"));
        }
        one => (vec![Some(one)], false),
    };
    Texts::beside(array, &values, session)?.map(DType::Utf8, |text, beside| {
        let mut given = Vec::new();
        for at in 0..values.len() {
            given.push(match beside.scalar(at) {
                Some(scalar) if !are_texts => scalar.clone(),
                _ => Scalar::from_text(&beside.text(at)?.unwrap_or_default()),
            });
        }
        Ok(Scalar::from_text(&percent(text, &given)?))
    })
}
