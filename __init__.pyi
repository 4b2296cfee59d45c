"""The public names of emotus, for editors and type checkers."""

from .engine.errors import EmotusError as EmotusError
from .engine.events import EmotionEvent as EmotionEvent
from .engine.events import Event as Event
from .engine.events import MotionEvent as MotionEvent
from .engine.events import PoseEvent as PoseEvent
from .engine.events import QualitiesEvent as QualitiesEvent
from .engine.events import SignatureEvent as SignatureEvent
from .engine.events import StatusEvent as StatusEvent
from .training.api import Engine as Engine

__version__: str
