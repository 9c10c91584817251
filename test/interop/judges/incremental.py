"""What all readers of the incremental folders are asked, and how their answers become current rows."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlparse

import canonical
from webapi import Table

OURS = {"Id": "guid", "SinkCreatedOn": "dateTime", "SinkModifiedOn": "dateTime", "IsDelete": "boolean"}
TYPES = {"text": "string", "guid": "guid", "int": "int64", "decimal": "decimal", "double": "decimal", "bool": "boolean",
         "time": "dateTime", "date": "dateTime"}


@dataclass
class Part:
    """What a folder holds of a table."""
    folder: str
    attributes: list[tuple[str, str]]  # name and data type, as in model.json
    cells: list[list[str | None]]


class IncrementalJudge(ABC):
    name: str

    def __init__(self):
        self.seen: dict[tuple[str, str], Part] = {}  # closed folders never change, which another test proves

    def parts(self, lake: Path, tables: list[str]) -> dict[str, list[Part]]:
        """All that the closed folders hold, oldest first."""
        new = [f for f in closed(lake) if (f.name, "") not in self.seen]
        for part in self.read(new, tables):
            self.seen[part[0], part[1].folder] = part[1]
        self.seen |= {(f.name, ""): None for f in new}
        return {t: [p for (table, _), p in sorted(self.seen.items(), key=lambda i: i[0][1]) if table == t] for t in tables}

    @abstractmethod
    def read(self, folders: list[Path], tables: list[str]) -> list[tuple[str, Part]]:
        """What folders hold, by table. A table without rows in a folder may be left out."""


def closed(lake: Path) -> list[Path]:
    return sorted(m.parent for m in lake.glob("2*/model.json"))


def entities(folder: Path) -> dict[str, dict]:
    return {e["name"]: e for e in json.loads((folder / "model.json").read_text())["entities"]}


def files(entity: dict) -> list[str]:
    """The paths of an entity's partitions. In a local lake they are addresses of files."""
    return [urlparse(p["location"]).path for p in entity["partitions"]]


def attributes(entity: dict) -> list[tuple[str, str]]:
    return [(a["name"], a["dataType"]) for a in entity["attributes"]]


def current(parts: list[Part], t: Table) -> dict[str, dict]:
    """The rows that are left when the highest version of each id holds."""
    newest: dict[str, tuple[int, dict | None]] = {}
    problems = []
    for part in parts:
        names, here = [n for n, _ in part.attributes], set()
        for cells in part.cells:
            if len(cells) != len(names):
                problems.append(f"{part.folder}: {len(cells)} cells under {len(names)} attributes: {cells}")
                continue
            row = dict(zip(names, cells))
            id, version = row["Id"], int(row["versionnumber"])
            if id in here:
                problems.append(f"{part.folder}: {id} twice in a folder")
            here.add(id)
            if id not in newest or newest[id][0] <= version:
                newest[id] = version, None if row["IsDelete"] == "True" else row
    assert not problems, "\n".join(problems[:5])
    out = {}
    for id, (_, row) in newest.items():
        if row is not None:
            out[id] = {c.name: value(c.kind, row.get(c.name)) for c in t.columns.values()}
            assert id == out[id][t.key]
    return out


def value(kind: str, cell: str | None) -> str | None:
    if not cell:
        return None
    match kind:
        case "bool":
            return {"True": "true", "False": "false"}[cell]
        case "decimal":
            return canonical.decimal(Decimal(cell))
        case "double":
            return canonical.native(float(cell))
        case "time":
            # seven digits after the point are one more than Python reads
            assert cell[26] == "0", cell
            return canonical.time(datetime.fromisoformat(cell[:26] + cell[27:].replace("Z", "+00:00")))
        case "date":
            assert cell[10:] == "T00:00:00.0000000", cell
            return cell[:10]
    return cell


def wanted_types(t: Table) -> dict[str, str]:
    types = {c.name: TYPES[c.kind] for c in t.columns.values()}
    if "createdon" in types:
        types["createdon"] = "dateTimeOffset"
    return OURS | types
