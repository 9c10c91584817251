"""Readers that read while we write never fail, and each version they see is one that the source was in."""

import json
import shutil
from pathlib import Path

import pytest

from canonical import differences
from judges import delta
from judges.arrow import Arrow
from judges.deltars import DeltaRS
from judges.duck import DuckDB
from judges.spark import Spark
from story import BUSY
from watching import Seen


@pytest.fixture(scope="module")
def seen(story) -> Seen:
    return story.at("after-traffic").seen


@pytest.mark.parametrize("judge", ["delta-rs", "duckdb", "arrow", "spark"])
def test_every_read_during_traffic_is_a_state_of_the_source(story, seen, judge):
    reads = [r for r in seen.reads if r.judge == judge]
    problems = []
    for r in reads:
        states = [story.traffic.state(r.table, story.position(r.table, v), r.rows) for v in range(r.before, r.after + 1)]
        found = [differences(s, r.rows) for s in states]
        if all(found):
            problems.append(f"{r.table} between versions {r.before} and {r.after}: {min(found, key=len)}")
    assert not problems, "\n".join(problems)
    assert len({r.before for r in reads}) > 1, "the table did not change while it was read"


def test_every_version_is_a_state_of_the_source(story, seen):
    judge, versions, problems = DeltaRS(), 0, []
    for name in BUSY:
        for version in range(seen.first[name], seen.last[name] + 1):
            rows = delta.rows(judge.read(story.system.delta(name), version), story.truth[name].key)
            want = story.traffic.state(name, story.position(name, version), rows)
            problems += [f"{name} version {version}: {d}" for d in differences(want, rows)]
            versions += 1
    assert not problems, "\n".join(problems[:20])
    assert versions > 20


@pytest.mark.parametrize("judge", [Spark(), DuckDB(), Arrow()], ids=lambda j: j.name)
def test_judges_agree_about_past_versions(story, seen, judge):
    problems = []
    for name in BUSY:
        last = seen.last[name]
        for version in (seen.first[name], (seen.first[name] + last) // 2, last):
            rows = delta.rows(judge.read(story.system.delta(name), version), story.truth[name].key)
            problems += differences(story.traffic.state(name, story.position(name, version), rows), rows)
    assert not problems, "\n".join(problems)


def test_closed_folders_add_up_to_a_state_of_the_source(story, seen):
    problems, states = [], set()
    for folder, tables in seen.folders:
        decided = json.loads((folder / "_lakelink.json").read_text())["tables"]
        states.add(folder.name)
        for name, rows in tables.items():
            # null and the empty text are the same in CSV
            want = story.traffic.state(name, decided[name]["position"]["version"], rows)
            want = {id: {c: v or None for c, v in row.items()} for id, row in want.items()}
            problems += [f"{folder.name} {name}: {d}" for d in differences(want, rows)]
    assert not problems, "\n".join(problems[:20])
    assert len(states) > 3


def test_closed_folders_never_change(story, seen):
    assert seen.changed == []


@pytest.mark.parametrize("judge", [Spark(), DeltaRS(), DuckDB(), Arrow()], ids=lambda j: j.name)
def test_a_checkpoint_replaces_the_commits_before_it(story, seen, judge, tmp_path):
    """As the log is once the commits that a checkpoint has taken in are deleted."""
    for name in BUSY:
        copy = Path(shutil.copytree(story.system.delta(name), tmp_path / name))
        last = json.loads((copy / "_delta_log" / "_last_checkpoint").read_text())["version"]
        for f in (copy / "_delta_log").glob("*"):
            if f.name[0].isdigit() and int(f.name[:20]) < last:
                f.unlink()
        rows = delta.rows(judge.read(copy), story.truth[name].key)
        assert not differences(story.truth[name].rows, rows)
