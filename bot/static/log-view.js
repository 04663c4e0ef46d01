// The log of the task whose page this is: all of it, live, with what one needs to find one's way in it.

import { Lines } from "./log-lines.js";
import { lineElement, stepElement } from "./log-line.js";
import { Rows } from "./log-rows.js";
import { followLog } from "./log-stream.js";

const CUT = 2000; // characters of a line that are shown at once
const MORE = 20000; // and then at each wish for more
const LINE_HEIGHT = 20; // pixels; about
const WIDE = 640; // pixels from which on the times are shown
const STATES = {
  loading: "Loading",
  live: "Live",
  lost: "The connection is lost; trying again",
  ended: "Complete",
  over: "Not live any more",
};

const element = (id) => document.getElementById(id);
const log = element("log");
const note = element("log-state");
const news = element("log-news");
const words = element("log-words");
const found = element("log-found");
const steps = element("log-steps");
const buttons = Object.fromEntries([...document.querySelectorAll("[data-log]")].map((one) => [one.dataset.log, one]));
const lines = new Lines();
const limits = new Map(); // row to characters, of lines of which more was wanted

let rows = null;
let held = null; // lines that came while paused
let connection = "";
let match = -1; // which of the matches is the current one

// Shows what has come.
function take(some) {
  if (held) {
    for (const line of some) held.push(line);
    say();
    return;
  }
  rows ??= new Rows(log, { render, estimate, moved: say });
  lines.add(some);
  rows.grow(lines.count);
  if (lines.steps.length > steps.childElementCount) offerSteps();
  sayMatch();
  say();
}

function render(row) {
  const line = lines.row(row);
  if (line.step) return stepElement(line.step);
  const drawn = lineElement(line, { words: lines.words, limit: limitOf(row), showMore: () => showMore(row) });
  drawn.classList.toggle("current", row === lines.matches[match]);
  return drawn;
}

// About how high a row is, until it is measured.
function estimate(row) {
  const { text } = lines.row(row);
  if (text === undefined || !isOn("wrap")) return LINE_HEIGHT;
  const columns = Math.max(20, (log.clientWidth - (isOn("times") ? 100 : 32)) / 7.8);
  return LINE_HEIGHT * Math.max(1, Math.ceil(Math.min(text.length, limitOf(row)) / columns));
}

function limitOf(row) {
  return limits.get(row) ?? CUT;
}

function showMore(row) {
  limits.set(row, limitOf(row) + MORE);
  rows.unfollow();
  rows.redraw();
  (rows.element(row)?.querySelector(".more") ?? log).focus({ preventScroll: true });
  say();
}

function offerSteps() {
  steps.hidden = false;
  for (const { step, row } of lines.steps.slice(steps.childElementCount)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = step;
    button.addEventListener("click", () => {
      rows.goTo(row);
      say();
      log.focus({ preventScroll: true });
    });
    steps.append(button);
  }
}

// What stands beside the heading. Nothing of it is read out by itself.
function say() {
  buttons.follow.setAttribute("aria-pressed", String(rows?.following ?? true));
  const printed = lines.count - lines.steps.length;
  const parts = [STATES[connection], `${printed.toLocaleString("en")} ${printed === 1 ? "line" : "lines"}`];
  if (held) parts.push(`paused, ${held.length.toLocaleString("en")} more waiting`);
  note.textContent = parts.filter(Boolean).join(" · ");
}

function connected(state) {
  if (state === "lost" && connection !== "lost") news.textContent = "The connection to the log is lost.";
  if (state === "live" && connection === "lost") news.textContent = "The log is live again.";
  connection = state;
  say();
}

function sayMatchAloud() {
  sayMatch();
  news.textContent = found.textContent;
}

function search() {
  const here = lines.matches[match] ?? rows?.top ?? 0;
  lines.search(words.value);
  match = lines.matches.findIndex((row) => row >= here);
  if (match < 0) match = lines.matches.length - 1;
  turn(0);
}

function turn(by) {
  const { length } = lines.matches;
  match = length ? (Math.max(0, match) + by + length) % length : -1;
  rows?.redraw();
  if (length) rows.goTo(lines.matches[match]);
  sayMatchAloud();
  say();
}

function sayMatch() {
  const { length } = lines.matches;
  const which = length ? `${(match + 1).toLocaleString("en")} of ${length.toLocaleString("en")}` : "No match";
  const text = lines.words ? which : "";
  if (found.textContent !== text) found.textContent = text;
}

function pause() {
  const waiting = held;
  held = isOn("pause") ? [] : null;
  if (waiting) take(waiting);
}

function look() {
  log.classList.toggle("wrap", isOn("wrap"));
  log.classList.toggle("times", isOn("times"));
  rows?.measureAnew();
}

function isOn(name) {
  return buttons[name].getAttribute("aria-pressed") === "true";
}

function onPress(name, act) {
  buttons[name].addEventListener("click", () => {
    buttons[name].setAttribute("aria-pressed", String(!isOn(name)));
    act();
    say();
  });
}

function onKey(target, key, act) {
  target.addEventListener("keydown", (event) => {
    const pressed = `${event.shiftKey ? "Shift+" : ""}${event.key}`;
    if (pressed !== key || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
}

onPress("follow", () => (isOn("follow") ? rows?.follow() : rows?.unfollow()));
onPress("pause", pause);
onPress("wrap", look);
onPress("times", look);
buttons.previous.addEventListener("click", () => turn(-1));
words.addEventListener("input", search);
onKey(words, "Shift+Enter", () => turn(-1));
onKey(words, "Enter", () => turn(1));
buttons.next.addEventListener("click", () => turn(1));
onKey(log, "/", () => words.focus());

element("log-tools").hidden = false;
buttons.times.setAttribute("aria-pressed", String(log.clientWidth > WIDE));
look();
followLog(`/api/v1/tasks/${document.querySelector("main").dataset.task}/log`, { batch: take, state: connected });
