"""The native half of the package `craton`."""

__version__: str
