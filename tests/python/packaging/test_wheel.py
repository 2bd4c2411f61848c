"""The wheel installs into an empty environment without Node and switches itself on."""

import os
import re
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (ROOT / "medlab/static/lab/package.json").exists():
        pytest.fail("The front end is not built: run `make test`, or `jlpm build`.")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    done = subprocess.run(
        [*command, "--outdir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        env={**os.environ, "SKIP_JUPYTER_BUILDER": "1"},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; its dependencies are lent from this one."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, env=_without_node())
    packages = next(folder.glob("lib/python*/site-packages"))
    # After its own packages, so that `medlab` is the wheel's and not the checkout's.
    lent = "\n".join(site.getsitepackages())
    (packages / "lent.pth").write_text(lent + "\n")
    return python


def _without_node() -> dict[str, str]:
    return {**os.environ, "PATH": "/nowhere", "PYTHONPATH": ""}


def _list(python: Path, module: str) -> str:
    """What `jupyter labextension list` or `jupyter server extension list` prints."""
    code = f"import sys; from {module} import main; sys.argv[1:] = ['list']; main()"
    done = subprocess.run(
        [str(python), "-c", code],
        capture_output=True,
        text=True,
        env=_without_node(),
        cwd=python.parent,
    )
    return re.sub(r"\x1b\[\d+m", "", done.stdout + done.stderr)


def test_the_wheel_holds_the_extension_once(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    entries = [name for name in names if re.search(r"remoteEntry\.\w+\.js$", name)]
    assert len(entries) == 1
    assert "/share/jupyter/labextensions/medlab/static/" in entries[0]


def test_the_wheel_holds_the_widget_modules(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    for widget in ("slice_labeler", "volume_viewer", "run_controls"):
        assert f"medlab/static/widgets/{widget}.js" in names


def test_the_lab_extension_is_enabled_and_ok(python: Path):
    listing = _list(python, "jupyterlab.labextensions")
    assert re.search(r"medlab v\S+ enabled OK", listing), listing


def test_the_server_extension_is_enabled_and_ok(python: Path):
    listing = _list(python, "jupyter_server.extension.serverextension")
    assert "medlab.server enabled" in listing, listing
    assert re.search(r"medlab.server \S* ?OK", listing), listing
