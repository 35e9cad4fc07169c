"""What is done to texts: comparison, joining, and the methods of `array.str`."""

from expressions_of_each import _each

_PLAIN = "len capitalize lower upper swapcase title casefold isalnum isalpha isdecimal isdigit isnumeric isspace islower isupper istitle"
_ENDS = "strip lstrip rstrip"
_SIDES = "center ljust rjust"

TEXTS = {
    "stations": "\n".join(
        [
            _each(_PLAIN, "ds.name.str.NAME()", "ds.month.str.NAME()", "ds.station.str.NAME()"),
            _each(_ENDS, "ds.name.str.NAME()", 'ds.name.str.NAME("OR ")', "ds.name.str.NAME(ds.part)"),
            _each(
                _SIDES,
                "ds.name.str.NAME(8)",
                'ds.month.str.NAME(5, "-")',
                "ds.part.str.NAME(ds['count'], fillchar='*')",
            ),
            _each("find rfind", 'ds.name.str.NAME("a")', "ds.name.str.NAME(ds.part, 1)", "ds.name.str.NAME('', 2, -1)"),
            _each(
                "index rindex",
                '(ds.name.str + "ab").str.NAME("a")',
                "(ds.name.str + ds.part).str.NAME(ds.part)",
                'ds.name.str.NAME("a")',
            ),
            _each("startswith endswith", 'ds.name.str.NAME("s")', "ds.name.str.NAME(ds.part)", 'ds.month.str.NAME("")'),
            _each(
                "split rsplit",
                'ds.name.str.NAME("part")',
                'ds.name.str.NAME("part", "|")',
                'ds.name.str.NAME(dim="part", sep="_", maxsplit=1)',
                'ds.month.str.NAME("part", maxsplit=0)',
                'ds.name.str.NAME("part", "")',
            ),
            _each(
                "partition rpartition",
                'ds.name.str.NAME("part")',
                'ds.name.str.NAME("part", "_")',
                'ds.month.str.NAME("x", "J")',
            ),
        ]
    )
    + r"""
ds.name == "Straße"
ds.name != ds.station
ds.name < "a"
ds.name >= ds.part
ds.name == 3
ds.name != 1.5
ds.name < 3
ds.name == ds.height
ds.name + ds.part
ds.name + "x"
ds.name - ds.part
ds.name.where(ds.name != "")
ds.name.isin(["Straße", ""])
ds.name.isin(ds.part)
ds.month.isin(["may", "7"])
ds.name[ds.station == "b"]
ds.sel(station="b").name == ds.name
ds[["name", "part"]] == "s"
ds[["name", "part"]] == ds[["name", "part"]]
ds.letter == "L"
ds.name == ds.letter
ds.name.isel(station=0) == "Oslo|NO"
ds.name.str[0]
ds.name.str[-1]
ds.name.str[1:4]
ds.name.str[::-1]
ds.month.str[5]
ds.name.str.get(2)
ds.name.str.get(9, "-")
ds.name.str.get(-2)
ds.name.str.get(ds["count"])
ds.name.str.slice(1, 3)
ds.name.str.slice(stop=-1)
ds.name.str.slice(step=2)
ds.name.str.slice(ds["count"], 8)
ds.name.str.slice_replace(1, 3, "__")
ds.name.str.slice_replace(stop=2)
ds.name.str.slice_replace(start=4, repl="!")
ds.name.str.slice_replace(3, 3, "+")
ds.name.str.slice_replace(repl=ds.part)
ds.name.str + "x"
ds.name.str + ds.part
ds.name.str + ds.height
ds.name.str + ds["count"]
ds.name.str * 2
ds.name.str * ds["count"]
ds.part.str * 0
ds.name.str - "x"
ds.name.str.cat("x", "y")
ds.name.str.cat(ds.part, ds.month, sep="-")
ds.name.str.cat(ds.height, sep=ds.part)
ds.name.str.cat()
ds.name.str.join("station", sep=",")
ds.month.str.join("x")
ds.month.str.join("y", sep=" ")
ds.month.str.join()
ds.letter.str.join()
ds.template.str.format("abc")
ds.template.str.format(ds.name)
ds.name.str.format("a", b="c")
(ds.name.str + " {}{b}").str.format("a", b="c")
ds.template.str.format(ds.height)
ds.percent.str % ds.height
ds.percent.str % 3
ds.percent.str % (3,)
(ds.name.str + "%s-%s").str % (ds.part, 1)
ds.name.str % ("a", "b")
ds.name.str.normalize("NFC")
ds.name.str.normalize("NFD").str.len()
ds.month.str.normalize("NFKC")
ds.month.str.normalize("NFKD")
ds.name.str.normalize("NF")
ds.name.str.count("a")
ds.name.str.count("[A-Z]")
ds.name.str.count("s", case=False)
ds.name.str.count("")
ds.name.str.count(ds.part)
ds.name.str.contains("a")
ds.name.str.contains("S", case=False)
ds.name.str.contains("|", regex=False)
ds.name.str.contains("SSE", case=False, regex=False)
ds.name.str.contains(ds.part)
ds.name.str.contains("^.l")
ds.name.str.contains("(a)")
ds.name.str.contains("(")
ds.name.str.match("[Os]")
ds.name.str.match("o", flags=2)
ds.name.str.match(ds.part, case=False)
ds.name.str.match("$")
ds.name.str.replace("o", "0")
ds.name.str.replace("[a-z]+", "<\\g<0>>")
ds.name.str.replace("(.)(.)", r"\2\1", n=1)
ds.name.str.replace("|", "/", regex=False)
ds.name.str.replace("s", "", case=False)
ds.name.str.replace(ds.part, "-", 1)
ds.name.str.replace("x*", "-")
ds.name.str.replace("a", "b", n=0)
ds.name.str.replace("l", "LL", n=0, regex=False)
ds.name.str.extract("([A-Za-z])", dim=None)
ds.name.str.extract("(.)(.)?", dim="group")
ds.name.str.extract(r"(\w+)\|(\w+)", dim=None)
ds.name.str.extract("([a-z])", dim="group")
ds.name.str.extract("a", dim="group")
ds.name.str.extract("(a)", dim="station")
ds.name.str.extractall("([a-z])", group_dim="group", match_dim="match")
ds.name.str.extractall("(x)", group_dim="group", match_dim="match")
ds.month.str.extractall("([A-Z])", "g", "m")
ds.name.str.extractall("([A-Z])([a-z])", "g", "m")
ds.name.str.extractall("(a)", "g", "g")
ds.name.str.get_dummies("what")
ds.name.str.get_dummies("what", sep="_")
ds.month.str.get_dummies("what", " ")
ds.name.str.pad(8)
ds.name.str.pad(8, side="both")
ds.month.str.pad(7, "right", ".")
ds.name.str.pad(4, fillchar="ab")
ds.name.str.zfill(8)
ds.station.str.zfill(3)
ds.part.str.zfill(ds["count"])
ds.name.str.strip(side="right")
ds.name.str.repeat(2)
ds.name.str.repeat(ds["count"])
ds.name.str.repeat(-1)
ds.name.str.translate({97: "A", 124: None, 111: 48})
ds.name.str.translate({"a": "A"})
ds.month.str.translate({})
ds.month.str.encode("utf-8")
ds.name.str.encode("utf-8").str.decode("utf-8")
ds.part.str.encode("ascii")
ds.name.str.encode("ascii")
ds.name.str.encode("latin-1").str.decode("latin-1")
ds.code.str.decode("utf-8")
ds.code == "ULM"
ds.code.str.len()
ds.name.where(ds.name != "", "nothing")
xr.where(ds.name == "", "nothing", ds.name)
xr.where(ds.name < "a", ds.name, ds.part)
ds.name.where(ds.name.str.contains("a"), ds.part)
ds.name.str.wrong
""",
    "bears": """
ds.bears.str.decode("ascii")
ds.bears.str.decode("utf-8").str.upper()
ds.bears.isin(["habl"])
ds.bears == ds.bears
""",
}
