// Makes the form quicker to fill in: projects and branches are completed, Ctrl+Enter sends, and nothing typed gets lost.

import { complete } from "./completion.js";

const KEPT = "new-task";
const NAMES = ["repository", "branch", "prompt", "agent", "model"];

const form = document.getElementById("new-task");
const { repository, branch } = form.elements;
const known = new Map();
// What the API searches for at most.
const LONGEST = 200;

async function read(path, search) {
  const answer = await fetch(`/api/v1${path}?${new URLSearchParams({ search })}`);
  return answer.ok ? answer.json() : {};
}

async function projects(text) {
  if (text.length > LONGEST || /[:@\s]/.test(text)) return []; // no path, but perhaps an address: nobody is asked about it
  const { projects: found = [] } = await read("/projects", text);
  for (const project of found) known.set(project.path.toLowerCase(), project);
  return found.map(({ path }) => ({ value: path }));
}

// The project that is typed, as the API knows it; undefined for none.
async function chosen() {
  const path = repository.value.trim().toLowerCase();
  if (/^[1-9][0-9]*$/.test(path)) return { id: path, default_branch: "" };
  if (path && !known.has(path)) await projects(path);
  return known.get(path);
}

async function branches(text) {
  if (text.length > LONGEST) return [];
  const project = await chosen();
  if (!project) return [];
  const { branches: found = [] } = await read(`/projects/${project.id}/branches`, text);
  return found.map((name) => ({ value: name, note: name === project.default_branch ? "default" : "" }));
}

async function nameDefaultBranch() {
  const project = await chosen().catch(() => undefined);
  branch.placeholder = project?.default_branch || "The default branch";
}

function keep() {
  sessionStorage.setItem(KEPT, JSON.stringify(NAMES.map((name) => form.elements[name].value)));
}

// After a sign-in that came in between, everything is as it was.
function putBack() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  kept.forEach((value, index) => {
    form.elements[NAMES[index]].value = value;
  });
  history.replaceState(null, "", "/tasks/new");
}

complete(repository, { label: "Projects", suggest: projects, taken: nameDefaultBranch });
complete(branch, { label: "Branches", suggest: branches });
repository.addEventListener("change", nameDefaultBranch);
form.querySelector(".keys").hidden = false;
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
form.addEventListener("submit", () => {
  keep();
  form.querySelector("button").disabled = true;
});
addEventListener("pageshow", () => {
  form.querySelector("button").disabled = false;
});
if (new URLSearchParams(location.search).has("kept")) putBack();
if (repository.value) nameDefaultBranch();
