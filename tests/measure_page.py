"""Measures the page in a real browser: from `ganimate web` to a page of use, and from a slider to its picture.

Run this file on a machine that does nothing else, and say what it did beside.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from page_server import open_browser, open_page, upload, wait_for_picture

PHOTO = Path(__file__).resolve().parent.parent / "examples" / "astronaut.jpg"
MOVES = 100
ONE_MOVE = """async ([word, value]) => {
    const slider = document.querySelector(`input[data-word="${word}"]`), picture = document.querySelector(".after");
    const begun = performance.now();
    const shown = new Promise((done) => new MutationObserver((_, watcher) => {
        watcher.disconnect();
        picture.decode().then(() => done(performance.now() - begun));
    }).observe(picture, { attributes: true, attributeFilter: ["src"] }));
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    return await shown;
}"""
DRAG = """async ([word, moves]) => {
    const slider = document.querySelector(`input[data-word="${word}"]`);
    for (let n = 1; n <= moves; n++) {
        slider.value = n / moves;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        await new Promise((done) => setTimeout(done, 16));
    }
}"""


def main() -> None:
    """Print what was measured."""
    with open_browser() as browser:
        begun = time.perf_counter()
        command = [sys.executable, "-m", "ganimate", "web", "--no-open", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            print(f"server answers: {time.perf_counter() - begun:.1f} s")
            page = open_page(browser, url)
            print(f"page ready: {time.perf_counter() - begun:.1f} s")
            upload(page, PHOTO)
            wait_for_picture(page)
            page.wait_for_timeout(3000)
            values = [0.2 + 0.8 * ((n * 37) % MOVES) / MOVES for n in range(MOVES)]
            page.evaluate(ONE_MOVE, ["26", 0.1])
            taken = np.array([page.evaluate(ONE_MOVE, ["12", value]) for value in values])
            low, high = np.percentile(taken, [50, 95])
            print(
                f"slider to picture, {MOVES} moves: median {low:.0f} ms, p95 {high:.0f} ms, least {taken.min():.0f} ms"
            )
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url) if "/run/" in request.url else None)
            page.evaluate(DRAG, ["1", MOVES])
            page.wait_for_timeout(2000)
            print(f"a drag over {MOVES} values: {len(asked)} pictures asked for; load {os.getloadavg()[0]:.1f}")
            process.terminate()


if __name__ == "__main__":
    main()
