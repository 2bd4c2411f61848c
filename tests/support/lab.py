"""A real JupyterLab on loopback, and a real Chromium that may reach nothing else."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request, Route, sync_playwright

_TOKEN = "only-on-loopback"

_QUIET = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
_SOFTWARE_GL = {
    # As a browser does by itself where there is no GPU: WebGL in software, and the page
    # itself past it. Through software GL a page took ten times as long to draw.
    "swiftshader": ("--disable-gpu", "--enable-unsafe-swiftshader"),
    # The only one of the two on which vtk.js volume rendering draws in seconds.
    "llvmpipe": ("--use-gl=angle", "--use-angle=gl-egl", "--ignore-gpu-blocklist"),
}


def find_chromium() -> str | None:
    """Return the browser to drive: `MEDLAB_CHROMIUM`, else what the system has."""
    named = os.environ.get("MEDLAB_CHROMIUM")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return named or next(
        (found for name in names if (found := shutil.which(name))), None
    )


def chromium_arguments(gl: str = "swiftshader") -> list[str]:
    """What keeps the browser quiet, off the network, and drawing without a GPU."""
    return [*_QUIET, *_SOFTWARE_GL[gl]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Lab:
    """A running JupyterLab whose root folder is `root`."""

    root: Path
    port: int = field(default_factory=free_port)
    token: str = _TOKEN
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.root.parent / f"{self.root.name}-server.log"

    @property
    def settings(self) -> Path:
        return self.root.parent / f"{self.root.name}-settings"

    @property
    def share(self) -> Path:
        """Where this lab looks for more kernels."""
        return self.settings / "share"

    def start(self, timeout_s: float = 90) -> None:
        settings = self.settings
        labconfig = settings / "config" / "labconfig"
        labconfig.mkdir(parents=True, exist_ok=True)
        quiet = {"@jupyterlab/apputils-extension:announcements": True}
        (labconfig / "page_config.json").write_text(
            json.dumps({"disabledExtensions": quiet})
        )
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(settings / "config"),
            "JUPYTER_PATH": str(self.share),
            "JUPYTER_RUNTIME_DIR": str(settings / "runtime"),
            "JUPYTERLAB_WORKSPACES_DIR": str(settings / "workspaces"),
            "JUPYTERLAB_SETTINGS_DIR": str(settings / "user-settings"),
        }
        environment.pop("MEDLAB_HOME", None)
        command = [
            *(sys.executable, "-m", "jupyter", "lab", "--no-browser"),
            *("--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0"),
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.root}",
            "--LabApp.expose_app_in_browser=True",
            "--allow-root",
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=self.root
            )
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                self.get("api/status")
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()[-3000:]}")

    def get(self, path: str) -> Any:
        """GET a JSON reply of the server, authenticated by token."""
        request = urllib.request.Request(
            f"{self.url}/{path}", headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST a JSON object, authenticated by token; returns the reply's JSON."""
        request = urllib.request.Request(
            f"{self.url}/{path}",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def scans(self, timeout_s: float = 60, **query: Any) -> list[dict[str, Any]]:
        """The rows of the scan list, once everything on disk is in it."""
        state = self.post("medlab/scans/index", {"cmd": "start"})
        deadline = time.monotonic() + timeout_s
        while state["state"] == "running" and time.monotonic() < deadline:
            time.sleep(0.05)
            state = self.get("medlab/scans/index")
        if state["state"] != "idle":
            raise RuntimeError(f"The scans are not indexed: {state}")
        return list(self.post("medlab/scans/search", query)["scans"])

    def kill(self) -> None:
        """End the server the hard way, as a power cut would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill()

    def open(self, page: Page, path: str = "") -> None:
        """Load JupyterLab, `path` opened in it, and wait until its shell is up."""
        tree = f"/tree/{path}" if path else ""
        page.goto(f"{self.url}/lab{tree}?reset&token={self.token}")
        wait_for_lab(page)


@contextmanager
def running_lab(root: Path) -> Iterator[Lab]:
    """A lab of its own, ended whatever comes."""
    lab = Lab(root)
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()


def wait_for_lab(page: Page) -> None:
    # One question, asked anew wherever the page is by then: a second tab of the same
    # workspace is sent to one of its own while it loads, and `reset` leaves the address
    # last of all. No promise is returned: it would count as a yes.
    page.wait_for_function(
        """() => {
          const app = window.jupyterapp;
          void app?.restored.then(() => { app.shell.node.dataset.restored = 'yes'; });
          return app?.shell.node.dataset.restored
            && !document.querySelector('#jupyterlab-splash')
            && !new URLSearchParams(location.search).has('reset');
        }""",
        timeout=90_000,
    )


@contextmanager
def open_browser(
    lab: Lab, *, gl: str = "swiftshader", width: int = 1500, height: int = 940
) -> Iterator[Page]:
    """Yield a page in a fresh Chromium; on leaving, no request left the lab's origin.

    Raises:
        AssertionError: If the page asked for anything of another origin.
    """
    chromium = find_chromium()
    if chromium is None:
        raise RuntimeError(
            "No Chromium found: run `make test`, or set MEDLAB_CHROMIUM."
        )
    strays: list[str] = []

    def guard(route: Route, request: Request) -> None:
        strays.append(request.url)
        route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=chromium_arguments(gl)
        )
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(45_000)
        context.route(lambda url: _is_foreign(url, lab), guard)
        page = context.new_page()
        try:
            yield page
        finally:
            context.close()
            browser.close()
    assert strays == [], f"Requests to other origins: {strays[:5]}"


def _is_foreign(url: str, lab: Lab) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != (
        f"127.0.0.1:{lab.port}"
    )


def execute(page: Page, command: str, args: dict[str, Any] | None = None) -> None:
    """Start a JupyterLab command without waiting for what it returns."""
    page.evaluate(
        "([id, args]) => { void window.jupyterapp.commands.execute(id, args); }",
        [command, args or {}],
    )


def wait_for_kernel(page: Page) -> None:
    """Wait until the open notebook's kernel answered; its badge says too little."""
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget?.context")
    page.evaluate(
        """async () => {
          const widget = window.jupyterapp.shell.currentWidget;
          await widget.context.ready;
          await widget.sessionContext.ready;
          await widget.sessionContext.session.kernel.info;
        }"""
    )


def run_python(page: Page, code: str) -> str:
    """Run `code` in the open notebook's kernel and return what it printed."""
    return page.evaluate(
        """async code => {
          const { session } = window.jupyterapp.shell.currentWidget.sessionContext;
          const future = session.kernel.requestExecute({ code, store_history: false });
          let text = '';
          future.onIOPub = message => {
            if (message.header.msg_type === 'stream') { text += message.content.text; }
            if (message.header.msg_type === 'error') {
              text += message.content.ename + ': ' + message.content.evalue;
            }
          };
          await future.done;
          return text;
        }""",
        code,
    )
