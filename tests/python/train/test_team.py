"""What a process of a team says when another of them is gone."""

import jax
import pytest

from medlab.errors import MedlabError
from medlab.train._team import ALONE, Team, in_step

RUN = "20261121T200148Z-da704d"
LOST = "UNKNOWN: Gloo AllGather failed: Connection closed by peer [127.0.0.1]:48522"


@pytest.mark.parametrize("kind", [jax.errors.JaxRuntimeError, ValueError, RuntimeError])
def test_a_lost_process_is_told_whichever_way_jax_says_it(kind):
    with pytest.raises(MedlabError, match="2 processes") as told, in_step(Team(2), RUN):
        raise kind(LOST)
    assert told.value.code == "team-broken"
    assert f"--resume {RUN}" in str(told.value)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("shapes (2, 3) and (4,) do not fit"),
        KeyError("Gloo"),
        MedlabError("No case named Gloo.", code="no-case"),
    ],
)
def test_other_errors_stay_as_they_are(error):
    with pytest.raises(type(error)) as told, in_step(Team(2), "run"):
        raise error
    assert told.value is error


def test_a_process_alone_has_nobody_to_lose():
    with pytest.raises(ValueError, match="Gloo"), in_step(ALONE):
        raise ValueError(LOST)
