"""Planning: from scans and labels to a recipe, with a reason for each decision.

The fingerprint of the data set (`medlab.data.fingerprint`) and the machine go in; recipes
for the configurations that make sense come out: slice by slice, patches at full
resolution, patches at a lower one. Nothing is trained here, and no GPU is touched.

    fingerprint, machine -> spacing -> patch and network -> training -> Recipe + reasons

The room is called `planning`, because `medlab.plan` is the function.
"""

from medlab.planning._decisions import Reason
from medlab.planning._folder import cases_in
from medlab.planning._machine import Machine
from medlab.planning._plan import Plan, plan

__all__ = ["Machine", "Plan", "Reason", "cases_in", "plan"]
