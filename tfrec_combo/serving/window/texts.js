// The page's words, in the language of the visitor.

const LANGUAGES = ["en", "zh"];
const KEY = "tfrec-combo language";

let words = {};
let language = "en";

export const spoken = () => language;

export function preferred() {
  let kept = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch { /* a browser that keeps nothing */ }
  return LANGUAGES.find((one) => one === kept) ?? LANGUAGES.find((one) => navigator.language.startsWith(one)) ?? "en";
}

// Loads a language and puts its words into the page.
export async function speak(wanted) {
  const answer = await fetch(`/ui/texts/${wanted}.json`);
  words = await answer.json();
  language = wanted;
  document.documentElement.lang = wanted === "zh" ? "zh-Hans" : wanted;
  document.title = `${t("title")} · tfrec-combo`;
  for (const one of document.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  for (const one of document.querySelectorAll("[data-t-hint]")) one.placeholder = t(one.dataset.tHint);
  try {
    localStorage.setItem(KEY, wanted);
  } catch { /* as above */ }
}

// The text of a key, with {names} filled in; `n` chooses between singular and plural.
export function t(key, values = {}) {
  const single = values.n !== undefined && new Intl.PluralRules(language).select(values.n) === "one";
  const text = (single && words[`${key}.one`]) || words[key] || key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] === undefined ? whole : String(
    typeof values[name] === "number" ? number(values[name]) : values[name]));
}

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(language, {minimumFractionDigits: digits, maximumFractionDigits: digits}).format(value);

export const money = (value) => (value > 0 ? number(value, 2) : t("price.unknown"));

export const took = (ms) => number(ms, ms < 10 ? 1 : 0);
