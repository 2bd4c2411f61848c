"""Work in pieces, over the processes of one machine or over a Dask cluster.

`spread` gives pieces to workers and their results to one writer, in the process that
called it: each result once, whatever happens to the workers. Which workers there are is
the only difference between one machine (`_local.py`) and a cluster (`_dask.py`); who gets
what, and what is tried again, is kept in one ledger (`_ledger.py`).

    pieces -> ledger -> workers: function(piece) -> answers -> ledger -> on_result
                 ^------- a worker died: again, later, by itself ---'

What travels is text: a piece and its result are plain values (JSON), and a function is sent
by its name. Nothing that lies in a data file is ever unpickled, and no code is sent.

This room stands at the bottom of the house: it knows no scans and no models.
"""

from medlab.cluster._options import add_cluster_options as add_cluster_options
from medlab.cluster._options import cluster_of as cluster_of
from medlab.cluster._options import tell_progress as tell_progress
from medlab.cluster._spread import Done as Done
from medlab.cluster._spread import Failure as Failure
from medlab.cluster._spread import Report as Report
from medlab.cluster._spread import WorkerDied as WorkerDied
from medlab.cluster._spread import outcomes as outcomes
from medlab.cluster._spread import spread as spread
from medlab.cluster._tls import Tls as Tls
