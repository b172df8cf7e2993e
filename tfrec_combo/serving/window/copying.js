// A request as a command or a program that asks the same.

import {address, hasToken} from "./server.js";
import {t} from "./texts.js";

export const FORMS = {curl, python, grpc};

const text = (value) => JSON.stringify(value);
const list = (values) => `[${values.map(text).join(", ")}]`;

// Each takes what was asked: {target, body, signature, shopper, wishes, grpcPort}.
function curl({target, body}) {
  const inQuotes = (value) => `'${value.replaceAll("'", "'\\''")}'`;
  const token = hasToken() ? ` \\\n  -H "Authorization: Bearer $TOKEN"` : "";
  return `curl -s ${inQuotes(location.origin + address(target) + ":predict")}${token} \\\n  -d ${inQuotes(body)}`;
}

function python(asked) {
  return program("rest", "RestClient", location.origin, asked);
}

function grpc(asked) {
  if (!asked.grpcPort) return t("request.nogrpc");
  return program("rpc", "GrpcClient", `${location.hostname}:${asked.grpcPort}`, asked);
}

function program(module, client, where, {target, signature, shopper, wishes}) {
  const secure = module === "rpc" && location.protocol === "https:";
  const words = [shopper.history.length && "Bought", signature === "combine" && "SetWishes", "Shopper"].filter(Boolean);
  const libraries = [hasToken() && "import os", secure && "import grpc"].filter(Boolean);
  const which = [
    target.version ? `, version=${target.version}` : "",
    target.label ? `, label=${text(target.label)}` : "",
    hasToken() ? `, token=os.environ["TOKEN"]` : "",
    secure ? ", credentials=grpc.ssl_channel_credentials()" : "",
  ].join("");
  const shown = signature === "combine"
    ? `for one in client.combine(shopper, wishes).sets:\n    print(one.score, one.total, [p.product_id for p in one.products])`
    : `for one in client.${signature}(shopper${wishes.diversity === undefined ? "" : `, diversity=${wishes.diversity}`}):\n`
      + "    print(one.score, one.price, one.product_id)";
  return [
    ...(libraries.length ? [...libraries, ""] : []),
    `from tfrec_combo.client.asking import ${words.join(", ")}`,
    `from tfrec_combo.client.${module} import ${client}`,
    "",
    `shopper = Shopper(${shopperOf(shopper)})`,
    ...(signature === "combine" ? [`wishes = SetWishes(${wishesOf(wishes)})`] : []),
    `with ${client}(${text(where)}, ${text(target.model)}${which}) as client:`,
    `  ${shown}`,
  ].join("\n");
}

function shopperOf({history, basket, query, exclude}) {
  const bought = history.map(({id, days}) => `Bought(${text(id)}, ${days})`).join(", ");
  return [
    bought && `history=[${bought}]`,
    basket.length && `basket=${list(basket)}`,
    query && `query=${text(query)}`,
    exclude.length && `exclude=${list(exclude)}`,
  ].filter(Boolean).join(", ");
}

function wishesOf(wishes) {
  const said = Object.entries(wishes).filter(([, value]) => value !== undefined);
  return said.map(([name, value]) => `${name}=${Array.isArray(value) ? list(value) : value}`).join(", ");
}

// To the clipboard; false where the browser does not let the page, and the text is marked instead.
export async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return document.execCommand?.("copy") ?? false; // pages of plain http hosts have no other way
  }
}
