// What is served, as choices: the newest version of each model, each version, each label.

import {at, choices} from "./dom.js";
import {t} from "./texts.js";

const known = new Map();

export function fillModels(models) {
  known.clear();
  for (const {name: model, versions, labels} of models) {
    if (!versions.length) continue;
    known.set(JSON.stringify({model}), t("model.newest", {model, version: String(versions[0])}));
    if (versions.length > 1) {
      for (const version of versions) {
        known.set(JSON.stringify({model, version}), t("model.version", {model, version: String(version)}));
      }
    }
    for (const [label, version] of Object.entries(labels)) {
      known.set(JSON.stringify({model, label}), t("model.label", {model, label, version: String(version)}));
    }
  }
  choices(at("model"), [...known]);
  choices(at("other"), [["", t("other.none")], ...known]);
  at("comparing").hidden = known.size < 2;
}

// The chosen targets: one, or two side by side.
export const targets = () => [at("model").value, at("other").value].filter(Boolean).map((one) => JSON.parse(one));

export const answersOf = (target) => known.get(JSON.stringify(target)) ?? target.model;
