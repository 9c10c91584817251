"""Apache Arrow's Parquet reader in C++, led by a reading of the Delta log that is as plain as the protocol allows."""

import json
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .delta import DeltaJudge


@dataclass
class Snapshot:
    version: int
    schema: dict
    adds: list[dict]


def snapshot(table: Path, version: int | None = None) -> Snapshot:
    """Replays the log from the newest checkpoint."""
    log = table / "_delta_log"
    last = json.loads((log / "_last_checkpoint").read_text())["version"] if (log / "_last_checkpoint").exists() else -1
    adds, meta, at = {}, None, -1
    if last >= 0 and (version is None or last <= version):
        for action in pq.read_table(log / f"{last:020}.checkpoint.parquet").to_pylist():
            if action.get("add"):
                adds[action["add"]["path"]] = action["add"] | {"partitionValues": dict(action["add"]["partitionValues"])}
            if action.get("metaData"):
                meta = action["metaData"]
        at = last
    while version is None or at < version:
        commit = log / f"{at + 1:020}.json"
        if not commit.exists():
            break
        for line in commit.read_text().splitlines():
            action = json.loads(line)
            if "remove" in action:
                del adds[action["remove"]["path"]]
            elif "add" in action:
                adds[action["add"]["path"]] = action["add"]
            elif "metaData" in action:
                meta = action["metaData"]
        at += 1
    return Snapshot(at, json.loads(meta["schemaString"]), list(adds.values()))


def read_file(table: Path, add: dict) -> pa.Table:
    data = pq.ParquetFile(table / urllib.parse.unquote(add["path"])).read()
    return data.append_column("PartitionId", pa.array([add["partitionValues"]["PartitionId"]] * data.num_rows, pa.string()))


class Arrow(DeltaJudge):
    name = "arrow"
    words = {"string": "string", "long": "int64", "decimal": "decimal128(38, %d)", "double": "double", "boolean": "bool",
             "timestamp": "timestamp[us, tz=UTC]", "date": "date32[day]"}

    def read(self, table: Path, version: int | None = None) -> pa.Table:
        s = snapshot(table, version)
        names = [f["name"] for f in s.schema["fields"]]
        files = [read_file(table, a) for a in s.adds]
        whole = pa.concat_tables(files, promote_options="default") if files else pa.table({n: pa.nulls(0) for n in names})
        missing = [n for n in names if n not in whole.column_names]  # added later than every file
        for n in missing:
            whole = whole.append_column(n, pa.nulls(whole.num_rows))
        return whole.select(names)

    def types(self, table: Path) -> dict[str, str]:
        s = snapshot(table)
        schema = pa.unify_schemas([read_file(table, a).schema for a in s.adds])
        return {f.name: str(f.type) for f in schema}
