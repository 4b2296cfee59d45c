"""The window in a browser: past the notice at first exposure, and what its panel says."""

from __future__ import annotations

from support.chromium import Chromium, wait_for

READ = "(() => { const b = document.querySelector('#emotus-card button'); if (b) b.click(); return !!b; })()"


def enter(browser: Chromium, port: int, query: str = "") -> None:
    """Open the window and read its notice, as everybody has to at first."""
    browser.open(f"http://127.0.0.1:{port}/{query}")
    wait_for(lambda: browser.evaluate(READ))


def panel(browser: Chromium) -> str:
    """Return the words of viser's panel: without our notice, our lamp and our stage view."""
    script = "(() => { const root = document.getElementById('root'); return root ? root.innerText : ''; })()"
    return " ".join((browser.evaluate(script) or "").split())
