"""A video file given as a camera would give it: 640 x 480, 30 pictures a second, round and round."""

from __future__ import annotations

import time

import cv2
import numpy as np

SIZE = (640, 480)


class FilmAsCamera:
    """Give the pictures of settings["source"], each when a camera would; a mark in a corner tells them apart."""

    rate_hz = 30.0

    def __init__(self, settings):
        film = cv2.VideoCapture(settings["source"])
        self._pictures = []
        while (read := film.read())[0]:
            height, width = read[1].shape[:2]
            scale = min(SIZE[0] / width, SIZE[1] / height)
            small = cv2.resize(read[1], (round(width * scale), round(height * scale)))
            picture = np.zeros((SIZE[1], SIZE[0], 3), dtype=np.uint8)
            left, top = (SIZE[0] - small.shape[1]) // 2, (SIZE[1] - small.shape[0]) // 2
            picture[top : top + small.shape[0], left : left + small.shape[1]] = small
            self._pictures.append(picture)
        self._given = 0
        self._start = time.monotonic()

    def read(self):
        """Wait for the next picture of the camera; those that nobody asked for in time are gone, as with a camera."""
        now = int((time.monotonic() - self._start) * self.rate_hz)
        self._given = max(self._given + 1, now)
        time.sleep(max(0.0, self._start + self._given / self.rate_hz - time.monotonic()))
        # the film has 5 pictures a second: each is shown six times, and sensor noise makes every picture a new one
        picture = self._pictures[self._given // 6 % len(self._pictures)].copy()
        picture[:8, :8] = self._given % 256
        return picture, 0.0

    def close(self):
        """Nothing is held."""
