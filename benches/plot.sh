#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# benches/plot.sh - pictures of result files, as SVG and PNG.
#
#	benches/plot.sh DIRECTORY RESULT.json...
#
# What there is to draw follows from what the results carry (benches/report.h):
#	cdf-METRIC              how times are distributed: a curve for each subject, where there are many
#	stages-SUBJECT          where the time of a start goes: a bar for each stage, from its begin to its end
#	scaling-METRIC          a metric over its x: median for each subject, and p99 where there are many runs
# A metric that is in several files is drawn from the last of them.  A subject looks the same in all
# pictures.
set -euo pipefail

die() {
	printf 'plot.sh: %s\n' "$*" >&2
	exit 1
}

# The results of all files, each metric of each subject at each x once, and one machine's name.
merge() {
	jq -s '{environment: .[-1].environment,
		results: (map(.results) | add | to_entries
			| group_by([.value.metric, .value.subject, .value.x]) | map(max_by(.key))
			| sort_by(.key) | map(.value))}' "$@" >"$work/all.json" ||
		die "not all of these are result files: $*"
	machine=$(jq -r '.environment | "\(.cpu), \(.cpus) CPUs, Linux \(.kernel), \(.date[:10])"' \
		"$work/all.json")
}

# The strings that a filter gives, one to a line.
list() {
	jq -r --arg metric "${2:-}" --arg subject "${3:-}" --argjson runs "$runs_min" --argjson by "${4:-1}" \
		"def once: reduce .[] as \$one ([]; if index([\$one]) then . else . + [\$one] end);
		$1" "$work/all.json"
}

# colour SUBJECT NUMBER: of what runs, on what kind of host; one that has no colour gets the next.
colour() {
	local name=$1
	name=${name%+devices} name=${name%+disk} name=${name%+nic}
	printf "linecolor rgb '%s'" "${colours[$name]:-${more_colours[$2 % ${#more_colours[@]}]}}"
}

# dashes SUBJECT: for the devices that it has.
dashes() {
	case $1 in
	*+devices) echo 'dashtype 2' ;;
	*+disk) echo 'dashtype 3' ;;
	*+nic) echo 'dashtype 4' ;;
	*) echo 'dashtype 1' ;;
	esac
}

# unit METRIC: the unit to draw it in, and what its own is divided by: few digits are read faster.
unit() {
	list '[.results[] | select(.metric == $metric)] as $of
		| if $of[0].unit == "us" and ([$of[].p99] | max) >= 10000 then "ms 1000" else "\($of[0].unit) 1" end' "$1"
}

# draw NAME TITLE: gnuplot's commands come from standard input, for one format and then the other.
draw() {
	local name=$1 title=$2 commands format
	commands=$(cat)
	for format in svg pngcairo; do
		gnuplot - <<END || die "gnuplot cannot draw $name"
set encoding utf8
set terminal $format size 1200,${height:-700} font 'sans,${size[$format]}' $([[ $format == svg ]] && echo 'background "white"')
set output '$directory/$name.${format%cairo}'
set title "$title\n$machine" noenhanced
set grid linetype 1 linewidth 1 linecolor rgb '#cccccc'
set format '%.10g'
set key Left reverse samplen 3
set border 3
set rmargin 6
set tics nomirror
$commands
END
	done
	printf '%s\n' "$directory/$name.svg" "$directory/$name.png"
}

# The curves of a plot command: a file, the columns, and a title for each subject.
join_curves() {
	local IFS=,
	printf 'plot %s\n' "$*"
}

draw_cdf() {
	local metric=$1 subject unit by scale curves=() count=0
	read -r unit by < <(unit "$metric")
	# A peer that takes many times as long would leave no room for the rest on a linear axis.
	scale=$(list '[.results[] | select(.metric == $metric and .samples).samples[]]
		| if min > 0 then "set logscale x\nset xtics (\([range(-3; 8) as $power | (1, 2, 3, 5)
			| "\(.)e\($power)"] | join(", ")))" else "" end' "$metric")
	while read -r subject; do
		count=$((count + 1))
		list '.results[] | select(.metric == $metric and .subject == $subject)
			| .samples | sort | length as $n | to_entries[] | "\(.value / $by) \((.key + 1) / $n * 100)"' \
			"$metric" "$subject" "$by" >"$work/cdf.$count"
		curves+=(" '$work/cdf.$count' using 1:2 with lines linewidth 2 $(colour "$subject" "$count") $(dashes "$subject") title '$subject ($(wc -l <"$work/cdf.$count") runs)' noenhanced")
	done < <(list '.results[] | select(.metric == $metric and .samples and (.x | not)).subject' "$metric")
	draw "cdf-$metric" "$metric: how many runs took at most so long" <<-END
		$scale
		set autoscale xfix
		set offsets graph 0.02, graph 0.02, 0, 0
		set xlabel "$unit" noenhanced
		set ylabel "percent of runs"
		set yrange [0:100]
		set ytics 10
		set rmargin -1
		set key outside right top
		$(join_curves "${curves[@]}")
	END
}

