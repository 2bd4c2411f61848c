"""A real Orthanc on loopback: a small PACS with DICOMweb, asked for a password."""

import base64
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.lab import free_port

USER, PASSWORD = "reader", "only-on-loopback"
_PLUGINS = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc/plugins")
_BOUNDARY = "a-boundary-of-the-tests"


def find_orthanc() -> str | None:
    """Path of the program: `MEDLAB_ORTHANC`, else what the system has."""
    named = os.environ.get("MEDLAB_ORTHANC")
    return named or shutil.which("Orthanc", path=f"{os.environ['PATH']}:/usr/sbin")


def find_plugin() -> Path | None:
    """The plugin that speaks DICOMweb."""
    for folder in _PLUGINS:
        for found in sorted(Path(folder).glob("libOrthancDicomWeb*.so*")):
            return found.resolve()
    return None


def why_not() -> str | None:
    """Why there is no Orthanc to test with, or None if there is one."""
    if find_orthanc() is None:
        return "no Orthanc (Debian: apt-get install orthanc; .ci/orthanc installs it)"
    if find_plugin() is None:
        return (
            "Orthanc has no DICOMweb plugin (Debian: apt-get install orthanc-dicomweb)"
        )
    return None


@dataclass
class Orthanc:
    """A running Orthanc that keeps what it is sent below `folder`."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where its DICOMweb lies."""
        return f"http://127.0.0.1:{self.port}/dicom-web"

    def start(self, timeout_s: float = 60) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = {
            "Name": "medlab tests",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "Plugins": [str(find_plugin())],
            "HttpPort": self.port,
            "HttpServerEnabled": True,
            "DicomServerEnabled": False,
            # Off: Orthanc's own way to listen on loopback alone.
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False},
        }
        file = self.folder / "orthanc.json"
        file.write_text(json.dumps(config))
        program = find_orthanc()
        assert program is not None
        with (self.folder / "orthanc.log").open("ab") as log:
            self.process = subprocess.Popen(
                [program, str(file)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.ask("/system")
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            else:
                return
        log_text = (self.folder / "orthanc.log").read_text()
        raise RuntimeError(f"Orthanc did not start:\n{log_text[-2000:]}")

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> Any:
        """Ask Orthanc's own REST address, without medlab; the JSON it answers."""
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=body,
            headers={"Authorization": f"Basic {login}", **headers},
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def push(self, files: Sequence[Path]) -> Any:
        """Store DICOM files by STOW-RS, byte for byte, without medlab."""
        parts = [
            b"\r\n--" + _BOUNDARY.encode() + b"\r\nContent-Type: application/dicom\r\n\r\n"
            + file.read_bytes()
            for file in files
        ]  # fmt: skip
        body = b"".join(parts) + f"\r\n--{_BOUNDARY}--".encode()
        kind = f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}'
        return self.ask(
            "/dicom-web/studies",
            body,
            **{"Content-Type": kind, "Accept": "application/dicom+json"},
        )
