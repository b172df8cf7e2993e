// This server's own REST API, and the JSON it serves for the page.

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status; // 0 where the server was not reached
  }
}

let token = "";
const described = new Map();

export const hasToken = () => token !== "";

export function useToken(given) {
  token = given.trim();
}

// A target is {model, version, label}; its address in the REST API.
export function address({model, version, label}) {
  const which = version ? `/versions/${version}` : label ? `/labels/${encodeURIComponent(label)}` : "";
  return `/v1/models/${encodeURIComponent(model)}${which}`;
}

// What the page reads besides: /ui/api/`name` of a target.
export async function read(name, target = {}, more = []) {
  const asked = new URLSearchParams(Object.entries(target).filter(([, value]) => value));
  for (const [key, value] of more) asked.append(key, value);
  return (await call(`/ui/api/${name}?${asked}`)).said;
}

// The signatures of a target by name.
export async function signatures(target) {
  const path = `${address(target)}/metadata`;
  if (!described.has(path)) {
    const {said} = await call(path);
    described.set(path, said.metadata.signature_def.signature_def);
  }
  return described.get(path);
}

// Runs a signature: its outputs, and the milliseconds from the request to the read answer.
export async function predict(target, body) {
  try {
    const {said, ms} = await call(`${address(target)}:predict`, body);
    return {outputs: said.outputs, ms};
  } catch (e) {
    described.clear(); // a newer version may take other inputs
    throw e;
  }
}

async function call(path, body) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const started = performance.now();
  let answer, text;
  try {
    answer = await fetch(path, {method: body === undefined ? "GET" : "POST", headers, body});
    text = await answer.text();
  } catch {
    throw new Refusal(0, "");
  }
  const ms = performance.now() - started;
  let said;
  try {
    // TF Serving writes NaN and Infinity, which are no JSON; inside of strings they stay.
    said = JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (one) => (one[0] === '"' ? one : "null")));
  } catch {
    said = {error: text.slice(0, 200)};
  }
  if (!answer.ok) throw new Refusal(answer.status, said.error ?? "");
  return {said, ms};
}
