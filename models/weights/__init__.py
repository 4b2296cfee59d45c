"""The shipped weights, as safetensors with their hashes, and what opens them."""

from ..store import Info, WeightsProblem, load_recogniser, save_recogniser

__all__ = ["Info", "WeightsProblem", "load_recogniser", "save_recogniser"]
