//! Plans and pipelines in words.

use crate::node::NodeRef;
use crate::physical::{Input, LocalKind, SinkKind, Space, Stage};
use craton_core::DType;
use std::collections::HashMap;
use std::fmt::Write;

/// The plan as an indented tree; a node that is used again is only named.
#[must_use]
pub fn explain_plan(node: &NodeRef) -> String {
    let mut out = String::new();
    write_node(node, 0, &mut HashMap::new(), &mut out);
    out
}

fn write_node(
    node: &NodeRef,
    depth: usize,
    seen: &mut HashMap<crate::PlanHash, usize>,
    out: &mut String,
) {
    let number = seen.len() + 1;
    let indent = "  ".repeat(depth.min(40));
    if let Some(number) = seen.get(&node.hash()) {
        let _ = writeln!(out, "{indent}= node {number}");
        return;
    }
    seen.insert(node.hash(), number);
    let details = node.operator().describe();
    let gap = if details.is_empty() { "" } else { "  " };
    let kind = shape_text(node.shape(), node.dtype());
    let _ = writeln!(
        out,
        "{indent}{number} {}  {kind}{gap}{details}",
        node.operator().name()
    );
    if depth < 200 {
        node.inputs()
            .iter()
            .for_each(|input| write_node(input, depth + 1, seen, out));
    }
}

/// `1826×361×720 float32`.
#[must_use]
pub fn shape_text(shape: &[u64], dtype: DType) -> String {
    if shape.is_empty() {
        return format!("scalar {dtype}");
    }
    let lengths: Vec<String> = shape.iter().map(u64::to_string).collect();
    format!("{} {dtype}", lengths.join("×"))
}

/// What a stage reads and what becomes of it, one line each.
#[must_use]
pub fn explain_stage(stage: &Stage) -> Vec<String> {
    let mut lines = Vec::new();
    explain_space(&stage.space, &mut lines);
    for sink in &stage.sinks {
        let steps = sink.program.len();
        let fused = if steps == 0 {
            String::new()
        } else {
            format!("compute {steps} fused steps, ")
        };
        lines.push(match &sink.kind {
            SinkKind::Reduce { work, .. } if work.groups.is_some() => {
                format!("{fused}fold by group (streaming)")
            }
            SinkKind::Reduce { .. } => format!("{fused}fold (streaming)"),
            SinkKind::Columns { work, .. } => {
                format!("{fused}put columns together, {}", work.kernel.verb())
            }
            SinkKind::Store(_) => format!("{fused}store (streaming)"),
            SinkKind::Cumulate { .. } => format!("{fused}accumulate in order, store (streaming)"),
        });
    }
    lines
}

/// The codecs that are called in Python, and so one chunk at a time.
fn in_python(codecs: &str) -> String {
    let parts = codecs
        .split(", ")
        .filter(|part| part.starts_with("python:"));
    let parts: Vec<&str> = parts.collect();
    match parts[..] {
        [] => String::new(),
        _ => format!(", decoded one chunk at a time by {}", parts.join(", ")),
    }
}

fn explain_space(space: &Space, lines: &mut Vec<String>) {
    for leaf in &space.leaves {
        match &leaf.input {
            Input::Source(source) => {
                let slow = in_python(&source.meta().codecs);
                lines.push(format!("read {}{slow}", source.url()));
            }
            Input::Slot(slot) => lines.push(format!("use result {slot}")),
            Input::Literal(_) => {}
            Input::Local(local) => match &local.kind {
                LocalKind::Rolling {
                    body, window, axis, ..
                } => {
                    lines.push(format!("slide a window of {window} along axis {axis}"));
                    explain_space(&body.space, lines);
                }
                LocalKind::Concat { pieces, axis } => {
                    lines.push(format!("join {} pieces along axis {axis}", pieces.len()));
                    pieces
                        .iter()
                        .for_each(|(_, body)| explain_space(&body.space, lines));
                }
            },
        }
    }
}
