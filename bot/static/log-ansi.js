// What a terminal would obey, as something to look at. Colours become classes; links, the clipboard, the cursor and all
// other commands are dropped; what turns the reading direction or can't be seen is shown by its number.

const TOKEN = new RegExp(
  [
    "(?:\\x1b\\[|\\x9b)([0-9;:]*)m", // colours and the like
    "\\x1b\\][^\\x07\\x1b\\x9c]*(?:\\x07|\\x1b\\\\|\\x9c)?", // the title, a link, the clipboard
    "\\x1b[PX^_][^\\x1b\\x9c]*(?:\\x1b\\\\|\\x9c)?",
    "(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*[@-~]?", // where the cursor goes
    "\\x1b[ -/]*[0-~]?",
    "([\\u061c\\u180e\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\u{e0000}-\\u{e007f}])",
    "[\\x00-\\x08\\x0a-\\x1f\\x7f-\\x9f\\u2028\\u2029]",
  ].join("|"),
  "gu",
);
export const PLAIN = Object.freeze({ fore: "", back: "", marks: "" });
const MARKS = { 1: "b", 2: "d", 3: "i", 4: "u", 7: "r", 9: "s" };
const ENDS = { 21: "b", 22: "bd", 23: "i", 24: "u", 27: "r", 29: "s" };

// Gives {spans: [{text, classes}], state}; state goes into the call for the next line of the same step.
export function parse(text, state = PLAIN) {
  const spans = [];
  let end = 0;
  for (const found of text.matchAll(TOKEN)) {
    push(spans, text.slice(end, found.index), classes(state));
    end = found.index + found[0].length;
    if (found[1] !== undefined) state = coloured(state, found[1].split(/[;:]/).map(Number));
    if (found[2] !== undefined) push(spans, `U+${hex(found[2])}`, "control");
  }
  push(spans, text.slice(end), classes(state));
  return { spans, state };
}

// The text alone: what is searched.
export function plain(text) {
  return text.replace(TOKEN, (_all, _codes, control) => (control ? `U+${hex(control)}` : ""));
}

function push(spans, text, names) {
  const last = spans.at(-1);
  if (last?.classes === names) last.text += text;
  else if (text) spans.push({ text, classes: names });
}

function hex(character) {
  return character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
}

function classes({ fore, back, marks }) {
  return [...marks, fore, back].filter(Boolean).join(" ");
}

function coloured(state, codes) {
  let { fore, back, marks } = state;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === 0) ({ fore, back, marks } = PLAIN);
    else if (MARKS[code]) marks = marks.replace(MARKS[code], "") + MARKS[code];
    else if (ENDS[code]) marks = marks.replace(new RegExp(`[${ENDS[code]}]`, "g"), "");
    else if (code === 39) fore = "";
    else if (code === 49) back = "";
    else if (code === 38 || code === 48) {
      const [colour, taken] = extended(codes.slice(at + 1));
      if (code === 38) fore = `f${colour}`;
      else back = `g${colour}`;
      at += taken;
    } else if (code >= 30 && code <= 37) fore = `f${code - 30}`;
    else if (code >= 90 && code <= 97) fore = `f${code - 82}`;
    else if (code >= 40 && code <= 47) back = `g${code - 40}`;
    else if (code >= 100 && code <= 107) back = `g${code - 92}`;
  }
  return fore || back || marks ? { fore, back, marks } : PLAIN;
}

// 256 and 16 million colours become the nearest of the sixteen that are legible here.
function extended([kind, ...values]) {
  if (kind === 2) return [nearest(values), 4];
  const number = Math.min(255, values[0] || 0);
  if (number < 16) return [number, 2];
  if (number >= 232) return [nearest(Array(3).fill((number - 232) * 10 + 8)), 2];
  const cube = number - 16;
  return [nearest([Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((level) => level * 51)), 2];
}

function nearest([red = 0, green = 0, blue = 0]) {
  const most = Math.max(red, green, blue);
  const bits = [red, green, blue].map((part) => Number(most > 60 && part > most / 2));
  return bits[0] + 2 * bits[1] + 4 * bits[2] + (most > 200 ? 8 : 0);
}
