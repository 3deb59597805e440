# Starts Grafana. Where no Secret says the administrator's password, it makes one up, which lives as long as the data.
set -eu
made=/var/lib/grafana/admin-password
if [ ! -d /etc/grafana-admin ] && [ ! -s "$made" ]; then
  (umask 077 && head -c 24 /dev/urandom | base64 | tr '+/' '-_' >"$made.new" && mv "$made.new" "$made")
fi
exec /run.sh
