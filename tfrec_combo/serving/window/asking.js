// One target asked for products and for sets: what it answers, and all that is needed to show it.

import * as answers from "./answers.js";
import {know} from "./names.js";
import {beyond, body, isCut, settled, width} from "./request.js";
import {predict, signatures} from "./server.js";

// -> {target, next, sets, cut}: next and sets are null where the model has no such signature, else
// {signature, body, wishes, shopper, ms, products | sets, status, most}.
export async function ask(target, shopper, wishes) {
  const all = await signatures(target);
  const first = shopper.basket.length && all.complete_basket ? "complete_basket" : "recommend";
  const only = wishes.diversity === undefined ? {} : {diversity: wishes.diversity};
  const next = all[first] ? await one(target, first, all[first], shopper, only) : null;
  const sets = all.combine ? await one(target, "combine", all.combine, shopper, settled(all.combine, wishes)) : null;
  const found = [...(next?.products ?? []), ...(sets?.sets ?? [])];
  const given = [...shopper.basket, ...shopper.exclude, ...shopper.history.map(({id}) => id), ...(wishes.must_include ?? [])];
  await know(target, [...answers.ids(found), ...given]).catch((e) => {
    if (e.status !== 400) throw e; // a model without its product table: ids have to do
  });
  const signature = all[first] ?? all.combine;
  return {target, next, sets, given, cut: signature && isCut(signature, shopper) ? width(signature.inputs.basket_ids) : 0};
}

async function one(target, name, signature, shopper, wishes) {
  const takes = ([wish]) => wish === "must_include" || wish in signature.inputs;
  const said = Object.fromEntries(Object.entries(wishes).filter(takes));
  const sent = body(name, signature, shopper, said);
  const {outputs, ms} = await predict(target, sent);
  const without = beyond(signature, shopper);
  const asked = {signature: name, body: sent, wishes: said, shopper, ms};
  if (name === "combine") {
    const most = width(signature.outputs.set_ids, 2);
    return {...asked, sets: answers.sets(outputs, without), status: answers.status(outputs), most};
  }
  return {...asked, products: answers.products(outputs, without)};
}
