"""The servers that an administrator allows, and how to log in to each.

Nobody else can name a host: a request carries the name of an entry, never an address.
Passwords do not lie in the table but in the environment or in a file of their own, and are
read when a connection is made.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from medlab.errors import MedlabError

TABLE = "MEDLAB_DICOMWEB"
"""The environment variable that names the administrator's JSON file."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SECRET_BYTES = 64 << 10


@dataclass(frozen=True)
class Server:
    """One entry of the table.

    Attributes:
        name: Short word that requests carry.
        url: Where its DICOMweb lies, such as "https://pacs.example/dicom-web".
        title: What to call it on a screen; the name where there is none.
        user: For a login by name and password.
        password_env, password_file: Where the password is read from.
        token_env, token_file: Where a bearer token is read from instead.
        ca_file: Certificates to trust instead of the system's (a hospital's own).
        can_send: Whether segmentations may be sent to it.
        plain_http: Allow http to another machine: everybody between may read along.
    """

    name: str
    url: str = field(repr=False)
    title: str = ""
    user: str = field(default="", repr=False)
    password_env: str = ""
    password_file: str = ""
    token_env: str = ""
    token_file: str = ""
    ca_file: str = ""
    can_send: bool = True
    plain_http: bool = False

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: where every request goes, and nowhere else."""
        parts = urlsplit(self.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return parts.scheme, (parts.hostname or "").lower(), port

    @property
    def called(self) -> str:
        """What to call it in a sentence."""
        return self.title or self.name

    def to_json(self) -> dict[str, Any]:
        """What a browser is told: no address, no login."""
        return {
            "name": self.name,
            "title": self.called,
            "can_send": self.can_send,
        }

    def password(self) -> str:
        """The password, empty if the entry names none."""
        return _secret(self.name, self.password_env, self.password_file)

    def token(self) -> str:
        """The bearer token, empty if the entry names none."""
        return _secret(self.name, self.token_env, self.token_file)


def servers() -> dict[str, Server]:
    """The servers of the file that `MEDLAB_DICOMWEB` names, by name; none without one.

    The file is a JSON object, such as
    `{"pacs": {"url": "https://pacs.example/dicom-web", "user": "medlab",
    "password_file": "/run/secrets/pacs"}}`.

    Raises:
        MedlabError: If the file cannot be read or an entry is not as it must be.
    """
    named = os.environ.get(TABLE, "").strip()
    if not named:
        return {}
    try:
        table = json.loads(Path(named).expanduser().read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        raise _wrong(
            f"{TABLE} must name a readable JSON file, got another thing"
        ) from None
    return read_table(table)


def read_table(table: Any) -> dict[str, Server]:
    """Check a table `{name: {url, ...}}`.

    Raises:
        MedlabError: If an entry is not as it must be; it says which, and shows no secret.

    Example:
        >>> read_table({"pacs": {"url": "https://pacs.example/dicom-web"}})["pacs"].origin
        ('https', 'pacs.example', 443)
    """
    if not isinstance(table, Mapping):
        raise _wrong(
            "The table of DICOMweb servers must be an object of names and entries"
        )
    return {str(name): _entry(str(name), entry) for name, entry in table.items()}


def find_server(name: str, among: Mapping[str, Server] | None = None) -> Server:
    """The server of that name.

    Raises:
        MedlabError: If the administrator allows none of that name.
    """
    allowed = servers() if among is None else among
    if name in allowed:
        return allowed[name]
    raise NoServer(
        "The server must be one that the administrator allows, got another name. "
        f"{_choices(allowed)}"
    )


class NoServer(MedlabError, LookupError):
    """No server of that name is allowed."""

    code = "no-server"


def _choices(allowed: Mapping[str, Server]) -> str:
    if allowed:
        return f"Choose one of: {', '.join(sorted(allowed))}."
    return (
        f"None is set up: an administrator lists them in the file that {TABLE} names."
    )


def _entry(name: str, entry: Any) -> Server:
    if not _NAME.fullmatch(name):
        raise _wrong(
            "The name of a DICOMweb server must be 1 to 32 letters, digits, - and _"
        )
    if not isinstance(entry, Mapping) or not isinstance(entry.get("url"), str):
        raise _wrong(f"The DICOMweb server {name!r} must be an object with a url")
    kinds = {one.name: bool if one.type is bool else str for one in fields(Server)}
    for key, value in entry.items():
        if key == "name" or key not in kinds or not isinstance(value, kinds[key]):
            raise _wrong(
                f"The DICOMweb server {name!r} may have {', '.join(sorted(kinds)[:-1])}; "
                "one of its settings is another, or of another type"
            )
    server = Server(name, **entry)
    _check_url(server)
    if server.user and not (server.password_env or server.password_file):
        raise _wrong(
            f"The DICOMweb server {name!r} has a user and must name a password_env or a "
            "password_file"
        )
    return server


def _check_url(server: Server) -> None:
    try:
        parts = urlsplit(server.url)
        scheme, host, _ = server.origin
    except ValueError:
        scheme = host = ""
    if scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise _wrong(
            f"The url of the DICOMweb server {server.name!r} must look like "
            "https://host/dicom-web"
        )
    if parts.username is not None or parts.password is not None:
        raise _wrong(
            f"The url of the DICOMweb server {server.name!r} must hold no login: name a "
            "user, and a password_env or password_file"
        )
    if scheme == "http" and host not in _LOOPBACK and not server.plain_http:
        raise _wrong(
            f"The url of the DICOMweb server {server.name!r} must be https, or the entry "
            "must say plain_http: true, because everybody between could read along"
        )


def _secret(name: str, variable: str, file: str) -> str:
    if variable:
        found = os.environ.get(variable)
        if found:
            return found
    elif file:
        try:
            with Path(file).expanduser().open("rb") as handle:
                return handle.read(_SECRET_BYTES).decode("utf-8").strip()
        except (OSError, ValueError):
            pass
    else:
        return ""
    raise _wrong(
        f"The login of the DICOMweb server {name!r} must be in the variable or file that "
        "its entry names, got nothing there"
    )


def _wrong(sentence: str) -> MedlabError:
    return MedlabError(
        f"{sentence}. Ask who administers this place to correct it.",
        code="server-settings",
    )
