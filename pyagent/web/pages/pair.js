// Exchanges the token of a pairing link for a session. The token stands behind #, so that no server or log saw it,
// and is taken out of the address bar before anything else.
const said = document.getElementById("said");
const token = new URLSearchParams(location.hash.slice(1)).get("token");
history.replaceState(null, "", "/pair");

async function pair() {
  if (!token) {
    said.textContent = "This link holds no token. Scan the code that pyagent serve --phone shows.";
    return;
  }
  const answer = await fetch("/api/v1/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    said.textContent = [problem.detail, problem.hint].filter(Boolean).join(": ");
    return;
  }
  said.textContent = "Paired.";
  const phone = await fetch("/m/", { method: "HEAD" }).catch(() => null);
  const target = phone && phone.ok ? "/m/" : "/";
  document.getElementById("on").href = target;
  document.getElementById("on").hidden = false;
  location.replace(target);
}

pair().catch(() => { said.textContent = "The server does not answer."; });
