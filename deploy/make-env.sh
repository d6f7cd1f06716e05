#!/bin/sh
# Print deploy/env.example with a random value for each secret that has none: (umask 077; deploy/make-env.sh > .env)
# Keep the file: without DJANGO_SECRET_KEY and SHOP_PRIVACY_KEYS customers' data cannot be read again.
set -eu

secret() {
    head -c 48 /dev/urandom | base64 | tr '+/' '-_'
}

while IFS= read -r line; do
    case $line in
    *_PASSWORD= | DJANGO_SECRET_KEY= | SHOP_PRIVACY_KEYS= | SHOP_SIGNING_KEYS=) echo "$line$(secret)" ;;
    *) echo "$line" ;;
    esac
done <"$(dirname "$0")/env.example"
