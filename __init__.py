"""emotus: read the emotion a moving body appears to express, live."""

from importlib import import_module as _import_module

__version__ = "0.1.0"

# What programs use, and where it lives. It is looked up when it is first used (PEP 562), so that `import emotus` costs
# nothing; by name, so that no room depends on the rooms above it because of this file. Types: __init__.pyi.
_PUBLIC = {
    "Engine": ".training.api",
    "EmotusError": ".engine.errors",
    "EmotionEvent": ".engine.events",
    "Event": ".engine.events",
    "MotionEvent": ".engine.events",
    "PoseEvent": ".engine.events",
    "QualitiesEvent": ".engine.events",
    "SignatureEvent": ".engine.events",
    "StatusEvent": ".engine.events",
}


def __getattr__(name: str) -> object:
    """Return a public name, from the module where it lives."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'emotus' has no attribute {name!r}")
    value = getattr(_import_module(_PUBLIC[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
