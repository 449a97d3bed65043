#!/bin/sh
# Prints the sizes of the stripped agents in folder $1 and holds them against
# the budget: arm/6 and arm/7 6.5 MiB, arm64 6.0 MiB.
set -eu
bad=0
for f in "$1"/longarm-agent-*; do
	case $f in *arm64) budget=6291456 ;; *) budget=6815744 ;; esac
	size=$(wc -c <"$f")
	verdict=ok
	[ "$size" -le "$budget" ] || { verdict="over the budget"; bad=1; }
	printf '%-28s %9d bytes of %9d  %s\n' "$(basename "$f")" "$size" "$budget" "$verdict"
done
exit $bad
