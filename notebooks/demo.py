"""Run the first notebook without a person: `python demo.py RESULTS`.

RESULTS then holds what the notebook keeps (labels, model, Dice table, picture) and the
executed notebook as HTML.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter

HERE = Path(__file__).parent


def run_notebook(notebook: Path, results: Path, home: Path) -> nbformat.NotebookNode:
    """Run every cell of `notebook` with its labels and runs below `home`.

    Returns:
        The notebook with its outputs. The file itself stays as it was.

    Raises:
        nbclient.exceptions.CellExecutionError: If a cell fails.
    """
    folders = {"MEDLAB_RESULTS": results, "MEDLAB_HOME": home}
    named = {name: str(folder.resolve()) for name, folder in folders.items()}
    content = nbformat.read(notebook, as_version=4)
    resources = {"metadata": {"path": str(notebook.parent)}}
    client = NotebookClient(content, timeout=1200, resources=resources)
    client.execute(env={**os.environ, **named})
    return content


def main(results: Path, notebooks: Path = HERE) -> None:
    results.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=notebooks.parent, prefix=".demo-") as place:
        home = Path(place) / ".medlab"
        content = run_notebook(notebooks / "00-the-whole-loop.ipynb", results, home)
    html, _ = HTMLExporter(embed_images=True).from_notebook_node(content)
    (results / "00-the-whole-loop.html").write_text(html)
    print((results / "dice.csv").read_text().strip())
    minutes = (time.monotonic() - started) / 60
    print(f"\nDone in {minutes:.1f} minutes. Everything lies in {results}/:")
    print("\n".join(f"  {path.name}" for path in sorted(results.iterdir())))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results"))
