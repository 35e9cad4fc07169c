//! Hostile text: never a panic, never slow, and whatever is accepted prints and reads back.

use crate::fuzzing::{Random, fuzz};
use crate::language::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Pieces that make soups which look like code.
const PIECES: [&str; 72] = [
    "a",
    "ds",
    "np",
    ".",
    ",",
    ":",
    ";",
    "=",
    "==",
    "<",
    ">",
    "<=",
    "!=",
    "+",
    "-",
    "*",
    "**",
    "/",
    "//",
    "%",
    "@",
    "&",
    "|",
    "^",
    "~",
    "<<",
    ">>",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "...",
    "1",
    "1.5",
    "1e9",
    "2j",
    "0x1",
    "'s'",
    "\"t\"",
    "'''",
    "\"",
    "'",
    "\\",
    "\n",
    "\r\n",
    "\t",
    " ",
    "#",
    "True",
    "None",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "for",
    "lambda",
    "import",
    "def",
    "_",
    "__",
    ":=",
    "+=",
    "é",
    "\u{0}",
    "\u{1f30d}",
    "f'",
    "\u{feff}",
];

/// Checks the laws that hold for any text at all.
fn check(source: &str) {
    match parse(source) {
        Ok(program) => {
            let printed = program.to_source();
            let again = parse(&printed).unwrap_or_else(|error| panic!("{source:?}: {error}"));
            assert_eq!(again.without_spans(), program.without_spans(), "{source:?}");
        }
        Err(error) => {
            assert_eq!(
                error.kind(),
                craton_core::ErrorKind::Usage,
                "{source:?}: {error}"
            );
            assert!(error.report().len() < 2000, "{source:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_gives_a_program_or_an_error(source in any::<String>()) {
        check(&source);
    }

    #[test]
    fn any_soup_of_tokens_gives_a_program_or_an_error(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
        gap in prop::sample::select(vec!["", " "]),
    ) {
        check(&pieces.join(gap));
    }
}

/// `source` with a piece inserted, a stretch removed, or a stretch repeated.
fn mutate(source: &str, random: &mut Random) -> String {
    let letters: Vec<char> = source.chars().collect();
    let at = random.below(letters.len() + 1);
    let end = (at + random.below(8)).min(letters.len());
    let text = |part: &[char]| part.iter().collect::<String>();
    let middle = match random.below(4) {
        0 => PIECES[random.below(PIECES.len())].to_owned() + &text(&letters[at..end]),
        1 => String::new(),
        2 => text(&letters[at..end]).repeat(2),
        _ => PIECES[random.below(PIECES.len())].to_owned(),
    };
    text(&letters[..at]) + &middle + &text(&letters[end..])
}

const SEEDS: [&str; 4] = [
    "ds.t2m.sel(time=\"2000-01\", lat=slice(60, 30)).mean([\"lat\", \"lon\"])[..., 1:2, ::-1]",
    "w = np.cos(np.deg2rad(ds.lat))  # weights\n(ds.t2m - 273.15).weighted(w).mean((\"lat\", \"lon\"))",
    "a = {'x': -1.5e3, \"y\": [1, 2j, None]}; xr.where((a > 0) & ~(b <= 2 ** -3), a, not b)",
    "c = (ds\n  .groupby('time.month')\n  .mean(dim=...)\n)\nc['t', 0] // 2 @ 0x1f | r'\\d'",
];

#[test]
fn mutated_programs_never_panic() {
    fuzz("expressions", 20_000, |random| {
        let mut source = random.of(&SEEDS).to_owned();
        for _ in 0..=random.below(10) {
            source = mutate(&source, random);
        }
        check(&source);
    });
}

#[test]
fn reading_is_linear_in_the_text() {
    let units = [
        "(a)+\n", "a=1;", "'x' ", "f(a=1);", "# c\n", "a.b\n+", "((((", "[1,", "a,", "\\\n",
    ];
    let start = Instant::now();
    for unit in units {
        let source = unit.repeat(MAX_SOURCE_BYTES / unit.len());
        let _ = parse(&source);
    }
    // Generous: a quadratic reader takes minutes on these.
    assert!(start.elapsed() < Duration::from_secs(20));
}
