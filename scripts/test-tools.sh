#!/usr/bin/env bash
# Installs what the tests need beyond npm: Chromium, redis-server, nginx, HAProxy, Caddy, coturn and openssl. With --gst also GStreamer,
# which long tests of examples need. It uses apt-get where that is installed and permitted; otherwise it prints what to install.
set -euo pipefail

need() { # need COMMAND PACKAGE
  command -v "$1" >/dev/null 2>&1 || get "$@"
}

get() { # get WHAT PACKAGE...
  local what=$1
  shift
  if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    echo "The tests need $what. Install it first, on Debian or Ubuntu with: sudo apt-get install $*" >&2
    exit 1
  fi
  echo "Installing $* for the tests"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

has_gst() { # gst-launch-1.0 with x264enc, and webrtcbin and what it is made of for the Python of the system
  command -v gst-launch-1.0 >/dev/null 2>&1 && /usr/bin/python3 - <<'END' 2>/dev/null
import gi, websockets
for name in ('Gst', 'GstSdp', 'GstWebRTC'): gi.require_version(name, '1.0')
from gi.repository import Gst, GstSdp, GstWebRTC
Gst.init(None)
for name in ('webrtcbin', 'nicesink', 'dtlsenc', 'srtpenc', 'vp8enc', 'rtpvp8pay', 'videotestsrc', 'x264enc'): assert Gst.ElementFactory.find(name)
END
}

[ -n "${CHROMIUM_PATH:-}" ] || command -v chromium >/dev/null 2>&1 || need chromium-headless-shell chromium-headless-shell
need redis-server redis-server
need openssl openssl
need turnserver coturn
# Where only root has it in its path.
PATH="$PATH:/usr/sbin" need nginx nginx
PATH="$PATH:/usr/sbin" need haproxy haproxy
need caddy caddy
if [ "${1-}" = --gst ] && ! has_gst; then
  get GStreamer gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
    gstreamer1.0-plugins-ugly gstreamer1.0-nice gir1.2-gst-plugins-bad-1.0 python3-gi python3-websockets
fi
