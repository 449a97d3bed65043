# One architecture's folder in the cache.

# go_build OUT PACKAGE: the version control's state is left out, or each commit would make
# every saved machine stale.
go_build() { (cd "$here/.." && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags '-s -w' -o "$1" "$2"); }

# build_tool: beside and renamed, since one that runs cannot be written over.
build_tool() {
	go_build "$LAB_CACHE/lab.new" ./lab/tool
	mv "$LAB_CACHE/lab.new" "$LAB_CACHE/lab"
}

prepare_arch() {
	local arch=$1 dir=$LAB_CACHE/$1 began=$SECONDS
	mkdir -p "$dir/work"
	exec 8>"$dir/lock" # guests that start now wait until it is renewed (lab/guest/cache.go)
	flock 8
	[ -e "$dir/done" ] || build_arch "$arch" "$dir"
	renew "$arch" "$dir" 8>&- 9>&-
	exec 8>&-
	say "$arch ready after $((SECONDS - began)) s"
}

build_arch() {
	local arch=$1 dir=$2 work=$2/work deb karch cross metas abi
	# bookworm main's older kernel serves arm where the newer lists are out of step.
	case $arch in
	arm64) deb=arm64 karch=arm64 cross=aarch64-linux-gnu- metas=${LAB_KERNEL_arm64:-linux-image-6.12-arm64 linux-image-arm64} ;;
	arm) deb=armhf karch=arm cross=arm-linux-gnueabihf- metas=${LAB_KERNEL_arm:-linux-image-6.12-armmp linux-image-armmp} ;;
	*) die "unknown architecture $arch" ;;
	esac
	[ "$(id -u)" = 0 ] || [ -n "${LAB_NO_SYSTEMD:-}" ] || cannot "only root can make the guest's root file system (LAB_NO_SYSTEMD=1 does without)"
	say "preparing $arch in $dir"
	apt_setup "$work/apt" "$deb"
	export APT_CONFIG=$work/apt/apt.conf
	# shellcheck disable=SC2086
	fetch_kernel "$work" "$dir" $metas
	build_gpio_sim "$work" "$abi" "$karch" "$cross" "$dir/gpio-sim.ko"
	rm -rf "$work/modules" && mkdir -p "$work/modules"
	mv "$work/k/lib" "$work/modules/lib"
	[ -n "${LAB_NO_SYSTEMD:-}" ] || build_root "$work" "$dir/rootfs.ext4"
	find "$work/debs" "$work/rootdebs" -name '*.deb' -printf '%f\n' 2>/dev/null | sort -u >"$dir/versions.txt"
	rm -rf "$work/debs" "$work/k" "$work/rootdebs" "$work/apt" "$work/gpio-sim-build"
	unset APT_CONFIG
	touch "$dir/done"
}

# renew ARCH DIR: packs the initramfs and saves a booted machine, each only if what it is
# made of has changed.
renew() {
	local arch=$1 dir=$2 of
	GOOS=linux GOARCH=$arch GOARM=7 go_build "$dir/labguest" ./lab/inside
	of=$(cat "$LAB_CACHE/lab" "$dir/labguest" "$dir/gpio-sim.ko" "$dir/busybox" - <<<"${LAB_EXTRA_MODULES:-}" | sha256sum)
	if [ "$of" != "$(cat "$dir/initramfs.of" 2>/dev/null)" ]; then
		"$LAB_CACHE/lab" initramfs "$dir" "$dir/work/modules" "$dir/gpio-sim.ko" "$dir/labguest" "$dir/busybox"
		echo "$of" >"$dir/initramfs.of"
	fi
	[ ! -e "$dir/rootfs.ext4" ] || "$LAB_CACHE/lab" booted "$arch"
}
