#!/bin/sh
# `pipy docker-start [option ...]` runs what the environment says, as in the original's image; any other command is executed as
# it is. PIPY_CONFIG_FILE, PIPY_SPAWN and the rest are read by pipy itself.
set -eu

if [ "${1:-}" = pipy ] && [ "${2:-}" = docker-start ]; then
    shift 2
    # Started as root, for ports below 1024: the workers are not.
    if [ "$(id -u)" -eq 0 ]; then
        export PIPY_USER="${PIPY_USER:-pipy}"
    fi
    set -- pipy "$@"
fi

exec "$@"
