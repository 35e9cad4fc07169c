//! Many files as one: concatenated along the dimension in which their index coordinates differ.

mod join;
mod order;

use super::broken::keep_broken_indexes;
use super::decode::{
    decode_variable, load_indexes, note_units, promote_coordinates, raw_variable, set_aside,
    take_coordinates, take_units_of_bounds,
};
use super::{OpenOptions, StoredGroup};
use crate::calendar::TimeUnits;
use crate::labels::{Dataset, Variable};
use crate::session::Session;
use craton_core::{Error, ErrorKind, Result, Scalar};

/// The groups of all files, in the order of their URLs.
#[derive(Clone, Copy)]
struct Files<'a> {
    groups: &'a [&'a StoredGroup],
    urls: &'a [String],
    options: OpenOptions,
    session: &'a Session,
}

/// An error of one file, which may be left out.
struct InFile {
    at: usize,
    error: Error,
}

/// What came of combining.
pub(super) struct Combined {
    /// One dataset of all groups.
    pub dataset: Dataset,
    /// Files that were left out, and why.
    pub skipped: Vec<(String, Error)>,
}

/// One dataset of all groups; those that cannot be read are left out if the options allow it.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] if coordinates overlap, calendars or units differ, or variables do not fit, naming the
/// files.
pub(super) fn combine(
    groups: &[&StoredGroup],
    urls: &[String],
    options: OpenOptions,
    session: &Session,
) -> Result<Combined> {
    let (mut groups, mut urls) = (groups.to_vec(), urls.to_vec());
    let mut skipped = Vec::new();
    loop {
        let files = Files {
            groups: &groups,
            urls: &urls,
            options,
            session,
        };
        match files.dataset() {
            Ok(dataset) => return Ok(Combined { dataset, skipped }),
            Err(InFile { at, error })
                if options.skips_bad
                    && at < groups.len()
                    && groups.len() > 1
                    && error.kind() != ErrorKind::Cancelled =>
            {
                groups.remove(at);
                skipped.push((urls.remove(at), error));
            }
            Err(InFile { error, .. }) => return Err(error),
        }
    }
}

