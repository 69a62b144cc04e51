#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/cgi.t - a web server whose CGI program is `mote run --stdio`: a VM for each request, all of
# them of one configuration, several at a time.
#
# MOTE_CGI_REQUESTS requests, 1000 where it is not set.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

requests=${MOTE_CGI_REQUESTS:-1000}
clients=4
for program in busybox python3; do
	if ! command -v "$program" >/dev/null; then
		skip 'CGI' "$program is not here"
		done_testing
		exit
	fi
done
if ! busybox --list | grep -qx httpd; then
	skip 'CGI' 'this busybox is no web server'
	done_testing
	exit
fi

site="$tap_work/site"
mkdir -p "$site/cgi-bin" "$tap_work/consoles"
cat >"$site/fn.json" <<END
{
  "boot-source": {"kernel_image_path": "$MOTE_GUESTS/vsock_fn.elf", "boot_args": "cgi=1"},
  "machine-config": {"vcpu_count": 1, "mem_size_mib": 16},
  "vsock": {"guest_cid": 3},
  "mote": {"timeout_ms": 60000}
}
END
cat >"$site/cgi-bin/fn" <<END
#!/bin/sh
exec "$MOTE" run --stdio vsock:1024 "$site/fn.json" 2>>"$tap_work/consoles/\$\$"
END
chmod 755 "$site/cgi-bin/fn"

# A port that is free, and most likely still is when the server takes it.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# begin_server : sets server and port
begin_server() {
	for _ in 1 2 3 4 5; do
		port=$(free_port)
		busybox httpd -f -p "127.0.0.1:$port" -h "$site" 2>"$tap_work/server" &
		server=$!
		sleep 0.2
		kill -0 "$server" 2>/dev/null && return
	done
	sed 's/^/# /' "$tap_work/server"
	return 1
}

# ask COUNT CLIENTS BYTES : so many requests, shared out among clients that each wait for an answer; a
# line for each that is wrong
ask() {
	timeout 280 python3 - "$port" "$@" <<'END'
import concurrent.futures, http.client, sys

port, count, clients, size = map(int, sys.argv[1:])

def ask(number):
    words = f"{number % 100} request {number} ".encode()
    body = (words + b"abc xyz " * (size // 8))[:max(size, len(words))] if size else b""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("POST" if body else "GET", "/cgi-bin/fn", body or None)
        answer = connection.getresponse()
        came = answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"request {number}: {error!r}"
    finally:
        connection.close()
    if answer.status != 200 or answer.getheader("Content-Type") != "text/plain":
        return f"request {number}: status {answer.status}, {answer.getheaders()}"
    if came != body.upper():
        return f"request {number}: {len(came)} bytes, {came[:60]!r}"
    return None

with concurrent.futures.ThreadPoolExecutor(clients) as pool:
    for wrong in pool.map(ask, range(count)):
        if wrong:
            print(wrong)
END
}

check 'the web server is up' begin_server
trap 'kill "$server" 2>/dev/null; rm -rf "$tap_work"' EXIT
trap 'exit 1' TERM INT HUP

# said : what guests and mote had to say since the last time, each line as often as it came
said() {
	find "$tap_work/consoles" -type f -exec cat {} + | sort | uniq -c | tr -s ' '
	find "$tap_work/consoles" -type f -delete
}

is 'a request without a body' "$(ask 1 1 0)" ''
is 'a request without a body: what mote and guest said' "$(said)" ' 1 a request of 0 bytes'
is '1 MB there and back' "$(ask 1 1 1000000)" ''
is '1 MB there and back: what mote and guest said' "$(said)" ' 1 a request of 1000000 bytes'

before=$(now_ms)
is "$requests requests of $clients clients: every answer is right" "$(ask "$requests" "$clients" 64)" ''
took=$(($(now_ms) - before))
echo "# $requests requests in $took ms"
is "$requests requests of $clients clients: a VM each, and no word but theirs" "$(said)" \
	" $requests a request of 64 bytes"
check 'the web server is still up' kill -0 "$server"
is 'nothing is left' "$(left_over)" ''
is 'no file is left' "$(find "$site" -type f | sort | tr '\n' ' ')" "$site/cgi-bin/fn $site/fn.json "

done_testing
