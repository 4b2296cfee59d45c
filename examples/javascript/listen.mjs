// Print what emotus says: node listen.mjs [ws://127.0.0.1:8765], while `emotus run ... -b ws:127.0.0.1:8765` runs.
import { connect } from "./emotus.js";

const show = connect(process.argv[2] ?? "ws://127.0.0.1:8765", { types: ["emotion", "status"], maxHz: 5 });
show.on("open", (hello) => console.log(`${hello.name}: ${hello.labels.join(", ")}; ${hello.notice}`));
show.on("missed", (gap) => console.log("missed while away:", JSON.stringify(gap.missed)));
show.on("close", ({ reason, retryMs }) => console.log(`lost (${reason || "no reason"}), again in ${retryMs} ms`));
show.on("status", (event) => console.log(`${event.level}: ${event.message}`));
process.on("SIGINT", () => show.close());
for await (const event of show) {
  if (event.type === "emotion") {
    console.log(event.stream, event.label, Math.round(100 * event.confidence) + " %", event.valence, event.arousal);
  }
}
