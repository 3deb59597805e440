# Starts one node. The configuration folder must be writable, since the keystore is created in it.
set -euo pipefail
home=/usr/share/elasticsearch
export ES_PATH_CONF=/tmp/config
mkdir -p "$ES_PATH_CONF" /tmp/java
export ES_TMPDIR=/tmp/java
cp -Rf "$home/config/." "$ES_PATH_CONF/"
cp /etc/elasticsearch-config/elasticsearch.yml /etc/elasticsearch-config/log4j2.properties "$ES_PATH_CONF/"
settings=$ES_PATH_CONF/elasticsearch.yml
# The initial nodes, most of which must run to bootstrap a cluster. A node that already belongs to a cluster ignores them.
echo "cluster.initial_master_nodes: [$(cat /etc/elasticsearch-nodes/initial-master-nodes)]" >>"$settings"
# Settings of modules that the distribution lacks must be omitted.
while read -r module setting; do
  [ ! -d "$home/modules/$module" ] || echo "$setting"
done </etc/elasticsearch-config/modules >>"$settings"
certificates=/etc/elasticsearch-security
if [ -d "$certificates" ]; then
  mkdir -p "$ES_PATH_CONF/certificates"
  cp "$certificates/ca.crt" "$certificates/tls.crt" "$certificates/tls.key" "$ES_PATH_CONF/certificates/"
  cat >>"$settings" <<SECURITY
xpack.security.enabled: true
xpack.security.http.ssl:
  enabled: true
  key: certificates/tls.key
  certificate: certificates/tls.crt
  certificate_authorities: [certificates/ca.crt]
xpack.security.transport.ssl:
  enabled: true
  verification_mode: certificate
  key: certificates/tls.key
  certificate: certificates/tls.crt
  certificate_authorities: [certificates/ca.crt]
SECURITY
  [ -e "$ES_PATH_CONF/elasticsearch.keystore" ] || "$home/bin/elasticsearch-keystore" create
  "$home/bin/elasticsearch-keystore" add --stdin --force bootstrap.password <"$certificates/password"
elif [ -d "$home/modules/x-pack-security" ]; then
  echo "xpack.security.enabled: false" >>"$settings"
fi
exec "$home/bin/elasticsearch"
