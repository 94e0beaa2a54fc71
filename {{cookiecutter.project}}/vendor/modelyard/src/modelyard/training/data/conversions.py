"""Changes of unit that happen to a feed, by the new value for an old one: `factor * old + offset`."""

from __future__ import annotations

from dataclasses import dataclass

PAIRS = (
    (1.8, 32.0, "°C", "°F"),
    (1.0, 273.15, "°C", "K"),
    (1.8, -459.67, "K", "°F"),
    (1.609344, 0.0, "mi", "km"),
    (1.609344, 0.0, "mph", "km/h"),
    (1.852, 0.0, "kn", "km/h"),
    (1.150779, 0.0, "kn", "mph"),
    (1.943844, 0.0, "m/s", "kn"),
    (2.236936, 0.0, "m/s", "mph"),
    (3.6, 0.0, "m/s", "km/h"),
    (2.204623, 0.0, "kg", "lb"),
    (3.28084, 0.0, "m", "ft"),
    (12.0, 0.0, "ft", "in"),
    (2.54, 0.0, "in", "cm"),
    (25.4, 0.0, "in", "mm"),
    (33.863886, 0.0, "inHg", "mbar"),
    (60.0, 0.0, "min", "s"),
    (60.0, 0.0, "h", "min"),
    (3600.0, 0.0, "h", "s"),
    (24.0, 0.0, "d", "h"),
    (86400.0, 0.0, "d", "s"),
)
SCALES = (10.0, 100.0, 1000.0, 1e6)
NAMES = {
    "°C": ("degC", "C", "celsius"),
    "°F": ("degF", "F", "fahrenheit"),
    "K": ("kelvin",),
    "mi": ("mile", "miles"),
    "km/h": ("kph", "kmh"),
    "kn": ("kt", "kts", "knots"),
    "m/s": ("mps",),
    "kg": ("kilogram", "kilograms"),
    "lb": ("lbs", "pounds"),
    "m": ("metre", "metres", "meters"),
    "ft": ("foot", "feet"),
    "in": ("inch", "inches"),
    "mbar": ("hPa", "mb"),
    "min": ("minute", "minutes"),
    "s": ("sec", "second", "seconds"),
    "h": ("hour", "hours"),
    "d": ("day", "days"),
}
VALUES = "the values"
KNOWN = {alias.lower(): name for name, aliases in NAMES.items() for alias in (name, *aliases)}


@dataclass(frozen=True)
class Conversion:
    """A change from one unit to another."""

    factor: float
    offset: float
    before: str
    after: str

    def undone(self, value: float) -> float:
        """The value in the unit before."""
        return (value - self.offset) / self.factor

    def told(self, unit: str | None) -> str:
        """The change in words; for a column of another unit, or of none, units are an example only."""
        if is_known(unit) or self.before == VALUES:
            return f"as if {self.before} had become {self.after}"
        more = f" and {self.offset:+g}" if self.offset else ""
        return f"as if multiplied by about {self.factor:.3g}{more}, as from {self.before} to {self.after}"


def is_known(unit: str | None) -> bool:
    """Whether the unit is one of those here."""
    return (unit or "").lower() in KNOWN


def conversions(unit: str | None) -> list[Conversion]:
    """The changes of a column's unit: those from a unit that is known here, all if it is not, and those of scale."""
    both = [
        one
        for factor, offset, before, after in PAIRS
        for one in (
            Conversion(factor, offset, before, after),
            Conversion(1 / factor, -offset / factor, after, before),
        )
    ]
    own = KNOWN.get((unit or "").lower())
    known = [one for one in both if one.before == own] or both
    scales = [
        one
        for factor in SCALES
        for one in (
            Conversion(factor, 0.0, VALUES, f"{factor:,.0f} times as large"),
            Conversion(1 / factor, 0.0, VALUES, f"{factor:,.0f} times as small"),
        )
    ]
    return [*known, *scales, Conversion(-1.0, 0.0, VALUES, "their negatives")]
