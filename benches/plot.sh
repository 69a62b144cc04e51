#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# benches/plot.sh - pictures of result files, as SVG and PNG.
#
#	benches/plot.sh DIRECTORY RESULT.json...
#
# What there is to draw follows from what the results carry (benches/report.h):
#	cdf-METRIC              how samples are distributed: a curve for each subject, time on a log axis
#	stages-SUBJECT          where the time of a start goes: a bar for each stage, from its begin to its end
#	scaling-METRIC          a metric over its x: median and p99 for each subject
# A metric that is in several files is drawn from the last of them.
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
	jq -r --arg metric "${2:-}" --arg subject "${3:-}" "$1" "$work/all.json"
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
set format x '%.0f'
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
	local metric=$1 subject unit curves=() count=0
	unit=$(list 'first(.results[] | select(.metric == $metric)).unit' "$metric")
	while read -r subject; do
		count=$((count + 1))
		list '.results[] | select(.metric == $metric and .subject == $subject)
			| .samples | sort | length as $n | to_entries[] | "\(.value) \((.key + 1) / $n * 100)"' \
			"$metric" "$subject" >"$work/cdf.$count"
		curves+=(" '$work/cdf.$count' using 1:2 with steps linewidth 2 title '$subject ($(wc -l <"$work/cdf.$count") runs)' noenhanced")
	done < <(list '.results[] | select(.metric == $metric and .samples and (.x | not)).subject' "$metric")
	draw "cdf-$metric" "$metric: how many runs took at most so long" <<-END
		set logscale x
		set xlabel "$unit" noenhanced
		set ylabel "percent of runs"
		set yrange [0:100]
		set ytics 10
		set key right bottom
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
	local metric=$1 subject unit axis scale curves=() count=0
	unit=$(list 'first(.results[] | select(.metric == $metric)).unit' "$metric")
	# Tails that dwarf the rest would hide it on a linear axis.
	scale=$(list '[.results[] | select(.metric == $metric and .x) | .median, .p99]
		| if min > 0 and max > 20 * min then "set logscale y" else "set yrange [0:*]" end' "$metric")
	axis=$(list 'first(.results[] | select(.metric == $metric and .x)).x.name' "$metric")
	while read -r subject; do
		count=$((count + 1))
		list '.results | map(select(.metric == $metric and .subject == $subject and .x))
			| sort_by(.x.value)[] | "\(.x.value) \(.median) \(.p99)"' \
			"$metric" "$subject" >"$work/scaling.$count"
		curves+=(" '$work/scaling.$count' using 1:2 with linespoints linewidth 2 pointtype 7 linecolor $count title '$subject, median' noenhanced")
		curves+=(" '$work/scaling.$count' using 1:3 with linespoints dashtype 2 pointtype 6 linecolor $count title '$subject, p99' noenhanced")
	done < <(list '[.results[] | select(.metric == $metric and .x).subject] | unique[]' "$metric")
	draw "scaling-$metric" "$metric by $axis" <<-END
		set xlabel "$axis" noenhanced
		set ylabel "$unit" noenhanced
		set xrange [0:*]
		set rmargin -1
		$scale
		set key outside right top
		$(join_curves "${curves[@]}")
	END
}

(($# >= 2)) || die 'usage: plot.sh DIRECTORY RESULT.json...'
directory=$1
shift
declare -A size=([svg]=14 [pngcairo]=12)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$directory"
merge "$@"

while read -r name; do
	draw_cdf "$name"
done < <(list '[.results[] | select(.samples and (.x | not)).metric] | unique[]')
while read -r name; do
	draw_stages "$name"
done < <(list '[.results[] | select(.stages).subject] | unique[]')
while read -r name; do
	draw_scaling "$name"
done < <(list '[.results[] | select(.x).metric] | unique[]')
