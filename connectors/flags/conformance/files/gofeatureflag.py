"""Evaluates flags with go-feature-flag's own evaluator, the library's Go code as
its providers ship it.

Standard input is a list of {text, key, units}, the texts being JSON; for each,
standard output has a line with the list of the variations of the units.
"""

import json
import sys

from gofeatureflag_python_provider.wasm import EvaluateWasm
from gofeatureflag_python_provider.wasm.model import WasmFlagContext, WasmInput

evaluator = EvaluateWasm(pool_size=1)
evaluator.initialize()
context = WasmFlagContext(defaultSdkValue=-1)
for case in json.load(sys.stdin):
    flag = json.loads(case["text"])[case["key"]]
    given = [
        evaluator.evaluate(
            WasmInput(flagKey=case["key"], flag=flag, evalContext={"targetingKey": unit}, flagContext=context)
        ).variationType
        for unit in case["units"]
    ]
    print(json.dumps(given), flush=True)
evaluator.dispose()
