#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tests/cli/config.bats - `mote check`: every golden file, where the text may come from, and what
# checking must not touch.
#
# MOTE names the binary; build/mote by default.

bats_require_minimum_version 1.5.0

setup() {
	MOTE=${MOTE:-$BATS_TEST_DIRNAME/../../build/mote}
	goldens=$BATS_TEST_DIRNAME/../config
}

# Runs the command; leaves its status, standard output and standard error.
examine() {
	status=0
	output=$("$@" 2>"$BATS_TEST_TMPDIR/stderr") || status=$?
	errors=$(<"$BATS_TEST_TMPDIR/stderr")
}

# The whole answer to a bad configuration: exact lines on standard error, nothing else, 126.
refused_with() {
	local name=$1 expected
	shift
	expected=$(printf "mote: $name: %s\n" "$@")
	[[ $status -eq 126 ]]
	[[ -z $output ]]
	[[ $errors == "$expected" ]] || {
		diff <(echo "$expected") <(echo "$errors")
		return 1
	}
}

# Nothing to say but OK.
accepted() {
	[[ $status -eq 0 ]]
	[[ $output == OK ]]
	[[ -z $errors ]]
}

@test "every file in accept is OK" {
	local file count=0
	for file in "$goldens"/accept/*.json; do
		examine "$MOTE" check "$file"
		accepted || {
			echo "$file: status $status: $errors"
			return 1
		}
		count=$((count + 1))
	done
	((count >= 30))
}

@test "every file in reject is refused with its exact lines and status 126" {
	local file count=0 lines
	for file in "$goldens"/reject/*.json; do
		mapfile -t lines <"${file%.json}.expected"
		examine "$MOTE" check "$file"
		refused_with "${file//%/%%}" "${lines[@]}" || {
			echo "$file: status $status"
			return 1
		}
		count=$((count + 1))
	done
	((count >= 70))
}

@test "every reject file has its lines, and no lines stand without a file" {
	diff <(cd "$goldens/reject" && printf '%s\n' *.json | sed 's/\.json$//') \
		<(cd "$goldens/reject" && printf '%s\n' *.expected | sed 's/\.expected$//')
}

@test "- is standard input" {
	examine "$MOTE" check - <"$goldens/accept/typical.json"
	accepted
	examine "$MOTE" check - <"$goldens/reject/vcpus-zero.json"
	refused_with - "machine-config.vcpu_count: 0 is outside 1..32"
	examine "$MOTE" check - </dev/null
	refused_with - "line 1, column 1: '[' or '{' expected near end of file"
}

@test "a slow pipe is read to its end" {
	local text
	text=$(<"$goldens/accept/typical.json")
	examine "$MOTE" check <(printf '%s' "${text:0:40}" && sleep 0.2 && printf '%s' "${text:40}")
	accepted
}

@test "a missing file and a directory are named" {
	examine "$MOTE" check "$BATS_TEST_TMPDIR/missing"
	refused_with "$BATS_TEST_TMPDIR/missing" "cannot read it: No such file or directory"
	examine "$MOTE" check "$BATS_TEST_TMPDIR"
	refused_with "$BATS_TEST_TMPDIR" "cannot read it: Is a directory"
}

@test "an unreadable file is named" {
	local without=()
	if [[ $EUID -eq 0 ]]; then
		without=(setpriv --bounding-set=-dac_override,-dac_read_search)
		"${without[@]}" true || skip "root may read every file, and setpriv cannot stop it"
	fi
	touch "$BATS_TEST_TMPDIR/secret"
	chmod 000 "$BATS_TEST_TMPDIR/secret"
	examine "${without[@]}" "$MOTE" check "$BATS_TEST_TMPDIR/secret"
	refused_with "$BATS_TEST_TMPDIR/secret" "cannot read it: Permission denied"
}

@test "what never ends is cut off" {
	examine timeout 10 "$MOTE" check /dev/zero
	refused_with /dev/zero "longer than 1048576 bytes"
}

@test "more errors than are shown are counted" {
	local i text='{"boot-source": {"kernel_image_path": "k"'
	for ((i = 0; i < 100; i++)); do text+=", \"zz$i\": 1"; done
	examine "$MOTE" check - <<<"$text}}"
	[[ $status -eq 126 ]]
	[[ $(wc -l <<<"$errors") -eq 65 ]]
	[[ $errors == *"boot-source.zz63: unknown key"* ]]
	[[ ${errors##*$'\n'} == "mote: -: 36 more errors" ]]
}

@test "checking opens nothing that the configuration names" {
	command -v strace >/dev/null || skip "strace is not installed"
	local name
	sed -e "s,vmlinux,$BATS_TEST_TMPDIR/kernel,; s,/srv/initrd.cpio,$BATS_TEST_TMPDIR/initrd," \
		-e "s,\"log\",\"$BATS_TEST_TMPDIR/log\",; s,\"metrics\"},\"$BATS_TEST_TMPDIR/metrics\"}," \
		-e "s,\"mote\": {,\"drives\": [{\"drive_id\": \"a\"\, \"path_on_host\": \"$BATS_TEST_TMPDIR/disk\"\, \"is_root_device\": true}]\, &," \
		"$goldens/accept/typical.json" >"$BATS_TEST_TMPDIR/config.json"
	touch "$BATS_TEST_TMPDIR/kernel" "$BATS_TEST_TMPDIR/initrd" "$BATS_TEST_TMPDIR/disk"
	grep -q "$BATS_TEST_TMPDIR/disk" "$BATS_TEST_TMPDIR/config.json"
	examine strace -f -o "$BATS_TEST_TMPDIR/calls" "$MOTE" check "$BATS_TEST_TMPDIR/config.json"
	accepted
	grep -qF "$BATS_TEST_TMPDIR/config.json" "$BATS_TEST_TMPDIR/calls"
	for name in kernel initrd disk log metrics; do
		if grep -F "$BATS_TEST_TMPDIR/$name" "$BATS_TEST_TMPDIR/calls"; then return 1; fi
	done
	if grep -E 'kvm|urandom' "$BATS_TEST_TMPDIR/calls"; then return 1; fi
	[[ ! -e $BATS_TEST_TMPDIR/log && ! -e $BATS_TEST_TMPDIR/metrics ]]
}

@test "run and Firecracker's form refuse the same file with the same lines" {
	local file=$goldens/reject/many-at-once.json lines
	mapfile -t lines <"${file%.json}.expected"
	examine "$MOTE" run "$file"
	refused_with "$file" "${lines[@]}"
	examine "$MOTE" --config-file "$file" --no-api --id x
	refused_with "$file" "${lines[@]}"
}

@test "a bad command line is one line and status 126" {
	local words
	for words in "" "run" "check a b" "run a --bogus" "serve" "--config-file f" "--no-seccomp"; do
		# shellcheck disable=SC2086 # the words are meant to be split
		examine "$MOTE" $words
		[[ $status -eq 126 ]]
		[[ -z $output ]]
		[[ $errors == "mote: "* ]]
		[[ $(wc -l <<<"$errors") -eq 1 ]]
	done
}

@test "version and help go to standard output" {
	local form
	for form in version --version; do
		examine "$MOTE" "$form"
		[[ $status -eq 0 ]]
		[[ ${output%%$'\n'*} =~ ^mote\ v[0-9]+\.[0-9]+\.[0-9]+$ ]]
	done
	for form in help --help "run --help"; do
		# shellcheck disable=SC2086 # the words are meant to be split
		examine "$MOTE" $form
		[[ $status -eq 0 ]]
		[[ $output == *"mote run"* ]]
		[[ -z $errors ]]
	done
}

# Before there is a VM as after it: nobody else tells why nothing ran.
@test "a report that cannot be written does not end mote run by a signal" {
	echo '{' >"$BATS_TEST_TMPDIR/bad.json"
	mkfifo "$BATS_TEST_TMPDIR/left"
	exec 5<>"$BATS_TEST_TMPDIR/left" 6>"$BATS_TEST_TMPDIR/left" 5<&-
	examine "$MOTE" run --result /dev/fd/6 "$BATS_TEST_TMPDIR/bad.json"
	exec 6>&-
	[[ $status -eq 126 ]]
	[[ $errors == *"--result: cannot write /dev/fd/6: Broken pipe" ]]
	status=0
	(ulimit -f 0 && "$MOTE" run --result "$BATS_TEST_TMPDIR/limited" "$BATS_TEST_TMPDIR/bad.json" 2>/dev/null) || status=$?
	[[ $status -eq 126 ]]
}
