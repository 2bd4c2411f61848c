"""Steering by sidebar: settings, marks, alerts, runs side by side, and their files."""

import csv
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.fake_trainer import FakeTrainer
from tests.support.lab import Lab, open_browser, wait_for_lab
from tests.support.training_sidebar import open_training

_HOSTILE = "<img src=x onerror='window.hacked = 1'>"
_RECIPE = {
    "template": "unet",
    "learning_rate": 0.003,
    "loss": "dice",
    "epochs": 100,
    "template_args": {"widths": [8, 16]},
}


@pytest.fixture(scope="module")
def page(lab: Lab) -> Iterator[Page]:
    with open_browser(lab) as page:
        open_training(lab, page)
        yield page


@pytest.fixture
def sidebar(page: Page) -> Locator:
    return page.locator("#medlab-training-sidebar")


def show(sidebar: Locator, name: str) -> None:
    sidebar.locator(".medlab-RunRow button", has_text=name).click()
    expect(sidebar.locator(".medlab-RunDetail-head h3")).to_have_text(name)


def test_settings_change_while_it_trains_and_leave_a_mark(
    lab: Lab, page: Page, sidebar: Locator, pictures: Path
) -> None:
    trainer = FakeTrainer(lab.root, "20261121T013000Z-0a1b2c", "steered", _RECIPE)
    trainer.train(35)
    show(sidebar, "steered")

    rate = sidebar.get_by_label("Learning rate", exact=True)
    expect(rate).to_have_value("0.003")
    rate.fill("fast")
    rate.press("Enter")
    expect(sidebar.get_by_text("A number above 0, such as 0.001.")).to_be_visible()
    assert not (trainer.folder / "control.json").exists()

    rate.fill("0.0005")
    rate.press("Enter")
    expect(sidebar.get_by_text("Learning rate 5e-4 requested…")).to_be_visible()
    asked = trainer.wait_for_command(1)
    assert (asked["cmd"], asked["args"]) == ("set", {"learning_rate": 0.0005})
    trainer.write("control", **asked, epoch=4, step=35)
    trainer.say("running", ack_seq=1)
    expect(sidebar.get_by_text("Learning rate 5e-4 acknowledged.")).to_be_visible()
    expect(rate).to_have_value("5e-4")

    sidebar.get_by_label("Epochs in all", exact=True).fill("2")
    sidebar.get_by_role("button", name="Set Epochs in all").click()
    expect(sidebar.get_by_text("A whole number, 4 or more.")).to_be_visible()
    sidebar.get_by_label("Epochs in all", exact=True).fill("120")
    sidebar.get_by_role("button", name="Set Epochs in all").click()
    asked = trainer.wait_for_command(2)
    assert asked["args"] == {"epochs": 120}
    trainer.train(40)
    trainer.write("control", **asked, epoch=8, step=75)
    trainer.say("running", ack_seq=2, epochs=120)

    marks = sidebar.get_by_role("toolbar", name="What was done to the run").first
    expect(marks.get_by_role("button")).to_have_count(2)
    first, second = marks.get_by_role("button").all()
    words = sidebar.locator(".medlab-Marks-words").first
    sidebar.get_by_label("log scale").focus()
    page.keyboard.press("Tab")
    expect(first).to_be_focused()
    expect(words).to_contain_text("Learning rate 5e-4 · epoch 4, step 35")
    page.keyboard.press("ArrowRight")
    expect(second).to_be_focused()
    expect(words).to_contain_text("120 epochs · epoch 8, step 75")
    page.screenshot(path=pictures / "training-marks.png")
    page.keyboard.press("Escape")
    expect(words).to_be_hidden()


def test_what_goes_wrong_stands_there_until_it_is_mended(
    lab: Lab, page: Page, sidebar: Locator, pictures: Path
) -> None:
    trainer = FakeTrainer(lab.root, "20261121T023000Z-0a1b2c", "in trouble")
    trainer.end_epochs(4, val_dice=0.8, val_loss=0.3)
    alert = {"code": "disk-full", "message": f"No room for step 40. {_HOSTILE}"}
    trainer.write("alert", **alert, step=40)
    trainer.say("running", alert=alert, wait_share=0.234)
    show(sidebar, "in trouble")

    banner = sidebar.locator(".medlab-RunAlert")
    expect(banner).to_have_attribute("role", "alert")
    expect(banner).to_contain_text("The disk is full")
    expect(banner).to_contain_text(_HOSTILE)
    assert page.evaluate("() => window.hacked") is None
    expect(sidebar).to_contain_text("waits for data 23 %")
    expect(sidebar).to_contain_text("More workers, or less augmentation")
    page.screenshot(path=pictures / "training-alert.png")

    trainer.end_epochs(1, val_dice=0.7, val_loss=0.3)
    expect(sidebar).to_contain_text("step 50 of 1000")
    expect(banner).to_be_visible()
    expect(sidebar.locator(".medlab-Legend")).to_contain_text(
        ["", "best 0.8 in epoch 1", ""]
    )
    trainer.say("running", alert=None, wait_share=0.02)
    trainer.train(1)
    expect(banner).to_have_count(0)
    expect(sidebar).to_contain_text("waits for data 2 %")
    expect(sidebar.locator(".medlab-RunProgress-hint")).to_have_count(0)


