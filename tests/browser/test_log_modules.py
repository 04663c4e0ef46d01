"""The modules that the log is made of, each by itself, in the real browser."""

from __future__ import annotations

from typing import Any

from tests.browser.chromium import Windows

PARSE = "async (text) => (await import('/static/log-ansi.js')).parse(text).spans"
PARSE_ALL = """async (texts) => {
  const { parse } = await import("/static/log-ansi.js");
  let state;
  return texts.map((text) => { const done = parse(text, state); state = done.state; return done.spans; });
}"""
HEIGHTS = """async ([rows, changes, asked]) => {
  const { Heights } = await import("/static/log-heights.js");
  const heights = new Heights();
  for (const height of rows) heights.push(height);
  for (const [row, height] of changes) heights.set(row, height);
  const offsets = asked.map((row) => heights.offset(row));
  return [heights.total, offsets, offsets.map((offset) => heights.find(offset))];
}"""
ROWS = """async (count) => {
  const { Rows } = await import("/static/log-rows.js");
  const scroller = document.createElement("div");
  scroller.style.cssText = "height: 300px; overflow: auto; overflow-anchor: none; position: relative";
  document.body.replaceChildren(scroller);
  const draw = (row) => {
    const element = document.createElement("div");
    element.textContent = `row ${row}`;
    element.style.height = `${20 + (row % 7) * 10}px`;
    return element;
  };
  window.rows = new Rows(scroller, { render: draw, estimate: () => 20, moved: () => {} });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(".rows { position: absolute; left: 0; right: 0 }");
  document.adoptedStyleSheets = [sheet];
  rows.grow(count);
  window.scroller = scroller;
}"""
IN_VIEW = """() => {
  const { top, bottom } = scroller.getBoundingClientRect();
  return [...scroller.querySelectorAll(".rows > div")]
    .map((row) => [row.textContent, row.getBoundingClientRect()])
    .filter(([, place]) => place.bottom > top && place.top < bottom)
    .map(([text, place]) => [text, Math.round(place.top - top)]);
}"""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
IS_KEPT = f"""async () => {{
  await ({ROWS})(100);
  const last = rows.element(99);
  await ({FRAMES})();
  return rows.element(99) === last;
}}"""
MORPH = """async ([before, after]) => {
  const { morph } = await import("/static/morph.js");
  const [now, fresh] = [before, after].map((html) => {
    const element = document.createElement("div");
    element.innerHTML = html;
    return element;
  });
  const kept = new Map([...now.querySelectorAll("[id]")].map((one) => [one.id, one]));
  morph(now, fresh);
  const same = [...now.querySelectorAll("[id]")].filter((one) => kept.get(one.id) === one);
  return [now.innerHTML, same.map((one) => one.id)];
}"""
CASES: dict[str, list[tuple[str, str]]] = {
    "plain": [("plain", "")],
    "": [],
    "\x1b[31mred\x1b[0m not": [("red", "f1"), (" not", "")],
    "\x1b[1;4;92mx\x1b[22my\x1b[24;39mz": [("x", "b u f10"), ("y", "u f10"), ("z", "")],
    "\x1b[7;41mx\x1b[27;49my": [("x", "r g1"), ("y", "")],
    "\x1b[38;5;9mx\x1b[48;5;232my\x1b[mz": [("x", "f9"), ("y", "f9 g0"), ("z", "")],
    "\x1b[38;2;250;10;10mx\x1b[38;2;0;0;120my": [("x", "f9"), ("y", "f4")],
    "\x1b[38;5;1;4mx": [("x", "u f1")],
    "\x1b[38;5mx\x1b[999;8mhidden": [("xhidden", "f0")],
    "\x9b32mC1": [("C1", "f2")],
    "\x1b]8;;https://evil.example\x07link\x1b]8;;\x1b\\": [("link", "")],
    "\x1b]52;c;ZXZpbA==\x07x\x1b]0;title": [("x", "")],
    "\x1bPdevice\x1b\\x\x1b_app\x9cy\x1b^z": [("xy", "")],
    "a\x1b[2J\x1b[1;1Hb\x1b[?25lc\x1b(Bd\x1b[5": [("abcd", "")],
    "a\x00\x08b\rc\x7fd\x85e\u2028f\tg": [("abcdef\tg", "")],
    "a\u202eb\u2066\u200bc": [("a", ""), ("U+202E", "control"), ("b", ""), ("U+2066U+200B", "control"), ("c", "")],
    "\U000e0041x": [("U+E0041", "control"), ("x", "")],
    "<b>&amp;\ufffd 👩\u200d💻 שלום": [("<b>&amp;\ufffd 👩\u200d💻 שלום", "")],
}


def test_what_a_terminal_would_obey_becomes_classes_or_nothing(windows: Windows) -> None:
    """Colours are classes of ours; links, clipboard and cursor are gone; what turns or hides text is shown."""
    page = windows.open("/signed-out")

    found = {text: [(span["text"], span["classes"]) for span in page.evaluate(PARSE, text)] for text in CASES}

    assert found == CASES


def test_colours_go_on_over_the_end_of_a_line(windows: Windows) -> None:
    """Until they are ended."""
    page = windows.open("/signed-out")

    found: list[Any] = page.evaluate(PARSE_ALL, ["\x1b[32mone", "two\x1b[0m", "three"])

    assert [[(span["text"], span["classes"]) for span in line] for line in found] == [
        [("one", "f2")],
        [("two", "f2")],
        [("three", "")],
    ]


