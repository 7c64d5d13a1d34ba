#!/bin/sh
# prints.sh PROGRAM TEXT: passes if PROGRAM succeeds and prints exactly TEXT.
output=$("$1"; echo "status $?")
expected=$2"status 0"
[ "$output" = "$expected" ] && exit 0
printf 'printed:\n%s\nexpected:\n%s\n' "$output" "$expected"
exit 1
