// The page of this plugin: an ES module that fills an element, and gives back what takes it away again.
export function mount(el, ctx) {
  const card = document.createElement("section");
  const button = document.createElement("button");
  const said = document.createElement("output");
  card.className = "hello-panel";
  button.textContent = "Greet";
  button.addEventListener("click", async () => {
    const answer = await ctx.api.get(`${ctx.api.own}/greeting`);
    // textContent, never innerHTML: what comes from elsewhere is text.
    said.textContent = answer.greeting;
  });
  card.append(button, said);
  el.append(card);
  return () => card.remove();
}
