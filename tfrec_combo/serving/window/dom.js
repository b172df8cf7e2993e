// Elements by hand. Text only ever goes in as text, never as HTML.

export const at = (id) => document.getElementById(id);

// make("p", {class: "quiet", text: "…", on: {click}}, ...children); null children are left out.
export function make(tag, {text, on = {}, ...attributes} = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  if (text !== undefined) made.textContent = text;
  for (const [event, what] of Object.entries(on)) made.addEventListener(event, what);
  made.append(...children.filter((child) => child !== null));
  return made;
}

// A select's choices: pairs of value and text. What was chosen stays chosen where it still is one.
export function choices(select, pairs) {
  const before = select.value;
  select.replaceChildren(...pairs.map(([value, text]) => make("option", {value, text})));
  if (pairs.some(([value]) => value === before)) select.value = before;
}

// Replaces the children of `parent` by what `build` makes, and keeps the focus on the element of the same data-key.
export function redraw(parent, ...children) {
  const key = parent.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const held = parent.contains(document.activeElement);
  parent.replaceChildren(...children);
  if (!held) return;
  const again = key && [...parent.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key);
  const fallback = parent.closest("[tabindex='-1']") ?? parent.closest("fieldset, details")?.querySelector("input, summary");
  (again ?? fallback)?.focus({preventScroll: true});
}
