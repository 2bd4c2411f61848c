"""The program of a local worker: a line in is an order, a line out its answer.

The first line tells where modules are looked for: as in the process that asked.
"""

import json
import os
import sys

from medlab.cluster._order import carry_out


def main() -> None:
    """Work until the process that asked closes the pipe, or ends."""
    # Whatever a function prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    sys.path[:] = json.loads(sys.stdin.readline())
    for order in sys.stdin:
        answers.write(carry_out(order) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
