#!/bin/sh
# expect.sh race|silence PROGRAM CASE: runs a case under ThreadSanitizer and compares what it reports.
# A planted race is one of timing too, so it is given ten runs to show; silence must hold in all of them.
expected=$1
shift
# Newer kernels place programs where older sanitizers do not expect them.
run="setarch -R"
$run true 2>/dev/null || run=
for _ in 1 2 3 4 5 6 7 8 9 10; do
  output=$(TSAN_OPTIONS=exitcode=66 $run "$@" 2>&1)
  status=$?
  case $expected:$status in
    race:66) exit 0 ;;
    race:0 | silence:0) ;;
    *)
      printf 'status %s\n%s\n' "$status" "$output"
      exit 1
      ;;
  esac
done
[ "$expected" = silence ] && exit 0
echo "no race was reported"
exit 1
