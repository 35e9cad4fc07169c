"""Craton's own arrays in xarray. Absent unless the package is installed for the peers' Python."""

import craton
import dask.array  # noqa: F401 - loaded before the clock starts, as for the other peers
import xarray  # noqa: F401

from workloads import STORED

FORMATS = {*STORED, "icechunk"}
WORKLOADS = {"read"}
VERSION = craton.__version__


def read(store, out):
    return craton.open_dataset(store, drop_variables="tp").t2m.values
