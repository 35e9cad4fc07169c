//! Strings as Python has them: positions count characters, negative ones from the end.

use crate::labels::slice_range;
use craton_core::{Error, Result};
use craton_plan::ops::AxisIndex;
use icu_casemap::{CaseMapper, TitlecaseMapper};
use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use std::ops::Range;

/// The characters from `start` to `stop`, as in `text[start:stop:step]`.
pub(super) fn sliced(
    text: &str,
    start: Option<i64>,
    stop: Option<i64>,
    step: Option<i64>,
) -> Result<String> {
    let characters: Vec<char> = text.chars().collect();
    let range = slice_range(start, stop, step, characters.len() as u64)?;
    let AxisIndex::Range {
        start,
        length,
        step,
    } = range
    else {
        return Err(Error::internal("a slice is a range"));
    };
    let places = (0..length as i64).map(|count| start as i64 + count * step);
    Ok(places
        .filter_map(|place| characters.get(usize::try_from(place).ok()?))
        .collect())
}

/// The bytes of `text` between the characters `start` and `stop`; what is searched there may lie nowhere.
pub(super) fn span(text: &str, start: Option<i64>, stop: Option<i64>) -> Option<Range<usize>> {
    let length = text.chars().count() as i64;
    let from_start = |place: i64| match place < 0 {
        true => (place + length).max(0),
        false => place,
    };
    let (start, stop) = (
        from_start(start.unwrap_or(0)),
        from_start(stop.unwrap_or(length)).min(length),
    );
    let byte = |place: i64| {
        let place = usize::try_from(place).ok()?;
        let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        starts.nth(place)
    };
    (start <= stop).then(|| Some(byte(start)?..byte(stop)?))?
}

/// The character at which `part` begins in `text` between two characters; the last such place `from_right`.
pub(super) fn find(
    text: &str,
    part: &str,
    start: Option<i64>,
    stop: Option<i64>,
    from_right: bool,
) -> Option<i64> {
    let range = span(text, start, stop)?;
    let within = &text[range.clone()];
    let at = match from_right {
        true => within.rfind(part),
        false => within.find(part),
    }?;
    Some(text[..range.start + at].chars().count() as i64)
}

/// `text` with `filler` on both sides up to `width` characters; an odd one goes as Python has it.
pub(super) fn padded(text: &str, width: i64, filler: char, sides: Sides) -> String {
    let length = text.chars().count() as i64;
    let all = width.saturating_sub(length).max(0);
    let left = match sides {
        Sides::Left => all,
        Sides::Right => 0,
        Sides::Both => all / 2 + (all & width & 1),
    };
    let fill = |count: i64| std::iter::repeat_n(filler, count.max(0) as usize);
    fill(left)
        .chain(text.chars())
        .chain(fill(all - left))
        .collect()
}

/// Where something is put or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sides {
    Left,
    Right,
    Both,
}

impl Sides {
    pub(super) fn parse(text: &str) -> Result<Self> {
        match text {
            "left" => Ok(Self::Left),
            "right" => Ok(Self::Right),
            "both" => Ok(Self::Both),
            other => Err(Error::usage(format!("there is no side `{other}`"))
                .hint("there are `left`, `right` and `both`")),
        }
    }
}

/// `text` without the characters of `which` at its ends; without white space if there is no `which`.
pub(super) fn stripped(text: &str, which: Option<&str>, sides: Sides) -> String {
    let goes = |character: char| match which {
        Some(which) => which.contains(character),
        None => is_space(character),
    };
    match sides {
        Sides::Left => text.trim_start_matches(goes),
        Sides::Right => text.trim_end_matches(goes),
        Sides::Both => text.trim_matches(goes),
    }
    .to_owned()
}

/// Python's white space, to which separators of records belong.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// The parts between `separator`, or between runs of white space; at most `most` cuts, from the right if so asked.
pub(super) fn split(
    text: &str,
    separator: Option<&str>,
    most: i64,
    from_right: bool,
) -> Result<Vec<String>> {
    let most = usize::try_from(most).ok();
    let owned = |parts: Vec<&str>| parts.into_iter().map(str::to_owned).collect();
    let Some(separator) = separator else {
        return Ok(owned(split_at_space(text, most, from_right)));
    };
    if separator.is_empty() {
        return Err(Error::invalid("a text is split at an empty separator")
            .hint("`sep=None` splits at white space"));
    }
    let parts = most.map_or(usize::MAX, |most| most.saturating_add(1));
    Ok(owned(match from_right {
        true => {
            let mut parts: Vec<&str> = text.rsplitn(parts, separator).collect();
            parts.reverse();
            parts
        }
        false => text.splitn(parts, separator).collect(),
    }))
}

