"""The command line: `medlab index | info | labels | samples | train | predict`."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from medlab.errors import MedlabError

_ROOM_OF = {
    "index": "medlab.scans",
    "info": "medlab.scans",
    "labels": "medlab.labels",
    "samples": "medlab.samples",
    "train": "medlab.train",
    "predict": "medlab.infer",
}
_SUMMARY = {
    "index": "list the scans below a folder",
    "info": "tell what a scan holds",
    "labels": "list, export, import or convert labels",
    "samples": "list real public scans, or fetch one",
    "train": "train a model from a recipe, or resume a run",
    "predict": "segment a scan with a trained model",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; what a user can mend becomes one line and exit status 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="medlab",
        description="Deep learning on medical scans, inside JupyterLab.",
    )
    subparsers = parser.add_subparsers(title="commands", required=True)
    name = next((word for word in given if not word.startswith("-")), None)
    room = _ROOM_OF.get(name or "")
    if room:
        # Only the room that is asked for is loaded: `index` must not start JAX.
        import_module(f"{room}._command").add_parser(subparsers)
    else:
        for command, text in _SUMMARY.items():
            subparsers.add_parser(command, help=text)
    chosen = parser.parse_args(given)
    try:
        return int(chosen.run(chosen) or 0)
    except MedlabError as error:
        print(f"medlab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
