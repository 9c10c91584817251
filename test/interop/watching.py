"""Readers that look at the lake again and again while it is written."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from judges import delta, incremental
from judges.arrow import Arrow
from judges.deltars import DeltaRS
from judges.duck import DuckDB
from judges.pycsv import PythonCSV
from judges.spark import Spark

SECONDS = 45


@dataclass
class Read:
    judge: str
    table: str
    before: int  # newest version before it began, and after it ended
    after: int
    rows: dict[str, dict]


@dataclass
class Seen:
    first: dict[str, int]  # newest versions when it began, by table, and when it ended
    last: dict[str, int] = field(default_factory=dict)
    reads: list[Read] = field(default_factory=list)
    folders: list[tuple[Path, dict[str, dict]]] = field(default_factory=list)  # the newest closed one, and the rows by table
    changed: list[str] = field(default_factory=list)  # files that changed in closed folders


def watch(story, tables: list[str]) -> Seen:
    """What readers see, in turns, during SECONDS of traffic."""
    seen = Seen({name: story.system.version(name) for name in tables})
    stop = threading.Event()
    changes = threading.Thread(target=story.traffic.run, args=(stop, 0.05))
    changes.start()
    try:
        end, python = time.monotonic() + SECONDS, PythonCSV()
        while time.monotonic() < end:
            for judge in (DeltaRS(), DuckDB(), Arrow(), Spark()):
                for name in tables:
                    read(story, judge, name, seen)
                    read_folders(story, python, tables, seen)
    finally:
        stop.set()
        changes.join()
    assert story.traffic.failure is None, story.traffic.failure
    seen.last = {name: story.system.version(name) for name in tables}
    return seen


def read(story, judge, name: str, seen: Seen):
    before = story.system.version(name)
    rows = delta.rows(judge.read(story.system.delta(name)), story.truth[name].key)
    seen.reads.append(Read(judge.name, name, before, story.system.version(name), rows))


def read_folders(story, judge, tables: list[str], seen: Seen):
    seen.changed += story.look()
    newest = incremental.closed(story.system.lake)[-1]
    parts = {name: [p for p in ps if p.folder <= newest.name] for name, ps in judge.parts(story.system.lake, tables).items()}
    seen.folders.append((newest, {name: incremental.current(parts[name], story.truth[name]) for name in tables}))
