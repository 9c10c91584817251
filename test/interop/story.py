"""The story that judges follow: one environment, one lake, moments in order. At each moment everything is at rest."""

import hashlib
import json
import threading
from pathlib import Path

import pytest

import webapi
from judges.incremental import closed
from processes import System
from traffic import VALUES, Traffic
from watching import Seen, watch
from webapi import Table, WebAPI

TABLES = ["account", "contact", "lead", "opportunity", "opportunityproduct", "incident", "activitypointer", "activityparty",
          "task", "phonecall", "email", "appointment", "annotation", "systemuser", "team", "teammembership", "product",
          "transactioncurrency", "new_device", "new_device_contact"]
BUSY = ["account", "new_device"]  # those that traffic changes
MOMENTS = ["initial-sync", "50-commits", "checkpoint", "kill-and-restart", "after-traffic", "new-columns", "resync"]
WHOLE = ("initial-sync", "resync")  # moments at which all tables are compared by the slow judges too
CHECKPOINT_EVERY = 20
NEW_COLUMNS = {"new_remark": ["a \"quoted\"\nremark", None], "new_score": [1.125, -0.001, None], "new_flag": [True, False],
               "new_since": ["1753-01-01", "9999-12-31"], "new_rank": [-2147483648, 2147483647]}


class Story:
    def __init__(self, program: str, widened: str, folder: Path):
        self.system = System(program, folder, TABLES)
        self.widened, self.folder = widened, folder
        self.moment = None
        self.failure: Exception | None = None
        self.truth: dict[str, Table] = {}
        self.seen: Seen | None = None
        self.checksums: dict[Path, str] = {}  # of the files in closed folders, when they were first seen

    def at(self, moment: str) -> "Story":
        """Goes on to a moment, through those before it, unless it has passed."""
        if self.moment and MOMENTS.index(self.moment) >= MOMENTS.index(moment):
            return self
        if self.failure:
            pytest.skip("the story ended before this moment, see above")
        try:
            return self.advance(moment)
        except Exception as e:
            self.failure = e
            raise

    def advance(self, moment: str) -> "Story":
        while self.moment != moment:
            following = MOMENTS[0 if self.moment is None else MOMENTS.index(self.moment) + 1]
            getattr(self, following.replace("-", "_").replace("50", "fifty"))()
            self.rest()
            self.moment = following
        return self

    def rest(self):
        """Waits until the lake is complete, and reads the truth."""
        self.system.wait()
        self.truth = {name: self.api.read(name) for name in TABLES}
        webapi.dump(list(self.truth.values()), self.folder / "truth" / str(len(list(self.folder.glob("truth/*")))))
        self.traffic.tables |= {name: self.truth[name] for name in BUSY}
        self.look()

    def look(self) -> list[str]:
        """Remembers the files of closed folders; returns what was changed in those that were closed before."""
        changed = []
        for folder in closed(self.system.lake):
            for f in folder.rglob("*"):
                if f.is_file():
                    now = hashlib.sha256(f.read_bytes()).hexdigest()
                    if self.checksums.setdefault(f, now) != now:
                        changed.append(str(f.relative_to(self.system.lake)))
        return changed

    def position(self, table: str, version: int) -> int:
        """The row version through which a version of a Delta table is complete."""
        commit = self.system.log(table) / f"{version:020}.json"
        info = json.loads(commit.read_text().splitlines()[0])["commitInfo"]
        return info["lakelink"]["position"]["version"]

    # What happens before each moment.

    def initial_sync(self):
        keys = self.system.start_environment()
        self.api = WebAPI(keys["url"], keys["tenant"], keys["client_id"], keys["client_secret"])
        self.system.start_service()
        self.system.create_link()
        self.traffic = Traffic(self.api, [self.api.read(name) for name in BUSY], seed=1)

    def fifty_commits(self):
        """Fifty changes of each busy table, each in a commit of its own."""
        for name in BUSY:
            for _ in range(50):
                self.one_commit(name)
        assert all(self.system.version(name) >= 50 for name in BUSY)

    def one_commit(self, name: str):
        before = self.system.version(name)
        self.traffic.step(name)
        self.system.until(f"commit of {name}", lambda: self.system.version(name) > before)

    def checkpoint(self):
        """Goes on until the newest version is a checkpoint, so that readers need no later commit."""
        for name in BUSY:
            while not (self.system.log(name) / f"{self.system.version(name):020}.checkpoint.parquet").exists():
                self.one_commit(name)
                if self.system.version(name) % CHECKPOINT_EVERY == 0:
                    self.system.until("checkpoint", (self.system.log(name) / f"{self.system.version(name):020}.checkpoint.parquet").exists, 5)

    def kill_and_restart(self):
        """Kills the service while it has work, changes more while it is down, and starts it again."""
        for _ in range(20):
            self.traffic.step()
        self.system.service.kill()
        for _ in range(40):
            self.traffic.step()
        self.system.start_service()

    def after_traffic(self):
        """Readers look at the lake while it is written; test_traffic judges what they saw."""
        self.seen = watch(self, BUSY)

    def new_columns(self):
        """Somebody adds columns; the service is restarted, as it has to be."""
        self.system.service.stop()
        self.system.environment.stop()
        self.system.start_environment([self.widened])
        self.system.start_service()
        for name in BUSY:
            VALUES[name] |= NEW_COLUMNS
            self.traffic.tables[name].columns |= self.api.table(name).columns
        for _ in range(30):
            self.traffic.step()

    def resync(self):
        """A busy table is copied anew while it changes."""
        stop = threading.Event()
        changes = threading.Thread(target=self.traffic.run, args=(stop, 0.02))
        changes.start()
        for name in BUSY:
            self.system.cli("table", "resync", "interop", name)
        self.system.wait()
        stop.set()
        changes.join()
        assert self.traffic.failure is None
