"""openapi.yaml says what the server does: the same routes, the same messages, no faults.

Schemathesis makes requests from the description, valid and broken ones, and sends them to a
real server: none may be answered as a fault of the server.
"""

import json
import os
import re
from pathlib import Path

import hypothesis
import pytest
import schemathesis
import yaml
from jsonschema import Draft202012Validator
from schemathesis.checks import not_a_server_error

import medlab.server
from medlab.scans import ScanSource
from medlab.server._routes import ROUTES, methods_of
from tests.python.server.routes_table import ROWS, RUN
from tests.support.scans import make_volume, write_dicom_series, write_nifti_by_nibabel
from tests.support.served import TOKEN, Served

CONTRACT = Path(__file__).parents[2] / "contract"
DESCRIPTION = yaml.safe_load(
    (Path(medlab.server.__file__).parent / "openapi.yaml").read_text("utf-8")
)
EXAMPLES = int(
    os.environ.get("MEDLAB_EXAMPLES", 400 if os.environ.get("MEDLAB_LONG") else 4)
)


def test_it_describes_the_routes_that_there_are():
    live = {
        (f"/{template}", method.lower())
        for template, handler in ROUTES
        for method in methods_of(handler)
    }

    described = {
        (path, method)
        for path, item in DESCRIPTION["paths"].items()
        for method in item
        if method != "parameters"
    }

    assert described == live


def test_every_part_of_an_address_is_described():
    for path, item in DESCRIPTION["paths"].items():
        told = [_resolved(one)["name"] for one in item.get("parameters", [])]
        assert told == re.findall(r"\{([^}]*)\}", path), path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_content_types_are_those_of_the_table(row):
    told = DESCRIPTION["paths"][f"/{row.template}"][row.method.lower()]["responses"]

    if row.status < 400:
        kinds = {
            k for n, one in told.items() if n[0] == "2" for k in one.get("content", ())
        }
        assert row.kind in kinds


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("scans-search", "Page"),
        ("scans-groups", "Groups"),
        ("scans-tags", "Tags"),
        ("volume", "Volume"),
        ("labels", "Layers"),
        ("layer", "Layer"),
        ("label-files", "LabelFiles"),
        ("saved-file", "SavedFile"),
        ("layer-file", "LayerFile"),
        ("runs", "Runs"),
        ("run-detail", "RunDetail"),
        ("metrics", "Metrics"),
        ("control", "Sequence"),
        ("error", "Error"),
        ("damaged", "Error"),
        ("file-changed", "Error"),
        ("another-history", "Error"),
    ],
)
def test_the_examples_of_the_contract_are_what_it_describes(file, schema):
    example = json.loads((CONTRACT / f"{file}.json").read_text())

    assert [error.message for error in _validator(schema).iter_errors(example)] == []
    assert list(_validator(schema).iter_errors({"nothing": 1})) != []


def _validator(schema):
    asked = {"$ref": f"#/components/schemas/{schema}"}
    return Draft202012Validator({**asked, "components": DESCRIPTION["components"]})


def _resolved(reference):
    found = DESCRIPTION
    for part in reference["$ref"].split("/")[1:]:
        found = found[part]
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    volume = make_volume()
    write_nifti_by_nibabel(root / "thorax.nii.gz", volume.voxels, volume.affine)
    write_nifti_by_nibabel(root / "beside.nii.gz", volume.voxels, volume.affine)
    write_dicom_series(root / "visit", volume)
    run = root / ".medlab/runs" / RUN
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    served = Served(root, tmp_path_factory.mktemp("settings")).start()
    served.wait_indexed()
    body = {"segments": ["lung", "heart"]}
    served.ask("POST", f"labels/{ScanSource('thorax.nii.gz').scan_id}/lungs", body)
    yield served
    served.stop()


SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
KNOWN = {"scan": ScanSource("thorax.nii.gz").scan_id, "layer": "lungs", "run": RUN}


@pytest.fixture(scope="module")
def asked():
    """How often each route was asked, and what it answered."""
    return []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
@pytest.mark.parametrize("mode", ["there", "anywhere"])
def test_no_request_that_can_be_made_of_it_is_a_fault(served, asked, row, mode):
    operation = SCHEMA[f"/{row.template}"][row.method]

    @hypothesis.given(case=operation.as_strategy())
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=not os.environ.get("MEDLAB_LONG"),
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    def run(case):
        if mode == "there":
            told = {name: KNOWN[name] for name in case.path_parameters if name in KNOWN}
            case.path_parameters.update(told)
        reply = case.call(
            base_url=f"http://127.0.0.1:{served.port}{served.base_url}medlab",
            headers={"Authorization": f"token {TOKEN}"},
            timeout=60,
        )
        asked.append((row.id, reply.status_code))
        case.validate_response(reply, checks=[not_a_server_error])
        if reply.headers.get("Content-Type") == "application/json":
            _check(row, reply)

    run()


def _check(row, reply):
    """A reply is what is described for its status."""
    told = DESCRIPTION["paths"][f"/{row.template}"][row.method.lower()]["responses"]
    status = str(reply.status_code)
    one = told.get(status) or told.get(f"{status[0]}XX")
    one = _resolved(one) if "$ref" in one else one
    schema = one["content"].get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        found = _validator(schema["$ref"].split("/")[-1]).iter_errors(reply.json())
        assert [error.message for error in found] == []
