# SPDX-License-Identifier: MIT
#
# awk -v status=N -f count-tests.awk LOG: "passed failed skipped" as the log of
# a group tells: cmocka, tables of rows, pytest and our own checks. A group that
# failed has at least one failure; one that counts nothing is one test.

/^\[  PASSED  \] [0-9]+ test/ { passed += $4 }
/^\[  FAILED  \] [0-9]+ test/ { failed += $4 }
/^[0-9]+ rows, [0-9]+ passed, [0-9]+ failed/ { passed += $3; failed += $5 }
/^[a-z][a-z-]*: .*, 0 wrong$/ { passed++ }
/^[a-z][a-z-]*: .*, [1-9][0-9]* wrong$/ { failed++ }
/^SKIPPED \[[0-9]+\]/ { skipped += substr($2, 2) }
/^[0-9]+ (passed|failed|skipped|deselected|x(fail|pass)ed|errors?|warnings?).* in [0-9.]+s/ {
	for (i = 1; i < NF; i++) {
		if ($(i + 1) ~ /^passed/)
			passed += $i
		if ($(i + 1) ~ /^(failed|error)/)
			failed += $i
	}
}
# Expected not to pass: neither one nor the other.
/^[0-9]+ .*xfailed.* in [0-9.]+s/ || /^[0-9]+ xfailed/ { apart = 1 }
END {
	if (status != 0 && failed == 0)
		failed = 1
	if (passed + failed + skipped + apart == 0)
		passed = 1
	print passed + 0, failed + 0, skipped + 0
}
