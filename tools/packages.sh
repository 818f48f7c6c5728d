# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What each command needs, and how to get it: sourced by check, demo and
# bench. A purpose is a list of Debian packages. As root what is missing is
# installed; as an ordinary user the exact command is printed and the caller
# ends. Elsewhere than on Debian and its children the programs are looked for
# and named, nothing is installed.

# Purpose by purpose; libraries by their -dev package.
ioas_packages() {
	case $1 in
	build)
		# pkg-config finds the libraries; git is not needed to build.
		echo gcc libc6-dev meson ninja-build pkg-config \
			libzydis-dev libjansson-dev libdw-dev libcmocka-dev \
			scdoc
		;;
	test)
		echo python3 python3-pytest
		;;
	cplusplus)
		echo g++
		;;
	lint)
		echo binutils clang clang-format shellcheck python3
		;;
	clients)
		echo qemu-utils qemu-block-extra qemu-system-x86 libnbd-bin \
			strace libc6-dev util-linux mount pciutils gdb clang \
			libclang-rt-14-dev python3-pytest-xdist
		;;
	selftests)
		echo gcc libc6-dev make xz-utils libcap-dev uuid-dev
		;;
	cross)
		# Libraries of the other architectures: tools/fetch-cross.
		echo gcc-aarch64-linux-gnu gcc-powerpc64le-linux-gnu \
			libc6-dev-arm64-cross libc6-dev-ppc64el-cross \
			qemu-user-static python3-pytest util-linux mount
		;;
	verify)
		echo gcc libc6-dev binutils python3
		;;
	demo)
		echo qemu-utils e2fsprogs
		;;
	bench)
		# What registered memory is compared with.
		echo qemu-utils python3 liburcu-dev librte-eal23
		;;
	*)
		echo "packages.sh: no such purpose: $1" >&2
		return 1
		;;
	esac
}

# Which of the packages named are not installed, one per line.
ioas_packages_missing() {
	local package status

	for package; do
		# ${Status} is dpkg-query's own word, not a variable.
		# shellcheck disable=SC2016
		status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)
		[ "$status" = 'install ok installed' ] || echo "$package"
	done
}

# ioas_need PURPOSE...: return when everything is there, end otherwise.
ioas_need() {
	local purpose wanted=() missing=()

	if ! command -v dpkg-query apt-get >/dev/null; then
		echo "not a Debian system: see CONTRIBUTING.md for what" \
			"'$*' needs; going on with what is here" >&2
		return 0
	fi
	for purpose; do
		# Word splitting makes the list.
		# shellcheck disable=SC2207
		wanted+=($(ioas_packages "$purpose")) || exit 1
	done
	mapfile -t missing < <(ioas_packages_missing "${wanted[@]}" | sort -u)
	[ "${#missing[@]}" -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "Packages are missing. Install them with" >&2
		echo "  sudo apt-get install --no-install-recommends" \
			"${missing[*]}" >&2
		exit 1
	fi
	echo "installing ${missing[*]}"
	ioas_install "${missing[@]}" || {
		echo "could not install: ${missing[*]}" >&2
		exit 1
	}
}

# A fresh system has no package lists, an old one has stale ones.
ioas_install() {
	local apt=(apt-get -q install -y --no-install-recommends "$@")
	local log

	log=$(mktemp)
	if DEBIAN_FRONTEND=noninteractive "${apt[@]}" \
		</dev/null >"$log" 2>&1; then
		rm -f "$log"
		return 0
	fi
	if apt-get -q update </dev/null >"$log" 2>&1 &&
		DEBIAN_FRONTEND=noninteractive "${apt[@]}" \
			</dev/null >>"$log" 2>&1; then
		rm -f "$log"
		return 0
	fi
	cat "$log" >&2
	rm -f "$log"
	return 1
}

# Debian's meson knows only its own interpreter; so do our scripts. A python3
# that comes first on PATH may be another one, without pytest.
ioas_python() {
	if [ -x /usr/bin/python3 ]; then
		echo /usr/bin/python3
	else
		command -v python3
	fi
}

# ioas_build DIR [SETUP ARGUMENT...]: configure once, then build all of it, or
# what the words of ioas_targets name; quiet unless it fails.
ioas_targets=""
ioas_build() {
	local dir=$1 log
	shift

	log=$(mktemp)
	if [ ! -e "$dir/build.ninja" ]; then
		meson setup "$@" "$dir" >"$log" 2>&1 || {
			cat "$log" >&2
			rm -f "$log"
			return 1
		}
	fi
	# Word splitting makes arguments.
	# shellcheck disable=SC2086
	if ninja -C "$dir" $ioas_targets >"$log" 2>&1; then
		rm -f "$log"
		return 0
	fi
	cat "$log" >&2
	rm -f "$log"
	return 1
}