def test_a_compilation_tells_how_long_it_takes(
    lab: Lab, page: Page, sidebar: Locator
) -> None:
    trainer = FakeTrainer(lab.root, "20261121T033000Z-0a1b2c", "compiles")
    trainer.write("state", state="compiling", message="Reading the scans.")
    trainer.say("compiling", heartbeat=time.time())
    show(sidebar, "compiles")

    facts = sidebar.locator(".medlab-RunProgress-facts")
    expect(facts).to_contain_text(re.compile(r"compiling for [0-4] s"))
    expect(facts).to_contain_text(re.compile(r"compiling for [5-9] s"), timeout=12_000)
    assert sidebar.locator("progress").get_attribute("value") is None
    trainer.say("running", heartbeat=time.time(), compile_s=6.21)
    expect(facts).to_contain_text("compiled in 6.2 s", timeout=12_000)


def test_two_runs_are_compared_by_their_settings(
    lab: Lab, sidebar: Locator, page: Page, pictures: Path
) -> None:
    other = {**_RECIPE, "loss": "dice+cross-entropy", "learning_rate": 0.01}
    for number, recipe in enumerate((_RECIPE, other)):
        run_id = f"20261121T0{4 + number}3000Z-00000{number}"
        trainer = FakeTrainer(lab.root, run_id, "twin", recipe)
        trainer.end_epochs(5, val_dice=0.5 + number / 10)
        trainer.say("finished")
    FakeTrainer(lab.root, "20261121T063000Z-0a1b2c", "by fit").train(20)
    sidebar.locator("[data-run='20261121T043000Z-000000'] > button").click()
    sidebar.locator("[data-run='20261121T053000Z-000001'] input").check()

    table = sidebar.locator(".medlab-Comparison table")
    rows = table.locator("tbody tr")
    expect(rows).to_have_count(4)
    heads = table.locator("thead th").all_inner_texts()
    assert heads == ["Setting", "twin (000000)", "twin (000001)"]
    cells = [row.locator("th, td").all_inner_texts() for row in rows.all()]
    assert cells == [
        ["State", "finished", "finished"],
        ["Best", "val_dice 0.5 (epoch 1)", "val_dice 0.6 (epoch 1)"],
        ["learning_rate", "0.003", "0.01"],
        ["loss", "dice", "dice+cross-entropy"],
    ]
    page.screenshot(path=pictures / "training-comparison.png")

    sidebar.locator("[data-run='20261121T063000Z-0a1b2c'] input").check()
    expect(sidebar).to_contain_text("No recipe: by fit.")
    sidebar.get_by_role("button", name="End comparison").click()
    expect(table).to_have_count(0)
    expect(sidebar.get_by_label("Compare by fit")).not_to_be_checked()


def test_the_history_is_saved_as_a_file(
    lab: Lab, page: Page, sidebar: Locator, tmp_path: Path
) -> None:
    trainer = FakeTrainer(lab.root, "20261121T073000Z-0a1b2c", "to / export")
    trainer.end_epochs(3, val_dice=0.5)
    show(sidebar, "to / export")

    with page.expect_download() as download:
        sidebar.get_by_role("button", name="Export as CSV").click()

    name = "to-export-20261121T073000Z-0a1b2c.csv"
    assert download.value.suggested_filename == name
    download.value.save_as(tmp_path / name)
    with (tmp_path / name).open(newline="") as file:
        steps = [row["step"] for row in csv.DictReader(file)]
    assert steps == ["10", "20", "30"]

    (trainer.folder / "run.json").rename(trainer.folder / "gone.json")
    sidebar.get_by_role("button", name="Export as JSON").click()
    expect(sidebar.locator(".medlab-Exports-problem")).to_contain_text(
        "There is no run"
    )


def test_a_narrow_sidebar_holds_everything_and_a_reload_keeps_it(
    lab: Lab, page: Page, sidebar: Locator, pictures: Path
) -> None:
    trainer = FakeTrainer(lab.root, "20261121T083000Z-0a1b2c", "narrow", _RECIPE)
    trainer.end_epochs(6, val_dice=0.75, val_loss=0.3)
    for step in (20, 21, 55):
        trainer.write("control", seq=1, cmd="checkpoint", args={}, step=step, epoch=3)
    alert = {"code": "out-of-memory", "message": "Smaller settings: batch 1; patch 64."}
    trainer.say("failed", alert=alert, message=alert["message"])
    # The restorer writes the layout a moment later; wait, or the reload hides the panel.
    page.wait_for_timeout(2500)
    page.goto(f"{lab.url}/lab")
    wait_for_lab(page)
    show(sidebar, "narrow")
    expect(sidebar.locator(".medlab-Marks button")).to_have_count(2)
    expect(sidebar.locator(".medlab-RunAlert")).to_contain_text("Out of memory")
    sidebar.locator("[data-run='20261121T013000Z-0a1b2c'] input").check()
    expect(sidebar.locator(".medlab-Comparison")).to_be_visible()
    page.screenshot(path=pictures / "training-narrow.png")

    width = sidebar.evaluate("node => node.clientWidth")
    print(f"sidebar {width} pixels wide")
    assert 200 <= width <= 260
    wide = sidebar.evaluate(
        """node => [...node.querySelectorAll('*')]
            .filter(each => !each.closest('.medlab-Comparison-table'))
            .filter(each => each.getBoundingClientRect().right
                > node.getBoundingClientRect().right + 1)
            .map(each => each.className)"""
    )
    assert wide == []
