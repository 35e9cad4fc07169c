//! Rewrites for what demand cannot see. One ordered list; every firing is told.

mod drop_identity;
mod fold_constants;
mod push_selection;

use crate::node::{NodeRef, PlanHash};
use craton_core::{Error, Result};
use std::collections::HashMap;

/// What a rule promises of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    /// Bit for bit the same.
    Exact,
    /// Within two units in the last place of the result's dtype.
    Reassociates,
}

/// One rewrite.
pub struct Rule {
    /// Its name, as `explain` tells it.
    pub name: &'static str,
    /// What it promises.
    pub exactness: Exactness,
    /// The node to use instead, if the rule applies to this one.
    pub rewrite: fn(&NodeRef) -> Result<Option<NodeRef>>,
}

/// All rules, in the order in which they are tried on each node.
pub static RULES: &[Rule] = &[
    // First, so that later rules meet no node that does nothing.
    Rule {
        name: "drop_identity",
        exactness: Exactness::Exact,
        rewrite: drop_identity::rewrite,
    },
    Rule {
        name: "fold_constants",
        exactness: Exactness::Exact,
        rewrite: fold_constants::rewrite,
    },
    // Last, so that what it takes apart is as simple as it gets.
    Rule {
        name: "push_selection",
        exactness: Exactness::Reassociates,
        rewrite: push_selection::rewrite,
    },
];

/// A rule that fired, and on what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// The rule.
    pub rule: &'static str,
    /// The node before, in words.
    pub before: String,
    /// The node after, in words.
    pub after: String,
}

/// The plan after all rules, inputs first.
///
/// # Errors
/// [`craton_core::ErrorKind::Internal`] if a rule changes a shape or dtype.
pub fn optimise(node: &NodeRef) -> Result<(NodeRef, Vec<Firing>)> {
    let mut firings = Vec::new();
    let optimised = optimise_into(node, &mut HashMap::new(), &mut firings)?;
    Ok((optimised, firings))
}

fn optimise_into(
    root: &NodeRef,
    done: &mut HashMap<PlanHash, NodeRef>,
    firings: &mut Vec<Firing>,
) -> Result<NodeRef> {
    // A stack of our own: plans may be deeper than the thread's.
    let mut pending = vec![root.clone()];
    while let Some(node) = pending.last().cloned() {
        if done.contains_key(&node.hash()) {
            pending.pop();
            continue;
        }
        let before = pending.len();
        pending.extend(
            node.inputs()
                .iter()
                .filter(|input| !done.contains_key(&input.hash()))
                .cloned(),
        );
        if pending.len() > before {
            continue;
        }
        let inputs: Vec<NodeRef> = node
            .inputs()
            .iter()
            .map(|input| done[&input.hash()].clone())
            .collect();
        let is_changed = inputs
            .iter()
            .zip(node.inputs())
            .any(|(new, old)| new.hash() != old.hash());
        let rebuilt = if is_changed {
            node.with_inputs(inputs)?
        } else {
            node.clone()
        };
        done.insert(node.hash(), apply_rules(rebuilt, firings)?);
        pending.pop();
    }
    Ok(done[&root.hash()].clone())
}

fn apply_rules(mut node: NodeRef, firings: &mut Vec<Firing>) -> Result<NodeRef> {
    for rule in RULES {
        let Some(next) = (rule.rewrite)(&node)? else {
            continue;
        };
        if next.meta() != node.meta() {
            let message = format!("rule `{}` turned {node:?} into {next:?}", rule.name);
            return Err(Error::internal(message));
        }
        firings.push(Firing {
            rule: rule.name,
            before: format!("{node:?}"),
            after: format!("{next:?}"),
        });
        node = next;
    }
    Ok(node)
}
