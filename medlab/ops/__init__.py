"""Pure JAX functions that are fast on XLA's CPU: the arithmetic below medlab's layers.

Arrays are channels-last: images `(B, H, W, C)`, volumes `(B, H, W, D, C)`. Each function
gives the values and gradients of its stock counterpart up to float rounding. `path` tells
which formulation is in use here and why: see `_path`.
"""

from medlab.ops._convolve import convolve as convolve
from medlab.ops._path import path as path
from medlab.ops._path import with_path as with_path
