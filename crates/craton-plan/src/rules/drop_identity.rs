//! A view of every element in its own place is its input.

use crate::axis_map::AxisMap;
use crate::node::NodeRef;
use crate::operator::Work;
use craton_core::Result;

/// Exact: the same elements in the same places.
pub(super) fn rewrite(node: &NodeRef) -> Result<Option<NodeRef>> {
    let ([input], Work::View) = (node.inputs(), node.work()) else {
        return Ok(None);
    };
    let demand = node.operator().demand(&[input.meta()], node.meta());
    let is_identity =
        input.meta() == node.meta() && demand[0] == AxisMap::identity(node.shape().len());
    Ok(is_identity.then(|| input.clone()))
}

#[cfg(test)]
mod tests {
    use crate::ops::{full, rechunk, transpose};
    use crate::rules::optimise;
    use craton_core::{DType, Scalar};

    #[test]
    fn a_chunk_label_and_a_double_transpose_cost_nothing() {
        let array = full(Scalar::from_f64(DType::Float32, 1.5), &[4, 3]).unwrap();
        let labelled = rechunk(&array, &[2, 3]).unwrap();
        let (optimised, firings) = optimise(&labelled).unwrap();
        assert_eq!(optimised.hash(), array.hash());
        assert_eq!(firings[0].rule, "drop_identity");
        let turned = transpose(&array, &[1, 0]).unwrap();
        assert_eq!(optimise(&turned).unwrap().0.shape(), [3, 4]);
    }
}
