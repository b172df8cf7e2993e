// The lists of ids that the form holds, shown as chips that can be taken out again.

import {at, make, redraw} from "./dom.js";
import {t} from "./texts.js";

const LISTS = {basket: [], must: [], exclude: [], categories: []};

export const held = (list) => [...LISTS[list]];

export function put(list, ids) {
  LISTS[list].push(...ids.filter((id) => !LISTS[list].includes(id)));
}

// Draws every list. name: id -> what it is called; removed: called with the name after a chip is taken out.
export function draw(name, removed) {
  for (const [list, ids] of Object.entries(LISTS)) {
    const called = (id) => (list === "categories" ? id : name(id));
    const chips = ids.map((id) => make("li", {}, make("span", {text: called(id)}), make("button", {
      type: "button",
      "data-key": `${list} ${id}`,
      "aria-label": t("remove", {name: called(id)}),
      text: "×",
      on: {click: () => {
        LISTS[list].splice(LISTS[list].indexOf(id), 1);
        removed(called(id));
      }},
    })));
    const empty = list === "basket" && !ids.length ? [make("li", {class: "quiet", text: t("basket.empty")})] : [];
    redraw(at(list), ...chips, ...empty);
  }
  at("musts").hidden = !LISTS.must.length;
  at("excludes").hidden = !LISTS.exclude.length;
}
