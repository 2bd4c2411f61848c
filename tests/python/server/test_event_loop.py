"""Nothing that is asked of the server holds up its event loop."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from medlab.scans import ScanSource
from tests.support.scans import make_affine, make_volume, write_nifti_by_nibabel
from tests.support.served import Served

LIMIT_S = 0.05
SHAPE = (512, 512, 96)
TRIES = 8
LONG_LIST = b'{"words": [' + b"1," * 130_000 + b"1]}"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    voxels = np.random.default_rng(0).integers(-1000, 1000, SHAPE[:2]).astype(np.int16)
    whole = np.repeat(voxels[:, :, None], SHAPE[2], axis=2)
    write_nifti_by_nibabel(root / "large.nii", whole, make_affine())
    small = make_volume()
    for number in range(300):
        path = root / f"small/{number:03d}.nii"
        write_nifti_by_nibabel(path, small.voxels, small.affine)
    gaps = tmp_path_factory.mktemp("gaps") / "gaps.txt"
    served = Served(
        root,
        tmp_path_factory.mktemp("settings"),
        extensions=("medlab.server", "tests.support.loop_monitor"),
        environment={
            "MEDLAB_GAPS": str(gaps),
            "PYTHONPATH": str(Path(__file__).parents[3]),
        },
    ).start()
    served.wait_indexed()
    scan = ScanSource("large.nii").scan_id
    served.ask("POST", f"labels/{scan}/lungs", {"segments": ["lung"]})
    yield served
    served.stop()


def test_the_loop_is_never_held_up_for_50_ms(served):
    """Decoding, indexing, slabs, pictures, long lists and long bodies, all at once.

    On a busy machine a gap is other programs' as well, so one round of a few has to do.
    Of a gap counts what the loop did not wait for a core, and at most what the threads of
    the server computed meanwhile.
    """
    held, computed = [], []
    for _ in range(TRIES):
        start = time.monotonic()
        _ask_for_everything(served)
        found = _gaps(served, start)
        # While the process computed nothing the machine was busy with something else.
        held.append(max((min(gap, every) for gap, _, every in found), default=0))
        computed.append(max((own for _, own, _ in found), default=0))
        if held[-1] < LIMIT_S:
            break

    assert min(computed) < LIMIT_S, computed
    assert min(held) < LIMIT_S, held


def test_the_monitor_sees_a_loop_that_is_held_up(served):
    """The log-in page is rendered by Jupyter: even that is seen at a finer measure."""
    import asyncio

    from tests.support import loop_monitor

    async def held(file):
        task = asyncio.ensure_future(loop_monitor._watch(file))
        await asyncio.sleep(0.01)
        until = time.thread_time() + 0.08
        while time.thread_time() < until:
            pass
        await asyncio.sleep(0.01)
        task.cancel()

    file = served.settings / "own-gaps.txt"
    asyncio.run(held(file))

    assert max(float(line.split()[2]) for line in file.open()) >= 0.08


def _ask_for_everything(served):
    scan = ScanSource("large.nii").scan_id
    (served.root / "large.nii").touch()  # It is decoded anew.
    ops = f"labels/{scan}/lungs/ops"
    rows = served.ask("POST", "scans/search", {"limit": 1000, "words": "small"}).json
    pictures = [f"scans/{row['id']}/thumbnail" for row in rows["scans"][:20]]
    work = [
        ("POST", "scans/index", {"cmd": "refresh"}, {200}),
        ("GET", f"volumes/{scan}", None, {200}),
        *(("POST", "scans/search", {"limit": 1000}, {200}) for _ in range(6)),
        *(("POST", "scans/groups", {"limit": 1000}, {200}) for _ in range(3)),
        *(("POST", ops, bytes(48 << 20), {400, 422, 429}) for _ in range(3)),
        *(("POST", "scans/search", LONG_LIST, {400}),) * 3,
        *(("POST", "scans/search", b" " * (12 << 20), {413}),) * 2,
        *(("GET", picture, None, {200, 429}) for picture in pictures),
        ("GET", f"volumes/{scan}/slab?k0=0&k1={SHAPE[2]}", None, {200}),
        ("GET", f"volumes/{scan}/slab?k0=0&k1={SHAPE[2]}", None, {200}),
    ]
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(served.ask, *one[:3]) for one in work]
    for one, reply in zip(work, asked, strict=True):
        assert reply.result().status in one[3], (one[:2], reply.result().status)
    served.replies.clear()


def _gaps(served, start):
    lines = Path(served.environment["MEDLAB_GAPS"]).read_text().splitlines()
    told = [tuple(map(float, line.split())) for line in lines]
    return [rest for at, *rest in told if at > start]
