// Keeps the table as the server would draw it now: what changes comes by events, and the page is then fetched anew. Only
// cells that differ are exchanged, so that place, focus and selection stay.

const PAUSE = 2000;
const RETRY = 5000;
const TICK = 15000;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

const live = document.getElementById("live");
let events = null;
let retrying = 0;
let waiting = 0;
let fetchedAt = 0;

function tell(text, isLost = false) {
  live.textContent = text;
  live.classList.toggle("lost", isLost);
}

function follow() {
  stop();
  events = new EventSource("/api/v1/events");
  events.addEventListener("task", soon);
  events.addEventListener("open", () => {
    tell("Live");
    soon();
  });
  events.addEventListener("error", () => {
    tell("Connecting …", true);
    // Where somebody answers, such as a proxy while we restart, browsers give up. Whether we are still signed in, the
    // page will tell.
    if (events.readyState === EventSource.CLOSED) retrying = setTimeout(again, RETRY);
  });
}

function again() {
  soon();
  followWhileSeen();
}

function stop() {
  events?.close();
  clearTimeout(retrying);
}

function end(text) {
  stop();
  document.removeEventListener("visibilitychange", followWhileSeen);
  tell(text, true);
}

// A tab that nobody sees needs no connection: a browser has six for all of them.
function followWhileSeen() {
  if (document.hidden) stop();
  else follow();
}

function soon() {
  if (waiting) return;
  waiting = setTimeout(refresh, Math.max(0, fetchedAt + PAUSE - Date.now()));
}

async function refresh() {
  fetchedAt = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") return end("You are signed out. Load the page again.");
    if (!answer.ok) throw new Error(String(answer.status));
    draw(new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (events.readyState === EventSource.OPEN) tell("Live");
  } catch {
    tell("The table could not be refreshed.", true);
  } finally {
    waiting = 0;
  }
}

function draw(fresh) {
  const [now, then] = [fresh.getElementById("tasks"), document.getElementById("tasks")];
  if (now && then) keepingPlace(then, () => exchangeRows(then, now));
  else if (now || then) exchangeAll(fresh);
  exchange(document.getElementById("pages"), fresh.getElementById("pages"));
}

// The first task has come, or the last has gone: there was nothing to keep.
function exchangeAll(fresh) {
  const selector = "table.tasks, .nothing";
  document.querySelector(selector).replaceWith(fresh.querySelector(selector));
}

// Rows are in the order of their numbers, so that none ever has to move: moved ones would lose the focus.
function exchangeRows(then, now) {
  const wanted = new Set([...now.rows].map((row) => row.id));
  for (const row of [...then.rows]) if (!wanted.has(row.id)) drop(row);
  let place = then.firstElementChild;
  for (const fresh of [...now.rows]) {
    if (place?.id === fresh.id) {
      exchangeCells(place, fresh);
      place = place.nextElementSibling;
    } else {
      then.insertBefore(fresh, place);
    }
  }
}

function drop(row) {
  if (row.contains(document.activeElement)) (row.nextElementSibling ?? row.previousElementSibling)?.querySelector("a").focus();
  row.remove();
}

function exchangeCells(old, fresh) {
  if (old.dataset.version === fresh.dataset.version) return;
  old.dataset.version = fresh.dataset.version;
  [...old.cells].forEach((cell, index) => exchange(cell, fresh.cells[index]));
}

function exchange(part, fresh) {
  if (part.innerHTML === fresh.innerHTML) return;
  const focused = part.contains(document.activeElement);
  part.replaceChildren(...fresh.childNodes);
  if (focused) part.querySelector("a")?.focus({ preventScroll: true });
}

// What stands at the top of the window stays there when rows come in above it.
function keepingPlace(body, change) {
  const anchor = [...body.children].find((row) => row.getBoundingClientRect().bottom > 0);
  const isAbove = body.getBoundingClientRect().top < 0;
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (isAbove && anchor?.isConnected) scrollBy(0, anchor.getBoundingClientRect().top - before);
}

function age(seconds) {
  if (seconds < MINUTE) return "now";
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  return seconds < DAY ? `${Math.floor(seconds / HOUR)} h` : `${Math.floor(seconds / DAY)} d`;
}

function duration(seconds) {
  const whole = Math.round(seconds);
  const [size, large, small, one] = whole < HOUR ? [MINUTE, "min", "s", 1] : [HOUR, "h", "min", MINUTE];
  if (whole < MINUTE) return `${whole} s`;
  const rest = Math.floor((whole % size) / one);
  return `${Math.floor(whole / size)} ${large}${rest ? ` ${rest} ${small}` : ""}`;
}

function tick() {
  const now = Date.now() / 1000;
  for (const [name, words] of [["age", age], ["since", duration]]) {
    for (const element of document.querySelectorAll(`[data-${name}]`)) {
      const text = words(now - Number(element.dataset[name]));
      if (element.textContent !== text) element.textContent = text;
    }
  }
}

followWhileSeen();
document.addEventListener("visibilitychange", followWhileSeen);
setInterval(tick, TICK);
