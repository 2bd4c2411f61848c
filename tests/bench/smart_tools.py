"""How long a preview takes, through the real HTTP route of a real server.

    python -m tests.bench.smart_tools [--rounds 20] [--quality]

The chest CT `ct-chest` (512 x 512 x 133, 89 structures). First every tool on a block of
128 x 128 x 128 voxels around heart and aorta, warm: median and 95th percentile; the mark is
300 ms. Beside them stands the processor time of server and workers: what the preview costs
where nobody else is at work. Then on the whole volume, with the number of times progress was
told. `--quality` prints the Dice coefficient of what the tools draw against the structures of
the sample.
"""

import argparse
import contextlib
import http.client
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import medlab
from medlab.labels import Layer, Segment, decode_frame
from medlab.labels._delta import voxel_delta
from medlab.samples import place
from medlab.scans import Home, ScanSource, volume_cache
from tests.bench import smart_quality
from tests.support.lab import Lab

REGION = (200, 328, 180, 308, 2, 130)
HEART, AORTA, LUNG, LIVER, AROUND = 51, 52, 14, 5, 255
MARK_MS = 300


@dataclass
class Site:
    """A server with the chest CT and its layers."""

    lab: Lab
    scan: str
    revs: dict[str, int]
    connection: http.client.HTTPConnection

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        headers = {"Authorization": f"token {self.lab.token}"}
        text = None if body is None else json.dumps(body)
        self.connection.request(method, f"/medlab/{path}", text, headers)
        reply = self.connection.getresponse()
        return reply.status, reply.read()

    def cpu_s(self) -> float:
        """Processor time of the server and its workers so far: free of others' load."""
        assert self.lab.process is not None
        total, parents = 0, {self.lab.process.pid}
        for path in sorted(
            Path("/proc").glob("[0-9]*/stat"), key=lambda p: int(p.parts[2])
        ):
            with contextlib.suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                if int(path.parts[2]) in parents or int(fields[1]) in parents:
                    parents.add(int(path.parts[2]))
                    total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def preview(self, tool: str, layer: str, **params: Any) -> tuple[float, int, bytes]:
        """Seconds until the preview was there, how often progress was told, and it."""
        body = {"scan": self.scan, "layer": layer, "rev": self.revs[layer]}
        began, told = time.perf_counter(), 0
        status, reply = self.ask("POST", f"smart/{tool}", {**body, "params": params})
        while status == 202:
            told += 1
            job = json.loads(reply)["job"]
            status, reply = self.ask("GET", f"smart/jobs/{job}?wait_s=1")
        if status != 200:
            raise SystemExit(f"{tool} {params}: {status} {reply[:300]!r}")
        return time.perf_counter() - began, told, reply


@contextmanager
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        root.mkdir()
        sample = place("ct-chest", Path(folder) / "sample")
        shutil.copy(sample / "cxr.nii.gz", root / "chest.nii.gz")
        truth = medlab.open_labels(sample / "mask.nii.gz")
        home = Home(root.resolve(), root.resolve() / ".medlab")
        source = ScanSource("chest.nii.gz", None)
        volume_cache(source, home)
        revs = {
            name: write_layer(home, source, name, voxels, truth.segments)
            for name, voxels in layers(truth.voxels.astype(np.uint8))
        }
        lab = Lab(root)
        lab.start()
        try:
            lab.scans()
            connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=600)
            yield Site(lab, source.scan_id, revs, connection)
        finally:
            lab.kill()


def layers(truth: Any) -> Iterator[tuple[str, Any]]:
    """What has been drawn: everything; every fourth slice; some strokes of each."""
    yield "labels", truth
    gaps = truth.copy(order="F")
    gaps[:, :, np.arange(gaps.shape[2]) % 4 > 0] = 0
    yield "gaps", gaps
    yield "seeds", smart_quality.strokes(truth, [HEART, AORTA, LUNG, 13, LIVER], AROUND)
    yield "empty", np.zeros_like(truth)


def write_layer(
    home: Home, source: ScanSource, name: str, voxels: Any, segments: Any
) -> int:
    around = Segment(AROUND, "around", "#888888")
    layer = Layer.open(home, source, name, segments=[*segments, around])
    empty = np.zeros(voxels.shape, voxels.dtype, order="F")
    fields = {"scan": layer.scan_id, "layer": name, "base": 0, "session": "0" * 8}
    fields |= {"seq": 1, "tool": "bench", "segment": 0}
    delta = voxel_delta(empty, np.asfortranarray(voxels), (0, 0, 0), **fields)
    return 0 if delta is None else layer.apply(delta).rev


