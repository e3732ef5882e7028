#!/usr/bin/env bash
# Installs what the tests need beyond npm: Chromium, redis-server, nginx, HAProxy, Caddy, coturn, openssl and
# GStreamer.
# It uses apt-get where that is installed and permitted; otherwise it prints what to install.
set -euo pipefail

need() { # need COMMAND PACKAGE…
  local command=$1
  shift
  command -v "$command" >/dev/null 2>&1 && return
  if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    echo "The tests need $command. Install it first, on Debian or Ubuntu with: sudo apt-get install $*" >&2
    exit 1
  fi
  echo "Installing $* for the tests"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

[ -n "${CHROMIUM_PATH:-}" ] || need chromium chromium
need redis-server redis-server
need openssl openssl
need turnserver coturn
# Where only root has it in its path.
PATH="$PATH:/usr/sbin" need nginx nginx
PATH="$PATH:/usr/sbin" need haproxy haproxy
need caddy caddy
# The camera of examples/camera.
need gst-launch-1.0 gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly
