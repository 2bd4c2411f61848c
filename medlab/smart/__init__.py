"""smart: tools that take longer than a stroke, in processes of their own.

A request becomes an order (`_orders`), an order becomes a job (`_pool`), and a worker process
(`_worker`) reads the scan from the decoded cache and the labels from their journal, so that
hardly anything but the order and the proposal travels. Jupyter servers and kernels use
the same `Desk`; neither imports SciPy, scikit-image or Keras for it.
"""

from medlab.smart._desk import Desk as Desk
from medlab.smart._desk import desk_at as desk_at
from medlab.smart._orders import TOOLS as TOOLS
from medlab.smart._orders import order_of as order_of
from medlab.smart._pool import Job as Job
from medlab.smart._pool import Pool as Pool
from medlab.smart._pool import WorkerDied as WorkerDied
