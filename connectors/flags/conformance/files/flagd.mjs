// Evaluates flags of flagd files with flagd's own evaluator. Standard input is a
// list of {text, key, units}; for each, standard output has a line with the list
// of the variants of the units.
import { readFileSync } from 'node:fs';
import { FlagdCore } from '@openfeature/flagd-core';

const quiet = { error() {}, warn() {}, info() {}, debug() {} };
for (const { text, key, units } of JSON.parse(readFileSync(0, 'utf8'))) {
  const core = new FlagdCore(undefined, quiet);
  core.setConfigurations(text);
  const variant = (unit) => core.resolveNumberEvaluation(key, -1, { targetingKey: unit }, quiet).variant ?? '';
  console.log(JSON.stringify(units.map(variant)));
}
