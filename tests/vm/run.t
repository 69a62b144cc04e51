#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/run.t - what a run promises to the shell: signals, reports, errors, nothing left behind.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

# Start a guest in the background; wait until it is up, for ten seconds at most.
start() {
	: >"$tap_work/out"
	"$MOTE" run --result "$tap_work/result" "$(config "$@")" </dev/null \
		>"$tap_work/out" 2>"$tap_work/errors" &
	pid=$!
	tries=0
	while [ ! -s "$tap_work/out" ] && [ "$tries" -lt 200 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
}

# SIGINT is left out of the list because sh starts background jobs with it ignored.
for pair in TERM:143 HUP:129 USR1:138; do
	signal=${pair%:*}
	start spin
	before=$(now_ms)
	kill -"$signal" "$pid"
	status=0
	wait "$pid" || status=$?
	took_ms=$(($(now_ms) - before))
	is "SIG$signal: exit status" "$status" "${pair#*:}"
	check "SIG$signal: prompt" [ "$took_ms" -lt "${MOTE_PROMPT_MS:-1000}" ]
	check "SIG$signal: in the result" grep -q '"outcome":"signal"' "$tap_work/result"
done

start spin
kill -KILL "$pid"
wait "$pid" 2>/dev/null
sleep 0.3
is 'killed launcher: the VM goes with it' "$(left_over)" ''

start spin
kill -KILL "$(child_of "$pid")"
status=0
wait "$pid" || status=$?
is 'killed VM process: host failure' "$status" 127
check 'killed VM process: said so' grep -q 'killed by signal 9' "$tap_work/errors"

# Supervisors that take their signals by descriptor leave them blocked in their children.
if env --block-signal=USR1 true 2>/dev/null; then
	status=0
	env --block-signal=USR1 "$MOTE" run "$(config halt '' '"vcpu_count": 1, "mem_size_mib": 32' '"timeout_ms": 10000')" \
		</dev/null >"$tap_work/out" 2>"$tap_work/errors" || status=$?
	is 'started with signals blocked: a halt is still seen' "$status" 164
else
	skip 'started with signals blocked: a halt is still seen' 'this env cannot block signals'
fi

# Bad input: an exit status and a message of its own each.
fails() {
	text=$1 wanted=$2 words=$3
	shift 3
	status=0
	"$MOTE" "$@" </dev/null >"$tap_work/out" 2>"$tap_work/errors" || status=$?
	is "$text: exit status" "$status" "$wanted"
	check "$text: says why" grep -qF -e "$words" "$tap_work/errors"
}

echo '{"boot-source": {"kernel_image_path": "/nonexistent"}, "machine-config": {"vcpu_count": 1, "mem_size_mib": 16}}' >"$tap_work/missing.json"
fails 'missing kernel' 169 'boot-source.kernel_image_path: cannot open /nonexistent' run "$tap_work/missing.json"
echo 'no kernel' >"$tap_work/text"
sed "s,/nonexistent,$tap_work/text," "$tap_work/missing.json" >"$tap_work/text.json"
fails 'a text file for a kernel' 169 "$tap_work/text: " run "$tap_work/text.json"
sed "s,/nonexistent,/tmp," "$tap_work/missing.json" >"$tap_work/folder.json"
fails 'a folder for a kernel' 169 'is not a regular file' run "$tap_work/folder.json"
: >"$tap_work/empty"
sed "s,/nonexistent,$tap_work/empty," "$tap_work/missing.json" >"$tap_work/empty.json"
fails 'an empty file for a kernel' 169 'is empty' run "$tap_work/empty.json"
fails 'no configuration' 126 '/nonexistent.json' run /nonexistent.json
fails 'an unwritable result' 126 '--result' run --result /nonexistent/result "$tap_work/missing.json"
cp "$tap_work/missing.json" "$tap_work/precious.json"
fails 'the configuration as the result' 126 'is the configuration itself' run --result "$tap_work/precious.json" "$tap_work/precious.json"
check 'the configuration as the result: it is untouched' cmp -s "$tap_work/missing.json" "$tap_work/precious.json"
status=0
"$MOTE" run --result "$tap_work/precious.json" - <"$tap_work/precious.json" 2>"$tap_work/errors" || status=$?
is 'the configuration on standard input as the result: exit status' "$status" 126
check 'the configuration on standard input as the result: it is untouched' cmp -s "$tap_work/missing.json" "$tap_work/precious.json"
echo '{"boot-source": {"kernel_image_path": "'"$MOTE_GUESTS"'/hello.elf"}, "machine-config": {"vcpu_count": 1, "mem_size_mib": 1}}' >"$tap_work/tiny.json"
fails 'memory too small for the kernel' 169 'guest memory' run "$tap_work/tiny.json"

file=$(config hello '' '"vcpu_count": 1, "mem_size_mib": 16' '"require_nested_paging": true')
if grep -qsE '^[Y1]' /sys/module/kvm_intel/parameters/ept /sys/module/kvm_amd/parameters/npt; then
	status=0
	"$MOTE" run "$file" </dev/null >"$tap_work/out" 2>&1 || status=$?
	is 'nested paging required, and there' "$status" 0
else
	fails 'nested paging required, and not there' 127 'mote.require_nested_paging' run "$file"
fi

# The jail, where the configuration has a say in it.
file=$(config hello '' '' '"jail": {"seccomp": "log"}')
status=0
"$MOTE" run --allow-insecure-seccomp-log "$file" </dev/null >"$tap_work/out" 2>"$tap_work/errors" || status=$?
is 'seccomp "log", asked for twice: exit status' "$status" 0
is 'seccomp "log": the guest ran' "$(cat "$tap_work/out")" 'hello from a mote unikernel'
is 'seccomp "log": one line of warning' "$(cat "$tap_work/errors")" 'mote: warning: mote.jail.seccomp is "log": system calls that nothing needs are only logged; this is for debugging'
fails 'seccomp "log", asked for once' 126 '--allow-insecure-seccomp-log' run "$file"
file=$(config hello '' '' '"jail": {"allow_missing": ["landlock", "seccomp", "users", "ids"]}')
status=0
"$MOTE" run "$file" </dev/null >"$tap_work/out" 2>"$tap_work/errors" || status=$?
is 'pieces that may be missing: exit status' "$status" 0
if "$MOTE" doctor 2>/dev/null | grep -qE '^(warn|fail) +landlock'; then
	is 'pieces that are missing: one line of warning' "$(cat "$tap_work/errors")" 'mote: warning: jail: this host lacks landlock, which mote.jail.allow_missing allows'
else
	is 'pieces that may be missing, and none is: no warning' "$(cat "$tap_work/errors")" ''
fi

# A cgroup that cannot be had is told before the machine is built.
fails 'a limit on what is no disk' 127 'mote.cgroup.io[0].device: /dev/null is not a block device' run "$(config hello '' '' '"cgroup": {"parent": "mote-none", "io": [{"device": "/dev/null", "rbps": 1}]}')"
fails 'a limit on a disk that is not there' 127 'mote.cgroup.io[1].device: /dev/none: No such file or directory' run "$(config hello '' '' '"cgroup": {"parent": "mote-none", "io": [{"device": "7:0", "rbps": 1}, {"device": "/dev/none", "rbps": 1}]}')"

# As somebody who is not root, but may open /dev/kvm.
file=$(config hello '' '' '"jail": {"uid": 4242, "gid": 4242}')
somebody='setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +dac_override --ambient-caps +dac_override'
if [ "$(id -u)" -ne 0 ]; then
	fails 'ids for the VM, as an ordinary user' 127 'mote.jail.uid: only root' run "$file"
elif $somebody true 2>/dev/null; then
	status=0
	# shellcheck disable=SC2086 # the words are meant to be split
	$somebody "$MOTE" run "$file" </dev/null >"$tap_work/out" 2>"$tap_work/errors" || status=$?
	is 'ids for the VM, as an ordinary user: exit status' "$status" 127
	is 'ids for the VM, as an ordinary user: says why' "$(cat "$tap_work/errors")" "mote: mote.jail.uid: only root can give the VM process other ids than its user's own (65534 and 65534)"
else
	skip 'ids for the VM, as an ordinary user' 'setpriv cannot become one here'
fi

# Reports.
status=0
"$MOTE" run --trace --result "$tap_work/result" "$(config hello)" </dev/null >"$tap_work/out" 2>"$tap_work/errors" || status=$?
is 'trace table: exit status' "$status" 0
for stage in start config resources clone vm memory kernel irqchip vcpus tables jail threads seal first-entry first-exit end reaped; do
	check "trace table: $stage" grep -q "^$stage " "$tap_work/errors"
done
is 'standard output has the guest only' "$(cat "$tap_work/out")" 'hello from a mote unikernel'
is 'the result is one line' "$(wc -l <"$tap_work/result" | tr -d ' ')" 1
check 'the result has outcome, code and status' grep -q '^{"outcome":"exit","code":0,"status":0,' "$tap_work/result"
"$MOTE" run --trace="$tap_work/trace" "$(config hello)" </dev/null >/dev/null 2>&1
check 'trace file is JSON' grep -q '^{"trace":\[{"stage":"start","ns":[0-9]*}' "$tap_work/trace"
"$MOTE" run --trace=/dev/full --result "$tap_work/result" "$(config hello)" </dev/null >/dev/null 2>"$tap_work/errors"
check 'a report that cannot be written is named' grep -q -e '--trace: cannot write /dev/full' "$tap_work/errors"
check 'and keeps no other from being written' grep -q '"outcome":"exit"' "$tap_work/result"
"$MOTE" run --trace="$tap_work/both" --result "$tap_work/both" "$(config hello)" </dev/null >/dev/null 2>&1
is 'two reports in one file are two lines' "$(grep -c '^{.*}$' "$tap_work/both")" 2
"$MOTE" run - <"$(config hello)" >"$tap_work/out" 2>/dev/null
is 'configuration from standard input' "$(cat "$tap_work/out")" 'hello from a mote unikernel'
"$MOTE" --config-file "$(config hello)" --no-api --id a-1 </dev/null >"$tap_work/out" 2>/dev/null
is "Firecracker's flags" "$(cat "$tap_work/out")" 'hello from a mote unikernel'

# A shell loop keeps its input: hello never looks at its serial port's receiver.
printf '1\n2\n3\n' >"$tap_work/list"
rounds=0
while read -r _; do
	"$MOTE" run "$(config exit_code)" >/dev/null 2>&1
	rounds=$((rounds + 1))
done <"$tap_work/list"
is 'a VM in a shell loop leaves the loop its input' "$rounds" 3

printf 'one\ntwo\nquit\n' | "$MOTE" run "$(config console_echo)" >"$tap_work/out" 2>"$tap_work/errors"
check 'the guest reads standard input' grep -q 'two' "$tap_work/out"

is 'nothing left behind' "$(left_over)" ''
done_testing
