// One line of the log as an element. What it says goes in as text, never as HTML.

import { parse } from "./log-ansi.js";

// words are marked; of a long line limit characters are shown, and a button that calls showMore.
export function lineElement({ text, at, colours }, { words, limit, showMore }) {
  const time = document.createElement("time");
  time.textContent = new Date(at * 1000).toISOString().slice(11, 19);
  const content = document.createElement("span");
  for (const span of parse(text.slice(0, limit), colours).spans) content.append(...pieces(span, words));
  if (text.length > limit) content.append(moreButton(text.length - limit, showMore));
  const element = document.createElement("div");
  element.className = "line";
  element.append(time, content);
  return element;
}

export function stepElement(step) {
  const element = document.createElement("div");
  element.className = "step";
  element.textContent = step;
  return element;
}

function pieces({ text, classes }, words) {
  return split(text, words).map(([piece, isMarked]) => {
    if (!classes && !isMarked) return piece;
    const element = document.createElement(isMarked ? "mark" : "span");
    if (classes) element.className = classes;
    element.textContent = piece;
    return element;
  });
}

// Gives [piece, is it the words] for all pieces that are not empty.
function split(text, words) {
  if (!words) return [[text, false]];
  const found = [];
  const lower = text.toLowerCase();
  let end = 0;
  for (let at = lower.indexOf(words); at >= 0; at = lower.indexOf(words, end)) {
    found.push([text.slice(end, at), false], [text.slice(at, at + words.length), true]);
    end = at + words.length;
  }
  return [...found, [text.slice(end), false]].filter(([piece]) => piece);
}

function moreButton(left, showMore) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain more";
  button.textContent = `Show more (${left.toLocaleString("en")} characters)`;
  button.addEventListener("click", showMore);
  return button;
}
