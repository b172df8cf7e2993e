// The page: which model is asked, when, and what is said about it.

import {answersOf, fillModels, targets} from "./models.js";
import {ask} from "./asking.js";
import {at, choices, make, redraw} from "./dom.js";
import {again, clear, fail} from "./faults.js";
import {listen} from "./finding.js";
import {remember, shopper, wishes} from "./form.js";
import {draw, put} from "./lists.js";
import {learn, name} from "./names.js";
import {read, useToken} from "./server.js";
import {side} from "./showing.js";
import {preferred, speak, t, took} from "./texts.js";

let models = null; // what the server serves
let samples = [];
let answered = []; // of the last request that was answered
let turn = 0;

const main = () => targets()[0];
const say = (text) => { at("said").textContent = text; };

function drawLists() {
  draw((id) => (main() ? name(main(), id) : id), (gone) => {
    drawLists();
    recommend(t("removed", {name: gone}));
  });
}

function take(list, ids, text) {
  if (list === "history") remember(ids.join(", "));
  else put(list, ids);
  drawLists();
  recommend(text);
}

// Asks every target that is chosen. first: what is said before the count of what came. go: whether a fault takes the focus.
async function recommend(first = "", go = false) {
  const mine = ++turn;
  const answers = at("answers");
  try {
    if (!models) await start();
    const [who, what] = [shopper(), wishes()];
    clear();
    answers.setAttribute("aria-busy", "true");
    say([first, t("busy")].filter(Boolean).join(" · "));
    const found = [];
    for (const target of targets()) found.push(await ask(target, who, what)); // one after the other: neither slows the other
    if (mine !== turn) return;
    answered = found;
    drawLists();
    drawAnswers(first);
  } catch (e) {
    if (mine === turn) fail(e, go);
  } finally {
    if (mine === turn) answers.removeAttribute("aria-busy");
  }
}

function drawAnswers(first = "") {
  const all = answered.map((one) => new Set([
    ...(one.next?.products ?? []).map(({id}) => id), ...(one.sets?.sets ?? []).flatMap((s) => s.members.map(({id}) => id))]));
  const sides = answered.map((one, i) => side(one, {
    heading: answered.length > 1 ? answersOf(one.target) : null,
    only: (id) => all.length > 1 && all.every((ids, j) => j === i || !ids.has(id)),
    take: (ids, text) => take("basket", ids, text),
    grpcPort: models.grpc_port,
    key: `side${i}`,
  }));
  at("sides").classList.toggle("two", sides.length > 1);
  redraw(at("sides"), ...sides);
  const [one] = answered;
  if (!one) return;
  const ms = (one.next?.ms ?? 0) + (one.sets?.ms ?? 0);
  const counted = t("count", {n: one.next?.products.length ?? 0});
  const done = t("done", {products: counted, n: one.sets?.sets.length ?? 0, ms: took(ms)});
  say([first, done].filter(Boolean).join(" · "));
}

// Reads what is served, once; a server that wants a token is asked again with it.
async function start() {
  models = await read("models");
  fillModels(models.models);
  await changed();
}

// Another model: what is known of it.
async function changed() {
  ({shoppers: samples} = await read("shoppers", main()));
  drawSamples();
}

function drawSamples() {
  choices(at("sample"), [["", t("sample.none")], ...samples.map(({history_ids: ids}, i) => [String(i), t("sample.one", {i: i + 1, n: ids.length})])]);
  at("sample").disabled = !samples.length;
}

async function offerCategories() {
  const {categories} = await read("categories", main(), [["q", at("category").value.trim()], ["limit", 30]]);
  at("paths").replaceChildren(...categories.map(({category, products}) => make("option", {value: category, label: t("count", {n: products})})));
}

function allow() {
  const path = at("category").value.trim();
  if (!path) return;
  at("category").value = "";
  take("categories", [path], t("added", {name: path, where: t("categories")}));
}

async function language(wanted) {
  await speak(wanted);
  at("language").value = wanted;
  drawLists();
  if (!models) return;
  fillModels(models.models);
  drawSamples();
  drawAnswers();
  again();
  if (at("search").value) look();
}

const look = listen(main, async (list, product) => {
  learn(main(), [product]);
  const called = product.text || product.product_id;
  take(list, [product.product_id], t("added", {name: called, where: t(`where.${list}`)}));
  if (list === "history") at("shopper").open = true;
}, fail);

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  useToken(at("token").value);
  recommend("", true).then(() => {
    if (matchMedia("(max-width: 56rem)").matches && at("wrong").hidden) at("answers").focus();
  });
});
at("sample").addEventListener("change", () => {
  const one = samples[Number(at("sample").value)];
  at("history").value = at("sample").value === "" ? "" : one.history_ids.map((id, i) => `${id}:${one.history_days[i]}`).join(", ");
  recommend();
});
at("model").addEventListener("change", () => changed().then(() => recommend()).catch(fail));
at("other").addEventListener("change", () => recommend());
at("language").addEventListener("change", () => language(at("language").value).catch(fail));
at("category").addEventListener("input", () => offerCategories().catch(fail));
at("category").addEventListener("focus", () => offerCategories().catch(fail));
at("category").addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    allow();
  }
});
at("allow").addEventListener("click", allow);
for (const id of ["query", "history", "size_min", "size_max", "budget", "one_per_category", "diversity"]) {
  at(id).addEventListener("change", () => recommend());
}

language(preferred()).then(() => recommend()).catch(fail);
