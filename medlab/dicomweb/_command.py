"""`medlab dicomweb`: list the allowed servers, find and fetch series, send DICOM files."""

import argparse
import json
import sys
from typing import Any

from medlab.errors import MedlabError


def add_parser(subparsers: Any) -> None:
    """Add `medlab dicomweb` to the command line."""
    web = subparsers.add_parser(
        "dicomweb",
        help="find, fetch and send scans over DICOMweb",
        description="Scans of the servers that MEDLAB_DICOMWEB lists.",
    )
    jobs = web.add_subparsers(title="jobs", required=True)

    listing = jobs.add_parser("servers", help="list the allowed servers")
    listing.set_defaults(run=_servers)

    find = jobs.add_parser("find", help="look for series")
    find.add_argument("server")
    find.add_argument("words", nargs="*", help="name, id, description, date, modality")
    find.add_argument("--study", default="", help="StudyInstanceUID: that study alone")
    find.add_argument("--date", default="", help="20240131 or 20240101-20240131")
    find.add_argument("--limit", type=int, default=100)
    find.add_argument("--json", action="store_true", help="one JSON object")
    find.add_argument(
        "--private", action="store_true", help="show patients' names and ids"
    )
    find.set_defaults(run=_find)

    fetch = jobs.add_parser("fetch", help="fetch a series; goes on where it broke off")
    fetch.add_argument("server")
    fetch.add_argument("study", help="StudyInstanceUID, as find shows it")
    fetch.add_argument("series", help="SeriesInstanceUID")
    fetch.set_defaults(run=_fetch)

    sending = jobs.add_parser("send", help="send DICOM files, such as a SEG")
    sending.add_argument("server")
    sending.add_argument("path", help="a DICOM file, or a folder of them")
    sending.set_defaults(run=_send)


def _servers(_: argparse.Namespace) -> int:
    from medlab.dicomweb import servers

    for server in servers().values():
        told = "" if server.can_send else "  read only"
        print(f"{server.name}  {_one_line(server.title)}{told}".rstrip())
    return 0


def _find(arguments: argparse.Namespace) -> int:
    from medlab.dicomweb import SeriesQuery, find_series

    words = " ".join(arguments.words)
    query = SeriesQuery(
        words, date=arguments.date, study=arguments.study, limit=arguments.limit
    )
    found = find_series(arguments.server, query)
    hidden = () if arguments.private else ("patient", "patient_id")
    rows = [
        {key: "" if key in hidden else value for key, value in one.to_json().items()}
        for one in found
    ]
    if arguments.json:
        print(json.dumps({"series": rows}, indent=1))
        return 0
    for row in rows:
        facts = (row["date"], row["modality"], row["patient"], row["patient_id"])
        texts = (row["study_description"], row["description"])
        shown = "  ".join(_one_line(text) for text in (*facts, *texts) if text)
        print(f"{shown}  {row['instances']} images")
        print(f"    {row['study']} {row['series']}")
    more = ", and perhaps more: narrow the search" if len(rows) == query.limit else ""
    print(f"{len(rows)} series{more}")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    from medlab.dicomweb import Progress, fetch_series
    from medlab.scans import find_home

    def tell(progress: Progress) -> None:
        if sys.stderr.isatty():
            print(f"\r{progress.done} of {progress.total}", end="", file=sys.stderr)

    home = find_home()
    try:
        done = fetch_series(
            arguments.server, arguments.study, arguments.series, home, tell
        )
    except MedlabError as error:
        if "total" in error.told:
            told = f"{error.told['done']} of {error.told['total']} files are on disk."
            raise MedlabError(f"{error} {told} Fetch again to go on.") from None
        raise
    finally:
        if sys.stderr.isatty():
            print(file=sys.stderr)
    kept = f", {done.kept} were there" if done.kept else ""
    print(f"{done.source.path}  {done.instances} files{kept}  {done.elapsed_s:.1f} s")
    return 0


def _send(arguments: argparse.Namespace) -> int:
    from medlab.dicomweb import send

    sent = send(arguments.server, arguments.path)
    for one in sent.instances:
        print(f"{one.instance}  {one.state}  {one.reason}".rstrip())
    print(f"{sent.stored} stored, {sent.refused} refused")
    return 1 if sent.refused else 0


def _one_line(text: str) -> str:
    # A server's texts are hostile: no control characters on a terminal.
    return "".join(c if c.isprintable() else "?" for c in text)
