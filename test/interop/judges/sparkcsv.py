"""Spark's CSV reader, with multiLine and escape='"'."""

from collections import defaultdict
from datetime import datetime
from pathlib import Path

from . import spark
from .incremental import IncrementalJudge, Part, attributes, entities, files


class SparkCSV(IncrementalJudge):
    name = "spark-csv"

    def read(self, folders: list[Path], tables: list[str]) -> list[tuple[str, Part]]:
        """Folders of a table with the same attributes are read at once and told apart by the times of their rows."""
        groups = defaultdict(list)
        for folder in folders:
            for name, e in entities(folder).items():
                if name in tables and e["partitions"]:
                    groups[name, tuple(attributes(e))].append((folder, files(e)))
        out = []
        for (name, names), parts in groups.items():
            for cells in self.by_time(spark.csv_cells([f for _, fs in parts for f in fs], len(names))):
                when = datetime.strptime(cells[0][1], "%m/%d/%Y %I:%M:%S %p").isoformat()
                out.append((name, Part(f"written {when}", list(names), cells)))
        return out

    def by_time(self, rows: list[list[str | None]]) -> list[list[list[str | None]]]:
        times = defaultdict(list)
        for row in rows:
            times[row[1]].append(row)
        return list(times.values())
