"""The desk's fixtures; what they are made of, and what tests name, is in ``at_the_desk``."""

from at_the_desk import _full_buckets, outgoing, prepared, scene

__all__ = ["_full_buckets", "outgoing", "prepared", "scene"]
