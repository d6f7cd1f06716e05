# Sourced by the commands in script/: find a Python, make .venv, install the compiled requirements.
# shellcheck shell=bash
#
# Sets $root (the checkout), $python (of .venv) and $CALLED_FROM (the caller's folder), and changes to $root.

export CALLED_FROM=$PWD
# Let Python write .pyc files: a dozen processes import the same modules.
unset PYTHONDONTWRITEBYTECODE
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root" || exit 2
venv=$root/.venv
python=$venv/bin/python
needed_mb=500

fail() {
    printf '%s: %s\n' "script/$(basename "$0")" "$*" >&2
    exit 2
}

is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local candidate found=
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
        command -v "$candidate" >/dev/null || continue
        if is_recent "$candidate"; then
            base_python=$candidate
            return
        fi
        found=${found:-$("$candidate" --version 2>&1)}
    done
    [ -n "$found" ] || fail "there is no Python here: install python3 (3.11 or newer)."
    fail "$found is too old: Python 3.11 or newer is needed. Install one, or name one: PYTHON=/path/to/python3"
}

check_space() {
    local free_mb
    free_mb=$(df -Pm "$root" | awk 'NR == 2 { print $4 }')
    [ "${free_mb:-$needed_mb}" -ge "$needed_mb" ] ||
        fail "no space: $root has $free_mb MB free, and the installation needs $needed_mb MB."
}

make_venv() {
    [ -w "$root" ] || fail "$root is not writable for you: clone the project as the user who runs it."
    find_python
    "$base_python" -m venv --clear --without-pip "$venv" ||
        fail "no virtual environment could be made in $venv; see above."
}

# Install one requirements file. Debian's Python lacks ensurepip, so the base Python's pip serves .venv.
install() {
    local pip_python=$python
    if ! "$python" -m pip --version >/dev/null 2>&1; then
        find_python
        pip_python=$base_python
        "$pip_python" -m pip --python "$python" --version >/dev/null 2>&1 || {
            "$python" -m ensurepip >/dev/null 2>&1 ||
                fail "there is no pip (22.3 or newer) for $pip_python: install it, as in 'apt-get install python3-pip'."
            pip_python=$python
        }
    fi
    "$pip_python" -m pip --python "$python" --disable-pip-version-check -qq install \
        --no-compile --require-hashes --requirement "$1" ||
        fail "installing $1 failed; see above. Is the package index reachable, and is there space?"
}

# Compile what many processes import at the same moment; each of them would do it otherwise.
compile_common() {
    "$python" -m compileall -q -j 0 \
        "$venv"/lib/python3*/site-packages/{celery,kombu,billiard,psycopg,psycopg_pool,pgmq} >/dev/null
}

# require FILE...: install each requirements file whose text differs from the one installed last.
require() {
    local file stamp sum
    is_recent "$python" || make_venv
    for file in "$@"; do
        stamp=$venv/.installed-$file
        sum=$("$python" --version; sha256sum <"$file")
        [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && continue
        check_space
        echo "Installing $file into ${venv##*/} ..." >&2
        install "$file"
        compile_common
        echo "$sum" >"$stamp"
    done
}
