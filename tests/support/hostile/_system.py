"""What is no ordinary file: pipes, devices, links, huge holes, odd names."""

import os
import socket

from tests.support.hostile._case import Accepted, Zoo
from tests.support.hostile._text_headers import metaimage, nrrd
from tests.support.hostile._whole import (
    SHAPE,
    SPACING,
    dicom_bytes,
    dicom_slice,
    nifti_header,
    voxel_bytes,
)

_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha", ".dcm", ".png", ".tif", ".npy")
_TIB = 1 << 40
_WHOLE = Accepted(SHAPE, SPACING, "the name is odd, the file is whole", needed=True)


def add_system(zoo: Zoo) -> None:
    """Everything a file system can hold under the name of a scan."""
    for ending in _ENDINGS:
        room = zoo.room(f"pipe/{ending[1:]}")
        os.mkfifo(room / f"a{ending}")
        zoo.note(f"pipe/{ending[1:]}", room / f"a{ending}")
        for what, target in (
            ("zero", "/dev/zero"),
            ("random", "/dev/urandom"),
            ("terminal", "/dev/tty"),
            ("passwd", "/etc/passwd"),
            ("loop", f"a{ending}"),
            ("nowhere", "gone"),
            ("folder", ".."),
        ):
            _link(zoo, f"link/{what}-{ending[1:]}", f"a{ending}", target)
        room = zoo.room(f"folder/{ending[1:]}")
        (room / f"a{ending}").mkdir()
        zoo.note(f"folder/{ending[1:]}", room / f"a{ending}")
        room = zoo.room(f"hole/{ending[1:]}")
        with (room / f"a{ending}").open("wb") as hole:
            hole.truncate(_TIB)
        zoo.note(f"hole/{ending[1:]}", room / f"a{ending}")
    _add_others(zoo)


def _link(zoo: Zoo, name: str, file: str, target: str) -> None:
    room = zoo.room(name)
    (room / file).symlink_to(target)
    zoo.note(name, room / file)


def _add_others(zoo: Zoo) -> None:
    room = zoo.room("link/long-loop")
    for n in range(60):
        (room / f"{n}.nii").symlink_to(f"{(n + 1) % 60}.nii")
    zoo.note("link/long-loop", room / "0.nii")
    room = zoo.room("link/folder-of-itself")
    (room / "again").symlink_to(".")
    (room / "up").symlink_to("..")
    zoo.note("link/folder-of-itself", room)
    room = zoo.room("socket/nii")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(room, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{here}/a.nii")
        os.close(here)
    zoo.note("socket/nii", room / "a.nii")
    room = zoo.room("hole/nifti-as-promised")
    with (room / "a.nii").open("wb") as hole:
        hole.write(nifti_header(dim=dict.fromkeys((1, 2, 3), 20000)))
        hole.truncate(2 * 20000**3 + 352)
    zoo.note("hole/nifti-as-promised", room / "a.nii")
    room = zoo.room("hole/dicom")
    with (room / "a.dcm").open("wb") as hole:
        hole.write(dicom_bytes(dicom_slice())[:-112])
        hole.truncate(_TIB)
    one = Accepted((*SHAPE[:2], 1), SPACING, "the pixels are zeros, as the file says")
    zoo.note("hole/dicom", room / "a.dcm", one)
    for what, header in (
        ("nrrd", nrrd(b"", data_file="data.raw")),
        ("mhd", metaimage(b"", ElementDataFile="data.raw")),
    ):
        name = "a.nhdr" if what == "nrrd" else "a.mhd"
        for trick, target in (("device", "/dev/zero"), ("passwd", "/etc/passwd")):
            room = zoo.room(f"link/data-of-{what}-to-{trick}")
            (room / name).write_bytes(header)
            (room / "data.raw").symlink_to(target)
            zoo.note(f"link/data-of-{what}-to-{trick}", room / name)
        room = zoo.room(f"pipe/data-of-{what}")
        (room / name).write_bytes(header)
        os.mkfifo(room / "data.raw")
        zoo.note(f"pipe/data-of-{what}", room / name)
    whole = bytes(nifti_header()) + voxel_bytes()
    for n, odd in enumerate(
        (
            b"new\nline.nii",
            b"<img src=x onerror=alert(1)>.nii",
            b"not-utf8-\xff\xfe.nii",
            b"-rf.nii",
            b"$(reboot).nii",
            b"a" * 240 + b".nii",
            "\u202egnp.nii".encode(),
            b"%2e%2e%2f.nii",
        )
    ):
        room = zoo.room(f"name/{n}")
        path = room / os.fsdecode(odd)
        path.write_bytes(whole)
        zoo.note(f"name/{n}", path, _WHOLE)
