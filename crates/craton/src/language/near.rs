//! Near names: "did you mean `lat`?"

/// Words longer than this are not compared: nobody mistypes them, and the cost is quadratic.
const MAX_LETTERS: usize = 64;
/// How many names a hint offers.
const MAX_OFFERED: usize = 3;

/// The names closest to `word`, best first, at most three; none if nothing is near.
///
/// A name is near if it differs in case only, if one of both begins with the other (`lat`,
/// `latitude`), or if few letters are added, dropped, changed or swapped.
#[must_use]
pub fn near_names<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut ranked: Vec<(usize, &str)> = names
        .into_iter()
        .filter(|name| *name != word)
        .filter_map(|name| rank(word, name).map(|rank| (rank, name)))
        .collect();
    ranked.sort();
    ranked.dedup();
    let best = ranked.first().map_or(0, |(rank, _)| *rank);
    ranked
        .into_iter()
        .take_while(|(rank, _)| *rank <= best + 1)
        .take(MAX_OFFERED)
        .map(|(_, name)| name)
        .collect()
}

/// "did you mean `lat`?", or `None` if no name is near.
#[must_use]
pub fn did_you_mean<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near: Vec<String> = near_names(word, names)
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let (last, others) = near.split_last()?;
    if others.is_empty() {
        return Some(format!("did you mean {last}?"));
    }
    Some(format!("did you mean {} or {last}?", others.join(", ")))
}

/// How far apart two words are, or `None` if too far; 0 is a difference in case only.
fn rank(word: &str, name: &str) -> Option<usize> {
    let word: Vec<char> = word.to_lowercase().chars().take(MAX_LETTERS + 1).collect();
    let name: Vec<char> = name.to_lowercase().chars().take(MAX_LETTERS + 1).collect();
    if word.len() > MAX_LETTERS || name.len() > MAX_LETTERS {
        return None;
    }
    let longest = word.len().max(name.len());
    let distance = distance(&word, &name);
    if distance <= longest.div_ceil(3).min(longest.saturating_sub(1)) {
        return Some(distance);
    }
    let shortest = word.len().min(name.len());
    let begins = shortest >= 3 && word[..shortest] == name[..shortest];
    begins.then_some(2)
}

/// Letters to add, drop, change or swap with their neighbour (Damerau-Levenshtein, each place once).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let changed = last[j] + usize::from(left != right);
            let mut cost = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right {
                cost = cost.min(before_last[j - 1] + 1);
            }
            row.push(cost);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_counts_once() {
        let letters = |text: &str| text.chars().collect::<Vec<char>>();
        assert_eq!(distance(&letters("latitude"), &letters("altitude")), 1);
        assert_eq!(distance(&letters(""), &letters("abc")), 3);
        assert_eq!(distance(&letters("lon"), &letters("lat")), 2);
    }

    #[test]
    fn the_nearest_name_comes_first_and_far_ones_not_at_all() {
        let names = ["lat", "lon", "time", "t2m", "latitude"];
        assert_eq!(near_names("lta", names)[0], "lat");
        assert_eq!(near_names("Time", names), ["time"]);
        assert_eq!(near_names("pressure", names), Vec::<&str>::new());
        assert_eq!(near_names("longitude", ["lon", "time"]), ["lon"]);
    }

    #[test]
    fn a_hint_reads_as_a_question() {
        assert_eq!(
            did_you_mean("tme", ["time", "lat"]).as_deref(),
            Some("did you mean `time`?")
        );
        assert_eq!(
            did_you_mean("u1", ["u10", "u100"]).as_deref(),
            Some("did you mean `u10` or `u100`?")
        );
        assert_eq!(did_you_mean("x", []), None);
    }
}
