// What flagd's evaluator for JavaScript gives to units:
// flagd.mjs FOLDER-OF-NODE_MODULES URL UNITS.json FLAG...
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [folder, url, units, ...flags] = process.argv.slice(2);
const { FlagdCore } = createRequire(folder + "/")("@openfeature/flagd-core");

const quiet = { error: console.error, warn() {}, info() {}, debug() {} };
const core = new FlagdCore(undefined, quiet);
const file = await (await fetch(url + "/flagd/flags.json")).text();
core.setConfigurations(file);
const kinds = { boolean: "Boolean", string: "String", number: "Number", object: "Object" };
const kindOf = {};
for (const flag of flags) {
  kindOf[flag] = kinds[typeof Object.values(JSON.parse(file).flags[flag].variants)[0]];
}
const fallback = { Boolean: false, String: "fallback", Number: 0, Object: {} };
const all = [];
for (const { id, ...attributes } of JSON.parse(readFileSync(units, "utf8"))) {
  const context = id === undefined ? attributes : { ...attributes, targetingKey: id };
  const got = {};
  for (const flag of flags) {
    const kind = kindOf[flag];
    const r = core[`resolve${kind}Evaluation`](flag, fallback[kind], context, quiet);
    got[flag] = { value: r.value, arm: r.variant ?? "", reason: r.reason, error: r.errorCode };
  }
  all.push(got);
}
process.stdout.write(JSON.stringify(all), () => process.exit(0));
