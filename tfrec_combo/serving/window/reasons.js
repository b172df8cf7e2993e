// Why a product is answered, in words.

import {t} from "./texts.js";

const NAMED = ["basket", "history", "set"];
const KNOWN = [...NAMED, "asked", "query", "again", "popular"];

// name: id -> what the product is called. "" where the model gives no reason.
export function why({reason, goesWith, together}, name) {
  if (!KNOWN.includes(reason)) return "";
  if (NAMED.includes(reason) && !goesWith) return "";
  const values = {name: goesWith ? name(goesWith) : "", n: Math.round(together)};
  return t(reason === "asked" && goesWith ? "why.asked.with" : `why.${reason}`, values);
}

// Why there is no set, in words.
export function whyNone(status, {budget, most}) {
  if (status === "budget") return budget ? t("status.budget", {budget}) : t("status.budget.none");
  const known = ["size", "must_include", "too_few_products"].includes(status);
  return t(`status.${known ? status : "other"}`, {most});
}
