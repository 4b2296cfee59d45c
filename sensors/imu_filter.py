"""Find a sensor's orientation from its accelerometer, gyroscope and, where there is one, magnetometer.

The filter is VQF (Laidig and Seel, VQF: Highly accurate IMU orientation estimation with bias estimation and magnetic
disturbance rejection, Information Fusion 91, 2023) in its authors' own implementation, package `vqf`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..engine.errors import MissingPackageError
from ..engine.skeleton import Float64

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_GAP_S: Final = 0.1  # over a longer gap the gyroscope's turn is lost: the filter begins anew


def need_vqf() -> None:
    """Raise MissingPackageError where vqf is not installed."""
    _vqf()


def _vqf() -> Callable[..., Any]:
    try:
        from vqf import VQF
    except ImportError as error:
        raise MissingPackageError("vqf", "imu") from error
    return VQF


class OrientationFilter:
    """Follow one sensor's orientation; the samples come rate_hz a second.

    A sample or two that are missing are bridged by the last; after a longer gap the filter settles anew. reset forgets.
    """

    def __init__(self, rate_hz: float) -> None:
        self._step_s = 1.0 / rate_hz
        self._filter = _vqf()(self._step_s)
        self._since_s: float | None = None

    def reset(self) -> None:
        """Forget the sensor."""
        self._filter.resetState()
        self._since_s = None

    def update(self, gyroscope: Float64, acceleration: Float64, magnetometer: Float64 | None, time_s: float) -> Float64:
        """Return the quaternion (4,) wxyz from the sensor's axes to a world with z up.

        gyroscope (3,) rad/s, acceleration (3,) m/s2 with gravity, magnetometer (3,) in any unit or None, and when, in
        seconds. Without a magnetometer the world's heading is the sensor's own.
        """
        missed = 0
        if self._since_s is not None:
            passed = time_s - self._since_s
            if passed > _LONGEST_GAP_S or passed < -_LONGEST_GAP_S:
                self._filter.resetState()
            else:
                missed = max(round(passed / self._step_s) - 1, 0)
        self._since_s = time_s
        for _ in range(1 + missed):
            if magnetometer is None:
                self._filter.update(gyroscope, acceleration)
            else:
                self._filter.update(gyroscope, acceleration, magnetometer)
        return np.asarray(self._filter.getQuat6D() if magnetometer is None else self._filter.getQuat9D())
