"""The label of voxels nobody said anything about."""

IGNORE = 255
"""No loss and no metric looks at it; augmentation fills in with it from outside."""
