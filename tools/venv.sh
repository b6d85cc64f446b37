#!/bin/sh
# Makes the virtual environment $1 with the first Python on the path that is new enough; says what to do when none is.
set -u
venv=$1

for name in "${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11 python; do
    python=$(command -v "$name" 2>/dev/null) || continue
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        lacking=$python
        continue
    fi
    rm -rf "$venv"
    "$python" -m venv "$venv" || { rm -rf "$venv"; exit 1; }
    exit 0
done

if [ -n "${lacking:-}" ]; then
    echo "error: $lacking has no venv module; install it (Debian, Ubuntu: apt install python3-venv) and run make again" >&2
else
    found=$(python3 --version 2>/dev/null || echo none)
    echo "error: Python 3.11 or newer is needed, found: $found; install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
fi
exit 1
