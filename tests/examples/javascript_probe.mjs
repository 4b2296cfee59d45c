// One client, told on standard output: node javascript_probe.mjs FOLDER URL OPTIONS; or: FOLDER decode < lines of hex.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, url, options = "{}"] = process.argv.slice(2);
const { connect, decode } = await import(pathToFileURL(`${folder}/emotus.js`).href);
const print = (value) => process.stdout.write(JSON.stringify(value, (_, each) => (ArrayBuffer.isView(each) ? [each.constructor.name, ...each] : each)) + "\n");
const lines = createInterface({ input: process.stdin });

if (url === "decode") {
  for await (const line of lines) {
    try {
      print({ value: decode(Uint8Array.from(Buffer.from(line, "hex"))) });
    } catch (error) {
      print({ error: error instanceof Error ? error.message : String(error) });
    }
  }
} else {
  const show = connect(url, JSON.parse(options));
  for (const kind of ["open", "missed", "close", "problem", "event"]) {
    show.on(kind, (value) => print({ kind, value: kind === "problem" ? value.message : value, counts: show.counts }));
  }
  lines.on("line", (line) => {
    const [command, args] = JSON.parse(line);
    if (command === "close") show.close();
    else show.control(command, args).then(() => print({ kind: "accepted" }), (error) => print({ kind: "refused", value: error.message }));
  });
  lines.on("close", () => show.close());
  let heard = 0;
  for await (const _ of show) heard++;
  print({ kind: "end", heard });
}
