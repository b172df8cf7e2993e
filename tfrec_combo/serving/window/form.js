// The form's fields -> who is asked for, and what is wished of sets.

import {at} from "./dom.js";
import {held} from "./lists.js";
import {lines, Wrong} from "./request.js";

export function shopper() {
  return {
    query: at("query").value.trim(),
    basket: held("basket"),
    exclude: held("exclude"),
    history: lines(at("history").value),
  };
}

export function wishes() {
  const said = {
    size_min: number("size_min", true),
    size_max: number("size_max", true),
    budget: number("budget", false),
    must_include: held("must"),
    one_per_category: chosen("one_per_category"),
    allowed_categories: held("categories"),
    diversity: chosen("diversity"),
  };
  const empty = (value) => value === undefined || (Array.isArray(value) && !value.length);
  return Object.fromEntries(Object.entries(said).filter(([, value]) => !empty(value)));
}

// Marks the field that is wrong, and none other; `go`: the focus goes there.
export function mark(field, go = false) {
  for (const one of document.querySelectorAll("[aria-invalid]")) {
    one.removeAttribute("aria-invalid");
    one.removeAttribute("aria-errormessage");
  }
  const element = field && at(field);
  if (!element?.matches("input, textarea, select")) return;
  element.setAttribute("aria-invalid", "true");
  element.setAttribute("aria-errormessage", "wrong");
  if (!go) return;
  const closed = element.closest("details:not([open])");
  if (closed) closed.open = true;
  element.focus();
}

export function remember(text) {
  const before = at("history").value.trim();
  at("history").value = before ? `${before}, ${text}` : text;
}

function number(id, whole) {
  const field = at(id);
  if (field.value.trim() === "" && !field.validity.badInput) return undefined;
  const value = Number(field.value);
  if (field.validity.badInput || !(value > 0) || (whole && !Number.isInteger(value))) {
    throw new Wrong(whole ? "wrong.whole" : "wrong.number", {}, id);
  }
  return value;
}

function chosen(id) {
  return at(id).value === "" ? undefined : Number(at(id).value);
}
