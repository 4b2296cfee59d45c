"""The page's buttons: each makes its command, and in a real browser they teach a label that is then seen."""

from __future__ import annotations

import re
import threading
from concurrent.futures import Future
from typing import Any

import pytest
from support.chromium import BINARY, Chromium, wait_for
from support.people import Witness, build_of, lesson_of, mover
from support.window import enter, panel

from emotus.bridges.viewer import ViewerBridge
from emotus.bridges.viewer_controls import MAX_BUTTONS, Controls, add_stop, told
from emotus.engine.acquaintance import Acquaintance
from emotus.engine.clock import MonotonicClock
from emotus.engine.consent import Consent
from emotus.engine.control import (
    BaselineFreeze,
    BaselineResume,
    Calibrate,
    ConsentGrant,
    ConsentRevoke,
    ControlInbox,
    RecordStart,
    RecordStop,
    StopEverything,
    TeachStart,
    TeachStop,
    TeachUndo,
)
from emotus.engine.pipeline import Engine
from emotus.engine.runner import Runner

CLOCK = MonotonicClock()


class Handle:
    """Stand for anything of the page: holds what is set, calls back what is pressed."""

    def __init__(self, gui: Gui, value: Any = "") -> None:
        self.gui, self.value, self.content, self.visible, self.options = gui, value, "", True, ()

    def on_click(self, call: Any) -> None:
        self.press = lambda: call(None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Gui:
    """Stand for viser's GUI: remembers the buttons by their words."""

    def __init__(self) -> None:
        self.buttons: dict[str, Handle] = {}
        self.text = self.dropdown = self.html = Handle(self)

    def add_button(self, words: str, **_: object) -> Handle:
        self.buttons[words] = Handle(self)
        return self.buttons[words]

    def add_folder(self, *_: object, **__: object) -> Handle:
        return Handle(self)

    def add_html(self, words: str) -> Handle:
        self.html = Handle(self, words)
        return self.html

    def add_text(self, *_: object) -> Handle:
        self.text = Handle(self)
        return self.text

    def add_dropdown(self, _: str, options: list[str], **__: object) -> Handle:
        self.dropdown = Handle(self, options[0])
        return self.dropdown


@pytest.fixture
def page() -> tuple[Gui, ControlInbox, Controls]:
    """Return a page with buttons for two labels."""
    gui, inbox = Gui(), ControlInbox()
    add_stop(gui, inbox)  # type: ignore[arg-type]
    return gui, inbox, Controls(gui, inbox, ("happy", "sad"))  # type: ignore[arg-type]


def test_each_button_makes_its_command(page):
    """Labels, stop, undo, baseline, consent and the stop of everything."""
    gui, inbox, _ = page
    for words, command in {
        "happy": TeachStart("happy"),
        "stop the take": TeachStop(),
        "undo the last take": TeachUndo(),
        "freeze the baseline": BaselineFreeze(),
        "let the baseline follow": BaselineResume(),
        "calibrate: 45 s of usual movement": Calibrate(),
        "record in a new file": RecordStart(),
        "end the recording": RecordStop(),
        "I consent": ConsentGrant("page"),
        "I do not consent any more": ConsentRevoke(),
        "stop everything": StopEverything(),
    }.items():
        gui.buttons[words].press()
        assert inbox.take() == (command,)


def test_a_label_of_ones_own_gets_a_button(page):
    """Any words will do once; what is no label is told of, and there is an end to buttons."""
    gui, inbox, controls = page
    gui.text.value = " my  grandmother "
    gui.buttons["add label"].press()
    gui.buttons["my grandmother"].press()
    assert inbox.take() == (TeachStart("my grandmother"),)
    assert gui.text.value == ""
    gui.text.value = "unknown"
    gui.buttons["add label"].press()
    assert "and no label" in gui.html.content
    for i in range(MAX_BUTTONS):
        controls.offer(f"label {i}")
    gui.text.value = "one more"
    gui.buttons["add label"].press()
    assert "have buttons already" in gui.html.content
    assert "&lt;img" in told("<img>")


LIVELY = build_of(1)


class Walker:
    """Show one person live until it is closed."""

    live = True

    def __init__(self) -> None:
        self._poses = mover(LIVELY, 600)
        self._closed = False

    def open(self) -> None:
        self._start_ns = CLOCK.now_ns()

    def read(self) -> Any:
        pose = next(self._poses)
        due_ns = self._start_ns + pose.t_ns
        CLOCK.sleep_until_ns(due_ns)
        return type(pose)(pose.stream, pose.seq, due_ns, pose.positions, pose.confidence)

    def close(self) -> None:
        self._closed = True

    def health(self) -> Any:
        return type("Health", (), {"state": "ended" if self._closed else "live", "message": ""})()


class Meeting:
    """Meet one performer, with a fitter that answers at once."""

    def __init__(self) -> None:
        self.known = Acquaintance("anna", Witness(), _fit)

    def meet(self, stream: str) -> Acquaintance:
        return self.known

    def forget(self, stream: str) -> None:
        pass


def _fit(takes: Any) -> Future:
    future: Future = Future()
    future.set_result(lesson_of(takes))
    return future


def press(browser: Chromium, words: str) -> None:
    """Press the button with these words, once it is there."""
    script = """(() => { const found = [...document.querySelectorAll('button')]
        .find(each => each.textContent.trim() === %r); if (found) found.click(); return !!found; })()"""
    wait_for(lambda: browser.evaluate(script % words))


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(BINARY is None, reason="no chromium on this machine (apt-get install chromium)")
def test_a_browser_teaches_two_labels_undoes_one_and_stops_the_show():
    """In headless Chromium: consent, a label of one's own, count-in, sample counted, the new label seen, undo, stop."""
    inbox, consent, meeting, walker = ControlInbox(), Consent(CLOCK), Meeting(), Walker()
    engine = Engine(Witness(), CLOCK, acquaintances=meeting)
    viewer = ViewerBridge(port=0, clock=CLOCK, control=inbox, labels=Witness.labels)
    runner = Runner([walker], engine, [viewer], CLOCK, control=inbox, consent=consent, persons=[walker])
    thread = threading.Thread(target=runner.run)
    thread.start()
    try:
        with Chromium(1280, 1000) as browser:
            wait_for(lambda: viewer.port)
            enter(browser, viewer.port)
            wait_for(lambda: "stop everything" in panel(browser))
            assert "apparent expression" not in panel(browser)
            for folder in ("teach", "baseline and consent"):
                unfold(browser, folder)
            press(browser, "I consent")
            wait_for(lambda: "apparent expression: calm" in panel(browser))
            teach(browser, meeting, "lively")
            browser.evaluate(TYPE_LABEL)
            press(browser, "add label")
            teach(browser, meeting, "my storm")
            wait_for(lambda: "apparent expression: my storm" in panel(browser))
            press(browser, "undo the last take")
            wait_for(lambda: len(meeting.known.teaching.takes) == 1)
            press(browser, "freeze the baseline")
            wait_for(lambda: meeting.known._frozen)
            press(browser, "stop everything")
            thread.join(20)
            assert not thread.is_alive()
            assert browser.problems == []
    finally:
        runner.stop()
        thread.join(20)


TYPE_LABEL = """(() => { const field = [...document.querySelectorAll('input.mantine-TextInput-input')].at(-1);
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
    set.call(field, 'my storm'); field.dispatchEvent(new Event('input', {bubbles: true}));
    return field.value; })()"""


def unfold(browser: Chromium, folder: str) -> None:
    """Open a folder of the panel by pressing its name."""
    script = """(() => { const found = [...document.querySelectorAll('*')]
        .filter(each => each.textContent.trim() === %r).at(-1); if (found) found.click(); return !!found; })()"""
    wait_for(lambda: browser.evaluate(script % folder))


def teach(browser: Chromium, meeting: Meeting, label: str) -> None:
    """Press a label, see the count-in and the seconds, press stop, and see that the take is kept."""
    before = len(meeting.known.teaching.takes)
    press(browser, label)
    wait_for(lambda: re.search(rf"'{label}' in [123]|'{label}': [0-9]+ s", browser.text()))  # a slow page skips some
    wait_for(lambda: re.search(rf"'{label}': ([2-9]|[1-9][0-9]) s", browser.text()))
    press(browser, "stop the take")
    wait_for(lambda: len(meeting.known.teaching.takes) == before + 1)
