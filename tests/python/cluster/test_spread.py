"""spread: each result once at the writer, over local processes and over a Dask cluster."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from medlab.cluster import spread
from medlab.errors import MedlabError
from tests.support.pieces import count_and_square, is_object, refuse, square, stumble


@pytest.fixture(params=["local", "dask"])
def where(request):
    """How a test spreads: two processes here, or two workers of a cluster."""
    if request.param == "local":
        return {"scheduler": None, "workers": 2}
    return {"scheduler": request.getfixturevalue("scheduler")}


class Writer:
    """Counts what it is given."""

    def __init__(self) -> None:
        self.results: list[tuple] = []

    def __call__(self, piece, result) -> None:
        self.results.append((piece, result))


def work(tmp_path, count, **more):
    tries = tmp_path / "tries"
    tries.mkdir()
    return [{"number": n, "tries": str(tries), **more} for n in range(count)]


def tries_of(pieces):
    names = [path.name for path in Path(pieces[0]["tries"]).iterdir()]
    return Counter(int(name.split("-")[0]) for name in names if "-" in name)


def test_every_piece_has_its_result_written_once(where):
    write = Writer()

    report = spread(square, range(40), on_result=write, **where)

    assert sorted(write.results) == [(n, n * n) for n in range(40)]
    assert (report.done, report.failed, report.cancelled) == (40, (), False)


def test_no_pieces_are_no_work(where):
    assert spread(square, [], **where).done == 0


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(where, tmp_path):
    pieces, write = work(tmp_path, 16, kills_once=5), Writer()

    report = spread(count_and_square, pieces, on_result=write, **where)

    found = sorted((piece["number"], result) for piece, result in write.results)
    assert found == [(n, n * n) for n in range(16)]
    assert (report.done, report.failed) == (16, ())
    assert report.deaths == 1
    assert tries_of(pieces)[5] >= 2


def test_a_piece_that_ends_three_workers_is_given_up_and_its_neighbours_are_not(
    where, tmp_path
):
    pieces, write = work(tmp_path, 8, kills_always=2), Writer()

    report = spread(count_and_square, pieces, on_result=write, **where)

    assert sorted(p["number"] for p, _ in write.results) == [0, 1, 3, 4, 5, 6, 7]
    (failure,) = report.failed
    assert failure.piece["number"] == 2
    assert failure.error.code == "workers-died"
    assert "may end 2 workers at most, got " in str(failure.error)
    # Dask itself may start it once more before it hears that it need not.
    assert 3 <= tries_of(pieces)[2] <= 5
    assert 3 <= report.deaths <= 5


def test_an_error_of_a_piece_is_told_and_the_others_go_on(where):
    write = Writer()

    report = spread(refuse, range(6), on_result=write, **where)

    assert sorted(result for _, result in write.results) == [0, 1, 2, 4, 5]
    (failure,) = report.failed
    assert (failure.piece, failure.error.code) == (3, "three")
    assert str(failure.error) == "Three is refused. Take another."


def test_an_unexpected_error_tells_its_kind_and_place_but_not_its_text(where):
    (failure,) = spread(stumble, ["Doe^Jane"], **where).failed

    assert "ValueError in pieces.py, line " in str(failure.error)
    assert "Jane" not in str(failure.error)


def test_only_plain_values_come_back(where):
    (failure,) = spread(is_object, [1], **where).failed

    assert "TypeError" in str(failure.error)


def test_progress_is_told_up_to_the_total(where):
    told = []

    spread(refuse, range(6), on_progress=lambda *now: told.append(now), **where)

    assert told == [(n, 6) for n in range(1, 7)]


def test_cancelling_ends_it_soon_and_keeps_what_was_written(where, tmp_path):
    pieces, write = work(tmp_path, 50, takes_s=0.2), Writer()

    report = spread(
        count_and_square,
        pieces,
        on_result=write,
        cancelled=lambda: len(write.results) >= 2,
        **where,
    )

    assert report.cancelled
    assert 2 <= report.done == len(write.results) <= 4
    assert sum(tries_of(pieces).values()) <= 10


def test_pieces_are_taken_as_they_are_needed(where):
    taken, write = [], Writer()

    def endless():
        for number in range(10**9):
            taken.append(number)
            yield number

    spread(
        square,
        endless(),
        on_result=write,
        cancelled=lambda: len(write.results) >= 20,
        **where,
    )

    assert len(taken) - len(write.results) <= 8


def test_a_writer_that_cannot_write_ends_it(where):
    def full_disk(piece, result):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        spread(square, range(1000), on_result=full_disk, **where)


def test_a_function_without_a_name_of_its_own_is_refused_with_advice():
    with pytest.raises(MedlabError, match=r"top of a module.*Move it into a file"):
        spread(lambda piece: piece, [1], workers=1)


def test_pieces_that_are_not_plain_are_refused_with_advice():
    with pytest.raises(MedlabError, match=r"numbers and None, got object"):
        spread(square, [object()], workers=1)


def test_what_a_function_prints_is_not_taken_for_its_answer():
    write = Writer()

    spread(print, ["hello"], on_result=write, workers=1)

    assert write.results == [("hello", None)]


def test_a_scheduler_that_does_not_answer_is_one_clear_sentence(monkeypatch):
    from medlab.cluster import _dask

    monkeypatch.setattr(_dask, "_ANSWERS_WITHIN_S", 0.5)
    with pytest.raises(MedlabError, match=r"answer at 127.0.0.1:9 within 0.5 s") as no:
        spread(square, [1], "127.0.0.1:9")
    assert no.value.code == "no-scheduler"


@pytest.mark.parametrize("name", ["", "nowhere", "http://a:1", "a b:1", "user@a:1"])
def test_a_scheduler_is_named_host_port(name):
    with pytest.raises(MedlabError, match=r"named host:port, got"):
        spread(square, [1], name)


def test_without_the_package_the_message_says_how_to_install_it():
    probe = (
        "import sys; sys.modules['distributed'] = None\n"
        "from medlab.cluster import spread\n"
        "print(spread(len, ['CT'], workers=1).done)\n"
        "try: spread(len, [], '127.0.0.1:8786')\n"
        "except Exception as error: print(error.code, error)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)

    assert done.stdout.startswith("1\nno-dask Work over a cluster needs"), done.stderr
    assert 'pip install "medlab[dask]"' in done.stdout
