"""Makes the assets beside it.

    python make.py land-50m.json DejaVuSans.ttf

`land-50m.json` is from the npm package `world-atlas` 2.0.2 (Natural Earth 1:50m, public domain), `DejaVuSans.ttf` from
DejaVu 2.37. Needs fonttools. README.md tells the encodings.
"""

import json
import sys

from fontTools import subset

TOLERANCE = 0.02  # degrees that a line may be off
STEP = 0.01  # degrees of one count


def lines_of(path):
    topology = json.load(open(path))
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        yield points


def simplified(points):
    """Douglas and Peucker's choice of points."""
    keep = {0, len(points) - 1}
    pending = [(0, len(points) - 1)]
    while pending:
        first, last = pending.pop()
        (ax, ay), (bx, by) = points[first], points[last]
        length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        most, at = 0.0, None
        for i in range(first + 1, last):
            px, py = points[i]
            if length == 0:
                off = ((px - ax) ** 2 + (py - ay) ** 2) ** 0.5
            else:
                off = abs((bx - ax) * (ay - py) - (ax - px) * (by - ay)) / length
            if off > most:
                most, at = off, i
        if at is not None and most > TOLERANCE:
            keep.add(at)
            pending += [(first, at), (at, last)]
    return [points[i] for i in sorted(keep)]


def varint(value):
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def encoded(lines):
    out = bytearray()
    for points in lines:
        counts = []
        for lon, lat in simplified(points):
            count = (round(lon / STEP), round(lat / STEP))
            if not counts or counts[-1] != count:
                counts.append(count)
        if len(counts) < 3:
            continue
        out += varint(len(counts))
        x = y = 0
        for lon, lat in counts:
            out += zigzag(lon - x) + zigzag(lat - y)
            x, y = lon, lat
    return bytes(out)


def main(coast, font):
    with open("coast.bin", "wb") as out:
        out.write(encoded(lines_of(coast)))
    letters = [*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x391, 0x3CA), *range(0x410, 0x450)]
    letters += [0x2010, 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2026, 0x2030, 0x2032, 0x2033, 0x2070]
    letters += [*range(0x2074, 0x208F), 0x2103, 0x2190, 0x2192, 0x2212, 0x2202, 0x2206, 0x221E, 0x2248, 0x2264, 0x2265, 0x25A1]
    options = subset.Options(hinting=False, layout_features=["kern"], notdef_outline=True, name_IDs=[0, 1, 2, 13, 14])
    options.drop_tables += ["GPOS", "GSUB", "GDEF"]
    face = subset.load_font(font, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=letters)
    subsetter.subset(face)
    subset.save_font(face, "DejaVuSans-subset.ttf", options)


main(*sys.argv[1:])
