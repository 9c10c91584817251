"""What all readers of Delta tables are asked, and how their answers are judged."""

from abc import ABC, abstractmethod
from pathlib import Path

import pyarrow as pa

import canonical
from webapi import Table

OURS = {"Id": "string", "SinkCreatedOn": "timestamp", "SinkModifiedOn": "timestamp", "IsDelete": "boolean", "PartitionId": "string"}
TYPES = {"text": "string", "guid": "string", "int": "long", "double": "double", "bool": "boolean", "time": "timestamp", "date": "date"}


class DeltaJudge(ABC):
    name: str
    # how this reader calls Delta's types; a decimal's digits are put in
    words: dict[str, str]

    @abstractmethod
    def read(self, table: Path, version: int | None = None) -> pa.Table:
        """All rows, of the newest or a given version."""

    @abstractmethod
    def types(self, table: Path) -> dict[str, str]:
        """The columns and their types, in the reader's own words."""

    def counts(self, table: Path, conditions: list[str]) -> list[int] | None:
        """How many rows meet each condition, in SQL; None where the reader has no SQL."""
        return None

    def wanted_types(self, t: Table) -> dict[str, str]:
        def word(kind: str, scale: int) -> str:
            return self.words["decimal"] % scale if kind == "decimal" else self.words[TYPES[kind]]
        return {n: self.words[w] for n, w in OURS.items()} | {c.name: word(c.kind, c.scale) for c in t.columns.values()}


def rows(answer: pa.Table, key: str) -> dict[str, dict]:
    """Canonical rows by id, without our own columns, which are checked on the way."""
    out, problems = {}, []
    for native in answer.to_pylist():
        row = {c: canonical.native(v) for c, v in native.items()}
        ours = {c: row.pop(c) for c in OURS}
        id = ours["Id"]
        if id in out:
            problems.append(f"{id}: twice")
        if id != row[key]:
            problems.append(f"{id}: Id is not {key} {row[key]}")
        if not ours["SinkCreatedOn"] or ours["SinkCreatedOn"] != ours["SinkModifiedOn"] or ours["IsDelete"] is not None:
            problems.append(f"{id}: {ours}")
        if ours["PartitionId"] != (row.get("createdon") or "1900")[:4]:
            problems.append(f"{id}: created {row.get('createdon')}, but in partition {ours['PartitionId']}")
        out[id] = row
    assert not problems, "\n".join(problems[:5])
    return out