SEED = [256, 280, 70]
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("grow", "empty", {"segment": HEART, "seed": SEED}),
    ("grow", "empty", {"segment": HEART, "seed": SEED, "tolerance": 150}),
    ("fill", "labels", {"segment": AORTA, "seed": SEED, "tolerance": 100}),
    ("fill", "empty", {"segment": AORTA, "seed": SEED}),
    ("seeds", "seeds", {"margin_mm": 10, "smoothness": 0.5}),
    ("between", "gaps", {"segment": HEART, "axis": 2}),
    ("islands", "labels", {"segment": HEART, "op": "keep-largest"}),
    ("islands", "labels", {"segment": HEART, "op": "remove-small", "min_mm3": 100}),
    ("islands", "gaps", {"segment": HEART, "op": "split"}),
    ("islands", "labels", {"segment": LIVER, "op": "add-clicked", "seed": SEED}),
    ("margin", "labels", {"segment": HEART, "mm": 5}),
    ("margin", "labels", {"segment": HEART, "mm": -5}),
    ("smooth", "labels", {"segments": [HEART], "method": "median", "mm": 3}),
    ("smooth", "labels", {"segments": [HEART], "method": "open", "mm": 5}),
    ("smooth", "labels", {"segments": [HEART], "method": "close", "mm": 5}),
    ("smooth", "labels", {"segments": [HEART], "method": "gaussian", "mm": 2}),
    ("smooth", "labels", {"method": "joint", "mm": 2}),
    ("hollow", "labels", {"segment": HEART, "mm": 4, "side": "middle"}),
    ("logic", "labels", {"segment": HEART, "op": "union", "other": AORTA}),
    ("logic", "labels", {"segment": HEART, "op": "invert"}),
    ("logic", "labels", {"segment": HEART, "op": "fill-holes"}),
    ("threshold", "labels", {"segment": HEART, "low": 100, "high": 400}),
    ("statistics", "labels", {"segments": [HEART]}),
]


def words(params: dict[str, Any]) -> str:
    return " ".join(
        f"{k}={v}" for k, v in params.items() if k not in ("segment", "seed")
    )


def blocks(here: Site, rounds: int) -> None:
    print(f"\nA block of 128^3, {rounds} rounds, mark {MARK_MS} ms")
    print(f"{'ms':52}  median     p95   first     cpu  box")
    for tool, layer, params in CASES:
        told = params if tool == "statistics" else {**params, "region": list(REGION)}
        first = here.preview(tool, layer, **told)[0]
        cpu = here.cpu_s()
        runs = [here.preview(tool, layer, **told) for _ in range(rounds)]
        cpu = 1000 * (here.cpu_s() - cpu) / rounds
        times = sorted(1000 * seconds for seconds, _, _ in runs)
        p95 = times[min(len(times) - 1, round(0.95 * (len(times) - 1)))]
        box = "" if tool == "statistics" else decode_frame(runs[0][2]).header["box"]
        late = "" if p95 <= MARK_MS else "  above the mark"
        print(
            f"{tool + ' ' + words(params):52} {statistics.median(times):7.0f} {p95:7.0f} "
            f"{1000 * first:7.0f} {cpu:7.0f}  {box}{late}",
            flush=True,
        )


def volumes(here: Site) -> None:
    print("\nThe whole volume, 512 x 512 x 133: seconds, times progress was told")
    for tool, layer, params in CASES:
        if tool == "statistics":
            params = {}
        seconds, told, _ = here.preview(tool, layer, **params)
        print(f"{tool + ' ' + words(params):52} {seconds:7.2f} {told:4}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--quality", action="store_true")
    arguments = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    if arguments.quality:
        smart_quality.main()
        return
    with site() as here:
        began = time.perf_counter()
        here.preview("threshold", "labels", segment=1, low=0, high=1, region=[0, 8] * 3)
        print(f"first request of a server: {time.perf_counter() - began:.2f} s")
        blocks(here, arguments.rounds)
        volumes(here)


if __name__ == "__main__":
    main()
