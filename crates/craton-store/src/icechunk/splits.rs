//! Into how many manifests the chunks of an array are put.
//!
//! A commit writes again every manifest of which a chunk changed, and a reader fetches whole manifests. Large arrays so
//! get several, each for a stretch along the slowest axes, along which arrays usually grow.

use icechunk::RepositoryConfig;
use icechunk::config::{
    ManifestConfig, ManifestSplitCondition, ManifestSplitDim, ManifestSplitDimCondition,
    ManifestSplittingConfig,
};
use icechunk::format::snapshot::{ArrayShape, NodeData};
use icechunk::format::{Path, snapshot::NodeSnapshot};
use icechunk::session::{Session, SessionResult};

/// References that one manifest holds at most, if the rules are those of this file: about 2 MiB.
const MOST_REFERENCES: u64 = 1 << 17;

/// The configuration with rules for all arrays that need several manifests; `None` if nothing changes.
pub(super) async fn configuration(session: &Session) -> SessionResult<Option<RepositoryConfig>> {
    let config = session.config();
    let manifest = config.manifest();
    let mut rules = match &manifest.splitting {
        Some(known) => known.split_sizes.clone().unwrap_or_default(),
        None => Vec::new(),
    };
    // What the format does without rules: one manifest for each array.
    let one_each = ManifestSplittingConfig::default().split_sizes;
    if Some(&rules) == one_each.as_ref() {
        rules.clear();
    }
    let before = rules.clone();
    for node in session.list_nodes(&Path::root()).await? {
        let NodeSnapshot {
            path, node_data, ..
        } = node?;
        if let NodeData::Array { shape, .. } = node_data {
            set_rule(&mut rules, &path, &shape);
        }
    }
    if rules == before {
        return Ok(None);
    }
    let manifest = ManifestConfig {
        splitting: Some(ManifestSplittingConfig {
            split_sizes: Some(rules),
        }),
        ..manifest.clone()
    };
    Ok(Some(RepositoryConfig {
        manifest: Some(manifest),
        ..config.clone()
    }))
}

type Rule = (ManifestSplitCondition, Vec<ManifestSplitDim>);

/// Sets the rule of one array, unless somebody made another for it.
fn set_rule(rules: &mut Vec<Rule>, path: &Path, shape: &ArrayShape) {
    let own = ManifestSplitCondition::PathMatches {
        regex: exactly(&path.to_string()),
    };
    let matching = rules.iter().position(|(which, _)| which.matches(path));
    let known = match matching {
        Some(at) if rules[at].0 != own => return,
        known => known,
    };
    let counts: Vec<u32> = shape.num_chunks().collect();
    let dims = stretches(&counts);
    match (known, dims.is_empty()) {
        (Some(at), false) => rules[at].1 = dims,
        // An array that became smaller keeps its manifests as they are.
        (_, true) => {}
        (None, false) => rules.push((own, dims)),
    }
}

/// How many chunks along each axis one manifest is for; empty if it is for all.
fn stretches(counts: &[u32]) -> Vec<ManifestSplitDim> {
    let mut dims = Vec::new();
    let mut rest: u64 = counts
        .iter()
        .map(|count| u64::from(*count).max(1))
        .product();
    for (axis, count) in counts.iter().enumerate() {
        if rest <= MOST_REFERENCES {
            break;
        }
        // What one index along this axis, and all of those behind it, stand for.
        rest /= u64::from(*count).max(1);
        let together = (MOST_REFERENCES / rest.max(1)).max(1);
        dims.push(ManifestSplitDim {
            condition: ManifestSplitDimCondition::Axis(axis),
            num_chunks: u32::try_from(together).unwrap_or(u32::MAX),
        });
    }
    dims
}

/// The expression that nothing but `text` matches.
fn exactly(text: &str) -> String {
    let mut expression = String::from("^");
    for letter in text.chars() {
        if letter.is_ascii_punctuation() && !matches!(letter, '<' | '>' | '/' | '_') {
            expression.push('\\');
        }
        expression.push(letter);
    }
    expression + "$"
}

#[cfg(test)]
mod tests {
    use super::{MOST_REFERENCES, exactly, stretches};
    use icechunk::config::ManifestSplitCondition;
    use icechunk::format::Path;
    use proptest::prelude::*;

    #[test]
    fn small_arrays_have_one_manifest() {
        assert_eq!(stretches(&[1 << 17]), []);
        assert_eq!(stretches(&[]), []);
        assert_eq!(stretches(&[0, 5]), []);
    }

    #[test]
    fn the_slowest_axes_are_cut() {
        let lengths = |counts: &[u32]| -> Vec<u32> {
            stretches(counts).iter().map(|dim| dim.num_chunks).collect()
        };
        assert_eq!(lengths(&[1_000_000]), [1 << 17]);
        assert_eq!(lengths(&[8760, 10, 10]), [1310]);
        assert_eq!(lengths(&[4, 1000, 1000]), [1, 131]);
    }

    proptest! {
        #[test]
        fn no_manifest_is_too_large(counts in prop::collection::vec(1u32..3000, 1..5)) {
            let dims = stretches(&counts);
            let largest: u64 = counts
                .iter()
                .enumerate()
                .map(|(axis, count)| match dims.get(axis) {
                    Some(dim) => u64::from(dim.num_chunks.min(*count)),
                    None => u64::from(*count),
                })
                .product();
            prop_assert!(largest <= MOST_REFERENCES);
        }

        #[test]
        fn a_rule_is_for_its_path_alone(name in "[ -.0-~]{1,8}", other in "[a-c.*+]{1,3}") {
            prop_assume!(name != "." && name != "..");
            let Ok(path) = Path::new(&format!("/{name}")) else { return Ok(()) };
            let regex = exactly(&path.to_string());
            let rule = ManifestSplitCondition::PathMatches { regex };
            prop_assert!(rule.matches(&path));
            if let Ok(other) = Path::new(&format!("/{other}"))
                && other != path
            {
                prop_assert!(!rule.matches(&other));
            }
        }
    }
}
