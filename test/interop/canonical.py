"""One form for every value, so that readers of different worlds can be compared.

A row is a dict from column to None or text; the kind of a column decides how its values are written:

    text, guid, int   as they are; guids in lower case
    decimal           plain, without exponent and trailing zeros
    double            Python's shortest form
    bool              true, false
    time              2024-03-01T10:00:00.000000, UTC, or the wall clock's reading
    date              2024-03-01
"""

from datetime import date, datetime, timezone
from decimal import Decimal

TIME = "%Y-%m-%dT%H:%M:%S.%f"


def decimal(value: Decimal) -> str:
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def time(value: datetime) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(timezone.utc)
    # strftime does not pad years before 1000
    return value.replace(tzinfo=None).isoformat(timespec="microseconds")


def native(value) -> str | None:
    """The form of a value as Arrow gives it to Python."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case float():
            return repr(value + 0.0) if value else "0.0"
        case Decimal():
            return decimal(value)
        case datetime():
            return time(value)
        case date():
            return value.isoformat()
    raise TypeError(f"no canonical form of {type(value).__name__} {value!r}")


def differences(want: dict[str, dict], got: dict[str, dict], limit: int = 5) -> list[str]:
    """What is different between rows by id, as lines to read; empty if nothing is."""
    out = [f"{id}: missing" for id in want.keys() - got.keys()]
    out += [f"{id}: extra, {got[id]}" for id in got.keys() - want.keys()]
    for id in want.keys() & got.keys():
        if want[id] != got[id]:
            columns = sorted(want[id].keys() | got[id].keys())
            out += [f"{id}.{c}: source {want[id].get(c, '(no column)')!r}, lake {got[id].get(c, '(no column)')!r}"
                    for c in columns if want[id].get(c, "") != got[id].get(c, "")]
    return out[:limit] + ([f"... and {len(out) - limit} more"] if len(out) > limit else [])
