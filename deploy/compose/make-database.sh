#!/bin/sh
# Make the two roles and the database, once, when the volume of PostgreSQL is new.
set -eu
psql --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'END'
\getenv owner_password SHOP_OWNER_PASSWORD
\getenv password SHOP_DATABASE_PASSWORD
CREATE ROLE shop_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE shop LOGIN PASSWORD :'password';
CREATE DATABASE shop OWNER shop_owner;
END
