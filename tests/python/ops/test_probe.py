"""Which path convolutions take, and that a bad jaxlib costs a log line, not the process."""

import json
import logging
import os
import subprocess
import sys
import time

import pytest

from medlab import ops
from medlab.backend import jax
from medlab.errors import MedlabError
from medlab.ops import _probe
from medlab.ops._convolve import stock_convolution
from medlab.ops._trial import trial

GOOD = '{"agrees": true, "largest_error": 2e-7, "speed": 2.5}'


def python(code):
    return [sys.executable, "-c", code]


@pytest.fixture
def asked_anew(monkeypatch, tmp_path):
    """As in a new process with an empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("MEDLAB_CONVOLUTIONS", raising=False)
    monkeypatch.setattr(_probe.sys, "platform", "linux")
    monkeypatch.setattr(_probe.platform, "machine", lambda: "x86_64")
    _probe.remembered_verdict.cache_clear()
    yield tmp_path
    _probe.remembered_verdict.cache_clear()


@pytest.fixture
def printing(monkeypatch):
    """Replace the trial by a process that runs this code."""

    def replace(code, limit_s=30):
        judge = _probe.try_out
        monkeypatch.setattr(
            _probe, "try_out", lambda: judge(python(code), limit_s=limit_s)
        )

    return replace


def test_a_trial_that_agrees_and_is_faster_is_taken():
    verdict = _probe.try_out(python(f"print('noise'); print('{GOOD}')"))

    assert (verdict.path, verdict.holds_s) == ("onednn", None)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os; os.abort()", "the trial ended with -6"),
        ("raise SystemExit(3)", "the trial ended with 3"),
        ("pass", "the trial printed no result"),
        ("print('[1]')", "the trial printed no result"),
        (
            f"print('{GOOD}'.replace('true', 'false').replace('2e-7', '0.31'))",
            "its results differ from XLA's by 0.3",
        ),
        (f"print('{GOOD}'.replace('2.5', '0.42'))", "it is 0.42 times as fast here"),
    ],
)
def test_a_trial_that_fails_leaves_the_fast_kernels_off(code, why):
    verdict = _probe.try_out(python(code))

    assert (verdict.path, verdict.why, verdict.holds_s) == ("public", why, None)


def test_a_trial_that_hangs_is_ended_and_asked_again_another_day():
    verdict = _probe.try_out(python("import time; time.sleep(60)"), limit_s=0.3)

    assert verdict.path == "public"
    assert verdict.why == "the trial took more than 0.3 s"
    assert verdict.holds_s == 24 * 3600


def test_a_trial_that_cannot_start_is_an_answer_too():
    assert _probe.try_out(["/nowhere/python"]).why == (
        "the trial did not start (No such file or directory)"
    )


def test_wrong_numbers_are_noticed():
    def shifted(x, kernel, window):
        return stock_convolution(x, kernel, window) * 1.001

    found = trial(shifted, lambda a, b: a.T @ b)

    assert found["agrees"] is False
    assert found["largest_error"] == pytest.approx(1e-3, rel=0.01)


def test_numbers_that_are_not_numbers_are_noticed():
    def lost(x, kernel, window):
        return stock_convolution(x, kernel, window) * float("nan")

    assert trial(lost, lambda a, b: a.T @ b)["agrees"] is False


@pytest.mark.skipif(sys.platform != "linux", reason="tried on Linux only")
def test_the_trial_runs_through_with_the_kernels_that_are_here():
    verdict = _probe.try_out()

    assert verdict.path == "onednn" or "differ" in verdict.why or "fast" in verdict.why


def test_a_failure_is_told_once_and_remembered(asked_anew, printing, caplog):
    printing("import os; os.abort()")
    with caplog.at_level(logging.INFO, "medlab"):
        assert [ops.path() for _ in range(3)] == ["public"] * 3
        _probe.remembered_verdict.cache_clear()
        printing(f"print('{GOOD}')")
        assert ops.path() == "public"

    assert [record.getMessage() for record in caplog.records] == [
        "Convolutions use public JAX calls instead of oneDNN: the trial ended with -6."
    ]


def test_the_verdict_is_kept_for_this_jaxlib_and_processor(asked_anew, printing):
    printing(f"print('{GOOD}')")
    assert ops.path() == "onednn"

    [file] = (asked_anew / "medlab" / "convolutions").iterdir()
    assert file == _probe.verdict_file()
    assert json.loads(file.read_text())["path"] == "onednn"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"path": "onednn"}',
        '{"path": "rm -rf", "why": "", "tried_at": 0, "holds_s": null}',
        '{"path": "public", "why": "", "tried_at": 0, "holds_s": 60}',
    ],
)
def test_a_verdict_that_is_damaged_or_too_old_is_asked_anew(asked_anew, printing, text):
    printing(f"print('{GOOD}')")
    file = _probe.verdict_file()
    file.parent.mkdir(parents=True)
    file.write_text(text)

    assert ops.path() == "onednn"
    assert json.loads(file.read_text())["tried_at"] > time.time() - 60


def test_without_a_cache_folder_it_is_asked_in_each_process(
    asked_anew, printing, monkeypatch
):
    (asked_anew / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(asked_anew / "file"))
    printing(f"print('{GOOD}')")

    assert ops.path() == "onednn"


@pytest.mark.parametrize(
    ("system", "machine"),
    [("darwin", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64")],
)
def test_other_machines_are_not_tried(asked_anew, monkeypatch, system, machine):
    monkeypatch.setattr(_probe.sys, "platform", system)
    monkeypatch.setattr(_probe.platform, "machine", lambda: machine)
    monkeypatch.setattr(_probe, "try_out", lambda: pytest.fail("was tried"))

    assert ops.path() == "public"


@pytest.mark.parametrize("choice", ["onednn", "public", "stock"])
def test_the_environment_chooses(monkeypatch, choice):
    monkeypatch.setenv("MEDLAB_CONVOLUTIONS", choice)

    assert ops.path() == choice


def test_a_path_that_does_not_exist_is_refused_with_those_that_do(monkeypatch):
    monkeypatch.setenv("MEDLAB_CONVOLUTIONS", "fastest")

    with pytest.raises(MedlabError) as told:
        ops.path()

    assert str(told.value) == (
        "MEDLAB_CONVOLUTIONS knows onednn, public, stock, got fastest. "
        "Leave MEDLAB_CONVOLUTIONS unset to let medlab choose."
    )
    with pytest.raises(MedlabError, match="with_path knows"), ops.with_path("fastest"):
        pass


@pytest.mark.parametrize("choice", ["onednn", "public"])
def test_an_accelerator_always_takes_the_stock_path(monkeypatch, choice):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")

    with ops.with_path(choice):
        assert ops.path() == "stock"


def test_importing_tries_nothing(tmp_path):
    code = "import medlab.ops, os; print(os.listdir(os.environ['XDG_CACHE_HOME']))"
    done = subprocess.run(
        python(code),
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
