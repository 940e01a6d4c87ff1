#!/bin/bash
# A one-node Ceph (mon, osd in memory, radosgw) on 127.0.0.1, for tests. Nothing survives its processes.
#
#   rgw.sh start DATA HTTP_PORT HTTPS_PORT MON_PORT OWNER    until the process OWNER ends (MON_PORT + 1 is taken too)
#   rgw.sh stop DATA
#
# Debian and Ubuntu have it: apt-get install --no-install-recommends ceph-mon ceph-osd radosgw
# With CEPH_ROOT it is the Ceph of that tree, by chroot; DATA is a path inside.
set -euo pipefail
command=$1 data=$2 root=${CEPH_ROOT:-}

in_root() { timeout 60 ${root:+chroot "$root"} "$@"; }

# SIGKILL: radosgw's own way to stop hangs once its monitor is gone, and there is nothing to save.
stop() {
  for pid_file in "$root$data"/run/*.pid; do
    pid=$(cat "$pid_file" 2>/dev/null) || continue
    grep -qaF "$data/ceph.conf" "/proc/$pid/cmdline" 2>/dev/null && kill -9 "$pid"
  done
  if [ -f "$root$data/ceph.conf" ]; then rm -r "$root$data"; fi
}

start() {
  local http=$1 https=$2 mon=$3 owner=$4 home=$root$data
  local address="[v2:127.0.0.1:$mon,v1:127.0.0.1:$((mon + 1))]" cluster osd
  cluster=$(cat /proc/sys/kernel/random/uuid)
  osd=$(cat /proc/sys/kernel/random/uuid)
  mkdir -p "$home"/{mon,osd,rgw,run}
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$home/key.pem" -out "$home/ca.pem" -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
  cat >"$home/ceph.conf" <<CONF
[global]
fsid = $cluster
mon_host = $address
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 0
paxos_propose_interval = 0.01
paxos_min_wait = 0.01
osd_objectstore = memstore
memstore_device_bytes = 8589934592
osd_class_update_on_start = false
mon_data = $data/mon
osd_data = $data/osd
run_dir = $data/run
crash_dir = $data/run
admin_socket = $data/run/\$name.asok
pid_file = $data/run/\$name.pid
log_file = $data/\$name.log
[client.rgw]
ms_mon_client_mode = crc
rgw_data = $data/rgw
rgw_enable_apis = s3, iam
rgw_rados_pool_pg_num_min = 4
rgw_override_bucket_index_max_shards = 1
rgw_frontends = beast endpoint=127.0.0.1:$http tcp_nodelay=1 ssl_endpoint=127.0.0.1:$https ssl_certificate=$data/ca.pem ssl_private_key=$data/key.pem
CONF
  local configured=(-c "$data/ceph.conf")
  {
    in_root monmaptool --create --clobber --addv a "$address" --fsid "$cluster" "$data/monmap"
    in_root ceph-mon "${configured[@]}" -i a --mkfs --monmap "$data/monmap"
    in_root ceph-mon "${configured[@]}" -i a
    in_root ceph "${configured[@]}" osd new "$osd" 0
    in_root ceph-osd "${configured[@]}" -i 0 --mkfs --osd-uuid "$osd"
    in_root ceph "${configured[@]}" osd crush add osd.0 1.0 root=default host=localhost
    in_root ceph-osd "${configured[@]}" -i 0
    in_root radosgw-admin "${configured[@]}" -n client.rgw user create --uid=owner --display-name=owner \
      --access-key=owner --secret-key=owners-secret --caps='user-policy=*'
    in_root radosgw "${configured[@]}" -n client.rgw
  } >"$home/start.log" 2>&1
  setsid bash -c 'while kill -0 "$1"; do sleep 1; done; exec "$2" stop "$3"' - "$owner" "$0" "$data" \
    </dev/null >/dev/null 2>&1 &
  for _ in $(seq 600); do
    curl -fs -o /dev/null "http://127.0.0.1:$http/" && return
    sleep .05
  done
  tail -n 5 "$home"/*.log >&2
  return 1
}

shift 2
"$command" "$@"
