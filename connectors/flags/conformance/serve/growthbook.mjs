// What GrowthBook's client for JavaScript gives to units:
// growthbook.mjs FOLDER-OF-NODE_MODULES URL UNITS.json FLAG...
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [folder, apiHost, units, ...flags] = process.argv.slice(2);
const { GrowthBook } = createRequire(folder + "/")("@growthbook/growthbook");

const client = new GrowthBook({ apiHost, clientKey: "sdk-key" });
const { success, error } = await client.init({ timeout: 20000, skipCache: true });
if (!success) throw error ?? new Error("no features");
const all = [];
for (const attributes of JSON.parse(readFileSync(units, "utf8"))) {
  await client.setAttributes(attributes);
  const got = {};
  for (const flag of flags) {
    const r = client.evalFeature(flag);
    got[flag] = { value: r.value, arm: r.experimentResult?.inExperiment ? r.experimentResult.key : "" };
  }
  all.push(got);
}
process.stdout.write(JSON.stringify(all), () => process.exit(0));
