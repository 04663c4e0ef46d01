// All lines of a log that have come, with a heading where a step begins; and which of them hold the words searched for.

import { PLAIN, parse, plain } from "./log-ansi.js";

export class Lines {
  #rows = [];
  #colours = PLAIN;
  steps = []; // [{step, row}], one for each beginning
  words = "";
  matches = [];

  get count() {
    return this.#rows.length;
  }

  // A row is a line, {text, at, colours}, or the heading {step} of those that follow.
  row(number) {
    return this.#rows[number];
  }

  add(lines) {
    for (const { step, text, at } of lines) {
      if (this.steps.at(-1)?.step !== step) {
        this.steps.push({ step, row: this.#rows.length });
        this.#colours = PLAIN;
        this.#rows.push({ step });
      }
      const row = { text, at, colours: this.#colours };
      // Colours go on over the end of a line, as in a terminal.
      if (/[\x1b\x9b]/.test(text)) this.#colours = parse(text, row.colours).state;
      if (this.words && this.#holds(row)) this.matches.push(this.#rows.length);
      this.#rows.push(row);
    }
  }

  search(words) {
    this.words = words.toLowerCase();
    this.matches = [];
    if (!this.words) return;
    this.#rows.forEach((row, number) => {
      if (this.#holds(row)) this.matches.push(number);
    });
  }

  #holds({ text }) {
    return text !== undefined && plain(text).toLowerCase().includes(this.words);
  }
}