fn split_at_space(text: &str, most: Option<usize>, from_right: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = match from_right {
        true => text.trim_end_matches(is_space),
        false => text.trim_start_matches(is_space),
    };
    while !rest.is_empty() {
        let cut = match from_right {
            true => rest.rfind(is_space),
            false => rest.find(is_space),
        };
        let Some(cut) = cut.filter(|_| most.is_none_or(|most| parts.len() < most)) else {
            // What is left has no white space outside, on its cut side neither.
            parts.push(match from_right {
                true => rest.trim_end_matches(is_space),
                false => rest.trim_start_matches(is_space),
            });
            break;
        };
        let (before, after) = rest.split_at(cut);
        let part = match from_right {
            true => {
                rest = before.trim_end_matches(is_space);
                after.trim_start_matches(is_space)
            }
            false => {
                rest = after.trim_start_matches(is_space);
                before
            }
        };
        parts.push(part);
    }
    if from_right {
        parts.reverse();
    }
    parts
}

/// The text before a separator, the separator, and what is after it; without one all is before, or after `from_right`.
pub(super) fn partition(text: &str, separator: &str, from_right: bool) -> Result<[String; 3]> {
    if separator.is_empty() {
        return Err(Error::invalid("a text is split at an empty separator"));
    }
    let cut = match from_right {
        true => text.rsplit_once(separator),
        false => text.split_once(separator),
    };
    Ok(match (cut, from_right) {
        (Some((before, after)), _) => [before.to_owned(), separator.to_owned(), after.to_owned()],
        (None, false) => [text.to_owned(), String::new(), String::new()],
        (None, true) => [String::new(), String::new(), text.to_owned()],
    })
}

/// `text` with `from` replaced by `to`, at most `most` times if that is not negative.
pub(super) fn replaced(text: &str, from: &str, to: &str, most: i64) -> String {
    match usize::try_from(most) {
        Ok(most) => text.replacen(from, to, most),
        Err(_) => text.replace(from, to),
    }
}

/// The first character as in a title, the others in lower case.
pub(super) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(titled).unwrap_or_default();
    let lower = text.to_lowercase();
    let others = lower.chars().skip(match text.chars().next() {
        Some(first) => first.to_lowercase().count(),
        None => 0,
    });
    first.chars().chain(others).collect()
}

/// Each run of letters with case as a word of a title.
pub(super) fn title(text: &str) -> String {
    let mut out = String::new();
    let mut is_within = false;
    for character in text.chars() {
        match is_within {
            true => out.extend(character.to_lowercase()),
            false => out.push_str(&titled(character)),
        }
        is_within = is_cased(character);
    }
    out
}

fn titled(character: char) -> String {
    let mut buffer = [0; 4];
    let text: &str = character.encode_utf8(&mut buffer);
    let options = icu_casemap::options::TitlecaseOptions::default();
    let language = icu_locale_core::LanguageIdentifier::UNKNOWN;
    TitlecaseMapper::new()
        .titlecase_segment_to_string(text, &language, options)
        .into_owned()
}

/// Lower case for upper case, and the other way round.
pub(super) fn swapped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character.is_uppercase() {
            true => out.extend(character.to_lowercase()),
            false => out.extend(character.to_uppercase()),
        }
    }
    out
}

/// `text` as it is compared where case does not matter.
pub(super) fn folded(text: &str) -> String {
    CaseMapper::new().fold_string(text).into_owned()
}

fn is_cased(character: char) -> bool {
    character.is_lowercase() || character.is_uppercase() || is_title(character)
}

/// Ligatures of an upper and a lower case letter.
fn is_title(character: char) -> bool {
    !character.is_lowercase()
        && !character.is_uppercase()
        && character.to_lowercase().ne(std::iter::once(character))
}

