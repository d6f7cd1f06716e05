#!/bin/sh
# Start one role of the shop. Each ends within the grace period after SIGTERM, as process 1 itself (exec).
set -eu

usage() {
    cat >&2 <<'END'
usage: entrypoint.sh ROLE
  web               web server
  feed              feed of events: long polls and event streams
  relay             outbox to broker
  worker CONTEXT    consumers and tasks of a context: orders, payments, ...
  beat              scheduler of periodic tasks
  migrate           migrations, then grants of the running role; ends
  await-migrations  wait until the migrations of this release are applied; ends
  manage COMMAND    a management command; ends
  ready             exit 0 if the web server of this container is ready
  alive             exit 0 if the loops of this container move
  probe             the same, and database and broker answer
END
    exit 2
}

# What an earlier process of this container has left would pass for its successor's.
forget_heartbeats() {
    mkdir -p "$SHOP_HEARTBEAT_DIR"
    rm -f "$SHOP_HEARTBEAT_DIR"/*
}

worker() {
    forget_heartbeats
    exec celery -A shop worker -Q "$1" -n "$1@%h" -c "${SHOP_WORKER_PROCESSES:-1}" -l "${LOG_LEVEL:-WARNING}" \
        --without-heartbeat --without-gossip --without-mingle
}

role=${1:-}
[ $# -eq 0 ] || shift
case $role in
web) exec python -m shop.serving ;;
feed) SHOP_FEED_BIND=${SHOP_FEED_BIND:-$SHOP_BIND} exec python -m integrations.feed.serving ;;
relay) worker messaging ;;
worker) [ $# -eq 1 ] || usage; worker "$1" ;;
beat)
    forget_heartbeats
    exec celery -A shop beat --schedule /tmp/celerybeat-schedule --pidfile= -l "${LOG_LEVEL:-WARNING}"
    ;;
migrate) exec python manage.py migrate --no-input ;;
await-migrations)
    until python manage.py migrate --check --skip-checks; do
        echo "The migrations of this release are not applied yet: run the role migrate." >&2
        sleep 3
    done
    ;;
manage) exec python manage.py "$@" ;;
ready)
    exec python -c "
import http.client as http
web = http.HTTPConnection('127.0.0.1', ${SHOP_BIND##*:}, timeout=5)
web.request('GET', '/readyz')
answer = web.getresponse()
print(answer.read().decode())
raise SystemExit(answer.status != 200)"
    ;;
alive) exec python -P /app/shop/messaging/heartbeat.py ;;
probe) exec python manage.py probe "$@" ;;
*) usage ;;
esac
