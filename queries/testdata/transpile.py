"""Translate statements of BigQuery and Snowflake into DuckDB's SQL.

Reads [{"dialect": "bigquery", "sql": "..."}, ...] and writes [{"sql": "..."} or {"error": "..."}, ...]
in the same order; with --lines each request and each answer is a line. What sqlglot does not understand, or knows that it cannot
express, is an error and never passed on as it is. Written for sqlglot 30.30.0.
"""

import json
import logging
import multiprocessing
import re
import sys

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

# Functions that sqlglot does not know and DuckDB gets as macros, in transpiled_test.go.
STAND_INS = {"SYSTEM$TYPEOF"}


def translate(dialect, sql):
    statements = sqlglot.parse(sql, read=dialect)
    if len(statements) != 1:
        raise ValueError(f"{len(statements)} statements")
    tree = statements[0]
    if isinstance(tree, exp.Command):
        raise ValueError("a statement that sqlglot does not parse")
    for function in tree.find_all(exp.Anonymous):
        if function.name.upper() not in STAND_INS:
            raise ValueError(f"{dialect} has no function {function.name} that sqlglot knows")
    tree = rewritten(tree).transform(tried)
    if dialect == "snowflake":
        tree = instants(exact_names(tree))
    return tree.sql("duckdb", unsupported_level=ErrorLevel.RAISE, comments=False, copy=False)


def tried(node):
    """Write SAFE.PARSE_JSON(x) as TRY_PARSE_JSON(x), which sqlglot translates.

    It leaves SAFE. as it is, before a function that fails; DuckDB knows no such prefix.
    """
    if not isinstance(node, exp.SafeFunc):
        return node
    if not isinstance(node.this, exp.ParseJSON):
        raise ValueError(f"SAFE.{node.this.sql()} is not translated")
    return exp.ParseJSON(this=node.this.this, safe=True)


# Letters, digits and signs in full width, and their compatible forms.
FULL_WIDTH = "".join(map(chr, range(0xFF01, 0xFF5F)))
HALF_WIDTH = "".join(map(chr, range(0x21, 0x7F)))


def call(name, *args):
    return exp.Anonymous(this=name, expressions=list(args))


def decoded(text):
    """Give the text that base64 stands for, NULL where it is none or not in UTF-8.

    DuckDB's from_base64 wants the padding, as the services may.
    """
    return call("TRY", call("DECODE", call("FROM_BASE64", text)))


def from_snowflake(node):
    if node.args.get("alphabet"):
        raise ValueError("an alphabet of base64 is not translated")
    return decoded(node.this)


def from_base64(node):
    """SAFE_CAST(SAFE.FROM_BASE64(x) AS STRING), and nothing else of FROM_BASE64."""
    safe = node.this
    if isinstance(safe, exp.SafeFunc) and isinstance(safe.this, exp.FromBase64) and node.is_type("text", "varchar"):
        return decoded(safe.this.this)
    return node


def normal_form(node):
    """NORMALIZE(x, NFC or NFKC).

    DuckDB has no NFKC: of what that changes, the full-width forms are written otherwise.
    """
    form = node.args.get("form")
    form = form.name.upper() if form else "NFC"
    if form == "NFC":
        return call("NFC_NORMALIZE", node.this)
    if form == "NFKC":
        full, half = exp.Literal.string(FULL_WIDTH), exp.Literal.string(HALF_WIDTH)
        return call("NFC_NORMALIZE", call("TRANSLATE", node.this, full, half))
    raise ValueError(f"NORMALIZE to {form} is not translated")


def found(node):
    """REGEXP_INSTR(x, pattern) > 0 tells whether there is a match, which DuckDB can be asked."""
    at, least = node.this, node.expression
    if not isinstance(at, exp.RegexpInstr) or at.args.keys() - {"this", "expression"} or least != exp.Literal.number(0):
        return node
    return call("REGEXP_MATCHES", at.this, at.expression)


def padded(node):
    """LPAD and RPAD to a length that is computed: DuckDB takes no BIGINT."""
    if node.expression.is_int:
        return node
    node.set("expression", exp.cast(node.expression, "int"))
    return node


# What the doctor asks of identifiers beyond what sqlglot translates.
REWRITES = {
    exp.TryCast: from_base64,
    exp.TryBase64DecodeString: from_snowflake,
    exp.Normalize: normal_form,
    exp.GT: found,
    exp.ByteLength: lambda node: call("STRLEN", node.this),
    exp.Pad: padded,
}


def rewritten(tree):
    """Take the rewrites from the inside to the outside: they are nested."""
    for node in reversed(list(tree.find_all(*REWRITES))):
        node.replace(REWRITES[type(node)](node))
    return tree


def exact_names(tree):
    """Make names that differ by case only differ in DuckDB too.

    DuckDB never tells upper from lower case; Snowflake does, where a name is
    quoted. A bare name is upper case there, so lower case is left in exact names only.
    """
    tree = normalize_identifiers(tree, dialect="snowflake")
    for name in tree.find_all(exp.Identifier):
        if name.this != name.this.upper():
            name.set("this", name.this + " exactly")
        name.set("quoted", True)
    return tree


def instants(tree):
    """Write literals of instants as DuckDB reads them.

    sqlglot hands the text of TO_TIMESTAMP_TZ('2026-01-01 00:00:00 +00:00') on, and
    DuckDB takes what follows the second blank for the name of a zone.
    """
    for cast in tree.find_all(exp.Cast):
        if cast.is_type("timestamptz") and cast.this.is_string:
            cast.this.set("this", re.sub(r" (?=[+-]\d\d:\d\d$)", "", cast.this.this))
    return tree


def answer(request):
    logging.disable(logging.CRITICAL)
    try:
        return {"sql": translate(request["dialect"], request["sql"])}
    except (SqlglotError, ValueError) as error:
        return {"error": str(error)}


def main():
    if "--lines" in sys.argv:
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))), flush=True)
        return
    with multiprocessing.Pool() as pool:
        json.dump(pool.map(answer, json.load(sys.stdin), chunksize=16), sys.stdout)


if __name__ == "__main__":
    main()
