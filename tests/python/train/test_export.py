"""A run leaves medlab as CSV, JSON, TensorBoard's event files and a run of MLflow."""

import csv
import importlib.util
import json
import shutil
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from medlab.__main__ import main
from medlab.errors import MedlabError
from medlab.scans import find_home
from medlab.train import Run, runs
from medlab.train.export import History, export_run, follow

CONTRACT = Path(__file__).parents[2] / "contract"
RUN = "20261121T013000Z-0a1b2c"
ONE_PIXEL_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def read_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def resumed(tmp_path, monkeypatch) -> Run:
    """The run of the contract that was killed in its second epoch, and went on."""
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / ".medlab"))
    monkeypatch.chdir(tmp_path)
    folder = find_home().runs / RUN
    (folder / "preview").mkdir(parents=True)
    (folder / "preview" / "epoch-0001.png").write_bytes(ONE_PIXEL_PNG)
    shutil.copy(CONTRACT / "resumed.jsonl", folder / "metrics.jsonl")
    recipe = {"task": "segmentation", "epochs": 6, "loss": "dice"}
    about = {"name": "lungs / ../twice", "created": 1795224600.0, "recipe": recipe}
    (folder / "run.json").write_text(json.dumps(about))
    status = {"state": "stopped", "heartbeat": 1795224710.0, "epoch": 3, "epochs": 6}
    (folder / "status.json").write_text(json.dumps(status))
    return Run(folder)


def test_a_resumed_run_has_one_history():
    expected = json.loads((CONTRACT / "resumed.json").read_text())

    history = History.of(read_lines((CONTRACT / "resumed.jsonl").read_text()))

    for told, kept in (
        (expected["epochs"], history.epochs),
        (expected["batches"], history.batches),
        (expected["marks"], history.marks),
    ):
        assert [{k: line[k] for k in told[0]} for line in kept] == told
    assert [line["epoch"] for line in history.previews] == [1, 2]


def test_steps_told_again_without_a_word_count_once_too():
    # A log of an older medlab, or of a trainer that was killed before it could say so.
    line = {"kind": "batch", "epoch": 1}
    epoch = {"kind": "epoch", "epoch": 1, "step": 4, "loss": 8.0}
    history = History()

    again = [
        history.add(each)
        for each in (
            {**line, "step": 2, "loss": 9.0},
            {**line, "step": 4, "loss": 8.0},
            epoch,
            {**line, "step": 3, "loss": 7.0},
        )
    ]

    assert again == [None, None, None, 3]
    assert [each["step"] for each in history.batches] == [2, 3]
    assert history.epochs == []


def test_csv_has_a_row_an_epoch_and_says_what_was_done(resumed):
    path = export_run(resumed, "csv")

    assert path == Path(f"lungs-twice-{RUN}.csv")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["step"], row["loss"]) for row in rows] == [
        ("1", "10", "0.85"),
        ("2", "20", "0.71"),
        ("3", "30", "0.6"),
    ]
    assert rows[0]["time"] == "2026-11-21T01:30:03.000+00:00"
    assert rows[2]["val_loss"] == ""
    assert [row["marks"] for row in rows] == [
        "",
        "step 12: set learning_rate 0.0005; step 15: resumed; step 18: set epochs 6; "
        "step 20: alert disk-full",
        "step 30: checkpoint",
    ]


def test_json_holds_the_run_its_recipe_and_everything_that_happened(resumed):
    content = json.loads(export_run(RUN, "json", "out.json").read_text())

    assert content["run"]["id"] == RUN
    assert content["recipe"]["loss"] == "dice"
    assert [line["loss"] for line in content["batches"]] == [0.9, 0.8, 0.75, 0.72]
    assert [mark["cmd"] for mark in content["marks"] if mark["undone"]] == [
        "pause",
        "resume",
    ]
    assert content["epochs"][2]["val_loss"] is None


def test_a_run_without_a_line_gives_an_empty_table(resumed):
    (resumed.folder / "metrics.jsonl").unlink()

    text = export_run(resumed, "csv").read_text()

    assert text == "epoch,step,time,marks\n"


def test_a_format_nobody_knows_is_refused_with_those_there_are(resumed):
    with pytest.raises(MedlabError, match="one of csv, json, tensorboard, mlflow, got"):
        export_run(resumed, "excel")


def read_events(folder: Path) -> list:
    """Read event files by the format's own description, without the writing library.

    Each record: length (8 bytes), checksum (4), that many bytes, checksum (4).
    """
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    events = []
    for file in sorted(folder.glob("events.out.tfevents.*"), key=lambda f: f.name):
        data = file.read_bytes()
        while data:
            (size,) = struct.unpack("<Q", data[:8])
            events.append(event_pb2.Event.FromString(data[12 : 12 + size]))
            data = data[16 + size :]
    return events


def scalars(events: list) -> dict[str, dict[int, float]]:
    """What TensorBoard shows: a session that starts at a step purges from there on."""
    shown: dict[str, dict[int, float]] = {}
    for event in events:
        if event.session_log.status == 1:
            shown = {
                tag: {s: v for s, v in curve.items() if s < event.step}
                for tag, curve in shown.items()
            }
        for value in event.summary.value:
            if value.WhichOneof("value") == "simple_value":
                curve = shown.setdefault(value.tag, {})
                curve[event.step] = round(value.simple_value, 6)
    return shown


