#!/usr/bin/env bash
# What people do without imgcompare where the app needs its database: build, compose up, poll with curl, compose down, one
# Dockerfile after the other. usage: by_hand_compose.sh DOCKER COMPOSE CONTEXT DOCKERFILE...
set -euo pipefail
docker=$1 compose=$2 context=$3
shift 3
export DOCKER_BUILDKIT=1

build() { "$docker" build --quiet --label imgcompare-bench --file "$1" --tag "$2" "$3" >/dev/null; }

for dockerfile in "$@"; do
  tag="by-hand:$(basename "$dockerfile" .Dockerfile | tr '[:upper:]' '[:lower:]')"
  build "$dockerfile" "$tag" "$context"
  for service in db cache; do
    build "$context/services/$service/Dockerfile" "by-hand:$service" "$context/services/$service"
  done
  up=("$compose" --project-name by-hand --progress quiet --file -)
  file=$(cat <<YAML
services:
  shop:
    image: $tag
    ports: ["127.0.0.1::5000"]
    environment: {DATABASE_URL: "postgresql://shop:shop@db/shop", CACHE_URL: "redis://cache:6379/0"}
    read_only: true
    tmpfs: [/tmp]
    depends_on: {db: {condition: service_healthy}, cache: {condition: service_started}}
  db: {image: "by-hand:db", healthcheck: {test: [CMD, pg_isready, -h, localhost], interval: 1s}}
  cache: {image: "by-hand:cache", healthcheck: {test: [CMD, redis-cli, ping], interval: 1s}}
YAML
  )
  "${up[@]}" up --detach --wait <<<"$file"
  address=$("${up[@]}" port shop 5000 <<<"$file")
  until curl --silent --fail --output /dev/null "http://$address/"; do sleep 0.05; done
  "${up[@]}" down --volumes --timeout 0 <<<"$file"
done
"$docker" images by-hand
