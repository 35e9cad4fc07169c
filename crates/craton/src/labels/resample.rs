//! Groups of equal steps of time: days, months, quarters, years.

use super::{GroupKey, Variable};
use crate::calendar::{Frequency, Steps, counts_of, day_length};
use crate::session::Session;
use craton_core::{Block, Calendar, DType, Error, Result, TimeKind, TimeType};

/// A side of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Its start.
    Left,
    /// Its end.
    Right,
}

/// From where steps of a fixed length are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Midnight of the first day.
    StartDay,
    /// The first time.
    Start,
    /// 1970-01-01.
    Epoch,
    /// The last time, backwards.
    End,
    /// Midnight after the last day, backwards.
    EndDay,
    /// A count of the coordinate's own unit.
    At(i64),
}

/// How to resample.
#[derive(Clone, Copy, Debug)]
pub struct Resampling {
    /// The length of the steps.
    pub frequency: Frequency,
    /// Which end of a step belongs to it; by pandas' rule for the frequency if `None`.
    pub closed: Option<Side>,
    /// Which end of a step is its label; by pandas' rule for the frequency if `None`.
    pub label: Option<Side>,
    /// From where steps of a fixed length are counted.
    pub origin: Origin,
    /// Added to the origin, in nanoseconds.
    pub offset: i64,
}

impl GroupKey {
    /// Groups of the times of the index `coord` by steps.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if the coordinate holds no times in ascending order.
    pub fn resampled(coord: &Variable, how: &Resampling, session: &Session) -> Result<Self> {
        let ([dim], DType::Time(time)) = (coord.dims.as_slice(), coord.dtype()) else {
            return Err(Error::invalid(format!(
                "resampling along {:?}, which holds no times",
                coord.dims
            )));
        };
        if time.kind == TimeKind::Duration {
            return Err(Error::unsupported("resampling durations"));
        }
        let block = coord.values(session)?;
        let counts: Vec<i64> = block.scalars().filter_map(|one| one.to_i64()).collect();
        if counts.windows(2).any(|pair| pair[0] > pair[1]) || counts.contains(&i64::MIN) {
            let message = format!("`{dim}` must ascend, without missing times, to be resampled");
            return Err(Error::invalid(message).hint(format!("`.sortby(\"{dim}\")` first")));
        }
        let bins = Bins::new(&counts, time, how)?;
        let codes: Vec<i64> = counts.iter().map(|count| bins.code(*count)).collect();
        let bytes: Vec<u8> = bins.labels.iter().flat_map(|at| at.to_ne_bytes()).collect();
        let labels = Block::from_bytes(coord.dtype(), vec![bins.labels.len()], &bytes)?;
        Ok(Self {
            name: dim.clone(),
            dim: dim.clone(),
            stacked: Vec::new(),
            codes: codes.into(),
            labels: Variable::of_block(vec![dim.clone()], labels, coord.attributes.clone())?,
            further: Vec::new(),
            is_resampled: true,
        })
    }
}

/// The edges of all steps, one more than there are labels.
struct Bins {
    edges: Vec<i64>,
    labels: Vec<i64>,
    closed: Side,
}

impl Bins {
    fn new(counts: &[i64], time: TimeType, how: &Resampling) -> Result<Self> {
        let is_backward = matches!(how.origin, Origin::End | Origin::EndDay);
        // cftime counts weeks in no calendar, so the rule for weeks is pandas' alone.
        let by_default = if how.frequency.is_end() || is_backward {
            Side::Right
        } else {
            Side::Left
        };
        let closed = how.closed.unwrap_or(by_default);
        let label = how.label.unwrap_or(by_default);
        let (Some(first), Some(last)) = (counts.first(), counts.last()) else {
            return Ok(Self {
                edges: vec![0],
                labels: Vec::new(),
                closed,
            });
        };
        let steps = Steps::new(how.frequency, time)?;
        let mut marks = match (steps, how.frequency) {
            (Some(steps), _) => stepped(steps, *first, *last, closed, time)?,
            (None, Frequency::Fixed { nanoseconds }) => {
                let step = counts_of(nanoseconds, time)?;
                fixed(step, *first, *last, closed, how, time)?
            }
            (None, _) => return Err(Error::internal("a frequency without steps")),
        };
        let mut edges = marks.clone();
        if how.frequency.is_end() {
            if closed == Side::Right {
                // The whole last day belongs to a step that ends on it.
                let smallest = if time.calendar == Calendar::ProlepticGregorian {
                    1
                } else {
                    counts_of(1000, time).unwrap_or(1)
                };
                let day = day_length(time)?;
                edges.iter_mut().for_each(|edge| *edge += day - smallest);
            }
            if edges.len() > 1 && edges[edges.len() - 2] > *last {
                edges.pop();
                marks.pop();
            }
        }
        let labels = match label {
            Side::Left => marks[..marks.len() - 1].to_vec(),
            Side::Right => marks[1..].to_vec(),
        };
        Ok(Self {
            edges,
            labels,
            closed,
        })
    }

    fn code(&self, count: i64) -> i64 {
        let before = match self.closed {
            Side::Left => self.edges.partition_point(|edge| *edge <= count),
            Side::Right => self.edges.partition_point(|edge| *edge < count),
        };
        before as i64 - 1
    }
}

