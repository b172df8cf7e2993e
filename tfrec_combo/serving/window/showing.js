// One target's answer, drawn: combinations, products to add, and the request behind each.

import {make} from "./dom.js";
import {copy, FORMS} from "./copying.js";
import {name, product, unknown} from "./names.js";
import {why, whyNone} from "./reasons.js";
import {money, number, t, took} from "./texts.js";

const FIRST = 8; // products shown before more are asked for

// heading: the target's name, or null where it stands alone. only: id -> whether no other side answers it.
// take: called with ids and what to say once they are in the basket.
export function side(answer, {heading, only, take, grpcPort, key}) {
  const context = {target: answer.target, only, take, grpcPort, key, called: (id) => name(answer.target, id)};
  const missing = answer.given.filter((id) => unknown(answer.target, id));
  return make("section", {class: "side", "aria-label": heading},
    heading && make("h3", {class: "which", text: heading}),
    missing.length ? make("p", {class: "note", text: t("unknown", {ids: missing.join(", ")})}) : null,
    answer.cut ? make("p", {class: "note", text: t("cut", {n: answer.cut})}) : null,
    make("h3", {text: t("sets")}),
    ...(answer.sets ? sets(answer.sets, context) : [make("p", {class: "note", text: t("sets.none")})]),
    make("h3", {text: t("next")}),
    ...(answer.next ? next(answer.next, context) : []));
}

function sets(found, context) {
  const none = () => whyNone(found.status, {budget: found.wishes.budget && money(found.wishes.budget), most: found.most});
  return [
    found.sets.length
      ? make("ol", {class: "cards"}, ...found.sets.map((one, i) => card(one, i + 1, context)))
      : make("p", {class: "note", "data-status": found.status, text: none()}),
    behind(found, context),
  ];
}

function card(one, i, context) {
  const largest = Math.max(...one.members.map(({adds}) => Math.abs(adds ?? 0)), 1e-9);
  const total = one.members.every(({price}) => price > 0) ? "set.total" : "set.total.some";
  const all = () => context.take(one.members.map(({id}) => id), t("set.added", {i}));
  return make("li", {class: "card"},
    make("div", {class: "top"},
      make("h4", {text: t("set", {i})}),
      make("span", {class: "quiet", text: t("set.score", {score: number(one.score, 2)})}),
      make("strong", {class: "total", text: t(total, {price: money(one.total)})})),
    make("ul", {class: "members"}, ...one.members.map((member) => line(member, context, bar(member.adds, largest)))),
    make("button", {
      type: "button", text: t("set.all"), "aria-label": t("set.all.of", {i}), "data-key": `${context.key} set ${i}`,
      on: {click: all},
    }));
}

function bar(adds, largest) {
  if (adds === null) return null;
  const filled = make("span", {class: adds < 0 ? "bar less" : "bar", "aria-hidden": "true"});
  filled.style.width = `${Math.round((Math.abs(adds) / largest) * 100)}%`;
  const text = `${adds < 0 ? "−" : "+"}${number(Math.abs(adds), 2)}`;
  return make("div", {class: "adds"},
    make("span", {class: "track", "aria-hidden": "true"}, filled), make("span", {text: t("adds", {score: text})}));
}

function next(found, context) {
  if (!found.products.length) return [make("p", {class: "note", text: t("next.none")}), behind(found, context)];
  const rows = found.products.map((one) => {
    const label = t("add.to", {name: context.called(one.id), where: t("where.basket")});
    const added = () => context.take([one.id], t("added", {name: context.called(one.id), where: t("where.basket")}));
    return line(one, context, make("span", {class: "quiet", text: t("score", {score: number(one.score, 2)})}), make("button", {
      type: "button", text: t("add"), "aria-label": label, "data-key": `${context.key} add ${one.id}`, on: {click: added},
    }));
  });
  const list = make("ol", {class: "members next"}, ...rows.slice(0, FIRST));
  const more = rows.length > FIRST && make("button", {type: "button", text: t("next.more"), on: {click: () => {
    list.append(...rows.slice(FIRST));
    rows[FIRST].querySelector("button").focus();
    more.remove();
  }}});
  return [list, more || null, behind(found, context)];
}

function line(one, context, aside, button = null) {
  const {id, price} = one;
  const known = product(context.target, id);
  return make("li", {"data-id": id},
    make("div", {class: "what"},
      make("span", {class: "name", text: context.called(id)}),
      context.only(id) ? make("span", {class: "only", text: t("only")}) : null,
      make("span", {class: "quiet", text: known?.category ? `${known.category} · ${id}` : id}), // texts may be equal
      make("span", {class: "why", text: why(one, context.called)})),
    make("div", {class: "worth"}, make("span", {class: "price", text: money(price)}), aside),
    button);
}

// The request as curl, Python or gRPC.
function behind(found, context) {
  const asked = {...found, target: context.target, grpcPort: context.grpcPort};
  const id = `${context.key}-${found.signature}`;
  const code = make("pre", {tabindex: "0", "aria-label": t("request")});
  const told = make("span", {class: "quiet", role: "status"});
  const forms = Object.keys(FORMS).map((form) => make("option", {value: form, text: t(`request.as.${form}`)}));
  const select = make("select", {id}, ...forms);
  const draw = () => {
    code.textContent = FORMS[select.value](asked);
    told.textContent = "";
  };
  select.addEventListener("change", draw);
  draw();
  const button = make("button", {type: "button", text: t("request.copy"), on: {click: async () => {
    told.textContent = t((await copy(code)) ? "request.copied" : "request.selected");
  }}});
  return make("details", {class: "behind", "data-signature": found.signature},
    make("summary", {text: `${t("request")} · ${found.signature} · ${t("request.took", {ms: took(found.ms)})}`}),
    make("div", {class: "beside"}, make("label", {for: id, text: t("request.as")}), select, button, told),
    code);
}
