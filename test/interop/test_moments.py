"""At each moment, each judge reads what Lakelink wrote, and it is what the source holds: every column and row."""

import pytest

from canonical import differences
from judges import delta, incremental
from judges.arrow import Arrow
from judges.cdmsdk import CDM
from judges.deltars import DeltaRS
from judges.duck import DuckDB
from judges.pycsv import PythonCSV
from judges.spark import Spark
from judges.sparkcsv import SparkCSV
from story import BUSY, MOMENTS, TABLES, WHOLE

DELTA = [Spark(), DeltaRS(), DuckDB(), Arrow()]
INCREMENTAL = [CDM(), SparkCSV(), PythonCSV()]


@pytest.mark.parametrize("moment, judge", [pytest.param(m, j, id=f"{m}-{j.name}") for m in MOMENTS for j in DELTA + INCREMENTAL])
def test_readers_see_what_the_source_holds(story, moment, judge):
    story.at(moment)
    slow = judge.name.startswith("spark")
    tables = TABLES if moment in WHOLE or not slow else [*BUSY, "new_device_contact"]
    problems = []
    if judge in DELTA:
        for name in tables:
            problems += delta_problems(story, judge, name)
    else:
        parts = judge.parts(story.system.lake, tables)
        for name in tables:
            problems += incremental_problems(story, parts[name], name)
    assert not problems, "\n".join(problems)


def delta_problems(story, judge, name: str) -> list[str]:
    t, path = story.truth[name], story.system.delta(name)
    want, got = judge.wanted_types(t), judge.types(path)
    problems = [f"{name}.{c}: type {got.get(c)}, want {want.get(c)}" for c in want.keys() | got.keys() if want.get(c) != got.get(c)]
    return problems + [f"{name}: {d}" for d in differences(t.rows, delta.rows(judge.read(path), t.key))]


def incremental_problems(story, parts, name: str) -> list[str]:
    t = story.truth[name]
    want, got = incremental.wanted_types(t), dict(parts[-1].attributes)
    problems = [f"{name}.{c}: type {got.get(c)}, want {want.get(c)}" for c in want.keys() | got.keys() if want.get(c) != got.get(c)]
    # null and the empty text are the same in CSV
    rows = {id: {c: v or None for c, v in row.items()} for id, row in t.rows.items()}
    return problems + [f"{name}: {d}" for d in differences(rows, incremental.current(parts, t))]
