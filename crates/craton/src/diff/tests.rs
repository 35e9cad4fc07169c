use super::*;
use crate::output::testing::{attributes, floats, session, texts, variable};
use indexmap::IndexMap;

fn dataset(values: &[f64], units: &str) -> Dataset {
    let mut t = variable(&["y", "x"], floats(values, &[2, values.len() / 2]));
    t.attributes = attributes(&[("units", units)]);
    Dataset {
        variables: IndexMap::from([("t".to_owned(), t)]),
        coords: IndexMap::from([(
            "y".to_owned(),
            variable(&["y"], floats(&[10.0, 20.0], &[2])),
        )]),
        ..Dataset::default()
    }
}

fn compare(one: &Dataset, other: &Dataset, rtol: f64, atol: f64) -> GroupDiff {
    let options = DiffOptions {
        rtol,
        atol,
        ..DiffOptions::default()
    };
    diff_datasets(one, other, &options, &session()).unwrap()
}

#[test]
fn missing_values_equal_each_other_and_nothing_else() {
    let one = dataset(&[1.0, f64::NAN, 3.0, f64::NAN], "K");
    let other = dataset(&[1.0, f64::NAN, 3.0, 4.0], "K");
    assert!(compare(&one, &one.clone(), 0.0, 0.0).values.is_empty());
    let found = &compare(&one, &other, 1.0, 1e9).values[0];
    assert_eq!((found.count, found.total), (1, 4));
    assert_eq!((found.max_absolute, found.max_relative), (None, None));
}

#[test]
fn the_first_place_has_index_and_label_and_the_largest_difference_is_of_all() {
    let one = dataset(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "K");
    let other = dataset(&[1.0, 2.0, 3.0, 4.0, 5.5, 2.0], "K");
    let found = &compare(&one, &other, 0.0, 0.0).values[0];
    assert_eq!((found.count, found.total), (2, 6));
    assert_eq!(found.max_absolute, Some(4.0));
    assert_eq!(found.max_relative, Some(4.0 / 6.0));
    let at = [
        ("y".to_owned(), 1, Some("20.0".to_owned())),
        ("x".to_owned(), 1, None),
    ];
    assert_eq!(found.first.at, at);
    assert_eq!(found.first.other.to_f64(), Some(5.5));
}

#[test]
fn tolerances_are_those_of_numpy() {
    let one = dataset(&[100.0, f64::INFINITY, 1.0, 7.0], "K");
    let other = dataset(&[101.0, f64::INFINITY, f64::INFINITY, 7.0], "K");
    // 1 <= 0.01 * 101, but not 0.0099 * 101; nothing is close to infinity but itself.
    for (rtol, atol, count) in [
        (0.01, 0.0, 1),
        (0.0099, 0.0, 2),
        (0.0, 1.0, 1),
        (0.0, 0.0, 2),
    ] {
        let found = compare(&one, &other, rtol, atol);
        assert_eq!(found.values[0].count, count, "{rtol} {atol}");
    }
}

#[test]
fn attributes_dims_and_variables_are_told_before_values() {
    let one = dataset(&[1.0, 2.0], "K");
    let mut other = dataset(&[1.0, 2.0, 3.0, 4.0], "degC");
    let names = variable(&["name"], texts(&["a", "b"]));
    other.variables.insert("names".to_owned(), names);
    let found = compare(&one, &other, 0.0, 0.0);
    let lines: Vec<(&str, &str)> = found
        .metadata
        .iter()
        .map(|difference| (difference.aspect.name(), difference.name.as_str()))
        .collect();
    let expected = [
        ("dimension", "x"),
        ("dimension", "name"),
        ("attribute", "units"),
        ("variable", "names"),
    ];
    assert_eq!(lines, expected);
    assert_eq!(found.skipped[0].0, "t");
    assert_eq!(found.compared, ["y"]);
}

#[test]
fn texts_are_compared_whole() {
    let with = |words: &[&str]| Dataset {
        variables: IndexMap::from([("s".to_owned(), variable(&["n"], texts(words)))]),
        ..Dataset::default()
    };
    let (one, other) = (with(&["a", "bb", "c"]), with(&["a", "bc", "c"]));
    assert!(
        compare(&one, &with(&["a", "bb", "c"]), 0.0, 0.0)
            .values
            .is_empty()
    );
    let found = &compare(&one, &other, 0.0, 0.0).values[0];
    assert_eq!((found.count, found.first.at[0].1), (1, 1));
}