/// Whether there are letters with case, all of them lower case.
pub(super) fn is_lower(text: &str) -> bool {
    text.chars().any(char::is_lowercase)
        && !text.chars().any(|one| one.is_uppercase() || is_title(one))
}

/// Whether there are letters with case, all of them upper case.
pub(super) fn is_upper(text: &str) -> bool {
    text.chars().any(char::is_uppercase)
        && !text.chars().any(|one| one.is_lowercase() || is_title(one))
}

/// Whether there are letters with case, of which the first of each run is upper case and the others lower case.
pub(super) fn is_titled(text: &str) -> bool {
    let (mut is_within, mut has_any) = (false, false);
    for character in text.chars() {
        let starts = character.is_uppercase() || is_title(character);
        if (starts && is_within) || (character.is_lowercase() && !is_within) {
            return false;
        }
        is_within = starts || character.is_lowercase();
        has_any |= is_within;
    }
    has_any
}

/// Whether this is a letter of any script.
pub(super) fn is_letter(character: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    GeneralCategoryGroup::Letter.contains(category)
}

pub(super) fn is_decimal(character: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    category == GeneralCategory::DecimalNumber
}

/// Digits that are not those of decimal numbers: raised, lowered, circled and bracketed ones, and Ethiopic ones.
pub(super) fn is_digit(character: char) -> bool {
    matches!(character,
        '²' | '³' | '¹' | '⁰' | '⁴'..='⁹' | '₀'..='₉'
        | '\u{1369}'..='\u{1371}' | '\u{19da}' | '\u{2460}'..='\u{2468}' | '\u{2474}'..='\u{247c}'
        | '\u{2488}'..='\u{2490}' | '\u{24ea}' | '\u{24f5}'..='\u{24fd}' | '\u{24ff}'
        | '\u{2776}'..='\u{277e}' | '\u{2780}'..='\u{2788}' | '\u{278a}'..='\u{2792}'
        | '\u{10a40}'..='\u{10a43}' | '\u{10e60}'..='\u{10e68}' | '\u{11052}'..='\u{1105a}'
        | '\u{1f100}'..='\u{1f10a}')
}

/// Numbers, and the letters of Chinese writing that stand for some.
pub(super) fn is_numeral(character: char) -> bool {
    character.is_numeric() || HAN_NUMERALS.contains(character)
}

const HAN_NUMERALS: &str = "㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬\
    貮貳贰阡陆陌陸零\u{f96b}\u{f973}\u{f978}\u{f9b2}\u{f9d1}\u{f9d3}\u{f9fd}\u{20001}\u{20064}\u{200e2}\u{20121}\
    \u{2092a}\u{20983}\u{2098c}\u{2099c}\u{20aea}\u{20afd}\u{20b19}\u{22390}\u{22998}\u{23b1b}\u{2626d}\u{2f890}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_cut_as_in_python() {
        let cut = |text, most, right| split(text, None, most, right).unwrap();
        assert_eq!(cut("  a  b c ", -1, false), ["a", "b", "c"]);
        assert_eq!(cut("  a  b c ", 1, false), ["a", "b c "]);
        assert_eq!(cut("  a  b c ", 1, true), ["  a  b", "c"]);
        assert_eq!(cut("  a  b c ", 0, false), ["a  b c "]);
        assert_eq!(cut("   ", -1, false), Vec::<String>::new());
        assert!(split("a", Some(""), -1, false).is_err());
    }

    #[test]
    fn a_width_below_nothing_adds_nothing() {
        assert_eq!(padded("ab", i64::MIN, ' ', Sides::Both), "ab");
        assert_eq!(padded("ab", 5, '-', Sides::Both), "--ab-");
    }

    #[test]
    fn what_lies_outside_of_a_text_is_not_found() {
        assert_eq!(find("abc", "", Some(3), None, false), Some(3));
        assert_eq!(find("abc", "", Some(4), None, false), None);
        assert_eq!(find("äbäb", "b", Some(-2), None, false), Some(3));
        assert_eq!(find("äbäb", "b", None, Some(-1), true), Some(1));
        assert_eq!(find("ab", "b", Some(2), Some(1), false), None);
    }
}
