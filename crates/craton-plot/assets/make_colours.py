"""Makes `colours.bin`: 256 colours of three bytes for each name below, in this order.

Needs matplotlib and cmcrameri 1.10. README.md names the authors.
"""

import cmcrameri.cm
import matplotlib
import numpy

NAMES = "viridis cividis magma inferno plasma batlow YlGnBu Blues Greys RdBu BrBG PuOr vik".split()

with open("colours.bin", "wb") as out:
    for name in NAMES:
        colours = getattr(cmcrameri.cm, name, None) or matplotlib.colormaps[name]
        out.write(numpy.round(colours(numpy.arange(256))[:, :3] * 255).astype("u1").tobytes())
