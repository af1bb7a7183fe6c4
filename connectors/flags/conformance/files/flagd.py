"""Evaluates flags of flagd files with the Python provider in file mode.

Standard input is a list of {text, key, units}; for each, standard output has a
line with the list of the variants of the units.
"""

import json
import logging
import os
import sys
import tempfile

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

logging.disable(logging.CRITICAL)
for case in json.load(sys.stdin):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "flags.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(case["text"])
        api.set_provider_and_wait(FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=path, deadline_ms=60_000))
        client = api.get_client()
        given = [
            client.get_integer_details(case["key"], -1, EvaluationContext(unit)).variant or ""
            for unit in case["units"]
        ]
        api.shutdown()
    print(json.dumps(given), flush=True)
