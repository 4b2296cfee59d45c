"""Courses: what performers do with a pose, driven to their end while the recogniser answers for all of them at once.

A performer's `step` is a generator of events that stops at each question to the recogniser. Alone it is answered at
once. Of many, each goes on until she has a question or is through; then all questions are answered together, which
costs a third of answering one after the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

from .events import Event
from .recognise import Answer, Question, Recogniser, answer_all

Course = Generator[Event | Question, Answer | None, None]
Begin = Callable[[], Course]


def drive(course: Course, recogniser: Recogniser | None) -> tuple[Event, ...]:
    """Return the events of one course, its questions answered as they come."""
    events: list[Event] = []
    question = _until_question(course, None, events)
    while question is not None:
        assert recogniser is not None  # noqa: S101 - only readers ask, and they come with a recogniser
        question = _until_question(course, recogniser.step(question.frame, question.evidence), events)
    return tuple(events)


def drive_together(
    lines: Mapping[str, Sequence[Begin]], recogniser: Recogniser | None, fail: Callable[[str, Exception], None]
) -> Iterator[tuple[Event, ...]]:
    """Yield the events of every course: those of a line one course after another, the lines side by side.

    A line is one performer, by stream: her second pose is looked at only when all is known of her first. fail: hears
    of a line that broke; what is left of it is given up, and the others go on.
    """
    running = [_Line(stream, begins, fail) for stream, begins in lines.items()]
    while running:
        asking = [(line, line.question) for line in running if line.question is not None]
        answers: list[Answer] = []
        if asking:
            assert recogniser is not None  # noqa: S101 - only readers ask, and they come with a recogniser
            answers = answer_all(recogniser, [question for _, question in asking])
        for (line, _), answer in zip(asking, answers, strict=True):
            line.go_on(answer)
        for line in running:
            while line.done is not None:
                yield line.done
                line.begin_next()
        running = [line for line in running if line.question is not None]


class _Line:
    """Follow the courses of one performer, one after another."""

    def __init__(self, stream: str, begins: Sequence[Begin], fail: Callable[[str, Exception], None]) -> None:
        self._stream, self._fail = stream, fail
        self.question: Question | None = None
        self._waiting = deque(begins)
        self.begin_next()

    def begin_next(self) -> None:
        """Start the next course; without one, nothing is done or asked any more."""
        self.done: tuple[Event, ...] | None = None
        if not self._waiting:
            return
        self._events: list[Event] = []
        self._course = self._waiting.popleft()()
        self.go_on(None)

    def go_on(self, answer: Answer | None) -> None:
        """Run until the next question or the end of the course."""
        try:
            self.question = _until_question(self._course, answer, self._events)
        except Exception as error:  # noqa: BLE001 - one performer's trouble is not the others'
            self.question = None
            self._waiting.clear()
            self._fail(self._stream, error)
        if self.question is None:
            self.done = tuple(self._events)


def _until_question(course: Course, answer: Answer | None, events: list[Event]) -> Question | None:
    """Send an answer, keep the events that follow; return the next question, None at the end."""
    try:
        item = course.send(answer)
        while not isinstance(item, Question):
            events.append(item)
            item = course.send(None)
    except StopIteration:
        return None
    return item
