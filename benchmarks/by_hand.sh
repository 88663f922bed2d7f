#!/usr/bin/env bash
# What people do without imgcompare: build, run, poll with curl and remove, one Dockerfile after the other.
# usage: by_hand.sh DOCKER CONTEXT [--no-cache] DOCKERFILE...
set -euo pipefail
docker=$1 context=$2
shift 2
options=()
if [ "$1" = --no-cache ]; then
  options+=(--no-cache)
  shift
fi

for dockerfile in "$@"; do
  tag="by-hand:$(basename "$dockerfile" .Dockerfile | tr '[:upper:]' '[:lower:]')"
  DOCKER_BUILDKIT=1 "$docker" build --quiet "${options[@]}" --label imgcompare-bench \
    --file "$dockerfile" --tag "$tag" "$context" >/dev/null
  container=$("$docker" run --detach --publish 127.0.0.1::5000 "$tag")
  address=$("$docker" port "$container" 5000)
  until curl --silent --fail --output /dev/null "http://$address/"; do sleep 0.05; done
  "$docker" rm --force "$container" >/dev/null
done
"$docker" images by-hand
