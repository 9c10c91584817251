"""Changes made through the Web API, with a record of what every row was at every row version."""

import random
import threading
from decimal import Decimal
from typing import NamedTuple

from webapi import Table, WebAPI

TEXTS = ["plain", "", 'with "quotes", and a comma', "two\nlines", "three\r\n\r\nlines", "\r", '"', '""', ",", "\\", 'back\\"slash',
         " spaces around ", "tab\there", "Grüße aus Zürich", "日本語テキスト", "👩‍👩‍👧 emoji 🏳️‍🌈", "é combined é", "\u2028separators\u2029",
         "null", "NULL", "None", "NaN", "true", "0", "-", "#N/A", "=1+1", "a" * 31 + "é" * 3, "ÿ" * 90, "𝄞" * 40]
VALUES = {"new_device": {
    "new_notes": TEXTS + ["long " * 2000],
    "new_name": [t for t in TEXTS if t],
    "new_reading": [Decimal(s) for s in ("0", "-0.0000000001", "1.5", "99999999.5", "-100000000000", "0.1", "1E-9")],
    "new_servicewindow": ["1753-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1899-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "2024-02-29T12:00:00Z", None],
    "new_commissionedon": ["1753-01-01", "9999-12-31", "1900-02-28", "2000-02-29", "1970-01-01", None],
    "new_capabilities": ["100000001", "100000001,100000003,100000005", None],
    "new_active": [True, False, None],
    "importsequencenumber": [2147483647, -2147483648, 0, None],
}, "account": {
    "name": [t for t in TEXTS if t and len(t) < 100],
    "description": TEXTS,
    "revenue": [Decimal(s) for s in ("0", "0.01", "99999999999.99", "1234567.89")] + [None],
    "address1_latitude": [Decimal(s) for s in ("-90", "90", "0.00001", "47.37689", "0")] + [None],
    "numberofemployees": [0, 1, 1000000000, None],
    "donotemail": [True, False],
}}
NOT_YET = 1 << 62


class Change(NamedTuple):
    """What a row became. It happened at a row version between low and high, which differ for deletions only: their
    own version is not told, so it is known to lie between the changes before and after."""
    low: int
    high: int
    row: dict | None  # None: deleted


class Traffic:
    """One writer, so that the order of what is recorded is the order of what was done."""

    def __init__(self, api: WebAPI, tables: list[Table], seed: int):
        self.api, self.random = api, random.Random(seed)
        self.tables = {t.name: t for t in tables}
        self.history: dict[str, dict[str, list[Change]]] = {
            t.name: {id: [change(r)] for id, r in t.rows.items()} for t in tables}
        self.old = {t.name: sorted(t.rows) for t in tables}  # ids that are never deleted
        self.own: dict[str, list[str]] = {t.name: [] for t in tables}
        self.last = max(c.high for rows in self.history.values() for changes in rows.values() for c in changes)
        self.undated: list[list[Change]] = []  # histories that end in a deletion after which nothing happened
        self.steps = 0
        self.failure: BaseException | None = None

    def step(self, name: str | None = None):
        """Creates, changes or deletes a row."""
        name = name or self.random.choice(sorted(self.tables))
        t, own = self.tables[name], self.own[name]
        self.steps += 1
        dice = self.random.random()
        if dice < 0.15 and len(own) > 3:
            self.delete(t, own.pop(self.random.randrange(len(own))))
            return
        if dice < 0.4 or not own:
            id = self.api.request("POST", t.entity_set, self.new(name), "return=representation")[t.key]
            own.append(id)
        else:
            id = self.random.choice(own if dice < 0.7 else self.old[name])
            self.api.request("PATCH", f"{t.entity_set}({id})", self.values(name))
        self.record(t, id)

    def record(self, t: Table, id: str):
        done = change(self.api.row(t, id))
        for changes in self.undated:
            changes[-1] = changes[-1]._replace(high=done.high - 1)
        self.undated, self.last = [], done.high
        self.history[t.name].setdefault(id, []).append(done)

    def delete(self, t: Table, id: str):
        self.api.request("DELETE", f"{t.entity_set}({id})")
        changes = self.history[t.name][id]
        changes.append(Change(self.last + 1, NOT_YET, None))
        self.undated.append(changes)

    def values(self, name: str) -> dict:
        choices = VALUES[name]
        return {c: self.random.choice(choices[c]) for c in self.random.sample(sorted(choices), self.random.randint(1, len(choices)))}

    def new(self, name: str) -> dict:
        body = self.values(name)
        if name == "new_device":
            body["new_name"] = self.random.choice(VALUES[name]["new_name"])
            body["new_CustomerId_account@odata.bind"] = f"/accounts({self.random.choice(self.old['account'])})"
        else:
            body["name"] = self.random.choice(VALUES[name]["name"])
        return body

    def run(self, stop: threading.Event, pause: float):
        try:
            while not stop.wait(pause):
                self.step()
        except BaseException as e:  # whoever started this looks
            self.failure = e

    def state(self, name: str, version: int, got: dict[str, dict]) -> dict[str, dict]:
        """The rows through a row version. Where either is right, that of got."""
        rows = {}
        for id, changes in self.history[name].items():
            for c in changes:
                if c.high <= version or c.low <= version and id not in got:
                    rows[id] = c.row
        return {id: row for id, row in rows.items() if row is not None}


def change(row: dict) -> Change:
    version = int(row["versionnumber"])
    return Change(version, version, row)
