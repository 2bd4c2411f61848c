"""The command line: `medlab index | info | labels | samples | plan | train | ...`."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from medlab.errors import MedlabError

_MODULE_OF = {
    "index": "medlab.scans._command",
    "info": "medlab.scans._command",
    "convert": "medlab.scans._convert_command",
    "dicomweb": "medlab.dicomweb._command",
    "labels": "medlab.labels._command",
    "samples": "medlab.samples._command",
    "plan": "medlab.planning._command",
    "train": "medlab.train._command",
    "runs": "medlab.train._runs_command",
    "predict": "medlab.infer._command",
}
_SUMMARY = {
    "index": "list the scans below a folder",
    "info": "tell what a scan holds",
    "convert": "write scans as NIfTI or NRRD files",
    "dicomweb": "find, fetch and send scans over DICOMweb",
    "labels": "list, export, import or convert labels",
    "samples": "list real public scans, or fetch one",
    "plan": "propose how to learn scans and labels",
    "train": "train a model from a recipe, or resume a run",
    "runs": "list, steer or export trainings",
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
    module = _MODULE_OF.get(name or "")
    if module:
        # Only the room that is asked for is loaded: `index` must not start JAX.
        import_module(module).add_parser(subparsers)
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
