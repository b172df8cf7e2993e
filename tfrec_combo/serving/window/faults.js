// What went wrong, in words.

import {at, make} from "./dom.js";
import {mark} from "./form.js";
import {Wrong} from "./request.js";
import {Refusal} from "./server.js";
import {t} from "./texts.js";

const BY_STATUS = {0: "wrong.network", 401: "wrong.token", 404: "wrong.gone", 429: "wrong.busy", 503: "wrong.busy"};

let last = null;

// Shows it; go: the focus goes to the field that is wrong.
export function fail(e, go = false) {
  last = e;
  if (!(e instanceof Wrong || e instanceof Refusal)) console.error(e);
  const said = e instanceof Refusal && e.message && e.status !== 401;
  at("wrong").replaceChildren(
    make("p", {text: words(e)}),
    said ? make("p", {class: "quiet", text: t("wrong.said", {message: e.message})}) : "");
  at("wrong").hidden = false;
  at("said").textContent = "";
  if (e.status === 401) {
    at("locked").hidden = false;
    if (go) at("token").focus();
  }
  mark(e.field ?? null, go);
}

export function clear() {
  last = null;
  at("wrong").hidden = true;
  mark(null);
}

// In the language of the moment.
export function again() {
  if (last) fail(last);
}

function words(e) {
  if (!(e instanceof Wrong)) return t(BY_STATUS[e.status] ?? "wrong.server");
  const label = e.field && document.querySelector(`label[for="${e.field}"]`);
  return t(e.key, {...e.values, field: label?.textContent ?? (e.field ? t(e.field) : "")});
}
