// What is asked for -> the body of a predict request, as the signature declares it.

export class Wrong extends Error {
  constructor(key, values = {}, field = null) {
    super(key);
    this.key = key;
    this.values = values;
    this.field = field; // id of the form's field
  }
}

const CUT = ["history_ids", "history_days", "basket_ids", "exclude_ids"];
const FIELDS = {must_include_ids: "must", allowed_categories: "categories"};

export const width = (tensor, axis = 1) => Math.max(0, Number(tensor?.tensor_shape.dim[axis]?.size ?? 0));

// "17:3.5, 18" -> lines, the newest first; a colon without a number behind it is part of the id.
export function lines(text) {
  const found = text.split(/[,\n]/).map((one) => one.trim()).filter(Boolean).map((one) => {
    const [, id, days] = one.match(/^(.+):\s*(-?\d+(?:\.\d+)?)$/) ?? [null, one, "0"];
    if (Number(days) < 0) throw new Wrong("wrong.days", {got: days}, "history");
    return {id: id.trim(), days: Number(days)};
  });
  return found.sort((a, b) => a.days - b.days);
}

// The wishes about sets, sizes settled: one that is said moves the model's own other one out of its way.
export function settled(signature, wishes) {
  const {size_min: least, size_max: most, ...more} = wishes;
  const largest = width(signature.outputs.set_ids, 2) || 4;
  for (const [field, size] of Object.entries({size_min: least, size_max: most})) {
    if (size > largest) throw new Wrong("wrong.largest", {most: largest}, field);
  }
  if (least && most && least > most) throw new Wrong("wrong.sizes", {}, "size_min");
  if (!least && !most) return more;
  const low = least ?? Math.min(usual(signature, "size_min", 2), most);
  return {...more, size_min: low, size_max: most ?? Math.max(usual(signature, "size_max", Math.min(4, largest)), low)};
}

// One row of inputs by columns. What nobody says is left to the model where it has a default.
export function body(name, signature, shopper, wishes = {}) {
  const said = {
    history_ids: shopper.history.map((line) => line.id),
    history_days: shopper.history.map((line) => line.days),
    basket_ids: shopper.basket,
    exclude_ids: shopper.exclude,
    query: shopper.query,
    ...named(wishes),
  };
  const inputs = {};
  for (const [input, tensor] of Object.entries(signature.inputs)) {
    const value = said[input];
    const silent = value === undefined || value === "" || (Array.isArray(value) && !value.length);
    if (silent && signature.defaults?.[input] && input !== "query") continue;
    inputs[input] = [filled(input, tensor, silent ? undefined : value, signature)];
  }
  return JSON.stringify({signature_name: name, inputs});
}

// Products of the basket and of those left out that did not fit into the request; answers go without them all the same.
export function beyond(signature, shopper) {
  const rest = (input, ids) => ids.slice(width(signature.inputs[input]) || ids.length);
  return new Set([...rest("basket_ids", shopper.basket), ...rest("exclude_ids", shopper.exclude)]);
}

export const isCut = (signature, shopper) => beyond(signature, shopper).size > 0
  || shopper.history.length > (width(signature.inputs.history_ids) || Infinity);

function named({must_include, ...wishes}) {
  return must_include === undefined ? wishes : {...wishes, must_include_ids: must_include};
}

function filled(name, tensor, value, signature) {
  const pad = tensor.dtype === "DT_STRING" ? "" : 0;
  if (tensor.tensor_shape.dim.length === 1) return value ?? neutral(name, signature, pad);
  const wide = width(tensor);
  const given = value ?? [];
  if (given.length > wide && !CUT.includes(name)) throw new Wrong("wrong.many", {most: wide}, FIELDS[name] ?? null);
  return [...given.slice(0, wide), ...Array(Math.max(0, wide - given.length)).fill(pad)];
}

function neutral(name, signature, pad) {
  const largest = width(signature.outputs.set_ids, 2) || 4;
  return {size_min: Math.min(2, largest), size_max: Math.min(4, largest)}[name] ?? pad;
}

// A whole number that the signature has as a default, in either of a TensorProto's two forms.
function usual(signature, name, otherwise) {
  const proto = signature.defaults?.[name];
  if (proto?.int_val?.length) return proto.int_val[0];
  if (!proto?.tensor_content) return otherwise;
  const bytes = Uint8Array.from(atob(proto.tensor_content), (one) => one.charCodeAt(0));
  return new DataView(bytes.buffer).getInt32(0, true);
}
