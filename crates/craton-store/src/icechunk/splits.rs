//! Into how many manifests the chunks of an array are put.
//!
//! A commit writes again every manifest of which a chunk changed, and a reader fetches whole manifests. Large arrays so
//! get several, each for a stretch along the slowest axes, along which arrays usually grow.

use icechunk::config::{
    ManifestConfig, ManifestSplitCondition, ManifestSplitDim, ManifestSplitDimCondition,
    ManifestSplittingConfig,
};
use icechunk::format::format_constants::SpecVersionBin;
use icechunk::format::repo_info::RepoInfo;
use icechunk::format::snapshot::{ArrayShape, NodeData};
use icechunk::format::{Path, snapshot::NodeSnapshot};
use icechunk::repository::{RepositoryError, RepositoryErrorKind, RepositoryResult};
use icechunk::session::{Session, SessionResult};
use icechunk::storage::VersionInfo as StoredVersion;
use icechunk::{Repository, RepositoryConfig};
use std::sync::Arc;

/// References that one manifest holds at most, if the rules are those of this file: about 2 MiB.
const MOST_REFERENCES: u64 = 1 << 17;
/// How often a configuration is read again because somebody else changed it.
const ATTEMPTS: u16 = 10;

/// The arrays of a session, and into how many chunks they are cut.
pub(super) async fn arrays(session: &Session) -> SessionResult<Vec<(Path, ArrayShape)>> {
    let mut arrays = Vec::new();
    for node in session.list_nodes(&Path::root()).await? {
        let NodeSnapshot {
            path, node_data, ..
        } = node?;
        if let NodeData::Array { shape, .. } = node_data {
            arrays.push((path, shape));
        }
    }
    Ok(arrays)
}

/// `config` with rules for all arrays that need several manifests; `None` if nothing changes.
pub(super) fn with_rules(
    config: &RepositoryConfig,
    arrays: &[(Path, ArrayShape)],
) -> Option<RepositoryConfig> {
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
    for (path, shape) in arrays {
        set_rule(&mut rules, path, shape);
    }
    if rules == before {
        return None;
    }
    let splitting = ManifestSplittingConfig {
        split_sizes: Some(rules),
    };
    Some(RepositoryConfig {
        manifest: Some(ManifestConfig {
            splitting: Some(splitting),
            ..config.manifest.clone().unwrap_or_default()
        }),
        ..config.clone()
    })
}

/// Keeps the rules with the repository, for all who commit later. The rest of its configuration stays as it is: how a
/// client reaches its store, say, is no concern of others.
pub(super) async fn save(
    repository: &Repository,
    arrays: &[(Path, ArrayShape)],
) -> RepositoryResult<()> {
    let manager = repository.asset_manager();
    if repository.spec_version() < SpecVersionBin::V2 {
        return save_beside(repository, arrays).await;
    }
    let (version, updates) = (
        repository.spec_version(),
        repository.config().num_updates_per_repo_info_file(),
    );
    let add = |known: Arc<RepoInfo>, backup: &str, _| {
        let config: Option<RepositoryConfig> = known.config().map_err(|cause| cause.inject())?;
        match with_rules(&config.unwrap_or_default(), arrays) {
            None => Ok(known),
            Some(config) => {
                let changed = known.set_config(version, &config, backup, updates);
                Ok(Arc::new(changed.map_err(|cause| cause.inject())?))
            }
        }
    };
    let retries = repository.config().repo_update_retries();
    manager.update_repo_info(retries, add).await.map(drop)
}

/// The same in the first version of the format, where the configuration is an object of its own.
async fn save_beside(
    repository: &Repository,
    arrays: &[(Path, ArrayShape)],
) -> RepositoryResult<()> {
    let manager = repository.asset_manager();
    for _ in 0..ATTEMPTS {
        let (known, version) = match manager.fetch_config().await? {
            Some((config, version)) => (config, version),
            None => (RepositoryConfig::default(), StoredVersion::for_creation()),
        };
        let Some(config) = with_rules(&known, arrays) else {
            return Ok(());
        };
        let backup = (!version.is_create()).then(|| manager.backup_path_for_config());
        let saved = manager
            .try_update_config(&config, &version, backup.as_deref())
            .await?;
        if saved.is_some() {
            return Ok(());
        }
    }
    Err(RepositoryError::capture(
        RepositoryErrorKind::ConfigWasUpdated,
    ))
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
