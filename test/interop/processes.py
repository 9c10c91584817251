"""The real parts as processes: a local environment, the service, and the command line."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

SECRET = "LAKELINK_INTEROP_SECRET"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process:
    """A program that prints one line when it is ready."""

    def __init__(self, args: list[str], log: Path, env: dict[str, str] | None = None):
        self.log = log
        with open(log, "ab") as err:
            self.popen = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=err, env=os.environ | (env or {}))
        self.first = self.popen.stdout.readline().decode()
        if not self.first.startswith("{"):
            self.kill()
            raise RuntimeError(f"{' '.join(args)} did not start: {self.first}{log.read_text()[-2000:]}")

    def kill(self):
        self.popen.kill()
        self.popen.wait()

    def stop(self):
        self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


class System:
    """An environment, a service, a link between them and a lake, in one folder."""

    def __init__(self, program: str, folder: Path, tables: list[str]):
        self.program, self.folder, self.tables = program, folder, tables
        self.lake = folder / "lake"
        self.env_addr, self.addr = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.environment = self.service = None

    def start_environment(self, program: list[str] | None = None, *args: str) -> dict:
        """Starts the environment and returns how to sign in. Another program may serve the same data."""
        command = program or [self.program, "dataverse", "serve", "--seed", "crm", "--rows", "3000", "-o", "json"]
        self.environment = Process([*command, "--addr", self.env_addr, "--data", str(self.folder / "environment"), *args],
                                   self.folder / "environment.log")
        return json.loads(self.environment.first)

    def start_service(self):
        self.service = Process([self.program, "serve", "--addr", self.addr, "--data", str(self.folder / "state"), "-o", "json"],
                               self.folder / "service.log", {SECRET: "local-secret"})

    def create_link(self):
        self.cli("link", "create", "interop", "--environment", f"http://{self.env_addr}", "--lake", str(self.lake),
                 "--tables", ",".join(self.tables), "--interval", "5s",
                 "--client-id", "51f81489-12ee-4a9e-aaae-a2591f45987d", "--client-secret", "env:" + SECRET)

    def wait(self):
        """Returns once all that the environment has committed now is readable in both formats."""
        self.cli("wait", "interop", "--timeout", "3m")

    def cli(self, *args: str) -> str:
        r = subprocess.run([self.program, *args], capture_output=True, text=True,
                           env=os.environ | {"LAKELINK_URL": "http://" + self.addr})
        if r.returncode != 0:
            log = self.service.log.read_text()[-2000:] if self.service else ""
            raise RuntimeError(f"lakelink {' '.join(args)}: exit {r.returncode}: {r.stdout}{r.stderr}\n{log}")
        return r.stdout

    def delta(self, table: str) -> Path:
        return self.lake / "deltalake" / f"{table}_partitioned"

    def log(self, table: str) -> Path:
        return self.delta(table) / "_delta_log"

    def version(self, table: str) -> int:
        """The newest version of a Delta table."""
        return max(int(f.stem) for f in self.log(table).glob("*.json") if f.stem.isdigit())

    def until(self, what: str, condition, seconds: float = 60):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{what}: not within {seconds} s")
            time.sleep(0.05)

    def close(self):
        for p in (self.service, self.environment):
            if p:
                p.stop()
