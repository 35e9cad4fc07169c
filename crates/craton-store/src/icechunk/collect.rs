//! Garbage: what no branch or tag leads to any more.

use super::{IcechunkRepository, Snapshot, open_at};
use crate::runtime;
use craton_core::{Error, ErrorKind, Result};
use icechunk::ops::expiration::{ExpiredRefAction, expire};
use icechunk::ops::gc::{GCConfig, GCSummary, garbage_collect};
use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::Path;
use std::time::SystemTime;

/// How much is looked at and deleted at once.
const TOGETHER: NonZeroU16 = NonZeroU16::MIN.saturating_add(15);
/// Manifests that are held at once, as they are stored and unpacked.
const STORED_MANIFESTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(64 << 20);
const UNPACKED_MANIFESTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(256 << 20);

/// What is garbage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collecting {
    /// Snapshots committed before this leave the history, but for those that a branch or tag points at.
    pub expire_before: Option<SystemTime>,
    /// What was written after this stays: it may belong to a commit in the making.
    pub written_before: SystemTime,
    /// Only tell.
    pub is_dry_run: bool,
}

/// What was removed, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Garbage {
    /// The snapshots that leave the history. In a dry run, what only they lead to is not counted below.
    pub expired: Vec<String>,
    /// Snapshots that are deleted.
    pub snapshots: u64,
    /// Manifests, which say where chunks lie.
    pub manifests: u64,
    /// Chunks.
    pub chunks: u64,
    /// Logs of what commits changed.
    pub transaction_logs: u64,
    /// Bytes of all that is deleted.
    pub bytes: u64,
}

impl IcechunkRepository {
    /// Removes what no branch or tag leads to; nothing else changes, and other readers and writers go on.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`] if the repository may not be written; [`ErrorKind::Io`] if something cannot be deleted,
    /// which stays for the next time.
    pub async fn collect(&self, how: Collecting) -> Result<Garbage> {
        let lock = match how.is_dry_run {
            true => None,
            false => self.place().lock().map_err(|error| error.at(self.url()))?,
        };
        let expired = match (how.expire_before, how.is_dry_run) {
            (None, _) => Vec::new(),
            (Some(before), true) => self.would_expire(before).await?,
            (Some(before), false) => {
                // Nothing changes where damage keeps the garbage from being told.
                let only_told = Collecting {
                    is_dry_run: true,
                    ..how
                };
                self.sweep(only_told).await?;
                self.expire(before).await?
            }
        };
        let summary = self.sweep(how).await?;
        let unfinished = match self.place().folder() {
            None => 0,
            Some(folder) => remove_unfinished(folder, how.written_before, how.is_dry_run),
        };
        drop(lock);
        all_deleted(&summary).map_err(|error| error.at(self.url()))?;
        Ok(Garbage {
            expired,
            snapshots: summary.snapshots_deleted,
            manifests: summary.manifests_deleted,
            chunks: summary.chunks_deleted,
            transaction_logs: summary.transaction_logs_deleted,
            bytes: summary.bytes_deleted + unfinished,
        })
    }

    /// Deletes what nothing leads to, or tells.
    async fn sweep(&self, how: Collecting) -> Result<GCSummary> {
        // Opened anew, because expiry changes snapshots that this repository may remember.
        let repository = open_at(self.place(), self.url()).await?;
        let summary = runtime::run(async move {
            let config = GCConfig::clean_all(
                how.written_before.into(),
                how.written_before.into(),
                None,
                TOGETHER,
                STORED_MANIFESTS,
                UNPACKED_MANIFESTS,
                TOGETHER,
                TOGETHER,
                TOGETHER,
                None,
                how.is_dry_run,
            );
            let assets = repository.asset_manager().clone();
            let updates = repository.config().num_updates_per_repo_info_file();
            // Without, the first commit of somebody else meanwhile would be the end.
            let retries = Some(repository.config().repo_update_retries());
            Ok(garbage_collect(assets, &config, retries, updates).await)
        });
        let summary = summary.await?;
        summary.map_err(|cause| self.failed("collect garbage", &cause))
    }

    /// Takes old snapshots out of the history; gives their ids.
    async fn expire(&self, before: SystemTime) -> Result<Vec<String>> {
        let mut known = self.in_history().await?;
        let repository = self.inner();
        let expired = runtime::run(async move {
            let expired = expire(
                repository.asset_manager().clone(),
                before.into(),
                ExpiredRefAction::Ignore,
                ExpiredRefAction::Ignore,
                Some(repository.config().repo_update_retries()),
                repository.config().num_updates_per_repo_info_file(),
            );
            Ok(expired.await)
        });
        let expired = expired.await?;
        expired.map_err(|cause| self.failed("expire snapshots", &cause))?;
        // What was released from one name may be reached by another, so the difference tells, not the answer. Opened anew
        // as above.
        let again = open_at(self.place(), self.url()).await?;
        let after = self.with(again).in_history().await?;
        known.retain(|id, _| !after.contains_key(id));
        Ok(known.into_keys().collect())
    }

    /// The snapshots that would leave the history: neither the first, nor one that a name points at.
    async fn would_expire(&self, before: SystemTime) -> Result<Vec<String>> {
        let (branches, tags) = (self.branches().await?, self.tags().await?);
        let named: BTreeSet<&String> = branches.values().chain(tags.values()).collect();
        let known = self.in_history().await?.into_values();
        let leaves = |one: &Snapshot| {
            one.committed < before && one.parent.is_some() && !named.contains(&one.id)
        };
        Ok(known.filter(leaves).map(|one| one.id).collect())
    }

    fn failed(&self, what: &str, cause: &(dyn std::error::Error + 'static)) -> Error {
        let error = Error::new(ErrorKind::Io, format!("cannot {what}"));
        self.place().explained(error, cause).at(self.url())
    }

    /// The snapshots that branches and tags lead to, by their ids.
    async fn in_history(&self) -> Result<BTreeMap<String, Snapshot>> {
        let (branches, tags) = (self.branches().await?, self.tags().await?);
        let mut found = BTreeMap::new();
        for id in branches.values().chain(tags.values()) {
            for snapshot in self.history(id).await? {
                found.insert(snapshot.id.clone(), snapshot);
            }
        }
        Ok(found)
    }
}

/// Removes files that killed writers had not finished, which have a `#` and a number behind their names, and which no listing
/// of the repository shows; gives their bytes. What cannot be removed stays for the next time.
fn remove_unfinished(folder: &Path, written_before: SystemTime, is_dry_run: bool) -> u64 {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(facts) = entry.metadata() else {
            continue;
        };
        if facts.is_dir() {
            bytes += remove_unfinished(&entry.path(), written_before, is_dry_run);
            continue;
        }
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.rsplit_once('#'));
        let is_unfinished = number.is_some_and(|(_, number)| number.parse::<u32>().is_ok());
        let is_old = facts.modified().is_ok_and(|at| at < written_before);
        if is_unfinished && is_old && (is_dry_run || std::fs::remove_file(entry.path()).is_ok()) {
            bytes += facts.len();
        }
    }
    bytes
}

fn all_deleted(summary: &GCSummary) -> Result<()> {
    let (count, kept) = (summary.objects_failed_to_delete, &summary.skipped_phases);
    if count == 0 && kept.is_empty() {
        return Ok(());
    }
    let message = format!("{count} objects cannot be deleted, and stay for the next time");
    Err(Error::new(ErrorKind::Io, message).caused_by(summary.delete_errors.join("; ")))
}
