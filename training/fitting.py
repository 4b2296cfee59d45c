"""Fitting heads beside a running show, in one thread of its own."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from ..engine.lesson import Lesson
from ..engine.teach import fit, open_prior
from ..engine.teaching import Takes


class BackgroundFitter:
    """Fit heads one after another in a thread that is started with the first; `close` waits for none of them."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    def __call__(self, takes: Takes) -> Future[Lesson]:
        """Begin to fit a head to takes; the result is a Lesson or the TeachError why there is none."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="teach")
        return self._pool.submit(fit_now, takes)

    def close(self) -> None:
        """Give up what has not begun."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


def fit_now(takes: Takes) -> Lesson:
    """Fit a head to takes; raises TeachError."""
    return fit(takes, open_prior())


def fit_at_once(takes: Takes) -> Future[Lesson]:
    """Fit a head to takes before this returns: for files, where nobody waits."""
    result: Future[Lesson] = Future()
    try:
        result.set_result(fit_now(takes))
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever asks for the result gets it
        result.set_exception(error)
    return result
