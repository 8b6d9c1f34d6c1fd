#!/bin/sh
# Renders templates as the official image does: only variables that the environment has are replaced.
set -eu
from=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
to=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
names=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/${\1} /p' | tr -d '\n')
for template in "$from"/*.template; do
    [ -e "$template" ] || continue
    envsubst "$names" < "$template" > "$to/$(basename "$template" .template)"
done
exec "$@"
