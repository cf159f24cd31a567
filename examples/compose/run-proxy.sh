#!/bin/sh
# Runs nginx or HAProxy from the files that Trimtab renders for a fleet, and applies every new generation: fetch, check with
# the proxy's own checker, switch by a link, reload. A bad generation is reported and left alone; the last good one runs on.
# For the proxies' public Alpine images (busybox sh, wget and tar). `src/agent` does the same with more proof.
#
# Usage: run-proxy.sh nginx|haproxy FLEET     with TRIMTAB_URL and TRIMTAB_TOKEN_FILE set
set -u

proxy=$1
fleet=$2
# Where generations are unpacked; empty at the start.
dir=${CONFIG_DIR:-/config}
# Seconds between two looks at the server.
interval=${INTERVAL:-2}

pid=
seen=

check() {
  case $proxy in
    nginx) nginx -t -q -e stderr -p "$1" -c "$1/nginx.conf" -g "pid $dir/nginx.pid;" ;;
    haproxy) haproxy -c -q -f "$1" ;;
  esac
}

start() {
  case $proxy in
    nginx) nginx -e stderr -p "$dir/current" -c "$dir/current/nginx.conf" -g "daemon off; pid $dir/nginx.pid;" & ;;
    haproxy) haproxy -W -f "$dir/current" & ;;
  esac
  pid=$!
}

reload() {
  case $proxy in
    nginx) kill -HUP "$pid" ;;
    haproxy) kill -USR2 "$pid" ;;
  esac
}

fetch() {
  wget -q -T 10 -O "$dir/next.tar" --header "Authorization: Bearer $(cat "$TRIMTAB_TOKEN_FILE")" \
    "$TRIMTAB_URL/v1/fleets/$fleet/files?format=tar"
}

# Applies what was fetched unless it was looked at before.
apply() {
  name=$(sha256sum "$dir/next.tar" | cut -c 1-16)
  [ "$name" = "$seen" ] && return
  seen=$name
  mkdir -p "$dir/$name" && tar -x -f "$dir/next.tar" -C "$dir/$name" || return
  if ! check "$dir/$name"; then
    echo "$proxy: generation $name was refused by the proxy's checker; the last good one runs on" >&2
    rm -rf "${dir:?}/$name"
    return
  fi
  before=$(readlink "$dir/current" || true)
  ln -s "$name" "$dir/link" && mv -T "$dir/link" "$dir/current"
  if [ -z "$pid" ]; then start; else reload; fi
  echo "$proxy: generation $name"
  # The one before stays: a reload may still be reading it.
  for old in "$dir"/????????????????; do
    [ "$old" = "$dir/$name" ] || [ "$old" = "$dir/$before" ] || rm -rf "$old"
  done
}

# Both take SIGTERM as "stop now".
trap '[ -n "$pid" ] && kill -TERM "$pid"; wait; exit 0' TERM INT

while :; do
  if fetch; then apply; fi
  if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; then
    echo "$proxy ended" >&2
    exit 1
  fi
  sleep "$interval" &
  wait $!
done
