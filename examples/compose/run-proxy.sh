#!/bin/sh
# Runs nginx or HAProxy from the files that Trimtab renders for a fleet, and applies every new generation: ask for it, check it with
# the proxy's own checker, switch by a link, reload. It asks with the ETag of what it has, so an answer has files only when they are
# new; otherwise it is a 304. A generation that the checker refuses is told and left alone; the last good one runs on, and so it does
# while the server cannot be reached. For the proxies' public Alpine images (busybox sh, wget, tar, timeout); Debian's tools do too.
# `src/agent` does the same with more proof.
#
# Usage: run-proxy.sh nginx|haproxy FLEET     with TRIMTAB_URL, and TRIMTAB_TOKEN_FILE when the server wants a token
#        run-proxy.sh health URL              whether something answers there: for health checks
set -u

if [ "$1" = health ]; then
  # Any status will do: which routes there are is the model's business.
  timeout 2 wget -q -S -O /dev/null "$2" 2>&1 | grep -q 'HTTP/'
  exit
fi

proxy=$1
fleet=$2
# Where generations are unpacked; empty at the start.
dir=${CONFIG_DIR:-/config}
# Seconds between two looks at the server, and for one.
interval=${INTERVAL:-2}
patience=10

pid=
# The ETag of what was looked at last.
etag=
told=

say() {
  echo "$proxy: $1" >&2
}

# Says what lasts once.
say_once() {
  [ "$told" = "$1" ] || say "$1"
  told=$1
}

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

# Asks the server. True when it gave files that are not those of $etag.
fetch() {
  set -- -q -S -O "$dir/next.tar" "$TRIMTAB_URL/v1/fleets/$fleet/files?format=tar"
  [ -z "$etag" ] || set -- --header "If-None-Match: $etag" "$@"
  [ -z "${TRIMTAB_TOKEN_FILE:-}" ] || set -- --header "Authorization: Bearer $(cat "$TRIMTAB_TOKEN_FILE")" "$@"
  # wget fails on every status but 200; which it was stands in what it prints.
  timeout "$patience" wget "$@" 2>"$dir/answer"
  result=$?
  status=$(sed -n 's|^ *HTTP/[0-9.]* \([0-9]*\).*|\1|p' "$dir/answer" | tail -n 1)
  case $status in
    200)
      [ "$result" -eq 0 ] || { say_once "an answer from $TRIMTAB_URL broke off; what runs stays" && return 1; }
      told=
      ;;
    304) told= && return 1 ;;
    '') say_once "no answer from $TRIMTAB_URL; what runs stays" && return 1 ;;
    *) say_once "$TRIMTAB_URL answers $status for fleet $fleet; what runs stays" && return 1 ;;
  esac
}

# Applies what was fetched.
apply() {
  new=$(sed -n 's/^ *[Ee][Tt][Aa][Gg]: *//p' "$dir/answer" | tr -d '\r')
  # The generation: letters and digits, so the name of a folder too.
  name=$(printf %s "$new" | tr -cd 'A-Za-z0-9')
  rm -rf "${dir:?}/next"
  if ! { mkdir "$dir/next" && tar -x -f "$dir/next.tar" -C "$dir/next"; }; then
    say_once "generation $name cannot be unpacked; it is tried again"
    return
  fi
  # From here on it is not looked at again: the same files would get the same verdict.
  etag=$new
  if ! check "$dir/next"; then
    say "generation $name was refused by the proxy's checker; the last good one runs on"
    return
  fi
  before=$(readlink "$dir/current" || true)
  # It is there when what came after it was refused, or was taken back.
  [ -d "$dir/gen-$name" ] || mv "$dir/next" "$dir/gen-$name"
  ln -s "gen-$name" "$dir/link" && mv -T "$dir/link" "$dir/current"
  if [ -z "$pid" ]; then start; else reload; fi
  say "generation $name"
  # The one before stays: a reload may still be reading it.
  for old in "$dir"/gen-*; do
    [ "$old" = "$dir/gen-$name" ] || [ "$old" = "$dir/$before" ] || rm -rf "$old"
  done
}

# Both take SIGTERM as "stop now".
trap '[ -n "$pid" ] && kill -TERM "$pid"; wait; exit 0' TERM INT

while :; do
  if fetch; then apply; fi
  if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; then
    say "the proxy ended"
    exit 1
  fi
  sleep "$interval" &
  wait $!
done
