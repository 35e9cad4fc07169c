//! Folders for stores that only know flat, sorted names.

use std::collections::BTreeMap;
use std::ops::Bound;

/// The names directly under `prefix`: first folders (with a trailing `/`), then objects, each sorted.
///
/// Costs a few look-ups per name found, however many objects lie deeper.
pub(crate) fn names_under<V>(objects: &BTreeMap<String, V>, prefix: &str) -> Vec<String> {
    let prefix = prefix.trim_matches('/');
    let base = if prefix.is_empty() {
        String::new()
    } else {
        format!("{prefix}/")
    };
    let (mut folders, mut leaves) = (Vec::new(), Vec::new());
    let mut from = Bound::Included(base.clone());
    while let Some((key, _)) = objects.range((from.clone(), Bound::Unbounded)).next() {
        let Some(rest) = key.strip_prefix(&base) else {
            break;
        };
        from = match rest.split_once('/') {
            Some((folder, _)) => {
                if !folder.is_empty() {
                    folders.push(format!("{folder}/"));
                }
                // `0` is the character after `/`: everything in this folder sorts before it.
                Bound::Included(format!("{base}{folder}0"))
            }
            None => {
                if !rest.is_empty() {
                    leaves.push(rest.to_owned());
                }
                Bound::Excluded(key.clone())
            }
        };
    }
    folders.extend(leaves);
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_first_and_deep_names_are_skipped() {
        let keys = ["a", "b/1", "b/2/3", "b0", "b/2/4", "c"];
        let objects: BTreeMap<String, ()> =
            keys.iter().map(|key| ((*key).to_owned(), ())).collect();
        assert_eq!(names_under(&objects, ""), ["b/", "a", "b0", "c"]);
        assert_eq!(names_under(&objects, "b/"), ["2/", "1"]);
        assert_eq!(names_under(&objects, "nope"), [""; 0]);
    }
}
