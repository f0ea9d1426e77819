// Runs the page's script as a browser would, in Node, with as much of a document as it uses.
// Arguments: the server's address, what fields hold as JSON, and after how much text to press Stop.
// Prints what can be seen in the end.
const [root, fields, stopAfter] = process.argv.slice(2);
const html = await (await fetch(root)).text();
const elements = {};

function element(value) {
  const made = { value, disabled: false, text: "" };
  made.append = text => {
    made.text += text;
    if (stopAfter && made.text.length >= Number(stopAfter)) {
      elements.stop.onclick();
    }
  };
  made.replaceChildren = child => { made.text = "[" + child.textContent + "]"; };
  return made;
}

for (const [, id] of html.matchAll(/id="([a-z]+)"/g)) {
  const tag = html.match(new RegExp(`<[^>]*id="${id}"[^>]*>([^<]*)`));
  const value = tag[0].match(/value="([^"]*)"/);
  elements[id] = element(value ? value[1] : tag[1]);
}
globalThis.document = { getElementById: id => elements[id], createElement: () => element("") };
const ask = globalThis.fetch;
// Byte by byte: characters, lines and events come in halves.
const halves = () => new TransformStream({
  transform(chunk, to) {
    chunk.forEach(byte => to.enqueue(Uint8Array.of(byte)));
  }
});
globalThis.fetch = async (path, options) => {
  const answer = await ask(new URL(path, root), options);
  return new Response(answer.body.pipeThrough(halves()), { status: answer.status });
};
(0, eval)(html.slice(html.indexOf("<script>") + 8, html.indexOf("</script>")));

while (elements.model.textContent === undefined && elements.note.textContent === undefined) {
  await new Promise(soon => setTimeout(soon, 10)); // until it has asked who is served
}
Object.entries(JSON.parse(fields)).forEach(([id, value]) => { elements[id].value = value; });
await elements.go.onclick();
console.log(JSON.stringify({
  model: elements.model.textContent,
  out: elements.out.text,
  note: elements.note.textContent,
  go: elements.go.disabled,
  stop: elements.stop.disabled
}));
process.exit(0);
