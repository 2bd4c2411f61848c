"""Time how soon a scan of 512 x 512 x 600 is seen: its first slice, and all of it.

    python -m tests.bench.serving [--folder DIR] [--slices 600]

A DICOM series of that size is made in a temporary folder (300 MB), a plain Jupyter server is
started on loopback, and asked as a browser would ask. Marks: 0.5 s for the first slice of a
decoded scan, 4 s for one that was never opened, 3 s for all of a decoded one.
"""

import argparse
import http.client
import platform
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from medlab.scans import ScanSource, Volume
from tests.support.scans import make_affine, write_dicom_series
from tests.support.served import TOKEN, Served

SIDE = 512
SLAB = 32
"""Planes that a viewer asks for at once."""


def write_series(folder: Path, slices: int) -> str:
    """A series as a CT makes it: a body in air, noise, bone. Returns its UID."""
    rng = np.random.default_rng(0)
    i, j = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    body = np.where(i**2 / 0.6 + j**2 < 0.8, 40, -1000)
    body = np.where((i - 0.1) ** 2 + j**2 < 0.01, 700, body)
    noise = rng.normal(0, 25, (8, SIDE, SIDE))
    one = Volume((body[:, :, None]).astype(np.int16), make_affine(), "CT")
    uid = write_dicom_series(folder, one, shuffled=False)
    template: Dataset = pydicom.dcmread(folder / "IM00000")
    (folder / "IM00000").unlink()
    step = make_affine()[:3, 2] * [-1, -1, 1]
    start = np.array(template.ImagePositionPatient, float)
    for k in range(slices):
        template.SOPInstanceUID = f"{uid}.{k + 1}"
        template.file_meta.MediaStorageSOPInstanceUID = template.SOPInstanceUID
        template.InstanceNumber = k + 1
        template.ImagePositionPatient = [f"{v:.8g}" for v in start + k * step]
        values = body + noise[k % 8] + 5 * np.sin(k / 20) + 1024
        template.PixelData = values.clip(0, 4095).T.astype("<u2").tobytes()
        template.save_as(folder / f"IM{k:05d}", enforce_file_format=True)
    return uid


def ask(served: Served, path: str) -> tuple[float, int]:
    """Seconds until the last byte, and how many there were."""
    start = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=300)
    connection.request(
        "GET",
        f"{served.base_url}medlab/{path}",
        headers={"Authorization": f"token {TOKEN}"},
    )
    reply = connection.getresponse()
    buffer, count = bytearray(1 << 20), 0
    while read := reply.readinto(buffer):
        count += read
    connection.close()
    if reply.status != 200:
        raise RuntimeError(f"{path}: {reply.status} {bytes(buffer[:300])!r}")
    return time.perf_counter() - start, count


@contextmanager
def served_series(folder: Path, slices: int) -> Iterator[tuple[Served, str]]:
    root = folder / "root"
    start = time.perf_counter()
    uid = write_series(root / "ct", slices)
    print(f"made the series            {time.perf_counter() - start:7.2f} s")
    served = Served(root, folder / "settings").start()
    try:
        start = time.perf_counter()
        served.wait_indexed()
        print(f"indexed it                 {time.perf_counter() - start:7.2f} s")
        yield served, ScanSource("ct", uid).scan_id
    finally:
        served.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the series is made")
    parser.add_argument("--slices", type=int, default=600)
    options = parser.parse_args()
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {SIDE} x {SIDE} x"
    )
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        served_series(Path(folder), options.slices) as (served, scan),
    ):
        k = options.slices // 2
        one = f"volumes/{scan}/slab?k0={k}&k1={k + 1}"
        print("cold:")
        print(
            f"  one plane, decoded alone {ask(served, f'volumes/{scan}/first')[0]:7.2f} s"
        )
        print(f"  all decoded              {ask(served, f'volumes/{scan}')[0]:7.2f} s")
        print("from the cache:")
        time.sleep(2.5)  # The server trusts its own look at the files no longer.
        told, _ = ask(served, f"volumes/{scan}")
        plane, _ = ask(served, one)
        print(f"  what a viewer must know  {told:7.2f} s")
        print(
            f"  first slice after that   {plane:7.2f} s, together {told + plane:.2f} s"
        )
        slabs = [
            f"volumes/{scan}/slab?k0={k0}&k1={min(k0 + SLAB, options.slices)}"
            for k0 in range(0, options.slices, SLAB)
        ]
        for connections in (1, 2, 6):
            start = time.perf_counter()
            with ThreadPoolExecutor(connections) as pool:
                count = sum(n for _, n in pool.map(lambda p: ask(served, p), slabs))
            seconds = time.perf_counter() - start
            print(
                f"  all, {connections} at a time         {seconds:7.2f} s, "
                f"{count / seconds / 1e6:.0f} MB/s"
            )


if __name__ == "__main__":
    main()
