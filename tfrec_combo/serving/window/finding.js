// The search: products by words or id, and where a found one goes.

import {at, make} from "./dom.js";
import {learn} from "./names.js";
import {read} from "./server.js";
import {money, t} from "./texts.js";

const SHOWN = 12;
const PAUSE = 200; // ms after the last key

let last = 0;

const where = () => document.querySelector("input[name=where]:checked").value;

// target: of the moment. taken: called with the list's name and the product.
export function listen(target, taken, failed) {
  let timer;
  const look = () => {
    clearTimeout(timer);
    at("found").setAttribute("aria-busy", "true");
    const mine = ++last;
    find(target(), taken, mine).catch(failed).finally(() => {
      if (mine === last) at("found").removeAttribute("aria-busy");
    });
  };
  at("search").addEventListener("input", () => {
    clearTimeout(timer);
    last++; // what is on its way answers other words
    at("found").setAttribute("aria-busy", "true");
    timer = setTimeout(look, PAUSE);
  });
  at("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault(); // it searches, and does not send the form
      look();
    }
  });
  for (const one of document.querySelectorAll("input[name=where]")) one.addEventListener("change", look);
  return look;
}

async function find(target, taken, mine) {
  const words = at("search").value.trim().replaceAll(",", " ");
  if (!words || !target) {
    at("matches").textContent = "";
    at("found").replaceChildren();
    return;
  }
  const {products, total} = await read("products", target, [["q", words], ["limit", SHOWN]]);
  if (mine !== last) return; // a later search has asked meanwhile
  learn(target, products);
  const many = total > products.length;
  at("matches").textContent = t(!total ? "found.none" : many ? "found.some" : "found", {n: total, shown: products.length});
  at("found").replaceChildren(...products.map((product) => row(product, taken)));
}

function row(product, taken) {
  const name = product.text || product.product_id;
  return make("li", {},
    make("div", {},
      make("span", {class: "name", text: name}),
      make("span", {class: "quiet", text: `${product.category || product.product_id} · ${money(product.price)}`})),
    make("button", {
      type: "button",
      text: t("add"),
      "aria-label": t("add.to", {name, where: t(`where.${where()}`)}),
      on: {click: () => taken(where(), product)},
    }));
}
