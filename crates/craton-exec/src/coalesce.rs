//! Ranges of one object that lie close together, read in one request.

use std::ops::Range;

/// Bytes between two wanted ranges that are read along rather than left out. A request takes the time in which a
/// remote store sends more than these, and a local disk about as many.
pub(crate) const MOST_BETWEEN: u64 = 64 << 10;

/// Bytes of a request that joins several ranges, at most. Larger ones would hold memory for little: from here on
/// the time to ask is small beside the time to send.
pub(crate) const MOST_TOGETHER: u64 = 4 << 20;

/// The most that is read at once of so many chunks, which decode to `decoded` bytes in all. The estimate of memory
/// counts with it, so that work on small chunks is not charged for large requests.
pub(crate) fn most_together(chunks: u64, decoded: u64) -> u64 {
    let between = chunks.saturating_sub(1).saturating_mul(MOST_BETWEEN);
    decoded.saturating_add(between).min(MOST_TOGETHER)
}

/// Ranges read together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Together {
    /// All bytes from the first wanted one to the last.
    pub span: Range<u64>,
    /// Which of the wanted ranges lie in it, in order of their first bytes.
    pub members: Vec<usize>,
}

/// Joins wanted ranges, each of an object, where at most `between` bytes lie between them and no more than `most`
/// are read at once. Every range lies in exactly one of the results; a range longer than `most` stays alone, but for
/// those that lie within it.
pub(crate) fn coalesce<Object: Ord>(
    wanted: &[(Object, Range<u64>)],
    between: u64,
    most: u64,
) -> Vec<Together> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|at| {
        let (object, range) = &wanted[*at];
        (object, range.start, range.end)
    });
    let mut all: Vec<Together> = Vec::new();
    let mut object = None;
    for at in order {
        let (of, range) = &wanted[at];
        match all.last_mut() {
            Some(last) if object == Some(of) && joins(&last.span, range, between, most) => {
                last.span.end = last.span.end.max(range.end);
                last.members.push(at);
            }
            _ => all.push(Together {
                span: range.clone(),
                members: vec![at],
            }),
        }
        object = Some(of);
    }
    all
}

/// Whether `range`, which begins no earlier than `span`, is read with it.
fn joins(span: &Range<u64>, range: &Range<u64>, between: u64, most: u64) -> bool {
    let is_near = range.start <= span.end.saturating_add(between);
    let is_within = range.end <= span.end;
    is_within || is_near && range.end - span.start <= most
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_range_lies_in_exactly_one_and_none_is_larger_than_asked(
            wanted in prop::collection::vec((0u8..3, 0u64..500, 0u64..120), 0..40),
            between in 0u64..60,
            most in 0u64..200,
        ) {
            let wanted: Vec<(u8, Range<u64>)> = wanted
                .into_iter()
                .map(|(object, start, length)| (object, start..start + length))
                .collect();
            let all = coalesce(&wanted, between, most);
            let mut seen: Vec<usize> = all.iter().flat_map(|one| one.members.clone()).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..wanted.len()).collect::<Vec<_>>());
            for one in &all {
                let objects: Vec<u8> = one.members.iter().map(|at| wanted[*at].0).collect();
                prop_assert!(objects.iter().all(|object| *object == objects[0]));
                let ranges: Vec<&Range<u64>> = one.members.iter().map(|at| &wanted[*at].1).collect();
                prop_assert!(ranges.iter().all(|range| one.span.start <= range.start && range.end <= one.span.end));
                prop_assert_eq!(one.span.start, ranges.iter().map(|range| range.start).min().unwrap());
                prop_assert_eq!(one.span.end, ranges.iter().map(|range| range.end).max().unwrap());
                let is_one_range = ranges.iter().any(|range| **range == one.span);
                prop_assert!(one.span.end - one.span.start <= most || is_one_range);
                let mut end = one.span.start;
                for range in ranges {
                    prop_assert!(range.start <= end + between);
                    end = end.max(range.end);
                }
            }
        }
    }

    #[test]
    fn neighbours_are_one_request_and_distant_ranges_are_not() {
        let wanted = [("a", 90..100), ("a", 0..10), ("a", 12..20), ("b", 20..30)];
        let all = coalesce(&wanted, 2, 50);
        let spans: Vec<Range<u64>> = all.iter().map(|one| one.span.clone()).collect();
        assert_eq!(spans, [0..20, 90..100, 20..30]);
        assert_eq!(all[0].members, [1, 2]);
    }
}
