"""Apache Spark with Delta Lake, and Spark's CSV reader."""

import os
from functools import cache
from pathlib import Path

import pyarrow as pa

from .delta import DeltaJudge


@cache
def session():
    """One small Spark. Interpreted expressions cost less than compiled ones for tables of this size."""
    from pyspark.sql import SparkSession
    jars = ",".join(str(j) for j in sorted(Path(os.environ["INTEROP_TOOLS"], "jars").glob("*.jar")))
    options = {
        "spark.jars": jars,
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.level=ERROR",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.databricks.delta.snapshotPartitions": "1",
    }
    builder = SparkSession.builder.master("local[1]").appName("interop")
    for key, value in options.items():
        builder = builder.config(key, value)
    s = builder.getOrCreate()
    s.sparkContext.setLogLevel("ERROR")
    return s


class Spark(DeltaJudge):
    name = "spark"
    words = {"string": "string", "long": "bigint", "decimal": "decimal(38,%d)", "double": "double", "boolean": "boolean",
             "timestamp": "timestamp", "date": "date"}

    def frame(self, table: Path, version: int | None = None):
        reader = session().read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(str(table))

    def read(self, table: Path, version: int | None = None) -> pa.Table:
        return self.frame(table, version).toArrow()

    def types(self, table: Path) -> dict[str, str]:
        return {f.name: f.dataType.simpleString() for f in self.frame(table).schema.fields}

    def counts(self, table: Path, conditions: list[str]) -> list[int]:
        self.frame(table).createOrReplaceTempView("t")
        return [session().sql(f"SELECT count(*) FROM t WHERE {c}").first()[0] for c in conditions]


def csv_cells(files: list[str], width: int) -> list[list[str | None]]:
    """The cells of CSV files as Spark reads them. Without lineSep it makes every line end inside quotes a line feed."""
    schema = ", ".join(f"c{i} string" for i in range(width))
    frame = session().read.schema(schema).csv(files, header=False, multiLine=True, quote='"', escape='"', lineSep="\n", mode="FAILFAST")
    columns = [c.to_pylist() for c in frame.toArrow().columns]
    return [list(r) for r in zip(*columns)]
