"""Tables of numbers and units: what `quantities` knows."""

from __future__ import annotations

__all__ = ["LABELS", "LEADING", "MULTIPLIERS", "ORDINALS", "SPELLED", "UNITS"]

SPELLED = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "hundred": 100, "thousand": 1000, "dozen": 12,
}  # fmt: skip
"""Words that are a number."""

MULTIPLIERS = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
"""Words after a number that multiply it."""

ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12,
}  # fmt: skip
"""Words that are a place in an order."""

LEADING = {
    "$": "dollar", "usd": "dollar", "us$": "dollar", "€": "euro", "eur": "euro", "£": "pound",
    "gbp": "pound", "¥": "yen", "rmb": "yuan",
}  # fmt: skip
"""What stands before a number and is its unit."""

LABELS = {
    "table": "table", "tables": "table", "tab": "table", "figure": "figure", "fig": "figure",
    "figures": "figure", "figs": "figure", "section": "section", "sections": "section",
    "equation": "equation", "eq": "equation", "appendix": "appendix", "chapter": "chapter",
    "algorithm": "algorithm", "phase": "phase", "phases": "phase", "type": "type",
    "types": "type", "grade": "grade", "grades": "grade", "stage": "stage", "stages": "stage",
    "level": "level", "group": "group", "study": "study", "experiment": "experiment",
    "task": "task", "version": "version", "class": "class", "category": "category",
    "subtype": "type", "serotype": "serotype", "genotype": "genotype", "chromosome": "chromosome",
    "exon": "exon", "cohort": "cohort", "step": "step", "model": "model", "line": "line",
    "day": "dayno", "week": "weekno", "month": "monthno", "year": "yearno", "layer": "layer",
    "epoch": "epoch", "trial": "trial", "visit": "visit", "domain": "domain",
}  # fmt: skip
"""Words before a number that make it the name of a thing."""

