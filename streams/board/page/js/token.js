// The form that stands in place of everything while the board wants a token. It is kept in a cookie, because a stream
// of the browser can send no other; of this site alone, and not over plain HTTP if the page came over HTTPS.

import { h } from "./dom.js";

const KEPT_S = 90 * 24 * 3600;

/** The form. `done()` is called once the token is kept. */
export function tokenForm(context, done) {
  const { t } = context;
  const submit = (event) => {
    event.preventDefault();
    keep(new FormData(event.target).get("token").trim());
    done();
  };
  return h(
    "form.token.panel",
    { key: "token", on: { submit } },
    h("h1", null, t.token_title),
    h("p", null, t.token_more),
    h(
      "label",
      null,
      t.token_label,
      h("input", { name: "token", type: "password", autocomplete: "off", required: true }),
    ),
    h("button", { type: "submit" }, t.token_send),
  );
}

function keep(token) {
  const safe = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `hightide-token=${encodeURIComponent(token)}; Path=/; SameSite=Strict; Max-Age=${KEPT_S}${safe}`;
}
