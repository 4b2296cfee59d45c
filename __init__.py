"""emotus: read the emotion a moving body appears to express, live."""

__version__ = "0.1.0"
