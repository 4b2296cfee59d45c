#!/usr/bin/env bash
# TensorRT's real Python interface without its gigabytes of libraries: the bindings' wheel, and empty libraries for it to
# load. Nothing can be run with it, but every name that we use must be there. usage: tensorrt_interface.sh PYTHON VERSION...
set -euo pipefail
python=$1
shift
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
for version in "$@"; do
    place=$(mktemp -d)
    trap 'rm -rf "$place"' EXIT
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$place" "tensorrt-cu12-bindings==$version"
    library=$place/tensorrt_bindings/tensorrt.so
    # What the interface wants of its libraries, as functions that do nothing.
    nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $2); print $2 }' |
        grep -E '_INTERNAL$|PluginRegistry$|^getNvOnnx|^initLibNv|^getInferLib' | sort -u |
        awk '{ print "void *" $1 "(void) { return 0; }" }' >"$place/nothing.c"
    for wanted in $(ldd "$library" | awk '/libnv.*not found/ { print $1 }'); do
        cc -shared -fPIC -o "$place/$wanted" "$place/nothing.c" -Wl,-soname,"$wanted"
    done
    echo "TensorRT $version"
    LD_LIBRARY_PATH=$place PYTHONPATH=$place "$python" -m pytest -q -rs -k every_name "$root/tests/training/test_export_tensorrt.py"
    rm -rf "$place"
done