impl Files<'_> {
    /// The outer errors concern all files, the inner ones the one that is named.
    fn dataset(&self) -> std::result::Result<Dataset, InFile> {
        if self.options.skips_bad {
            self.check_whole()?;
        }
        if let [single] = self.groups {
            let dataset = super::decode::decode_group(single, self.options, self.session);
            return dataset.map_err(|error| self.in_file(0, error));
        }
        let dim = self.dimension()?;
        let order = self.order_along(&dim)?;
        // What concerns all files together cannot be helped by leaving one out.
        self.joined(&dim, &order).map_err(|error| InFile {
            at: usize::MAX,
            error,
        })
    }

    fn in_file(&self, at: usize, error: Error) -> InFile {
        let error = error.at(&self.urls[at]);
        InFile { at, error }
    }

    /// Finds a file in which something cannot be read.
    fn check_whole(&self) -> std::result::Result<(), InFile> {
        let broken = self
            .groups
            .iter()
            .enumerate()
            .find_map(|(at, group)| Some((at, group.broken.first()?)));
        match broken {
            None => Ok(()),
            Some((at, (name, error))) => Err(self.in_file(at, error.again().in_variable(name))),
        }
    }

    fn joined(&self, dim: &str, order: &order::Order) -> Result<Dataset> {
        let first = self.groups[0];
        let mut dataset = Dataset {
            attributes: first.attributes.clone(),
            broken: first.broken.clone(),
            ..Dataset::default()
        };
        let mut coords = take_coordinates(&mut dataset.attributes, self.options);
        for (name, source) in &first.arrays {
            let variable = raw_variable(source).and_then(|stored| match stored.axis(dim) {
                Some(axis) => self.join(name, axis, order),
                None => {
                    let mut stored = stored;
                    take_units_of_bounds(&mut stored.attributes, name, &first.arrays, self.options);
                    self.decoded(&stored)
                }
            });
            match variable {
                Ok(mut variable) => {
                    coords.extend(take_coordinates(&mut variable.attributes, self.options));
                    dataset.variables.insert(name.clone(), variable);
                }
                Err(error) => set_aside(&mut dataset, name, error)?,
            }
        }
        promote_coordinates(&mut dataset, &coords);
        load_indexes(&mut dataset, self.session)?;
        keep_broken_indexes(&mut dataset)?;
        note_units(&dataset, self.session);
        Ok(dataset)
    }

    fn decoded(&self, variable: &Variable) -> Result<Variable> {
        if self.options.decodes_cf {
            decode_variable(variable, self.session)
        } else {
            Ok(variable.clone())
        }
    }

    /// The index coordinate `name` of the file `at`, if it has one.
    fn index(&self, name: &str, at: usize) -> std::result::Result<Option<Variable>, InFile> {
        let Some(source) = self.groups[at].arrays.get(name) else {
            return Ok(None);
        };
        let index = raw_variable(source).and_then(|stored| {
            if stored.dims == [name] {
                self.decoded(&stored).map(Some)
            } else {
                Ok(None)
            }
        });
        index.map_err(|error| self.in_file(at, error.in_variable(name)))
    }

    fn labels(&self, name: &str, at: usize) -> std::result::Result<Option<Vec<Scalar>>, InFile> {
        let Some(index) = self.index(name, at)? else {
            return Ok(None);
        };
        let values = index.values(self.session);
        let values = values.map_err(|error| self.in_file(at, error.in_variable(name)))?;
        Ok(Some(values.scalars().collect()))
    }

    /// The dimension whose index coordinate differs among the files.
    fn dimension(&self) -> std::result::Result<String, InFile> {
        let names: Vec<&String> = self.groups[0].arrays.keys().collect();
        let mut indexes = Vec::new();
        for name in names {
            if let Some(labels) = self.labels(name, 0)? {
                indexes.push((name, labels));
            }
        }
        // The first file that differs at all tells; the rest are checked when they are joined.
        for at in 1..self.groups.len() {
            let mut differing = Vec::new();
            for (name, labels) in &indexes {
                if self.labels(name, at)?.is_some_and(|other| other != *labels) {
                    differing.push(name.as_str());
                }
            }
            match differing.as_slice() {
                [] => {}
                [dim] => return Ok((*dim).to_owned()),
                several => {
                    let message = format!(
                        "files that differ along several dimensions: {}",
                        several.join(", ")
                    );
                    let error =
                        Error::unsupported(message).hint("combine along one dimension at a time");
                    return Err(self.in_file(at, error));
                }
            }
        }
        self.repeated_dimension(&indexes)
    }

    /// All files have the same labels: with the leave to take each label once that is the dimension of time.
    fn repeated_dimension(
        &self,
        indexes: &[(&String, Vec<Scalar>)],
    ) -> std::result::Result<String, InFile> {
        let is_time = |name: &&&String| {
            let units = self.groups[0].arrays.get(**name).and_then(|source| {
                let units = source.meta().attributes.get("units")?;
                units.as_text().map(str::to_owned)
            });
            units.is_some_and(|units| TimeUnits::parse(&units).is_ok())
        };
        let names: Vec<&String> = indexes.iter().map(|(name, _)| *name).collect();
        if let (Some(_), Some(dim)) = (self.options.keep, names.iter().find(is_time)) {
            return Ok((**dim).clone());
        }
        let message = format!(
            "`{}` and `{}` have the same coordinates everywhere",
            self.urls[0], self.urls[1]
        );
        let error = Error::invalid(message).hint(
            "open them under different names: `a=URL b=URL`; or `--keep first` if they repeat the same times",
        );
        Err(InFile {
            at: usize::MAX,
            error,
        })
    }
}
