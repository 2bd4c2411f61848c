"""Time the index: reading headers against a loop of pydicom, looking again, and asking.

The files are pydicom's own sample series, copied with new UIDs. Both sides read the same
files in the same run, taking turns.

    python -m tests.bench.index --files 10000 --small 100000 --rows 100000
"""

import argparse
import multiprocessing
import os
import platform
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pydicom.data

from medlab.scans import (
    Entry,
    Home,
    Query,
    ScanSource,
    scan_groups,
    search_scans,
    store,
    update_index,
)
from medlab.scans._summary import ScanSummary
from medlab.scans.dicom._elements import TAGS
from medlab.scans.index._query import SORTS
from medlab.scans.index._walk import Unit

ROUNDS = 3
SERIES_FILES = 100
_PLACE = b"99999.999"
WORDS = (
    "c",
    "ch",
    "che",
    "ches",
    "chest",
    "chest ct",
    "mül",
    "mül 2024-0",
    "xyzzy",
    "unl",
)


def sample_files() -> list[bytes]:
    """Real CT and MR slices that ship with pydicom."""
    folder = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
    found = [
        p for p in sorted(folder.rglob("*")) if p.is_file() and "DICOMDIR" not in p.name
    ]
    names = ("CT_small.dcm", "MR_small.dcm")
    found += [Path(str(pydicom.data.get_testdata_file(name))) for name in names]
    files = [p.read_bytes() for p in found if p.read_bytes()[128:132] == b"DICM"]
    return [data for data in files if "PixelData" in pydicom.dcmread(_file(data))]


def write_series(root: Path, count: int, *, small: bool = False) -> None:
    """Write `count` files, `SERIES_FILES` slices to a series, one series a folder."""
    samples = [_sample(data, small) for data in sample_files()]
    for number in range(count):
        series, k = divmod(number, SERIES_FILES)
        data, series_uid, own_uid = samples[series % len(samples)]
        folder = root / f"patient-{series // 10:04d}" / f"series-{series:05d}"
        if k == 0:
            folder.mkdir(parents=True, exist_ok=True)
        data = data.replace(series_uid, _uid(series_uid, series))
        data = data.replace(own_uid, _uid(own_uid, number))
        data = data.replace(_PLACE, f"{k:09.3f}".encode())
        (folder / f"IM{k:05d}.dcm").write_bytes(data)


def _sample(data: bytes, small: bool) -> tuple[bytes, bytes, bytes]:
    """A slice whose place along its normal can be filled in, and its UIDs."""
    header = pydicom.dcmread(_file(data))
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.ImagePositionPatient = ["0.0", "0.0", _PLACE.decode()]
    if small:
        header.Rows = header.Columns = 4
        header.PixelData = header.PixelData[: 16 * header.BitsAllocated // 8]
    buffer = pydicom.filebase.DicomBytesIO()
    header.save_as(buffer)
    told = (header.SeriesInstanceUID.encode(), header.SOPInstanceUID.encode())
    return buffer.getvalue(), *told


def _file(data: bytes) -> "pydicom.filebase.DicomBytesIO":
    return pydicom.filebase.DicomBytesIO(data)


def _uid(old: bytes, number: int) -> bytes:
    """Another UID as long as the old one."""
    tail = str(number).encode()
    return old[: len(old) - len(tail) - 1] + b"9" + tail


def loop_of_pydicom(root: Path) -> float:
    """Seconds that one process takes to read every header with pydicom."""
    files = sorted(p for p in root.rglob("*.dcm"))
    start = time.perf_counter()
    for path in files:
        pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS))
    return time.perf_counter() - start


def new_home(root: Path) -> Home:
    shutil.rmtree(root / ".medlab", ignore_errors=True)
    (root / ".medlab").mkdir()
    return Home(root, root / ".medlab")


def measure_cold(scratch: Path, count: int) -> None:
    root = scratch / "cold"
    write_series(root, count)
    theirs, ours = [], []
    loop_of_pydicom(root)  # Once unmeasured: the files are in memory for both.
    for _ in range(ROUNDS):
        theirs.append(loop_of_pydicom(root))
        report = update_index(new_home(root))
        assert report.read == count, report
        ours.append(report.seconds)
    ratios = sorted(a / b for a, b in zip(theirs, ours, strict=True))
    print(
        f"cold index of {count} files, {os.cpu_count()} cores: "
        f"pydicom loop {statistics.median(theirs):.2f} s, "
        f"index {statistics.median(ours):.2f} s "
        f"({statistics.median(ours) / count * 1e6:.0f} us a file): "
        f"{statistics.median(ratios):.1f} x ({ratios[0]:.1f}-{ratios[-1]:.1f})"
    )
    shutil.rmtree(root)


def _index_alone(
    root: Path, told: "multiprocessing.Queue[tuple[float, float]]"
) -> None:
    report = update_index(Home(root, root / ".medlab"))
    # Not `ru_maxrss`, in which the process that started this one lives on.
    status = Path("/proc/self/status").read_text()
    told.put((report.seconds, int(status.split("VmHWM:")[1].split()[0]) / 1024))


