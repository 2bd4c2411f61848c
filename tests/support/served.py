"""A plain Jupyter server with medlab on loopback, asked without any help of a client library.

`http.client` sends a path as it is given: dots, percent signs and control characters reach
the server as an attacker would send them.
"""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.lab import free_port

TOKEN = "only-on-loopback"

BASE_URL = "/%C3%BCber%20lab/~doe/"
"""A prefix with spaces and letters beyond ASCII, as a hub can have it."""


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """The server; `log` is everything it said, at its most talkative."""

    root: Path
    settings: Path
    base_url: str = BASE_URL
    options: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ("medlab.server",)
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    replies: list[Reply] = field(default_factory=list)

    def start(self) -> "Served":
        self.settings.mkdir(parents=True, exist_ok=True)
        command = [
            *(sys.executable, "-m", "jupyter", "server", "--no-browser"),
            *("--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0"),
            f"--ServerApp.jpserver_extensions={dict.fromkeys(self.extensions, True)}",
            f"--ServerApp.base_url={self.base_url}",
            *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={self.root}"),
            *("--allow-root", "--log-level=DEBUG", *self.options),
        ]
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(self.settings / "config"),
            "JUPYTER_RUNTIME_DIR": str(self.settings / "runtime"),
            "JUPYTER_NO_CONFIG": "1",
            **self.environment,
        }
        environment.pop("MEDLAB_HOME", None)
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=self.settings
            )
        until = time.monotonic() + 90
        while time.monotonic() < until and self.process.poll() is None:
            try:
                self.ask("GET", "runs")
            except OSError:
                time.sleep(0.1)
            else:
                return self
        raise RuntimeError(f"The server did not start:\n{self.log[-2000:]}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def log_file(self) -> Path:
        return self.settings / "server.log"

    @property
    def log(self) -> str:
        return self.log_file.read_text("utf-8", "replace")

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = TOKEN,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60,
    ) -> Reply:
        """Ask below `medlab/`; an object becomes JSON."""
        address = f"{self.base_url}medlab/{path}"
        sent = {"Authorization": f"token {token}"} if token is not None else {}
        return self.ask_plain(
            method, address, body, {**sent, **(headers or {})}, timeout_s
        )

    def ask_plain(
        self,
        method: str,
        address: str,
        body: Any,
        headers: Mapping[str, str],
        timeout_s: float = 60,
    ) -> Reply:
        """Ask at any address."""
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=timeout_s
        )
        # Checks of addresses are the server's business here.
        connection._validate_path = lambda url: None  # type: ignore[attr-defined]
        connection._encode_request = lambda text: text.encode("utf-8")  # type: ignore
        try:
            connection.request(method, address, data, dict(headers))
            came = connection.getresponse()
            reply = Reply(came.status, dict(came.headers), came.read())
        except http.client.HTTPException as error:
            raise ConnectionError("The reply ended in the middle.") from error
        finally:
            connection.close()
        self.replies.append(reply)
        return reply

    def cookies(self) -> dict[str, str]:
        """What a browser holds after logging in."""
        login = f"{self.base_url}login"
        first = _cookies(self._raw("GET", login, {}))
        form = f"password={TOKEN}&_xsrf={first['_xsrf']}".encode()
        told = {
            "Cookie": join_cookies(first),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return {**first, **_cookies(self._raw("POST", login, told, form))}

    def wait_indexed(self, timeout_s: float = 90) -> None:
        """Start indexing and wait until it is through."""
        state = self.ask("POST", "scans/index", {"cmd": "start"}).json
        until = time.monotonic() + timeout_s
        while state["state"] == "running":
            if time.monotonic() > until:
                raise RuntimeError(f"Indexing takes too long: {state}")
            time.sleep(0.05)
            state = self.ask("GET", "scans/index").json
        if state["state"] != "idle":
            raise RuntimeError(f"Indexing failed: {state}")

    def _raw(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        reply.read()
        connection.close()
        return reply


def join_cookies(cookies: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _cookies(reply: http.client.HTTPResponse) -> dict[str, str]:
    lines = reply.headers.get_all("Set-Cookie") or []
    return dict(line.split(";")[0].split("=", 1) for line in lines)
