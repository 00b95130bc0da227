#!/bin/sh
# Installs Debian packages and leaves no service of theirs running, now or after the next start of the machine.
#
#   install.sh "SERVICE SERVICE …" APT-GET-ARGUMENT…
#
# The services are those that the packages bring. Those that the machine has already are the user's and are left as they
# are. The others are kept from starting by policy-rc.d for the time of this one run (unless the machine has a
# policy of its own, as containers do), and are disabled afterwards. A PostgreSQL cluster that the installation made is
# dropped again, so that it takes no port.
set -eu

services=$1
shift

policy=${SETUP_POLICY:-/usr/sbin/policy-rc.d}
mark="written by cargo xtask setup"
cluster_version=15

# A policy of ours whose run was killed.
if [ -f "$policy" ] && grep -q "$mark" "$policy"; then
    rm -f "$policy"
fi

new=
for service in $services; do
    known=no
    for place in "/lib/systemd/system/$service.service" "/usr/lib/systemd/system/$service.service" \
        "/etc/systemd/system/$service.service" "/etc/init.d/$service"; do
        if [ -e "$place" ]; then known=yes; fi
    done
    if [ "$known" = no ]; then new="$new $service"; fi
done

cluster=there
if [ ! -e "/etc/postgresql/$cluster_version/main" ] && [ ! -e "/var/lib/postgresql/$cluster_version/main" ]; then
    cluster=none
fi

if [ -n "$new" ] && [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' HUP INT TERM
    cat > "$policy" <<POLICY
#!/bin/sh
# For the time of one run ($mark); without effect once process $$ has ended.
kill -0 $$ 2>/dev/null || exit 0
for argument in "\$@"; do
    name=\${argument%.service}
    case " $new " in
        *" \${name%%@*} "*) exit 101 ;;
    esac
done
exit 0
POLICY
    chmod 755 "$policy"
fi

apt-get "$@"

for service in $new; do
    if command -v systemctl >/dev/null && [ -e "/lib/systemd/system/$service.service" ]; then
        # Works on the links alone where systemd does not run.
        systemctl disable --quiet "$service.service" || true
    elif [ -e "/etc/init.d/$service" ]; then
        update-rc.d "$service" disable || true
    fi
    if [ -e "/etc/init.d/$service" ]; then
        # It runs only where a policy of the machine's own let it start.
        invoke-rc.d "$service" stop >/dev/null 2>&1 || true
    fi
done

if [ "$cluster" = none ] && [ -e "/etc/postgresql/$cluster_version/main" ]; then
    pg_dropcluster --stop "$cluster_version" main
fi
