// What every page has: language, theme, and the line that says how old the numbers are.

import { momentOf, timeOf } from "./clock.js";
import { ago, chosenLanguage, keepLanguage, say } from "./words.js";

const THEME = "hightide-theme";
/** So far behind, with records unread, data is late; without, nothing new has come. */
const LATE_MS = 120_000;

export const frame = { language: chosenLanguage() };

/** A word in the reader's language. */
export const word = (key, values) => say(frame.language, key, values);

/** Wire the buttons; `again` draws the page anew. */
export function startFrame(again) {
  const chosen = localStorage.getItem(THEME);
  const dark = chosen ? chosen === "dark" : !matchMedia("(prefers-color-scheme: light)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.getElementById("language").addEventListener("click", () => {
    frame.language = frame.language === "zh" ? "en" : "zh";
    keepLanguage(frame.language);
    redraw(again);
  });
  document.getElementById("theme").addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(THEME, theme);
    redraw(again);
  });
  redraw(again);
}

function redraw(again) {
  document.documentElement.lang = frame.language === "zh" ? "zh-CN" : "en";
  document.getElementById("language").textContent = word("language");
  document.getElementById("theme").textContent = word(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  again();
}

/** Say how old everything is; loudly where it is late, the store is away or the stream is cut. */
export function showFreshness(freshness, connected) {
  const alarm = document.getElementById("alarm"), told = freshness?.as_of_ms ?? null;
  document.getElementById("as-of").textContent = told === null ? word("waiting") : word("asOf", { time: momentOf(told) });
  const [text, loud] = trouble(freshness, told, connected);
  alarm.hidden = text === null;
  alarm.classList.toggle("loud", loud);
  if (text !== null && alarm.textContent !== text) alarm.textContent = text;
}

function trouble(freshness, told, connected) {
  const time = told === null ? "–" : momentOf(told);
  if (!connected) return [word("cut", { time }), true];
  if (!freshness) return [null, false];
  if (!freshness.store) return [word("store", { time }), true];
  if (told === null || freshness.behind_ms < LATE_MS) return [null, false];
  const values = { time: freshness.behind_ms < 86_400_000 ? timeOf(told) : time, ago: ago(frame.language, freshness.behind_ms) };
  return freshness.unread ? [word("late", values), true] : [word("quiet", values), false];
}