_SCALES: dict[str, dict[str, float]] = {
    "%": dict.fromkeys(("%", "percent", "per cent", "pct", "percentage"), 1.0),
    "pp": dict.fromkeys(
        ("percentage points", "percentage point", "points", "point", "pp", "percent points",
         "%-points", "pts"), 1.0
    ),
    "permille": {"‰": 1.0},
    "second": {
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
        **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
        **dict.fromkeys(("µs", "μs", "us", "microsecond", "microseconds"), 1e-6),
        **dict.fromkeys(("ns", "nanosecond", "nanoseconds"), 1e-9),
        **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
        **dict.fromkeys(("d", "day", "days"), 86400.0),
        **dict.fromkeys(("wk", "wks", "week", "weeks"), 604800.0),
    },
    "month": {
        **dict.fromkeys(("mo", "month", "months"), 1.0),
        **dict.fromkeys(("yr", "yrs", "year", "years", "y", "year-old", "years-old"), 12.0),
        **dict.fromkeys(("decade", "decades"), 120.0),
        **dict.fromkeys(("century", "centuries"), 1200.0),
    },
    "gram": {
        **dict.fromkeys(("g", "gram", "grams"), 1.0),
        **dict.fromkeys(("kg", "kilogram", "kilograms", "kilo", "kilos"), 1e3),
        **dict.fromkeys(("mg", "milligram", "milligrams"), 1e-3),
        **dict.fromkeys(("µg", "μg", "ug", "mcg", "microgram", "micrograms"), 1e-6),
        **dict.fromkeys(("ng", "nanogram", "nanograms"), 1e-9),
        **dict.fromkeys(("pg", "picogram", "picograms"), 1e-12),
        **dict.fromkeys(("ton", "tons", "tonne", "tonnes"), 1e6),
    },
    "poundmass": dict.fromkeys(("lb", "lbs"), 1.0),
    "meter": {
        **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1.0),
        **dict.fromkeys(("km", "kilometer", "kilometers", "kilometre", "kilometres"), 1e3),
        **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre", "centimetres"), 1e-2),
        **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), 1e-3),
        **dict.fromkeys(("µm", "μm", "um", "micrometer", "micrometers", "micron", "microns"), 1e-6),
        **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 1e-9),
    },
    "foot": dict.fromkeys(("ft", "foot", "feet"), 1.0),
    "inch": dict.fromkeys(("inch", "inches"), 1.0),
    "mile": dict.fromkeys(("mile", "miles"), 1.0),
    "liter": {
        **dict.fromkeys(("L", "l", "liter", "liters", "litre", "litres"), 1.0),
        **dict.fromkeys(("dL", "dl", "deciliter"), 0.1),
        **dict.fromkeys(("ml", "mL", "milliliter", "milliliters"), 1e-3),
        **dict.fromkeys(("millilitre", "millilitres"), 1e-3),
        **dict.fromkeys(("µl", "μl", "µL", "μL", "ul", "uL", "microliter", "microliters"), 1e-6),
    },
    "mol": {
        **dict.fromkeys(("mol", "mole", "moles"), 1.0),
        "mmol": 1e-3,
        **dict.fromkeys(("µmol", "μmol", "umol"), 1e-6),
        "nmol": 1e-9,
        "pmol": 1e-12,
    },
    "molar": {
        **dict.fromkeys(("M", "molar"), 1.0), "mM": 1e-3,
        **dict.fromkeys(("µM", "μM", "uM"), 1e-6), "nM": 1e-9, "pM": 1e-12,
    },
    "byte": {
        **dict.fromkeys(("byte", "bytes"), 1.0), "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
        "GiB": 2.0**30, "MiB": 2.0**20,
        **dict.fromkeys(("kilobytes", "kilobyte"), 1e3),
        **dict.fromkeys(("megabytes", "megabyte"), 1e6),
        **dict.fromkeys(("gigabytes", "gigabyte"), 1e9),
        **dict.fromkeys(("terabytes", "terabyte"), 1e12),
    },
    "base": {
        **dict.fromkeys(("bp", "nt", "nucleotides", "nucleotide", "bases", "base pairs"), 1.0),
        **dict.fromkeys(("kb", "kbp", "kilobase", "kilobases"), 1e3),
        **dict.fromkeys(("Mb", "Mbp", "megabases"), 1e6),
    },
    "dalton": {**dict.fromkeys(("Da", "dalton", "daltons"), 1.0), "kDa": 1e3},
    "hertz": {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    "celsius": dict.fromkeys(("°C", "℃", "degrees celsius", "celsius"), 1.0),
    "fahrenheit": dict.fromkeys(("°F", "fahrenheit"), 1.0),
    "degree": dict.fromkeys(("°", "degree", "degrees"), 1.0),
    "mmHg": dict.fromkeys(("mmHg", "mm hg"), 1.0),
    "IU": dict.fromkeys(("IU", "iu", "units", "unit", "U"), 1.0),
    "calorie": {**dict.fromkeys(("cal", "calorie", "calories"), 1.0), "kcal": 1e3},
    "joule": {"J": 1.0, "kJ": 1e3},
    "watt": {"W": 1.0, "kW": 1e3, "MW": 1e6, "mW": 1e-3},
    "volt": {"V": 1.0, "mV": 1e-3, "kV": 1e3},
    "decibel": dict.fromkeys(("dB", "decibel", "decibels"), 1.0),
    "flop": {"FLOPs": 1.0, "GFLOPs": 1e9, "TFLOPs": 1e12, "TFLOPS": 1e12},
    "fold": dict.fromkeys(("fold", "folds", "times", "x", "×", "X"), 1.0),
    "dollar": {**dict.fromkeys(("dollar", "dollars", "USD", "usd"), 1.0), "cents": 0.01},
    "euro": dict.fromkeys(("euro", "euros", "EUR"), 1.0),
    "pound": dict.fromkeys(("pounds", "GBP"), 1.0),
    "pixel": dict.fromkeys(("px", "pixel", "pixels"), 1.0),
    "person-year": dict.fromkeys(("person-years", "person-year", "patient-years"), 1.0),
}  # fmt: skip
_PER = (
    "kg", "day", "d", "week", "month", "year", "h", "hour", "min", "minute", "s", "sec", "second",
    "l", "L", "dl", "dL", "ml", "mL", "m2", "m²", "µl", "μl", "patient", "person",
)  # fmt: skip
_RATED = ("gram", "mol", "liter", "byte", "meter", "IU", "base", "calorie", "joule", "second", "%")

UNITS: dict[str, tuple[str, float]] = {
    name: (dimension, factor)
    for dimension, names in _SCALES.items()
    for name, factor in names.items()
}
"""Unit as written -> what it measures and how many of that dimension's unit it is."""

_PER_NAMES = {
    "d": "day", "h": "hour", "min": "minute", "s": "second", "sec": "second", "l": "L",
    "dl": "dL", "ml": "mL", "m²": "m2", "μl": "µl", "person": "patient",
}  # fmt: skip
UNITS.update(
    {
        f"{name}/{per}": (f"{dimension}/{_PER_NAMES.get(per, per)}", factor)
        for dimension in _RATED
        for name, factor in _SCALES[dimension].items()
        for per in _PER
    }
)
