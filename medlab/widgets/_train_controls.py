"""TrainControls: a form around a recipe, with buttons that start and steer a training.

The form edits a `Recipe`; Start hands it to `medlab.train`. From then on nothing travels
through this kernel: the run writes its folder, and `RunControls` reads and steers it over
HTTP from the Jupyter server. So Stop works while the kernel is busy, and a restarted
kernel does not end a training that has a process of its own.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anywidget
import ipywidgets
import traitlets

import medlab.train
from medlab.errors import MedlabError
from medlab.scans import Home, find_home
from medlab.train import Recipe, Run, launch, runs

_MODULE = Path(__file__).parents[1] / "static" / "widgets" / "run_controls.js"
_NOT_BUILT = (
    "export default { render({ el }) { el.textContent = "
    "'The controls have not been built. Run `jlpm build` in the folder of medlab.' } }"
)
_PLANES = {
    "axial slices": "axial",
    "coronal slices": "coronal",
    "sagittal slices": "sagittal",
    "3D patches": None,
}
TEMPLATES = ("unet",)
"""Names of `medlab.models.TEMPLATES`, told here so that the form needs no Keras."""
LOSSES = (
    *("dice+cross-entropy", "dice", "cross-entropy", "focal", "dice+focal"),
    *("generalised-dice", "generalised-dice+cross-entropy"),
    *("tversky", "tversky+cross-entropy"),
    *("cldice", "cldice+dice", "cldice+cross-entropy"),
    *("boundary", "boundary+dice", "boundary+cross-entropy"),
)
"""Names of `medlab.train.losses.LOSSES`, likewise."""
_AS_IS = "as in the recipe"


class RunControls(anywidget.AnyWidget):
    """State, progress and loss of one run, and the buttons that steer it.

    Pause, resume, stop, save a checkpoint, change the learning rate and the epochs.

    Args:
        run: Which; None for none yet. Set `run_id` later.
        home: Whose runs; found from the current folder by default.
    """

    _esm = _MODULE if _MODULE.exists() else _NOT_BUILT

    run_id = traitlets.Unicode("", help="Id of the run on show, or empty.").tag(
        sync=True
    )

    def __init__(self, run: Run | None = None, *, home: Home | None = None) -> None:
        self._home = home or find_home()
        super().__init__(run_id=run.id if run else "")
        self.on_msg(self._receive)

    def _receive(self, _widget: Any, content: Any, buffers: list[Any]) -> None:
        # Only pages without the medlab server ask here: it works while the kernel is idle.
        if not isinstance(content, dict) or content.get("kind") != "request":
            return
        body = bytes(buffers[0]) if buffers else b""
        status, reply = self.answer(content["method"], content["path"], body)
        head = {"kind": "reply", "id": content["id"], "status": status}
        self.send({**head, "part": 0, "parts": 1}, buffers=[json.dumps(reply).encode()])

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Answer a request about the run on show as the server would: status, reply."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        try:
            folder = runs.run_folder(self._home, self.run_id)
            match method, parts.path.split("/"):
                case "GET", ["runs", run] if run == self.run_id:
                    return 200, asdict(runs.read_folder(folder))
                case "GET", ["runs", run, "metrics"] if run == self.run_id:
                    end, lines = runs.tail_metrics(folder, int(query.get("from", "0")))
                    now = runs.read_folder(folder).status
                    return 200, {"next": end, "lines": lines, "status": now}
                case "POST", ["runs", run, "control"] if run == self.run_id:
                    asked = json.loads(body)
                    seq = runs.write_control(folder, asked["cmd"], asked.get("args"))
                    return 200, {"seq": seq}
        except MedlabError as error:
            status = 404 if isinstance(error, LookupError) else 422
            return status, {"message": str(error), "code": error.code}
        sentence = "These controls answer for their own run only."
        return 404, {"message": sentence, "code": "not-found"}


class TrainControls(ipywidgets.VBox):
    """Edit a recipe, start a training and steer it.

    Args:
        recipe: What to begin with: a `Recipe`, or the path of a recipe file.
        where: `process`, so that a restarted kernel does not end the training, or
            `inline`: this kernel trains and is busy until the end.
        home: Whose scans, labels and runs; found from the current folder by default.

    Raises:
        MedlabError: If `where` is neither, or the file holds no recipe.

    Example:
        >>> import medlab  # doctest: +SKIP
        >>> recipe = medlab.Recipe(cases=[{"scan": "chest.nrrd"}])  # doctest: +SKIP
        >>> controls = medlab.TrainControls(recipe)  # doctest: +SKIP
    """

    def __init__(
        self,
        recipe: Recipe | Path | str,
        *,
        where: str = "process",
        home: Home | None = None,
    ) -> None:
        if where not in ("process", "inline"):
            raise MedlabError(
                f"where must be 'process' or 'inline', got {where!r}.", code="no-where"
            )
        self._recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
        self._where = where
        self._home = home or find_home()
        self._run: Run | None = None
        self._fields = _fields(self._recipe)
        self._start = ipywidgets.Button(
            description="Start", button_style="primary", icon="play"
        )
        self._start.on_click(self._on_start)
        self._message = ipywidgets.Label("")
        self._controls = RunControls(home=self._home)
        names = [name for name in self._fields if name != "cases"]
        form = ipywidgets.GridBox(
            [self._fields[name] for name in names],
            layout=ipywidgets.Layout(
                grid_template_columns="repeat(auto-fill, minmax(290px, 1fr))",
                grid_gap="2px 16px",
            ),
        )
        super().__init__(
            [
                form,
                self._fields["cases"],
                ipywidgets.HBox([self._start, self._message]),
                self._controls,
            ]
        )
        self.add_class("medlab-TrainControls")

    @property
    def recipe(self) -> Recipe:
        """The recipe as the form stands; set one to fill the form anew.

        Raises:
            MedlabError: If a field holds what a recipe cannot.
        """
        values = {name: field.value for name, field in self._fields.items()}
        values["cases"] = [self._recipe.cases[place] for place in values["cases"]]
        values["batch"] = values["batch"] or None
        return self._recipe.replace(**values)

    @recipe.setter
    def recipe(self, recipe: Recipe) -> None:
        self._recipe = recipe
        for name, field in _fields(recipe).items():
            if hasattr(field, "options"):
                self._fields[name].options = field.options
            self._fields[name].value = field.value

    @property
    def run(self) -> Run | None:
        """The training that Start began last, or None."""
        return self._run

    def start(self) -> Run:
        """Start a training, as a click on Start does.

        Raises:
            MedlabError: If the run before is still active, or the recipe cannot be used.
        """
        if self._run is not None and self._run.state in runs.ACTIVE:
            raise MedlabError(
                f"The run before is still {self._run.state}. Stop it first, or wait.",
                code="run-active",
            )
        recipe = self.recipe
        if self._where == "process":
            self._show(launch(recipe, self._home))
        else:
            # Shown before it begins: the buttons must be there while the kernel is busy.
            medlab.train.train(recipe, self._home, on_start=self._show)
        assert self._run is not None
        return self._run

    def _show(self, run: Run) -> None:
        self._run = run
        self._controls.run_id = run.id
        self._message.value = f"Run {run.id}"

    def _on_start(self, _button: object) -> None:
        self._start.disabled = True
        self._message.value = "Starting…"
        try:
            self.start()
        except (MedlabError, OSError) as error:
            self._message.value = str(error)
        finally:
            self._start.disabled = False


def _fields(recipe: Recipe) -> dict[str, Any]:
    """One control a field of the recipe, by the field's name."""
    looks = {
        "style": {"description_width": "105px"},
        "layout": ipywidgets.Layout(width="290px"),
    }

    def choice(name: str, description: str, options: Any, tooltip: str = "") -> Any:
        value = getattr(recipe, name)
        pairs = [each if isinstance(each, tuple) else (each, each) for each in options]
        if value not in [each for _, each in pairs]:
            pairs.append((value if isinstance(value, str) else _AS_IS, value))
        return ipywidgets.Dropdown(
            description=description,
            options=pairs,
            value=value,
            tooltip=tooltip or description,
            **looks,
        )

    def whole(description: str, value: int, least: int, most: int, tooltip: str) -> Any:
        return ipywidgets.BoundedIntText(
            description=description,
            value=value,
            min=least,
            max=most,
            tooltip=tooltip,
            **looks,
        )

    return {
        "template": choice("template", "Template", TEMPLATES, "The kind of network"),
        "plane": choice("plane", "Trains on", _PLANES.items()),
        "epochs": whole("Epochs", recipe.epochs, 1, 100_000, "How many; can change"),
        "learning_rate": ipywidgets.FloatText(
            description="Learning rate",
            value=recipe.learning_rate,
            step=None,
            tooltip="At the start; can change while it trains",
            **looks,
        ),
        "batch": whole(
            "Batch", recipe.batch or 0, 0, 4096, "Samples a step; 0 chooses by itself"
        ),
        "augmentation": choice("augmentation", "Augmentation", ("default", "none")),
        "loss": choice("loss", "Loss", LOSSES, "What training makes small"),
        "optimizer": choice("optimizer", "Optimizer", ("adam", "adamw", "sgd")),
        "schedule": choice(
            "schedule",
            "Schedule",
            ("cosine", "poly", "constant"),
            "How the learning rate falls",
        ),
        "precision": choice(
            "precision",
            "Precision",
            ("float32", "mixed_bfloat16"),
            "mixed_bfloat16 is faster on a GPU",
        ),
        "seed": ipywidgets.IntText(
            description="Seed",
            value=recipe.seed,
            tooltip="Same seed, same model",
            **looks,
        ),
        "cases": _case_list(recipe),
    }


def _case_list(recipe: Recipe) -> Any:
    cases = [(_case_name(case), place) for place, case in enumerate(recipe.cases)]
    return ipywidgets.SelectMultiple(
        description="Cases",
        options=cases,
        value=tuple(place for _, place in cases),
        rows=max(1, min(6, len(cases))),
        style={"description_width": "105px"},
        layout=ipywidgets.Layout(width="100%", max_width="600px"),
    )


def _case_name(case: dict[str, Any]) -> str:
    labels = str(case.get("labels") or "layer:labels")
    slices = case.get("slices")
    only = f", {len(slices)} slices" if slices else ""
    return f"{case.get('scan', '?')} — {labels}{only}"