def measure_again(scratch: Path, count: int) -> None:
    """Cold and unchanged, each in a process of its own, with the memory it took."""
    start = multiprocessing.get_context("spawn")
    for size in sorted({count // 10, count}):
        root = scratch / f"small-{size}"
        write_series(root, size, small=True)
        new_home(root)
        for what in ("cold", "unchanged", "unchanged"):
            told: multiprocessing.Queue[tuple[float, float]] = start.Queue()
            process = start.Process(target=_index_alone, args=(root, told))
            process.start()
            seconds, memory = told.get()
            process.join()
            print(f"{size} small files, {what}: {seconds:.2f} s, peak {memory:.0f} MiB")
        shutil.rmtree(root)


def made_up_rows(count: int) -> Iterator[ScanSummary]:
    rng = random.Random(5)
    names = ("Müller", "Ng", "Okafor", "Smith", "Yamada", "García", "Ivanova", "Haddad")
    parts = ("CHEST", "HEAD", "ABDOMEN", "KNEE", "SPINE", "")
    words = (
        "axial",
        "thin",
        "contrast",
        "T1w",
        "T2w FLAIR",
        "lung",
        "localizer",
        "b1000",
    )
    for number in range(count):
        person = number // 4
        rng_name = names[person % len(names)]
        path = f"archive/{person % 100:02d}/p{person:06d}/s{number:07d}"
        series = f"1.2.826.0.1.3680043.8.498.{number}"
        source = ScanSource(path, series)
        yield ScanSummary(
            id=source.scan_id,
            path=path,
            series=series,
            name=source.name,
            format="dicom",
            modality=rng.choice(("CT", "MR", "MR", "CR", "US")),
            shape=[512, 512, 100],
            spacing_mm=[0.7, 0.7, 2.5],
            orientation="LPS",
            slices=100,
            size_bytes=rng.randrange(1 << 28),
            patient=f"{rng_name}^{chr(65 + person % 26)}{person}",
            patient_id=f"ID{person:07d}",
            study=f"{rng.choice(parts)} study",
            description=" ".join(rng.sample(words, 2)),
            date=f"20{rng.randrange(10, 26)}-{rng.randrange(1, 13):02d}-15",
            body_part=rng.choice(parts),
            series_number=number % 12,
        )


_WORD = Query("chest")


def measure_queries(scratch: Path, count: int) -> None:
    home = new_home(scratch)
    entries = []
    for row in made_up_rows(count):
        fields = {**row.to_json(), "study_uid": f"1.2.{row.path.rpartition('/')[0]}"}
        unit = Unit(row.path + "/", "dicom", "made up", ("IM0",))
        entries.append(Entry(row.path, unit, [fields]))
    start = time.perf_counter()
    for at in range(0, count, 500):
        store(home, entries[at : at + 500])
    print(f"storing {count} rows: {time.perf_counter() - start:.1f} s")
    del entries  # A server has none of them: looking through them is not its time.
    tell("first page of a new process", [_timed(lambda: search_scans(home))])
    tell("first word of a new process", [_timed(lambda: search_scans(home, _WORD))])
    times = []
    for _ in range(4):
        for words in WORDS:
            for query in (Query(words), Query(words, sort="date", descending=True)):
                start = time.perf_counter()
                search_scans(home, query)
                times.append((time.perf_counter() - start) * 1e3)
    tell("a keystroke, page of 200", times)
    for what, query in (
        ("first page", Query()),
        ("last page", Query(offset=count - 200)),
        ("a deep page of a word", Query("c", offset=count // 4)),
        ("only warnings", Query(problems="warnings")),
        ("only labelled", Query(labels=True)),
    ):
        tell(what, [_timed(lambda q=query: search_scans(home, q)) for _ in range(10)])
    for sort in SORTS:
        query = Query("c", sort=sort, descending=True)
        first = _timed(lambda q=query: search_scans(home, q))
        again = [_timed(lambda q=query: search_scans(home, q)) for _ in range(5)]
        tell(f"sorted by {sort}, first {first:.0f} ms", again)
    tell("groups of patients", [_timed(lambda: scan_groups(home)) for _ in range(5)])
    studies = [_timed(lambda: scan_groups(home, by="study")) for _ in range(5)]
    tell("groups of studies", studies)
    folder = home.folder / "index.sqlite"
    print(f"index of {folder.stat().st_size / 2**20:.0f} MiB")


def _timed(act: "object") -> float:
    start = time.perf_counter()
    act()  # type: ignore[operator]
    return (time.perf_counter() - start) * 1e3


def tell(what: str, times_ms: list[float]) -> None:
    ordered = sorted(times_ms)
    slow = ordered[min(round(0.95 * len(ordered)), len(ordered) - 1)]
    print(
        f"{what:40} median {statistics.median(ordered):7.1f} ms   95 % {slow:7.1f} ms   "
        f"most {ordered[-1]:7.1f} ms   n={len(ordered)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", help="a folder on the disk to measure")
    parser.add_argument("--files", type=int, default=10_000, help="0 leaves this out")
    parser.add_argument("--small", type=int, default=100_000, help="0 leaves this out")
    parser.add_argument("--rows", type=int, default=100_000, help="0 leaves this out")
    given = parser.parse_args()
    print(platform.platform(), f"Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        root = Path(scratch).resolve()
        if given.files:
            measure_cold(root, given.files)
        if given.rows:
            (root / "rows").mkdir()
            measure_queries(root / "rows", given.rows)
        if given.small:
            measure_again(root, given.small)


if __name__ == "__main__":
    main()
