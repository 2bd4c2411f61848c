"""Notebooks and kernels that the browser tests open."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook


def write_notebook(path: Path, *cells: str, kernel: str = "python3") -> None:
    """Write a notebook with these code cells, for the named kernel."""
    spec = {"name": kernel, "display_name": kernel, "language": "python"}
    content = new_notebook(
        cells=[new_code_cell(cell) for cell in cells], metadata={"kernelspec": spec}
    )
    nbformat.write(content, path)


def install_kernel(share: Path, version: str) -> str:
    """Make a kernel of that ipykernel version, the rest as in this environment.

    Args:
        share: A folder of `JUPYTER_PATH`.
        version: Such as `"6.31.0"`.

    Returns:
        The kernel's name.
    """
    name = f"ipykernel-{version.replace('.', '-')}"
    folder = share / "kernels" / name
    packages = folder / "packages"
    packages.mkdir(parents=True)
    wanted = [f"ipykernel=={version}", "nest_asyncio"]
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*install, "--target", str(packages), *wanted], check=True)
    launcher = "from ipykernel.kernelapp import launch_new_instance as run; run()"
    spec = {
        "argv": [sys.executable, "-c", launcher, "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "env": {"PYTHONPATH": str(packages)},
        "metadata": {"debugger": False},
    }
    (folder / "kernel.json").write_text(json.dumps(spec))
    return name
