# What the host must have. host_tools ARCH... installs what is missing.

# command or file, and the Debian package that brings it
host_wants() {
	cat <<-'EOW'
		qemu-system-aarch64 qemu-system-arm
		qemu-arm-static qemu-user-static
		make make
		xz xz-utils
		cpio cpio
		mke2fs e2fsprogs
		gcc-12 gcc-12
	EOW
	# gcc-12 built Debian's kernels, and their header packages name it. The C library is for
	# tests with the race detector.
	case " $* " in *" arm64 "*)
		[ "$(uname -m)" = aarch64 ] || printf '%s\n' 'aarch64-linux-gnu-gcc-12 gcc-12-aarch64-linux-gnu' \
			'/usr/aarch64-linux-gnu/include/stdio.h libc6-dev-arm64-cross'
		;;
	esac
	case " $* " in *" arm "*) echo 'arm-linux-gnueabihf-gcc-12 gcc-12-arm-linux-gnueabihf' ;; esac
}

host_tools() {
	local what package missing=()
	while read -r what package; do
		[ -e "$what" ] || command -v "$what" >/dev/null || missing+=("$package")
	done < <(host_wants "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || cannot "it needs ${missing[*]}, and there is no apt-get to install them"
	[ "$(id -u)" = 0 ] || cannot "it needs ${missing[*]}, which only root may install: apt-get install ${missing[*]}"
	say "installing ${missing[*]}"
	apt-get update -qq || true # one list out of step does not matter if the packages are found
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
		cannot "apt-get did not install ${missing[*]}"
}
