//! How often each value occurs, of a result with any number of dimensions.

use super::{Plot, sink, text};
use crate::labels::DataArray;
use craton_core::{Error, Result};
use craton_kernels::fold::Reduction;
use craton_plan::ops::{ReduceOptions, reduce};
use craton_plot::axis::Axis;
use craton_plot::drawing::Drawing;
use craton_plot::line::draw_counts;
use craton_plot::reduce::Counts;

/// Bins if none are asked for.
const BINS: usize = 60;

/// Draws the counts of an array's values, which are read twice: for their range, and to be counted.
pub(super) fn draw(plot: &Plot<'_>, array: &DataArray) -> Result<Drawing> {
    let session = plot.session;
    let node = &array.variable.node;
    let axes: Vec<usize> = (0..node.shape().len()).collect();
    let extreme = |reduction, given: Option<f64>| match given {
        Some(value) => Ok(value),
        None => {
            let node = reduce(reduction, node, &axes, ReduceOptions::default())?;
            Ok(sink::values(&node, session)?
                .first()
                .copied()
                .unwrap_or(f64::NAN))
        }
    };
    let low = extreme(Reduction::Min, plot.options.low)?;
    let high = extreme(Reduction::Max, plot.options.high)?;
    if !(low.is_finite() && high.is_finite()) {
        return Err(
            Error::usage("the values have no finite range to be counted in")
                .hint("`--vmin` and `--vmax` give one"),
        );
    }
    let (low, high) = match low.partial_cmp(&high) {
        Some(std::cmp::Ordering::Less) => (low, high),
        Some(std::cmp::Ordering::Equal) => (low - 0.5, high + 0.5),
        _ => {
            return Err(Error::usage(format!(
                "the axis goes from {low} to {high}, which is not upwards"
            ))
            .hint("`--vmin` is the lower end, `--vmax` the upper"));
        }
    };
    let counts = Counts::new(low, high, plot.options.bins.unwrap_or(BINS));
    let counts = sink::count(node, counts, session)?;
    let mut figure = plot.figure(array)?;
    let total: u64 = counts.counts.iter().sum();
    let mut parts = vec![format!("{total} values")];
    for (count, what) in [(counts.missing, "missing"), (counts.outside, "outside")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    if figure.subtitle.is_empty() || figure.subtitle.contains('(') {
        figure.subtitle = parts.join("  ·  ");
    } else {
        figure.subtitle = format!("{}  ·  {}", figure.subtitle, parts.join("  ·  "));
    }
    let label = match plot.bar_label(array) {
        label if label.is_empty() => text::title(array, None, plot.expression),
        label => label,
    };
    let across = Axis::numbers(low, high, label, 8);
    Ok(draw_counts(&figure, &across, &counts))
}
