// Makes a part of the page look like what the server has sent anew, and touches nothing that is the same already: focus,
// selected text and opened details stay. What comes and goes among its neighbours has an id.

export function morph(now, fresh) {
  if (now.nodeType !== fresh.nodeType || now.nodeName !== fresh.nodeName) {
    now.replaceWith(fresh);
  } else if (now.nodeType === Node.ELEMENT_NODE) {
    morphAttributes(now, fresh);
    morphChildren(now, [...fresh.childNodes]);
  } else if (now.data !== fresh.data) {
    now.data = fresh.data;
  }
}

function morphAttributes(now, fresh) {
  for (const { name } of [...now.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") now.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
}

function morphChildren(parent, children) {
  const [known, wanted] = [ids(parent.childNodes), ids(children)];
  let here = parent.firstChild;
  for (const child of children) {
    const isGone = (node) => (node.id ? !wanted.has(node.id) : known.has(child.id));
    while (here && isGone(here)) here = removed(here);
    if (!here || (here.id ?? "") !== (child.id ?? "")) {
      parent.insertBefore(child, here);
    } else {
      const next = here.nextSibling;
      morph(here, child);
      here = next;
    }
  }
  while (here) here = removed(here);
}

function ids(nodes) {
  return new Set([...nodes].map((node) => node.id).filter(Boolean));
}

function removed(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}
