"""Pure JAX functions that are fast on XLA's CPU: the arithmetic below medlab's layers.

Arrays are channels-last: images `(B, H, W, C)`, volumes `(B, H, W, D, C)`. Each function
gives the values and gradients of its stock counterpart up to float rounding. `path` tells
which formulation is in use here and why: see `_path`.
"""

from medlab.ops._convolve import convolve as convolve
from medlab.ops._norm import batch_norm as batch_norm
from medlab.ops._norm import group_norm as group_norm
from medlab.ops._norm import instance_norm as instance_norm
from medlab.ops._path import path as path
from medlab.ops._path import with_path as with_path
from medlab.ops._pool import average_pool as average_pool
from medlab.ops._pool import max_pool as max_pool
from medlab.ops._remember import REMEMBERED_ONLY as REMEMBERED_ONLY
from medlab.ops._remember import differentiate_late as differentiate_late
from medlab.ops._remember import remember as remember
from medlab.ops._upsample import blocks_to_space as blocks_to_space
from medlab.ops._upsample import upsample as upsample
