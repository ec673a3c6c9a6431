// What whoever looks chose: language and theme, remembered here. Runs before anything is drawn, so that nothing
// flashes.
"use strict";
(() => {
  const root = document.documentElement;
  const read = (name) => {
    try {
      return localStorage.getItem(`hightide.${name}`);
    } catch {
      return null;
    }
  };
  const theme = read("theme");
  if (theme) root.dataset.theme = theme;
  root.lang = read("lang") ?? (navigator.language.startsWith("zh") ? "zh-CN" : "en");
})();
