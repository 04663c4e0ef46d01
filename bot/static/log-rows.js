// Shows of any number of rows those that are in view: nothing else is in the document.
//
// The rows' heights are first estimated and then measured. What somebody reads stays where it is, whatever turns out to
// be higher above it; and rows in which text is selected stay until it is not any more. Who scrolls to the end follows
// what comes, who scrolls away from it or selects something does not.

import { Heights } from "./log-heights.js";

const BEYOND = 15; // rows above and below what is in view
const AT_END = 8; // pixels from the end that count as the end
const MOST_KEPT = 3000; // rows for the sake of a selection

export class Rows {
  #scroller;
  #render;
  #estimate;
  #space = document.createElement("div");
  #shown = document.createElement("div");
  #heights = new Heights();
  #first = 0;
  #last = 0; // behind the last that is shown
  #count = 0;
  #frame = 0;
  #width; // for which the heights are known
  #own = -1; // where we have scrolled to ourselves
  following = true;

  // render(row) gives a row's element, estimate(row) about how high it is.
  constructor(scroller, { render, estimate, moved }) {
    this.#scroller = scroller;
    this.#render = render;
    this.#estimate = estimate;
    this.#shown.className = "rows";
    this.#space.append(this.#shown);
    scroller.replaceChildren(this.#space);
    this.#width = scroller.clientWidth;
    scroller.addEventListener("scroll", () => {
      if (scroller.scrollTop !== this.#own) this.#follow(this.#end() - scroller.scrollTop < AT_END, moved);
      this.#frame ||= requestAnimationFrame(() => this.#show());
    });
    document.addEventListener("selectionchange", () => {
      if (this.#isSelected()) this.#follow(false, moved);
    });
    new ResizeObserver(() => {
      if (this.#width === scroller.clientWidth) this.#show();
      else this.measureAnew();
    }).observe(scroller);
  }

  get count() {
    return this.#count;
  }

  // The first that is in view.
  get top() {
    return this.#anchor().row;
  }

  // There are so many rows now; those before are as they were.
  grow(count) {
    while (this.#count < count) this.#heights.push(this.#estimate(this.#count++));
    this.#show();
  }

  // Every row may look different now.
  redraw() {
    this.#forget();
    this.#show();
  }

  // Every row may be of another height now.
  measureAnew() {
    const { row, above } = this.#anchor();
    this.#width = this.#scroller.clientWidth;
    this.#heights = new Heights();
    for (let at = 0; at < this.#count; at += 1) this.#heights.push(this.#estimate(at));
    this.#forget();
    this.#show({ row, above });
  }

  follow() {
    this.following = true;
    this.#show();
  }

  unfollow() {
    this.following = false;
  }

  // Brings a row into view, a third of the way down.
  goTo(row) {
    this.following = false;
    this.#show({ row, above: -this.#scroller.clientHeight / 3 });
  }

  // A row's element, where it is in view.
  element(row) {
    return row >= this.#first && row < this.#last ? this.#shown.children[row - this.#first] : null;
  }

  #follow(following, moved) {
    if (this.following === following) return;
    this.following = following;
    moved();
  }

  #isSelected() {
    const selection = getSelection();
    return !selection.isCollapsed && this.#shown.contains(selection.anchorNode);
  }

  #end() {
    return this.#scroller.scrollHeight - this.#scroller.clientHeight;
  }

  #anchor() {
    const row = this.#heights.find(this.#scroller.scrollTop);
    return { row, above: this.#scroller.scrollTop - this.#heights.offset(row) };
  }

  #forget() {
    this.#shown.replaceChildren();
    this.#first = this.#last = 0;
  }

  #show(anchor = this.#anchor()) {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    // Twice: the first measuring may uncover that more rows have room.
    for (let turn = 0; turn < 2; turn += 1) {
      const end = this.#heights.total - this.#scroller.clientHeight;
      const top = this.following ? end : this.#heights.offset(anchor.row) + anchor.above;
      this.#fill(this.#range(Math.max(0, top)));
      this.#measure();
      this.#place(anchor);
    }
  }

  #range(top) {
    let first = Math.max(0, this.#heights.find(top) - BEYOND);
    let last = Math.min(this.#count, this.#heights.find(top + this.#scroller.clientHeight) + 1 + BEYOND);
    if (this.#isSelected() && Math.max(last, this.#last) - Math.min(first, this.#first) < MOST_KEPT) {
      first = Math.min(first, this.#first);
      last = Math.max(last, this.#last);
    }
    return [first, last];
  }

  #fill([first, last]) {
    if (first >= this.#last || last <= this.#first) {
      this.#forget();
      this.#first = this.#last = first;
    }
    for (; this.#first < first; this.#first += 1) this.#shown.firstChild.remove();
    for (; this.#last > last; this.#last -= 1) this.#shown.lastChild.remove();
    while (this.#first > first) this.#shown.prepend(this.#render(--this.#first));
    while (this.#last < last) this.#shown.append(this.#render(this.#last++));
  }

  #measure() {
    let row = this.#first;
    for (const element of this.#shown.children) this.#heights.set(row++, element.getBoundingClientRect().height);
  }

  #place({ row, above }) {
    this.#space.style.height = `${this.#heights.total}px`;
    this.#shown.style.top = `${this.#heights.offset(this.#first)}px`;
    const top = this.following ? this.#end() : this.#heights.offset(row) + above;
    if (Math.abs(this.#scroller.scrollTop - top) <= 1) return;
    this.#scroller.scrollTop = top;
    this.#own = this.#scroller.scrollTop;
  }
}
