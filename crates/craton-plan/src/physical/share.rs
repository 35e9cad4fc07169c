//! Several outputs of one scan: stages over the same space that read the same source become one.

use super::stage::{Input, Leaf, LocalKind, SinkKind, Space, Stage, StoreTo};
use std::sync::Arc;

/// Merges every stage into the earliest one that it may share a scan with.
pub(super) fn share_scans(stages: Vec<Stage>) -> Vec<Stage> {
    let mut shared: Vec<Stage> = Vec::new();
    for stage in stages {
        // A stage may move up only past stages whose results it does not need.
        let earliest = shared
            .iter()
            .rposition(|other| {
                other.sinks.iter().any(|sink| {
                    filled_slot(&sink.kind).is_some_and(|slot| reads_slot(&stage.space, slot))
                })
            })
            .map_or(0, |last| last + 1);
        match (earliest..shared.len()).find(|at| can_share(&shared[*at], &stage)) {
            Some(at) => absorb(&mut shared[at], stage),
            None => shared.push(stage),
        }
    }
    shared
}

fn filled_slot(kind: &SinkKind) -> Option<usize> {
    match kind {
        SinkKind::Reduce { slot, .. } => Some(*slot),
        SinkKind::Store(to) | SinkKind::Columns { to, .. } | SinkKind::Cumulate { to, .. } => {
            match to {
                StoreTo::Slot(slot) => Some(*slot),
                StoreTo::Sink(_) => None,
            }
        }
    }
}

fn reads_slot(space: &Space, slot: usize) -> bool {
    space.leaves.iter().any(|leaf| match &leaf.input {
        Input::Slot(other) => *other == slot,
        Input::Local(local) => match &local.kind {
            LocalKind::Rolling { body, .. } => reads_slot(&body.space, slot),
            LocalKind::Concat { pieces, .. } => {
                pieces.iter().any(|(_, body)| reads_slot(&body.space, slot))
            }
        },
        Input::Source(_) | Input::Literal(_) => false,
    })
}

fn can_share(one: &Stage, other: &Stage) -> bool {
    let is_alone = |stage: &Stage| {
        stage.sinks.iter().any(|sink| {
            matches!(
                sink.kind,
                SinkKind::Cumulate { .. } | SinkKind::Columns { .. }
            )
        })
    };
    let is_written = |stage: &Stage| {
        stage
            .sinks
            .iter()
            .any(|sink| matches!(sink.kind, SinkKind::Store(_)))
    };
    if one.space.extents != other.space.extents || is_alone(one) || is_alone(other) {
        return false;
    }
    // Two written arrays may want different chunks; each then cuts its own stage.
    if is_written(one) && is_written(other) {
        return false;
    }
    let is_shared_scan = |leaf: &Leaf| {
        matches!(leaf.input, Input::Source(_))
            && one.space.leaves.iter().any(|mine| is_same(mine, leaf))
    };
    other.space.leaves.iter().any(is_shared_scan)
}

fn is_same(one: &Leaf, other: &Leaf) -> bool {
    let is_same_input = match (&one.input, &other.input) {
        (Input::Source(one), Input::Source(other)) => Arc::ptr_eq(one, other),
        (Input::Slot(one), Input::Slot(other)) => one == other,
        (Input::Literal(one), Input::Literal(other)) => Arc::ptr_eq(one, other),
        _ => false,
    };
    is_same_input && one.maps == other.maps
}

fn absorb(into: &mut Stage, from: Stage) {
    let places: Vec<usize> = from
        .space
        .leaves
        .into_iter()
        .map(|leaf| {
            match into
                .space
                .leaves
                .iter()
                .position(|mine| is_same(mine, &leaf))
            {
                Some(place) => place,
                None => {
                    into.space.leaves.push(leaf);
                    into.space.leaves.len() - 1
                }
            }
        })
        .collect();
    into.sinks.extend(from.sinks.into_iter().map(|mut sink| {
        for leaf in &mut sink.uses {
            *leaf = places[*leaf];
        }
        sink
    }));
}