/// The edges around all times, of steps that have places of their own.
fn stepped(steps: Steps, first: i64, last: i64, closed: Side, time: TimeType) -> Result<Vec<i64>> {
    let day = day_length(time)?;
    let midnight = |count: i64| count - count.rem_euclid(day);
    let stride = steps.stride();
    let (start, is_there) = steps.before(midnight(first))?;
    let start = match closed {
        Side::Left => start,
        Side::Right if is_there => start - stride,
        Side::Right => start - (stride - 1),
    };
    let (end, _) = steps.before(midnight(last))?;
    let numbers = (start..=end + stride).step_by(usize::try_from(stride).unwrap_or(1));
    numbers.map(|number| steps.count(number)).collect()
}

/// The edges around all times, of steps of a fixed length.
fn fixed(
    step: i64,
    first: i64,
    last: i64,
    closed: Side,
    how: &Resampling,
    time: TimeType,
) -> Result<Vec<i64>> {
    let mut first = first;
    let backwards = |end: i64| {
        let steps = (end - first).div_euclid(step) + i64::from(closed == Side::Left);
        end - steps * step
    };
    let origin = match how.origin {
        Origin::Epoch => 0,
        Origin::Start => first,
        Origin::At(count) => count,
        Origin::StartDay => {
            let day = day_length(time)?;
            first - first.rem_euclid(day)
        }
        Origin::End => {
            first = backwards(last);
            first
        }
        Origin::EndDay => {
            let day = day_length(time)?;
            let end = last + (-last).rem_euclid(day);
            first = backwards(end);
            first
        }
    };
    let origin = origin + counts_of(how.offset, time)?;
    let before = (first - origin).rem_euclid(step);
    let after = (last - origin).rem_euclid(step);
    let start = match (before, closed) {
        (0, Side::Right) => first - step,
        (before, _) => first - before,
    };
    let end = match (after, closed) {
        (0, Side::Right) => last,
        (after, _) => last + step - after,
    };
    let count = usize::try_from((end - start) / step).unwrap_or(usize::MAX);
    if count > 10_000_000 {
        let message = format!("{count} steps from the first time to the last");
        return Err(Error::invalid(message).hint("a longer frequency gives fewer"));
    }
    Ok((0..=count as i64).map(|at| start + at * step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{Date, count_from_date, date_from_count, iso_string};
    use craton_core::TimeUnit;

    const TIME: TimeType = TimeType {
        unit: TimeUnit::Second,
        step: 1,
        calendar: Calendar::ProlepticGregorian,
        kind: TimeKind::Instant,
    };

    /// The day of each label with the number of days from 2001-01-03 to 2001-04-20 in its step.
    fn steps(frequency: &str, closed: Option<Side>, label: Option<Side>) -> Vec<(String, usize)> {
        let first = Date::midnight(2001, 1, 3);
        let first = count_from_date(first, TIME.calendar, TIME.unit).unwrap();
        let counts: Vec<i64> = (0..108).map(|day| first + day * 86_400).collect();
        let how = Resampling {
            frequency: Frequency::parse(frequency).unwrap(),
            closed,
            label,
            origin: Origin::StartDay,
            offset: 0,
        };
        let bins = Bins::new(&counts, TIME, &how).unwrap();
        let labels = bins.labels.iter().enumerate();
        labels
            .map(|(at, label)| {
                let date = iso_string(date_from_count(*label, TIME).unwrap());
                let own = |count: &&i64| bins.code(**count) == at as i64;
                (date[..10].to_owned(), counts.iter().filter(own).count())
            })
            .collect()
    }

    fn listed(steps: &[(&str, usize)]) -> Vec<(String, usize)> {
        steps
            .iter()
            .map(|(date, count)| ((*date).to_owned(), *count))
            .collect()
    }

    /// What pandas 3.1 gives.
    #[test]
    fn steps_begin_and_end_as_in_pandas() {
        assert_eq!(
            steps("MS", None, None),
            listed(&[
                ("2001-01-01", 29),
                ("2001-02-01", 28),
                ("2001-03-01", 31),
                ("2001-04-01", 20)
            ])
        );
        assert_eq!(
            steps("ME", None, None),
            listed(&[
                ("2001-01-31", 29),
                ("2001-02-28", 28),
                ("2001-03-31", 31),
                ("2001-04-30", 20)
            ])
        );
        assert_eq!(
            steps("QS-DEC", None, None),
            listed(&[("2000-12-01", 57), ("2001-03-01", 51)])
        );
        assert_eq!(
            steps("2MS", Some(Side::Right), Some(Side::Left)),
            listed(&[("2000-12-01", 30), ("2001-02-01", 59), ("2001-04-01", 19)])
        );
        assert_eq!(
            steps("30D", Some(Side::Right), Some(Side::Right)),
            listed(&[
                ("2001-01-03", 1),
                ("2001-02-02", 30),
                ("2001-03-04", 30),
                ("2001-04-03", 30),
                ("2001-05-03", 17)
            ])
        );
        assert_eq!(steps("YE-JUN", None, None), listed(&[("2001-06-30", 108)]));
        let weeks = steps("W", None, None);
        assert_eq!(weeks[0], ("2001-01-07".to_owned(), 5));
        assert_eq!(weeks[15], ("2001-04-22".to_owned(), 5));
    }
}
