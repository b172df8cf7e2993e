// The columns of an answer to one request -> products and sets, pads left out.

const because = (outputs, ...place) => {
  const at = (name) => place.reduce((value, i) => value?.[i], outputs[name]?.[0]);
  const goesWith = at("goes_with_ids") || null;
  // complete_basket of older models names the partner and no reason: it is the basket's.
  return {reason: at("reasons") || (goesWith ? "basket" : null), goesWith, together: at("bought_together") ?? 0};
};

export function products(outputs, without = new Set()) {
  return outputs.product_ids[0].flatMap((id, i) => !id || without.has(id) ? [] : [{
    id, score: outputs.scores[0][i], price: outputs.prices?.[0][i] ?? 0, ...because(outputs, i),
  }]);
}

export function sets(outputs, without = new Set()) {
  return outputs.set_ids[0].flatMap((ids, c) => {
    const members = ids.flatMap((id, m) => !id ? [] : [{
      id,
      price: outputs.set_prices?.[0][c][m] ?? 0,
      adds: outputs.contributions?.[0][c][m] ?? null,
      ...because(outputs, c, m),
    }]);
    if (!members.length || members.some(({id}) => without.has(id))) return [];
    return [{members, total: outputs.totals[0][c], score: outputs.set_scores[0][c]}];
  });
}

export const status = (outputs) => outputs.status?.[0] ?? "";

// Every product that an answer names, for their texts.
export const ids = (found) => found.flatMap((one) => one.members ? ids(one.members) : [one.id, one.goesWith]).filter(Boolean);
