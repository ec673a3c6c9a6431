// The page: one state, one drawing of it. Everything that changes it ends in `draw`.

import { Answers } from "./asking.js";
import { show } from "./dom.js";
import { alarm, freshnessOf, head, LOUD } from "./head.js";
import { livePage } from "./live/page.js";
import { spoken } from "./live/alerts.js";
import { alertsPage } from "./pages/alerts.js";
import { reportPage } from "./pages/report.js";
import { scopePage } from "./pages/scope.js";
import { sessionPage } from "./pages/session.js";
import { routeOf } from "./router.js";
import { after, fresh, NOTHING } from "./state.js";
import { Stream } from "./stream.js";
import { offsetOf, Zone } from "./time.js";
import { tokenForm } from "./token.js";
import en from "./words/en.js";
import zh from "./words/zh.js";

const PAGES = { live: livePage, alerts: alertsPage, report: reportPage, scope: scopePage, session: sessionPage };
const SPOKEN = 3;
const root = document.documentElement;
const at = (id) => document.getElementById(id);
const light = matchMedia("(prefers-color-scheme: light)");

let state = NOTHING;
let drawing = false;
let wantsToken = false;
let moved_ms = 0;
let sign = null;
const began_ms = Date.now();
const answers = new Answers(draw);
const stream = new Stream("/v1/stream", take, () => {
  wantsToken = true;
  draw();
});

// -- what happens -----------------------------------------------------------------------------------
function take(data) {
  const news = state.heard_ms === null ? [] : fresh(state.alerts, data.alerts ?? []);
  const before_ms = state.freshness?.as_of_ms;
  state = after(state, data, Date.now());
  if (before_ms !== undefined && state.freshness.as_of_ms > before_ms) moved_ms = Date.now();
  wantsToken = false;
  draw();
  if (news.length) speak(news);
}

/** What is new is said to screen readers; of a flood the last of it. */
function speak(news) {
  const context = contextNow();
  at("said").textContent = news
    .slice(-SPOKEN)
    .map((told) => spoken(context, told))
    .join(". ");
}

function choose(name, value) {
  if (name === "theme") root.dataset.theme = value;
  else root.lang = value;
  try {
    localStorage.setItem(`hightide.${name}`, value);
  } catch {
    // a browser that keeps nothing forgets the choice: that is its owner's wish
  }
  draw();
}

function go() {
  draw();
  scrollTo(0, 0);
  at("main").focus({ preventScroll: true });
}

// -- drawing ----------------------------------------------------------------------------------------
function contextNow() {
  const chinese = root.lang.startsWith("zh");
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : !light.matches;
  const zone = new Zone(offsetOf(state.hour), chinese);
  const t = chinese ? zh : en;
  return {
    t,
    chinese,
    dark,
    zone,
    state,
    answers,
    choose,
    route: routeOf(location.hash),
    now_ms: Date.now(),
    began_ms,
    moved_ms,
    lost_ms: stream.lost_ms,
  };
}

function draw() {
  if (drawing) return;
  drawing = true;
  // not by animation frames: those of a page that nobody sees do not come
  queueMicrotask(() => {
    drawing = false;
    drawNow(contextNow());
  });
}

function drawNow(context) {
  const { t, route } = context;
  document.title = route.id ? `${route.id} · ${t.title}` : t.title;
  at("skip").textContent = t.skip;
  show(at("head"), head(context));
  at("alarm").setAttribute("aria-label", t.warning);
  show(at("alarm"), alarm(context));
  signal(freshnessOf(context));
  show(at("main"), wantsToken ? tokenForm(context, () => stream.open()) : PAGES[route.page](context));
  answers.forget();
}

/** A loud sign is also heard, once: its text has a clock in it. */
function signal({ kind, title, more }) {
  if (kind !== sign && LOUD.includes(kind)) at("said").textContent = `${title}. ${more}`;
  sign = kind;
}

addEventListener("hashchange", () => location.hash !== "#main" && go());
at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  at("main").focus();
});
light.addEventListener("change", draw);
setInterval(() => {
  stream.watch();
  draw();
}, 1_000);
draw();
stream.open();
