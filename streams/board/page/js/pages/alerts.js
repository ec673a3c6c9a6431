// Every alert, newest first, by state.

import { h } from "../dom.js";
import { alertList } from "../live/alerts.js";
import { withAnswer } from "./parts.js";
import { section } from "./scope.js";

const STATES = ["", "provisional", "confirmed", "retracted", "superseded", "reinstated"];

/** The page of `context.route.state`, which is "" for all. */
export function alertsPage(context) {
  const { t, route } = context;
  const chosen = STATES.includes(route.state) ? route.state : "";
  const tab = (state) =>
    h(
      "a",
      { key: state, href: `#/alerts/${state}`, "aria-current": state === chosen ? "page" : null },
      state ? t.states[state] : t.all,
    );
  const path = `/v1/alerts?limit=200${chosen && `&state=${chosen}`}`;
  return h(
    "div.sheet",
    { key: `alerts-${chosen}` },
    h("header.title", null, h("h1", null, t.alerts), h("nav.tabs", { "aria-label": t.alerts }, STATES.map(tab))),
    section(
      "its-alerts",
      chosen ? t.states[chosen] : t.all,
      withAnswer(context, path, (data) => alertList(context, [...data.alerts].reverse(), 200)),
    ),
  );
}
