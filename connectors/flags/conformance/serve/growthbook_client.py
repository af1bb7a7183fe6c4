"""What GrowthBook's client for Python gives to units:
growthbook_client.py URL UNITS.json FLAG..."""
import json
import sys

import growthbook

url, units, *flags = sys.argv[1:]
client = growthbook.GrowthBook(api_host=url, client_key="sdk-key")
client.load_features()
everything = []
with open(units, encoding="utf-8") as file:
    for attributes in json.load(file):
        client.set_attributes(attributes)
        got = {}
        for flag in flags:
            r = client.eval_feature(flag)
            exposed = r.experimentResult is not None and r.experimentResult.inExperiment
            got[flag] = {"value": r.value, "arm": r.experimentResult.key if exposed else ""}
        everything.append(got)
json.dump(everything, sys.stdout)
