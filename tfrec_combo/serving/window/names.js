// What the page knows of products, by target.

import {read} from "./server.js";

const MOST = 100; // ids of one request
const shelves = new Map();

const key = (target) => JSON.stringify([target.model, target.version ?? "", target.label ?? ""]);

function shelf(target) {
  if (!shelves.has(key(target))) shelves.set(key(target), new Map());
  return shelves.get(key(target));
}

export function learn(target, products) {
  for (const product of products) shelf(target).set(product.product_id, product);
}

// Reads what is not known of `ids` yet.
export async function know(target, ids) {
  const missing = [...new Set(ids)].filter((id) => id && !shelf(target).has(id));
  for (let i = 0; i < missing.length; i += MOST) {
    const some = missing.slice(i, i + MOST);
    const {products} = await read("products", target, some.map((id) => ["id", id]));
    learn(target, products);
    for (const id of some) if (!shelf(target).has(id)) shelf(target).set(id, null);
  }
}

export const product = (target, id) => shelf(target).get(id) ?? null;

export const name = (target, id) => product(target, id)?.text || id;

// Whether the catalogue was asked and does not have it.
export const unknown = (target, id) => shelf(target).get(id) === null;
