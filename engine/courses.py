"""Courses: what performers do with a pose, driven to their end while the recogniser answers for all of them at once.

A performer's `step` is a generator of events that stops at each question to the recogniser. Alone it is answered at
once. Of many, each goes on until she has a question or is through; then all questions are answered together, which
costs a third of answering one after the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

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


def drive_together(lines: Iterable[Sequence[Begin]], recogniser: Recogniser | None) -> Iterator[tuple[Event, ...]]:
    """Yield the events of every course: those of a line one course after another, the lines side by side.

    A line is one performer: her second pose is looked at only when all is known of her first.
    """
    running = [_Line(begins) for begins in lines]
    while running:
        asking = [(line, line.question) for line in running if line.question is not None]
        answers: list[Answer] = []
        if asking:
            assert recogniser is not None  # noqa: S101 - only readers ask, and they come with a recogniser
            answers = answer_all(recogniser, [question for _, question in asking])
        for (line, _), answer in zip(asking, answers, strict=True):
            line.go_on(answer)
        for line in running:
            while line.question is None and line.done is not None:
                yield line.done
                line.begin_next()
        running = [line for line in running if line.question is not None]


class _Line:
    """Follow the courses of one performer, one after another."""

    def __init__(self, begins: Sequence[Begin]) -> None:
        self.question: Question | None = None
        self.done: tuple[Event, ...] | None = None
        self._waiting = deque(begins)
        self.begin_next()

    def begin_next(self) -> None:
        """Start the next course; without one, nothing is done or asked any more."""
        self.done = None
        if not self._waiting:
            return
        self._events: list[Event] = []
        self._course = self._waiting.popleft()()
        self.go_on(None)

    def go_on(self, answer: Answer | None) -> None:
        """Run until the next question or the end of the course."""
        self.question = _until_question(self._course, answer, self._events)
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
