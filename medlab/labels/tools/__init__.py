"""Tools that propose labels: pure functions of a scan's intensities and its label map.

Every tool returns a `Proposal`: a box, and what it would draw there. Nothing is drawn before
somebody agrees (`Layer.accept`, or Enter in the editor). All work in millimetres on grids
whose voxels are not cubes, and across any axis. `propose` calls one by its name and keeps
locked and hidden segments as they are.

SciPy, scikit-image and SimpleITK are imported here, so a Jupyter server never does: it
asks a worker process (`medlab.smart`).
"""

from medlab.labels.tools._between import between as between
from medlab.labels.tools._fill import fill as fill
from medlab.labels.tools._grow import grow as grow
from medlab.labels.tools._hollow import hollow as hollow
from medlab.labels.tools._islands import islands as islands
from medlab.labels.tools._logic import logic as logic
from medlab.labels.tools._margin import margin as margin
from medlab.labels.tools._propose import TOOLS as TOOLS
from medlab.labels.tools._propose import propose as propose
from medlab.labels.tools._protect import protect as protect
from medlab.labels.tools._seeds import seeds as seeds
from medlab.labels.tools._smooth import smooth as smooth
from medlab.labels.tools._statistics import diameter_mm as diameter_mm
from medlab.labels.tools._statistics import statistics as statistics
from medlab.labels.tools._statistics import surface_mm2 as surface_mm2
from medlab.labels.tools._threshold import threshold as threshold
