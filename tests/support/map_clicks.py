"""Real clicks on the map page: pins, places and the panel that they open."""

import json
from typing import Any

from tests.support.headless import Browser

PINS = """(() => { const source = Bokeh.documents[0].get_model_by_name("map").renderers
  .find((part) => part.name === "pins").data_source;
  return [...source.get("text")].map((text, at) => [text, source.get("x")[at], source.get("y")[at]]); })()"""
# At the centre, 4 px off and 8 px off.
OFFSETS = ((0, 0), (4, 0), (-4, 0), (0, 8), (0, -8), (8, 0), (5.5, 5.5))


def map_point(browser: Browser, easting: float, northing: float) -> tuple[float, float]:
    """Where a place lies in the window, in pixels."""
    found = browser.run(
        "(() => { window.scrollTo(0, 0); const plot = Bokeh.documents[0].get_model_by_name('map');"
        " const view = Bokeh.index.get_by_id(plot.id); const box = view.el.getBoundingClientRect();"
        " const { x_range: x, y_range: y } = plot; const frame = view.frame.bbox;"
        f" return [box.left + frame.left + ({easting} - x.start) / (x.end - x.start) * frame.width,"
        f" box.top + frame.top + (y.end - {northing}) / (y.end - y.start) * frame.height]; }})()"
    )
    return float(found[0]), float(found[1])


def click(browser: Browser, left: float, top: float) -> None:
    """Press and release the left button at a point of the window."""
    browser.order("Input.dispatchMouseEvent", type="mouseMoved", x=left, y=top)
    for kind in ("mousePressed", "mouseReleased"):
        browser.order("Input.dispatchMouseEvent", type=kind, x=left, y=top, button="left", clickCount=1)


def opened(browser: Browser, left: float, top: float) -> str:
    """The title of the panel that a click at a point of the window opens."""
    browser.run("document.getElementById('panel-title').textContent = ''")
    click(browser, left, top)
    browser.wait("document.getElementById('panel-title').textContent !== ''")
    return str(browser.run("document.getElementById('panel-title').textContent"))


def seek(browser: Browser, typed: str) -> str:
    """Type into the search of places; what the panel then says."""
    browser.run(
        f"(() => {{ const box = document.getElementById('place'); box.value = {json.dumps(typed)};"
        " box.form.requestSubmit(); })()"
    )
    return str(browser.run("document.getElementById('panel').innerText"))


def wrong_pins(browser: Browser, most: int) -> tuple[int, list[tuple[Any, ...]]]:
    """How many of the first pins of the shown list were clicked, and which clicks opened another task.

    At the whole area, and where a pin has no room there, beside its task.
    """
    names = browser.run(
        "(() => { const work = Number(document.querySelector('[name=work]:checked').value);"
        " return JSON.parse(document.getElementById('data').textContent).tasks"
        ".filter((task) => task.work === work && task.number !== null)"
        ".map((task) => [task.number, task.name[0]]).sort((a, b) => a[0] - b[0]); })()"
    )[:most]
    wrong = []
    for number, name in names:
        browser.run("document.querySelector('[data-zoom=all]').click()")
        pins = {text: (x, y) for text, x, y in browser.run(PINS)}
        if str(number) not in pins:
            seek(browser, str(number))
            pins = {text: (x, y) for text, x, y in browser.run(PINS)}
        left, top = map_point(browser, *pins[str(number)])
        for right, down in OFFSETS:
            title = opened(browser, left + right, top + down)
            if title != name:
                wrong.append((number, right, down, title))
    return len(names), wrong