def test_event_files_hold_curves_pictures_and_marks(resumed):
    pytest.importorskip("tensorboardX")
    folder = export_run(resumed, "tensorboard", "events")

    events = read_events(folder)

    curves = scalars(events)
    assert curves["loss"] == {10: 0.85, 20: 0.71, 30: 0.6}
    assert curves["val_loss"] == {10: 0.9, 20: 0.81}
    assert curves["batch/loss"] == {5: 0.9, 10: 0.8, 12: 0.75, 17: 0.72}
    assert {e.wall_time for e in events if e.step == 30 and e.summary.value} == {
        1795224706.0,
        1795224706.1,
    }
    values = [value for event in events for value in event.summary.value]
    pictures = [value.image for value in values if value.tag == "preview"]
    assert [p.encoded_image_string for p in pictures] == [ONE_PIXEL_PNG]
    assert (pictures[0].width, pictures[0].height) == (1, 1)
    texts = [v.tensor.string_val[0].decode() for v in values if "marks" in v.tag]
    assert texts[0] == "step 12: set learning_rate 0.0005"
    assert len(texts) == 7


def test_event_files_follow_a_run_while_it_trains_and_is_resumed(resumed):
    pytest.importorskip("tensorboardX")
    log = resumed.folder / "metrics.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:12]))
    status = {"state": "running", "heartbeat": time.time() + 3600}
    runs.replace_json(resumed.folder / "status.json", status)
    following = threading.Thread(
        target=follow, args=(resumed, "live"), kwargs={"every_s": 0.02}
    )

    following.start()
    until(lambda: curve("loss") == {10: 0.85, 20: 0.7})
    with log.open("a") as more:
        more.write("".join(lines[12:]))
    until(lambda: curve("loss") == {10: 0.85, 20: 0.71, 30: 0.6})
    assert following.is_alive()
    runs.replace_json(resumed.folder / "status.json", {"state": "finished"})
    following.join(timeout=10)

    assert not following.is_alive()
    assert curve("batch/loss") == {5: 0.9, 10: 0.8, 12: 0.75, 17: 0.72}


def curve(tag: str) -> dict[int, float]:
    try:
        return scalars(read_events(Path("live"))).get(tag, {})
    except (struct.error, IndexError):  # caught in the middle of a record
        return {}


def until(met) -> None:
    end = time.monotonic() + 10
    while not met():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_tensorboard_itself_reads_the_event_files(resumed):
    pytest.importorskip("tensorboardX")
    module = "tensorboard.backend.event_processing.event_accumulator"
    accumulator = pytest.importorskip(module)
    folder = export_run(resumed, "tensorboard", "events")

    read = accumulator.EventAccumulator(str(folder)).Reload()

    losses = [(event.step, round(event.value, 6)) for event in read.Scalars("loss")]
    assert losses == [(10, 0.85), (20, 0.71), (30, 0.6)]


def test_mlflow_shows_parameters_metrics_and_the_log(resumed):
    mlflow = pytest.importorskip("mlflow")
    store = export_run(resumed, "mlflow", "mlruns")

    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{store.resolve()}/mlflow.db")
    experiment = client.get_experiment_by_name("medlab")
    [found] = client.search_runs([experiment.experiment_id])
    assert found.info.run_name == "lungs / ../twice"
    assert found.info.status == "KILLED"
    assert found.data.params == {"task": "segmentation", "epochs": "6", "loss": "dice"}
    history = client.get_metric_history(found.info.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(10, 0.85), (20, 0.71), (30, 0.6)]
    files = {file.path for file in client.list_artifacts(found.info.run_id)}
    assert files == {"metrics.jsonl", "preview"}


@pytest.mark.parametrize(
    ("format", "hidden", "extra"),
    [("tensorboard", "tensorboardX", "tensorboard"), ("mlflow", "mlflow", "mlflow")],
)
def test_a_missing_package_is_named_with_its_extra(
    resumed, monkeypatch, format, hidden, extra
):
    monkeypatch.setitem(sys.modules, hidden, None)
    found = importlib.util.find_spec
    hide = lambda name, *more: None if name == hidden else found(name, *more)  # noqa: E731
    monkeypatch.setattr("medlab.train.export._mlflow.find_spec", hide)
    with pytest.raises(MedlabError, match=rf"medlab\[{extra}\]"):
        export_run(resumed, format, "out")


def test_a_terminal_lists_steers_and_exports(resumed, capsys):
    assert main(["runs"]) == 0
    listed = capsys.readouterr().out
    assert RUN in listed
    assert "stopped" in listed

    assert main(["runs", "export", RUN, "--format", "csv", "--to", "a.csv"]) == 0
    assert Path("a.csv").read_text() == export_run(resumed, "csv", "b.csv").read_text()

    status = {"state": "running", "heartbeat": time.time() + 3600}
    runs.replace_json(resumed.folder / "status.json", status)
    assert main(["runs", "set", RUN, "--learning-rate", "0.001", "--epochs", "9"]) == 0
    assert main(["runs", "pause", RUN]) == 0
    commands = [(c["cmd"], c["args"]) for c in runs.read_commands(resumed.folder, 0)]
    assert commands == [
        ("set", {"learning_rate": 0.001, "epochs": 9}),
        ("pause", {}),
    ]


def test_what_a_terminal_gets_wrong_is_one_line(resumed, capsys):
    assert main(["runs", "set", RUN]) == 2
    assert main(["runs", "pause", "nothing"]) == 2
    assert main(["runs", "stop", RUN]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert "Only an active run takes commands" in said[2]


def test_text_needs_neither_keras_nor_jax():
    probe = (
        "import sys, medlab.train.export, medlab.train._runs_command;"
        "print({'jax', 'keras', 'tensorboardX'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
