#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tests/cli/doctor.bats - `mote doctor` on this host, and with its /dev/kvm hidden.
#
# MOTE names the binary; build/mote by default.

bats_require_minimum_version 1.5.0

setup() {
	MOTE=${MOTE:-$BATS_TEST_DIRNAME/../../build/mote}
}

# The status that a report of these levels must have.
expected_status() {
	if grep -q '^fail' <<<"$1"; then echo 127; else echo 0; fi
}

# Like run, which warns of status 127 because the shell has another meaning for it.
examine() {
	status=0
	output=$("$@") || status=$?
	mapfile -t lines <<<"$output"
}

# Fails if anything in the output matches; a plain "! grep" would not fail a test.
refute_line() {
	if grep -E "$1" <<<"$output"; then return 1; fi
}

# Runs a command that finds no KVM behind /dev/kvm.
without_kvm() {
	unshare --mount bash -c 'mount --bind /dev/null /dev/kvm && exec "$@"' bash "$@"
}

need_hidden_kvm() {
	[[ $EUID -eq 0 ]] || skip "hiding /dev/kvm needs root"
	[[ -e /dev/kvm ]] || skip "there is no /dev/kvm to hide"
	without_kvm true || skip "may not mount in a namespace of its own"
}

@test "doctor: one aligned line for each finding, and the status they call for" {
	examine "$MOTE" doctor
	[[ $status -eq $(expected_status "$output") ]]
	[[ ${#lines[@]} -ge 15 ]]
	width=$(awk 'length($2) > width { width = length($2) } END { print width }' <<<"$output")
	for text in "${lines[@]}"; do
		[[ ${text:0:6} =~ ^(ok\ \ |info|warn|fail)\ \ $ ]]
		[[ ${text:6:width+2} =~ ^[a-z0-9-]+\ \ +$ ]]
		[[ ${text:width+8:1} == [^\ ] ]]
	done
}

@test "doctor: every warning and every failure has its remedy" {
	examine "$MOTE" doctor
	output=$(grep -vE '  - .+' <<<"$output")
	refute_line '^(warn|fail)'
}

@test "doctor: no name appears twice" {
	examine "$MOTE" doctor
	[[ -z $(awk '{print $2}' <<<"$output" | sort | uniq -d) ]]
}

@test "doctor: the words on standard output, nothing on standard error" {
	run bash -c '"$1" doctor 2>&1 >/dev/null' bash "$MOTE"
	[[ -z $output ]]
}

@test "doctor --json: one valid object whose checks have the four keys" {
	examine "$MOTE" doctor --json
	[[ ${#lines[@]} -eq 1 ]]
	python3 - "$status" "$output" <<-'EOF'
		import json, sys
		report = json.loads(sys.argv[2])
		assert set(report) == {"checks", "status"}
		levels = [check["level"] for check in report["checks"]]
		for check in report["checks"]:
		    assert set(check) == {"name", "level", "value", "remedy"}, check
		    assert all(isinstance(value, str) for value in check.values()), check
		    assert check["name"] and check["value"], check
		    assert check["remedy"] or check["level"] in ("ok", "info"), check
		worst = "fail" if "fail" in levels else "warn" if "warn" in levels else "ok"
		assert report["status"] == worst, report["status"]
		assert int(sys.argv[1]) == (127 if worst == "fail" else 0)
	EOF
}

@test "doctor --json: the same names as in the lines, in the same order" {
	names=$("$MOTE" doctor | awk '{print $2}') || true
	run bash -c '"$1" doctor --json | jq -r ".checks[].name"' bash "$MOTE"
	[[ $output == "$names" ]]
}

@test "doctor: with KVM, a trial VM was built and timed" {
	examine "$MOTE" doctor
	grep -q '^ok  *kvm-device' <<<"$output" || skip "no usable /dev/kvm"
	grep -qE '^(ok  |warn)  trial-create-vm +[0-9]+ us, worst [0-9]+ us' <<<"$output"
	grep -qE '^(ok  |warn)  trial-run +[0-9]+ us' <<<"$output"
	grep -qE '^(ok  |info|warn)  trial-irqchip-kernel ' <<<"$output"
}

@test "doctor: root learns what KVM_CREATE_VM costs in a cgroup, and the group is gone" {
	examine "$MOTE" doctor
	grep -q '^ok  *kvm-device' <<<"$output" || skip "no usable /dev/kvm"
	((EUID == 0)) || skip "only root can make groups below the root"
	[[ -w /sys/fs/cgroup/cgroup.procs || -w /sys/fs/cgroup/pids/cgroup.procs ]] ||
		skip "no group can be made here"
	grep -qE '^(ok  |warn)  trial-create-vm-cgroup +[0-9]+ us in a group, [0-9]+ us without' \
		<<<"$output"
	[[ -z $(compgen -G '/sys/fs/cgroup/mote-[0-9]*-*') ]]
	[[ -z $(compgen -G '/sys/fs/cgroup/*/mote-[0-9]*-*') ]]
}

@test "doctor: says whether this host is prepared" {
	examine "$MOTE" doctor
	grep -q '^ok  *kvm-device' <<<"$output" || skip "no usable /dev/kvm"
	if [[ -e /run/mote ]]; then
		grep -qE '^(ok  |warn)  prepared ' <<<"$output"
	else
		grep -qE '^warn  prepared +no +- mote prepare, as root after each boot: ' <<<"$output"
	fi
}

@test "doctor: who may make no groups is told so" {
	((EUID == 0)) || skip "needs root to become somebody else"
	# By descriptor, as below.
	examine "$BATS_TEST_DIRNAME/../vm/as_user.sh" /proc/self/fd/9 doctor 9<"$MOTE"
	((status != 77)) || skip "$output"
	grep -qE '^info  trial-create-vm-cgroup +not tried: ' <<<"$output"
}

@test "doctor: without KVM the device fails, no VM is tried, and the status is 127" {
	need_hidden_kvm
	run -127 without_kvm "$MOTE" doctor
	grep -q '^fail  kvm-device .*  - ' <<<"$output"
	refute_line ' trial'
}

@test "doctor --json: without KVM the status says fail" {
	need_hidden_kvm
	run -127 without_kvm "$MOTE" doctor --json
	[[ $(jq -r .status <<<"$output") == fail ]]
	[[ $(jq -r '.checks[] | select(.name == "kvm-device").level' <<<"$output") == fail ]]
}

@test "doctor: an ordinary user gets a report too" {
	[[ $EUID -eq 0 ]] || skip "becoming another user needs root"
	# By descriptor, because that user may not be let into the folders above the binary.
	examine setpriv --reuid 65534 --regid 65534 --clear-groups /proc/self/fd/9 doctor 9<"$MOTE"
	[[ $status -eq $(expected_status "$output") ]]
	grep -qE '^(ok  |warn)  user-namespaces ' <<<"$output"
}

@test "doctor: a report that cannot be written is a failure" {
	# shellcheck disable=SC2016 # the inner shell expands it
	run -127 bash -c '"$1" doctor >/dev/full' bash "$MOTE"
}

@test "doctor: leaves no process behind" {
	# shellcheck disable=SC2016 # the inner shell expands it
	setsid --wait bash -c 'echo $$ >"$2" && exec "$1" doctor' \
		bash "$MOTE" "$BATS_TEST_TMPDIR/session" >"$BATS_TEST_TMPDIR/report" || true
	[[ -s $BATS_TEST_TMPDIR/report ]]
	run pgrep --session "$(<"$BATS_TEST_TMPDIR/session")"
	[[ $status -eq 1 && -z $output ]]
}
