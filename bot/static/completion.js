// Completes a text field from a list below it: arrows choose, Enter takes, Escape closes, and what is typed counts anyway.

const PAUSE = 150;

// *suggest* gives, for a text, a promise of [{value, note}]; *taken* is called when one was taken.
export function complete(input, { label, suggest, taken = () => {} }) {
  const list = document.createElement("ul");
  list.id = `${input.id}-suggestions`;
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", label);
  list.hidden = true;
  input.after(list);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  let waiting = 0;
  let asked = 0;

  function close() {
    asked += 1;
    clearTimeout(waiting);
    list.replaceChildren();
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function active() {
    return list.querySelector('[aria-selected="true"]');
  }

  function choose(option) {
    active()?.setAttribute("aria-selected", "false");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function take(option) {
    input.value = option.dataset.value;
    close();
    taken(input.value);
  }

  function show(suggestions) {
    list.replaceChildren(...suggestions.map((each, index) => drawn(each, `${list.id}-${index}`)));
    list.hidden = suggestions.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
  }

  // Only the answer to the last question counts.
  async function ask() {
    asked += 1;
    const mine = asked;
    const suggestions = await suggest(input.value.trim()).catch(() => []);
    const isFound = suggestions.length === 1 && suggestions[0].value === input.value;
    if (mine === asked && document.activeElement === input) show(isFound ? [] : suggestions);
  }

  function move(step) {
    if (list.hidden) return ask();
    const options = [...list.children];
    const next = options.indexOf(active()) + step;
    choose(options.at(next < 0 ? -1 : next % options.length));
  }

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp" && !list.hidden) move(active() ? -1 : 0);
    else if (event.key === "Enter" && isPlain && active()) take(active());
    else if (event.key === "Escape" && !list.hidden) close();
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const option = event.target.closest("li");
    if (option) take(option);
  });
  close();
}

function drawn({ value, note = "" }, id) {
  const option = document.createElement("li");
  option.id = id;
  option.dataset.value = value;
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  const name = document.createElement("bdi");
  name.textContent = value;
  option.append(name);
  if (note) {
    const soft = document.createElement("bdi");
    soft.className = "soft";
    soft.textContent = note;
    option.append(soft);
  }
  return option;
}
