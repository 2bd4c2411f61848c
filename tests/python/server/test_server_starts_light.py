"""The server must not start JAX: it would take the GPU away from the kernels."""

import subprocess
import sys


def test_the_server_extension_does_not_start_jax():
    probe = (
        "import sys, medlab.server, medlab.server._runs;"
        "print({'jax', 'keras', 'tensorflow', 'torch'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "set()"


def test_the_server_leaves_scipy_and_scikit_image_to_its_workers():
    """Both and SimpleITK take a second and 100 MB; previews are made elsewhere."""
    probe = (
        "import sys, medlab.server, medlab.server._smart, medlab.smart._worker;"
        "print({'scipy', 'skimage', 'SimpleITK', 'keras', 'jax'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "set()"


def test_jupyter_lists_the_server_extension_as_enabled_and_ok():
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "server", "extension", "list"],
        capture_output=True,
        text=True,
    )

    lines = (done.stdout + done.stderr).splitlines()
    assert any("medlab.server" in line and "enabled" in line for line in lines)
    assert any("medlab.server" in line and "OK" in line for line in lines)
