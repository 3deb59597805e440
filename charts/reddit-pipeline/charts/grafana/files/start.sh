# Starts Grafana. Without a Secret, it generates the administrator's password, which is kept as long as the data.
set -eu
made=/var/lib/grafana/admin-password
if [ ! -d /etc/grafana-admin ] && [ ! -s "$made" ]; then
  (umask 077 && head -c 24 /dev/urandom | base64 | tr '+/' '-_' >"$made.new" && mv "$made.new" "$made")
fi
exec /run.sh
