# Sourced by scripts: installs sqlglot into a cache folder and names its Python.
command -v python3 >/dev/null || { echo "$0 needs python3" >&2; exit 1; }
cache=${XDG_CACHE_HOME:-$HOME/.cache}/assay-sqlglot
if ! "$cache/bin/python" -c 'import sqlglot; assert sqlglot.__version__ == "30.30.0"' 2>/dev/null; then
  python3 -m venv "$cache"
  "$cache/bin/pip" install -q sqlglot==30.30.0
fi
export ASSAY_SQLGLOT=$cache/bin/python
