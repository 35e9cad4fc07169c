//! How much memory there is, how much is used, and how much a stage needs.

use crate::stage::Uses;
use craton_plan::node::Meta;
use craton_plan::physical::stage::StoreTo;
use craton_plan::physical::{Input, LocalKind, SinkKind, Space, Stage};

/// Memory that the process may still use: what its control group and the machine leave.
#[must_use]
pub fn available_memory() -> u64 {
    let machine = status_line("/proc/meminfo", "MemAvailable:");
    let group = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ]
    .iter()
    .filter_map(|path| {
        std::fs::read_to_string(path)
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    })
    .min();
    // Two GiB where the system does not tell: small enough for any machine that runs this.
    machine.into_iter().chain(group).min().unwrap_or(2 << 30)
}

/// The most memory that was ever resident, in bytes; 0 where the system does not tell.
#[must_use]
pub fn peak_resident() -> u64 {
    status_line("/proc/self/status", "VmHWM:").unwrap_or(0)
}

/// Memory that is resident now.
pub(crate) fn resident() -> u64 {
    status_line("/proc/self/status", "VmRSS:").unwrap_or(32 << 20)
}

fn status_line(path: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

/// What a stage needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StageMemory {
    /// For each task that runs.
    pub per_task: u64,
    /// Once.
    pub shared: u64,
}

/// Estimates a stage, from grids and cuts alone.
pub(crate) fn estimate(stage: &Stage, uses: &Uses, slots: &[Meta]) -> StageMemory {
    let mut memory = StageMemory {
        per_task: 512 << 10,
        shared: 0,
    };
    for scan in uses.scans() {
        let size = scan.source.meta().dtype.item_size().unwrap_or(16) as u64;
        let grid = &scan.source.meta().grid;
        let chunk = times(size, grid.axes.iter().map(|axis| axis.largest_encoded()));
        let stored = times(size, scan.axes.iter().map(|axis| axis.stored));
        let needed = times(size, scan.axes.iter().map(|axis| axis.needed));
        let is_assembled = scan.axes.iter().any(|axis| axis.chunks > 1);
        // Encoded bytes beside decoded ones; well-compressed data need less, and the pool still holds the line.
        add(&mut memory.per_task, chunk.saturating_add(chunk / 10 * 7));
        if is_assembled {
            add(&mut memory.per_task, needed);
        }
        if scan.is_shared() {
            add(&mut memory.shared, stored);
        }
    }
    let widest = |axis: usize| {
        stage.cuts[axis]
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .max()
            .unwrap_or(0)
    };
    let lengths: Vec<u64> = (0..stage.cuts.len()).map(widest).collect();
    let elements = times(1, lengths.iter().copied());
    add(&mut memory.per_task, locals(&stage.space, elements));
    for sink in &stage.sinks {
        let size = sink.dtype.item_size().unwrap_or(16) as u64;
        match &sink.kind {
            SinkKind::Reduce { work, slot } => {
                let words = work.fold.words() as u64 * 8;
                let kept = (0..lengths.len())
                    .filter(|axis| !work.is_reduced[*axis])
                    .map(|axis| {
                        let is_grouped = work
                            .groups
                            .as_ref()
                            .is_some_and(|groups| groups.axis == axis);
                        if is_grouped {
                            lengths[axis].min(8)
                        } else {
                            lengths[axis]
                        }
                    });
                // The partial being folded, and one that waits for its turn.
                add(&mut memory.per_task, times(2 * words, kept));
                let states = times(words, slots[*slot].shape.iter().copied());
                add(
                    &mut memory.shared,
                    states.saturating_add(slots[*slot].bytes()),
                );
            }
            SinkKind::Store(StoreTo::Slot(slot)) => add(&mut memory.shared, slots[*slot].bytes()),
            SinkKind::Store(StoreTo::Sink(_)) => {
                add(&mut memory.per_task, elements.saturating_mul(2 * size));
            }
            SinkKind::Cumulate { to, dtype, .. } => {
                let bytes = size + 2 * dtype.item_size().unwrap_or(16) as u64;
                add(&mut memory.per_task, elements.saturating_mul(bytes));
                if let StoreTo::Slot(slot) = to {
                    add(&mut memory.shared, slots[*slot].bytes());
                }
            }
        }
    }
    memory
}

fn locals(space: &Space, elements: u64) -> u64 {
    let per_leaf = |input: &Input| match input {
        Input::Local(local) => {
            let size = local.meta.dtype.item_size().unwrap_or(16) as u64;
            let inner = match &local.kind {
                LocalKind::Rolling { body, .. } => elements
                    .saturating_mul(3 * 8)
                    .saturating_add(locals(&body.space, elements)),
                LocalKind::Concat { pieces, .. } => pieces
                    .iter()
                    .map(|(_, body)| locals(&body.space, elements))
                    .max()
                    .unwrap_or(0),
            };
            elements.saturating_mul(size).saturating_add(inner)
        }
        _ => 0,
    };
    let leaves = space.leaves.iter().map(|leaf| per_leaf(&leaf.input));
    leaves.fold(0, u64::saturating_add)
}

/// Plans may speak of more bytes than there are; such work is refused, not wrapped round.
fn add(total: &mut u64, more: u64) {
    *total = total.saturating_add(more);
}

fn times(size: u64, lengths: impl IntoIterator<Item = u64>) -> u64 {
    lengths.into_iter().fold(size, u64::saturating_mul)
}