def test_a_line_of_nothing_but_commands_takes_no_time(windows: Windows) -> None:
    """A mebibyte of them, none of which ends."""
    page = windows.open("/signed-out")

    for text in ("\x1b]8;;" * 200_000, "\x1b[" * 500_000, "\x1b[1;" * 250_000, "\u202e" * 100_000):
        took = page.evaluate(
            f"async (text) => {{ const t = performance.now(); await ({PARSE})(text); return performance.now() - t; }}",
            text,
        )
        assert took < 5000


def test_rows_are_found_by_their_height(windows: Windows) -> None:
    """As if all before them had been added up, over the borders of blocks too."""
    page = windows.open("/signed-out")
    rows = [10 + number % 13 for number in range(1000)]
    changes = [(0, 99), (255, 7), (256, 55), (999, 1)]
    asked = [0, 1, 255, 256, 257, 511, 998, 999]

    total, offsets, found = page.evaluate(HEIGHTS, [rows, changes, asked])

    for row, height in changes:
        rows[row] = height
    assert total == sum(rows)
    assert offsets == [sum(rows[:row]) for row in asked]
    assert found == asked


def test_only_what_is_in_view_is_in_the_document(windows: Windows) -> None:
    """The end of 100,000 rows at first, and what one goes to; a few dozen elements at any time."""
    page = windows.open("/signed-out")
    page.evaluate(ROWS, 100_000)
    at_the_end = page.evaluate(IN_VIEW)

    page.evaluate("rows.goTo(50_000)")
    in_the_middle = page.evaluate(IN_VIEW)

    assert at_the_end[-1][0] == "row 99999"
    assert ["row 50000", 100] in in_the_middle
    assert page.evaluate("scroller.querySelectorAll('*').length") < 100


def test_what_is_drawn_is_not_drawn_again(windows: Windows) -> None:
    """Where nothing of it has changed: somebody may be about to select in it."""
    page = windows.open("/signed-out")

    assert page.evaluate(IS_KEPT)


def test_what_is_read_stays_where_it_is(windows: Windows) -> None:
    """Though rows above turn out higher than they were taken to be, and rows come at the end."""
    page = windows.open("/signed-out")
    page.evaluate(ROWS, 10_000)
    page.evaluate("rows.goTo(5000)")
    for _ in range(20):
        before = dict(page.evaluate(IN_VIEW))
        page.evaluate("scroller.scrollTop -= 50; rows.grow(rows.count + 10)")
        page.evaluate(FRAMES)
        after = dict(page.evaluate(IN_VIEW))
        both = before.keys() & after.keys()
        assert both
        assert {after[row] - before[row] for row in both} <= {49, 50, 51}


def test_the_end_is_followed_until_somebody_scrolls_away(windows: Windows) -> None:
    """And again once they come back to it."""
    page = windows.open("/signed-out")
    page.evaluate(ROWS, 100)

    def last_in_view() -> str:
        page.evaluate("rows.grow(rows.count + 1)")
        page.evaluate(FRAMES)
        return str(page.evaluate(IN_VIEW)[-1][0])

    followed = last_in_view()
    page.evaluate("scroller.scrollTop -= 500")
    page.evaluate(FRAMES)
    left = last_in_view()
    page.evaluate("scroller.scrollTop = scroller.scrollHeight")
    page.evaluate(FRAMES)
    back = last_in_view()

    assert (followed, back) == ("row 100", "row 102")
    assert left != "row 101"


def test_selected_rows_stay(windows: Windows) -> None:
    """Though they have gone out of view: what was selected can still be copied."""
    page = windows.open("/signed-out")
    page.evaluate(ROWS, 1000)
    page.evaluate("rows.goTo(500)")
    page.evaluate("getSelection().selectAllChildren(rows.element(500))")

    page.evaluate("scroller.scrollTop += 3000")
    page.evaluate(FRAMES)

    assert page.evaluate("getSelection().toString()") == "row 500"


def test_a_part_of_the_page_becomes_what_the_server_sent(windows: Windows) -> None:
    """Whatever came, went or changed; what is the same stays the same element."""
    page = windows.open("/signed-out")
    cases = [
        ("", "<p>a</p>", []),
        ("<p>a</p>text<b>c</b>", "other", []),
        (
            '<p id="a">a</p>\n<p id="b">b</p>',
            '<i id="n">new</i>\n<p id="a">a!</p>\n<p id="b" class="x">b</p>',
            ["a", "b"],
        ),
        ('<p id="a">a</p>\n<p id="b">b</p>\n<p id="c">c</p>', '<p id="a">a</p>\n<p id="c">c</p>', ["a", "c"]),
        ('<p id="a" class="x" title="t">a</p>', '<p id="a" title="u">a<b>b</b></p>', ["a"]),
        ('<p id="a">a</p><p id="b">b</p>', '<p id="b">b</p><p id="a">a</p>', ["a"]),
        ('<p id="a">a</p>', '<div id="a">a</div>', []),
    ]

    for before, after, kept in cases:
        html, same = page.evaluate(MORPH, [before, after])
        assert (html, set(same) >= set(kept)) == (after, True), before