# Bars from the end of the stage before to the stage's own, the first stage on top.
draw_stages() {
	local subject=$1 rows
	list 'first(.results[] | select(.subject == $subject and .stages)) as $result
		| [{name: "spawn", us: 0}] + $result.stages
			+ (if $result.metric | endswith("reaped")
				then [{name: "reaped by the caller", us: $result.median}] else [] end)
		| . as $all | range(1; length)
		| "\"\($all[.].name)\" \($all[. - 1].us) \($all[.].us)"' '' "$subject" >"$work/stages"
	rows=$(wc -l <"$work/stages")
	height=$((140 + 26 * rows)) draw "stages-$subject" "start of $subject: where the time goes, medians" <<-END
		set xlabel "us since the spawn"
		set yrange [$rows - 0.4:-0.6]
		set ytics out
		set xrange [0:*]
		set lmargin 24
		set rmargin 12
		set key off
		set style fill solid 0.8
		plot '$work/stages' using 2:0:2:3:(\$0 - 0.38):(\$0 + 0.38):yticlabels(1) with boxxyerror linecolor rgb '#4477aa', \\
			'' using 3:0:(sprintf(" %.0f", \$3 - \$2)) with labels left noenhanced
	END
}

draw_scaling() {
	local metric=$1 subject unit by axis places scale curves=() count=0
	read -r unit by < <(unit "$metric")
	# Tails that dwarf the rest would hide it on a linear axis.
	scale=$(list '[.results[] | select(.metric == $metric and .x) | .median, .p99]
		| if min < 0 then "" elif min > 0 and max > 20 * min then "set logscale y"
			else "set yrange [0:*]" end' "$metric")
	axis=$(list 'first(.results[] | select(.metric == $metric and .x)).x.name' "$metric")
	places=$(list '[.results[] | select(.metric == $metric and .x).x.value] | unique
		| "set xtics (\(map(tostring) | join(", ")))",
			(if .[0] > 0 and .[-1] >= 50 * .[0] then "set logscale x\nset autoscale xfix\nset offsets graph 0.02, graph 0.02, 0, 0"
				else "set xrange [0:*]" end)' "$metric")
	while read -r subject; do
		count=$((count + 1))
		list '.results | map(select(.metric == $metric and .subject == $subject and .x))
			| sort_by(.x.value)[] | "\(.x.value) \(.median / $by) \(if .n >= $runs then .p99 / $by else "" end)"' \
			"$metric" "$subject" "$by" >"$work/scaling.$count"
		curves+=(" '$work/scaling.$count' using 1:2 with linespoints linewidth 2 pointtype 7 $(colour "$subject" "$count") title '$subject' noenhanced")
		grep -q ' .* .' "$work/scaling.$count" || continue
		curves+=(" '$work/scaling.$count' using 1:3 with linespoints pointtype 6 $(colour "$subject" "$count") dashtype 2 title '$subject, p99' noenhanced")
	done < <(list '[.results[] | select(.metric == $metric and .x).subject] | once[]' "$metric")
	draw "scaling-$metric" "${metric%_us} by $axis, medians" <<-END
		set xlabel "$axis" noenhanced
		set ylabel "$unit" noenhanced
		$places
		$scale
		set rmargin -1
		set key outside right top
		$(join_curves "${curves[@]}")
	END
}

(($# >= 2)) || die 'usage: plot.sh DIRECTORY RESULT.json...'
directory=$1
shift
readonly runs_min=20
declare -A size=([svg]=14 [pngcairo]=12)
declare -A colours=([floor]='#000000' [floor+kept]='#999999' [mote+cold]='#33bbee' [mote]='#0055cc'
	[mote+prepared]='#009966' [qemu-microvm]='#cc3311' [firecracker]='#ee7733' [cloud-hypervisor]='#ee3377'
	[kvmtool]='#aa4499' [solo5-hvt]='#997700')
more_colours=('#cc3311' '#ee7733' '#ee3377' '#aa4499' '#997700' '#555555')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$directory"
merge "$@"

while read -r name; do
	draw_cdf "$name"
done < <(list '[.results[] | select((.samples | length) >= $runs and .unit == "us" and .min < .max and (.x | not)).metric] | unique[]')
while read -r name; do
	draw_stages "$name"
done < <(list '[.results[] | select(.stages).subject] | unique[]')
while read -r name; do
	draw_scaling "$name"
done < <(list '[.results[] | select(.x)] | group_by(.metric)[] | select(map(.x.value) | unique | length > 1)[0].metric')
