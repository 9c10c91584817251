"""DuckDB with its own delta extension, which is built on Delta Kernel in Rust."""

from pathlib import Path

import duckdb
import duckdb_extension_delta
import pyarrow as pa

from .delta import DeltaJudge

EXTENSION = next(Path(duckdb_extension_delta.__file__).parent.glob("extensions/*/delta.duckdb_extension"))


class DuckDB(DeltaJudge):
    name = "duckdb"
    words = {"string": "VARCHAR", "long": "BIGINT", "decimal": "DECIMAL(38,%d)", "double": "DOUBLE", "boolean": "BOOLEAN",
             "timestamp": "TIMESTAMP WITH TIME ZONE", "date": "DATE"}

    def connect(self) -> duckdb.DuckDBPyConnection:
        c = duckdb.connect(config={"threads": 1, "memory_limit": "512MB", "autoinstall_known_extensions": False})
        c.execute(f"LOAD '{EXTENSION}'")
        c.execute("SET TimeZone = 'UTC'")
        return c

    def scan(self, table: Path, version: int | None = None) -> str:
        return f"delta_scan('{table}'" + (f", version := {version})" if version is not None else ")")

    def read(self, table: Path, version: int | None = None) -> pa.Table:
        with self.connect() as c:
            return c.execute(f"SELECT * FROM {self.scan(table, version)}").to_arrow_table()

    def types(self, table: Path) -> dict[str, str]:
        with self.connect() as c:
            return {r[0]: r[1] for r in c.execute(f"DESCRIBE SELECT * FROM {self.scan(table)}").fetchall()}

    def counts(self, table: Path, conditions: list[str]) -> list[int]:
        with self.connect() as c:
            return [c.execute(f"SELECT count(*) FROM {self.scan(table)} WHERE {w}").fetchone()[0] for w in conditions]
