"""Fields that look like ERA5 to a codec, from a step number alone.

Takes a variable name and a range of steps; gives float32 arrays `(step, lat, lon)`. Any step can be made
without the ones before it, so every format is written in bounded memory and by several processes.

What matters to a benchmark is what a codec sees, and ERA5 as float32 is what GRIB left of it: each field is a
reference value plus a 16-bit integer times a power of two. The same packing is applied here, to smooth flow on
fixed terrain, with pixel noise.
"""

import functools

import numpy as np

LAT = np.linspace(90.0, -90.0, 361)
LON = np.arange(720) * 0.5
DAYS_PER_YEAR = 365.2425
VARIABLES = {
    "t2m": {"units": "K", "standard_name": "air_temperature", "long_name": "2 metre temperature"},
    "tp": {
        "units": "m",
        "standard_name": "lwe_thickness_of_precipitation_amount",
        "long_name": "Total precipitation",
    },
    "sst": {
        "units": "K",
        "standard_name": "sea_surface_temperature",
        "long_name": "Sea surface temperature",
    },
}


def red_noise(seed: int, slope: float) -> np.ndarray:
    """One unit-variance field whose amplitude falls as wave number to the power of `-slope`."""
    white = np.random.default_rng(seed).standard_normal((720, 720))
    wave_number = np.hypot(np.fft.fftfreq(720)[:, None], np.fft.rfftfreq(720)[None, :]) * 720
    wave_number[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(white) * wave_number**-slope, s=(720, 720))[:361]
    return ((field - field.mean()) / field.std()).astype(np.float32)


@functools.cache
def textures() -> np.ndarray:
    """Eight drifting weather patterns, each written twice along longitude so that a shift is a slice."""
    fields = [red_noise(100 + number, 1.6 + 0.1 * (number % 4)) for number in range(8)]
    return np.stack([np.concatenate([field, field], axis=1) for field in fields])


@functools.cache
def terrain() -> np.ndarray:
    """Height-like fixed field; land is where it is positive."""
    return red_noise(7, 1.7)


def weather(step: int, first: int, count: int) -> np.ndarray:
    """Sum of `count` patterns from number `first`, drifting and swelling at their own pace."""
    total = np.zeros((361, 720), np.float32)
    for number in range(first, first + count):
        shift = int(step * (1.7 + 1.3 * number)) % 720
        weight = np.float32(0.7 + 0.5 * np.sin(2 * np.pi * step / (5.3 + 2.9 * number) + number))
        total += weight * textures()[number, :, shift : shift + 720]
    return total


def grib_packed(field: np.ndarray) -> np.ndarray:
    """`field` as 16-bit GRIB packing would return it: a reference value plus an integer times a power of two."""
    reference = np.float32(np.nanmin(field))
    span = float(np.nanmax(field)) - float(reference)
    scale = np.float32(2.0 ** np.ceil(np.log2(max(span, 1e-12) / 65535.0)))
    return reference + np.round((field - reference) / scale) * scale


def temperature(step: int, rng: np.random.Generator) -> np.ndarray:
    season = np.cos(2 * np.pi * (step - 200) / DAYS_PER_YEAR)
    sine = np.sin(np.deg2rad(LAT))
    zonal = (301.0 - 48.0 * sine**2 + 12.0 * season * sine).astype(np.float32)[:, None]
    storminess = (1.0 + 3.0 * np.abs(sine)).astype(np.float32)[:, None]
    field = zonal - 6.0 * np.maximum(terrain(), 0) + storminess * weather(step, 0, 4)
    return field + np.float32(0.15) * rng.standard_normal(field.shape, np.float32)


def precipitation(step: int, rng: np.random.Generator) -> np.ndarray:
    wet = weather(step, 4, 4) - np.float32(0.1)
    noise = np.float32(1.0) + np.float32(0.3) * rng.standard_normal(wet.shape, np.float32)
    return np.where(wet > 0, np.float32(0.004) * wet * wet * np.abs(noise), np.float32(0))


def field(variable: str, step: int) -> np.ndarray:
    """One step of one variable."""
    rng = np.random.default_rng([2001, sorted(VARIABLES).index(variable), step])
    if variable == "tp":
        return grib_packed(precipitation(step, rng)).astype(np.float32)
    values = grib_packed(temperature(step, rng)).astype(np.float32)
    if variable == "sst":
        values[terrain() > 0.5] = np.nan
    return values


def fields(variable: str, start: int, stop: int) -> np.ndarray:
    """Steps `start..stop` of one variable, float32 `(step, lat, lon)`."""
    block = np.empty((stop - start, 361, 720), np.float32)
    for step in range(start, stop):
        block[step - start] = field(variable, step)
    return block
