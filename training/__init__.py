"""Data sets, training, evaluation: everything that happens before the show."""
