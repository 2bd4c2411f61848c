"""The kernel's gradient of a convolution."""

from typing import Any

from medlab.backend import jax
from medlab.ops._window import Window
