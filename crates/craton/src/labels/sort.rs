//! Labels in another order.

use super::group::compare;
use super::{Dataset, Fill, Variable};
use crate::session::Session;
use craton_core::{Error, Result, Scalar};
use std::cmp::Ordering;

impl Dataset {
    /// Along the dimension of each of `keys` the order in which its values ascend or descend; the first key
    /// counts most. Equal values keep their order, missing ones come last.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] for keys of several dimensions.
    pub fn sort_by(&self, keys: &[Variable], ascends: bool, session: &Session) -> Result<Self> {
        let mut by_dim: Vec<(String, Vec<Vec<Scalar>>)> = Vec::new();
        for key in keys {
            let [dim] = key.dims.as_slice() else {
                let message = format!("sorting by a key of the dimensions {:?}", key.dims);
                return Err(Error::invalid(message).hint("a key has one dimension"));
            };
            let length = self.length(dim)?;
            if key.shape() != [length] {
                let message = format!("a key of {} values for `{dim}`", key.shape()[0]);
                return Err(Error::invalid(message));
            }
            let values = key.values(session)?.scalars().collect();
            match by_dim.iter_mut().find(|(known, _)| known == dim) {
                Some((_, keys)) => keys.push(values),
                None => by_dim.push((dim.clone(), vec![values])),
            }
        }
        let mut out = self.clone();
        for (dim, keys) in by_dim {
            let mut order: Vec<usize> = (0..keys[0].len()).collect();
            order.sort_by(|one, other| {
                let pairs = keys
                    .iter()
                    .map(|key| missing_last(&key[*one], &key[*other]));
                pairs.fold(Ordering::Equal, Ordering::then)
            });
            if !ascends {
                order.reverse();
            }
            let places: Vec<Option<u64>> = order.iter().map(|at| Some(*at as u64)).collect();
            out = out.at_places(&dim, &places, &Fill::Missing)?;
        }
        Ok(out)
    }
}

fn missing_last(one: &Scalar, other: &Scalar) -> Ordering {
    match (one.is_missing(), other.is_missing()) {
        (false, false) => compare(one, other),
        (one, other) => one.cmp(&other),
    }
}
