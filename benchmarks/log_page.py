"""A task's page in Chromium: how late a line is, from the agent's print to the screen, and how smooth 100,000 are."""

from __future__ import annotations

import shlex
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page
from redis import Redis

from operate.embedded_redis import EmbeddedRedis
from simulators.gitlab.server import GitLabServer
from tests.bot.serving import served
from tests.bot.town import build_town
from tests.browser import chromium
from tests.browser.chromium import Windows
from tests.product.stack import run_stack

TICKS, TICKS_A_SECOND = 600, 20
LINES, FRAMES, BURST, BURSTS = 100_000, 300, 50, 100
PATIENCE_SECONDS = 300
AGENT = f"""
import time
time.sleep(10)  # until somebody looks
for number in range({TICKS}):
    print(f"tick {{time.time()}}", flush=True)
    time.sleep(1 / {TICKS_A_SECOND})
open("done.txt", "w").write("done")
"""
WATCH = """() => {
  window.ticks = {};
  new MutationObserver(() => {
    const fresh = [...document.querySelectorAll("#log .line > span")].map((one) => one.textContent.split(" "))
      .filter(([word, at]) => word === "tick" && !(at in ticks));
    for (const [, at] of fresh) ticks[at] = null;
    // By then the line is on the screen.
    requestAnimationFrame(() => setTimeout(() => {
      for (const [, at] of fresh) ticks[at] = Date.now() / 1000 - Number(at);
    }));
  }).observe(document.getElementById("log"), { childList: true, subtree: true });
}"""
SCROLL = """async ([frames, step]) => {
  const log = document.getElementById("log");
  const took = [];
  let last = performance.now();
  for (let frame = 0; frame < frames; frame += 1) {
    log.scrollTop = step ? log.scrollTop - step : Math.random() * log.scrollHeight;
    await new Promise((done) => requestAnimationFrame(done));
    const now = performance.now();
    took.push(now - last);
    last = now;
  }
  return took;
}"""
FRAME_TIMES = """() => {
  window.frames_ = [];
  let last = performance.now();
  (function next() {
    requestAnimationFrame(() => {
      const now = performance.now();
      frames_.push(now - last);
      last = now;
      next();
    });
  })();
}"""


def main() -> None:
    with chromium.running() as browser:
        _latency(browser)
        _many_lines(browser)


def _latency(browser: Browser) -> None:
    command = shlex.join([sys.executable, "-c", AGENT])
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        run_stack(Path(folder), agent_command=command) as stack,
    ):
        windows = Windows(browser=browser, url=stack.settings.public_url, gitlab_url=stack.gitlab.url)
        stack.ask(stack.issue(), "/agent tick")
        stack.wait(lambda: Redis.from_url(stack.redis.url).exists("{ablehand}:log:1"), "a log")
        page = windows.open("/tasks/1")
        page.evaluate(WATCH)
        _wait(page, f"Object.values(ticks).filter((late) => late !== null).length === {TICKS}")
        late = list(page.evaluate("Object.values(ticks)"))
        windows.close()
    print(
        f"agent's print to screen, {TICKS} lines, {TICKS_A_SECOND} a second: {_spread(late, 's', 3)} (p95 asked: 1 s)"
    )


def _many_lines(browser: Browser) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        GitLabServer(Path(folder) / "gitlab") as gitlab,
        EmbeddedRedis(Path(folder) / "redis", persistent=False) as redis,
        Redis.from_url(redis.url, decode_responses=True) as raw,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        town = build_town(gitlab, redis.url, raw, here=f"http://127.0.0.1:{listener.getsockname()[1]}")
        task_id = town.task()
        _print(raw, task_id, 1, LINES)
        with served(town, listener) as url:
            begin = time.perf_counter()
            page = Windows(browser=browser, url=url, gitlab_url=gitlab.url).sign_in("alice", f"/tasks/{task_id}")
            _wait_for_lines(page, LINES)
            print(f"{LINES:,} lines loaded in {time.perf_counter() - begin:.1f} s, sign-in included")
            _look(page)
            _appending(page, raw, task_id)
            page.context.close()


def _look(page: Page) -> None:
    heap = page.evaluate("performance.memory.usedJSHeapSize / 2 ** 20")
    elements = page.evaluate("document.querySelectorAll('#log *').length")
    print(f"elements in the log: {elements}; JavaScript's memory {heap:.0f} MiB")
    for name, step in (("a page at a time", 500), ("anywhere", 0)):
        print(f"frames while scrolled {name}: {_spread(page.evaluate(SCROLL, [FRAMES, step]), 'ms')}")
    took = page.evaluate("""() => {
      const words = document.getElementById("log-words");
      words.value = "line 99999";
      const begin = performance.now();
      words.dispatchEvent(new Event("input"));
      return performance.now() - begin;
    }""")
    print(f"search through all of them: {took:.0f} ms")
    page.get_by_label("Search the log").fill("")
    page.get_by_role("button", name="Follow").click()


def _appending(page: Page, raw: Redis, task_id: int) -> None:
    page.evaluate(FRAME_TIMES)
    printing = threading.Thread(target=_burst, args=[raw, task_id])
    printing.start()
    _wait_for_lines(page, LINES + BURST * BURSTS)
    printing.join()
    print(f"frames while {BURST * BURSTS // 10:,} lines a second come: {_spread(page.evaluate('frames_'), 'ms')}")


def _burst(raw: Redis, task_id: int) -> None:
    for number in range(BURSTS):
        _print(raw, task_id, LINES + 1 + number * BURST, BURST)
        time.sleep(0.1)


def _print(raw: Redis, task_id: int, begin: int, count: int) -> None:
    pipeline = raw.pipeline(transaction=False)
    for number in range(begin, begin + count):
        text = f"\x1b[32mok\x1b[0m  pkg/server/router.go:{number} line {number} " + "word " * (number % 40)
        pipeline.xadd(f"{{ablehand}}:log:{task_id}", {"s": "agent", "t": text, "at": "1.5"}, id=f"11-{number}")
    pipeline.execute()


def _wait_for_lines(page: Page, count: int) -> None:
    _wait(page, f"document.getElementById('log-state').textContent.includes('{count:,} lines')")


def _wait(page: Page, condition: str) -> None:
    # Not Playwright's own waiting: it evaluates a text in the page, which our policy forbids.
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        time.sleep(0.05)


def _spread(values: list[Any], unit: str, digits: int = 0) -> str:
    hundredths = statistics.quantiles(values, n=100)
    return f"p50 {hundredths[49]:.{digits}f}, p95 {hundredths[94]:.{digits}f}, max {max(values):.{digits}f} {unit}"
