# The kernel, its modules, and gpio-sim, which no Debian kernel has.

# fetch_kernel WORK DIR METAPACKAGE...: unpacks a kernel and its headers into WORK/k; sets abi.
fetch_kernel() {
	local work=$1 dir=$2 meta img="" hdr common kbuild deb
	shift 2
	for meta in "$@"; do
		img=$(meta_dep "$meta" linux-image-)
		[ -z "$img" ] || break
	done
	[ -n "$img" ] || cannot "no kernel among: $*"
	abi=${img#linux-image-}
	hdr=linux-headers-$abi
	common=$(meta_dep "$hdr" 'linux-headers-.*common')
	kbuild=$(meta_dep "$hdr" linux-kbuild)
	say "kernel $abi"
	rm -rf "$work/debs" "$work/k" && mkdir -p "$work/debs" "$work/k"
	# kbuild is tools that run here, so it is of the host's architecture.
	fetch "$work/debs" "$img" "$hdr" "$common" "${kbuild%%:*}:$(dpkg --print-architecture)" busybox-static
	for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/k"; done
	cp "$work"/k/boot/vmlinuz-* "$dir/kernel"
	cp "$work"/k/bin/busybox "$dir/busybox" 2>/dev/null || cp "$work"/k/usr/bin/busybox "$dir/busybox"
	find "$work/k/usr/lib" -name 'bcm2837-rpi-3-b.dtb' -exec cp {} "$dir/" \;
}

# gpio_sim_source WORK ABI: takes gpio-sim out of the matching linux-source package (10 s),
# with the interrupt simulator that it needs and that is left out too, and a private header.
gpio_sim_source() {
	local work=$1 series
	series=$(sed -E 's/^([0-9]+\.[0-9]+).*/\1/' <<<"$2")
	[ ! -d "$work/gpio-sim-src" ] || return 0
	say "taking gpio-sim out of linux-source-$series"
	rm -rf "$work/gpio-sim-src.new" "$work/src" && mkdir -p "$work/src" "$work/gpio-sim-src.new"
	fetch "$work/src" "linux-source-$series"
	# The last tar stops after the last file, which breaks the pipe: no error.
	(
		set +o pipefail
		dpkg-deb --fsys-tarfile "$work"/src/linux-source-"$series"_*.deb |
			tar -xO "./usr/src/linux-source-$series.tar.xz" | xz -dc -T0 |
			tar -x -C "$work/gpio-sim-src.new" --strip-components=1 --occurrence=1 \
				"linux-source-$series"/{drivers/gpio/gpio-sim.c,drivers/gpio/gpiolib.h,kernel/irq/irq_sim.c}
	) 2>/dev/null
	rm -rf "$work/src"
	mv "$work/gpio-sim-src.new" "$work/gpio-sim-src"
}

# build_gpio_sim WORK ABI KERNELARCH CROSS OUT: out of tree, both simulators in one module.
# The module is GPL; it is built here and never committed. The kernel does not insist on
# signatures and is only tainted.
build_gpio_sim() {
	local work=$1 abi=$2 karch=$3 cross=$4 out=$5 build=$1/gpio-sim-build hdr=$1/k/usr/src/linux-headers-$2
	gpio_sim_source "$work" "$abi"
	rm -rf "$build" && mkdir -p "$build"
	cp "$work/gpio-sim-src/drivers/gpio/gpio-sim.c" "$build/gpio_sim_main.c"
	cp "$work/gpio-sim-src/drivers/gpio/gpiolib.h" "$work/gpio-sim-src/kernel/irq/irq_sim.c" "$build/"
	# - irq_to_desc() is not exported; generic_handle_irq() does the same by the line's handler.
	# - The search restarts from bit 0, or a bit set below the last one found may be missed.
	sed -i -e 's/handle_simple_irq(irq_to_desc(irqnum));/generic_handle_irq(irqnum);/' \
		-e 's/work_ctx->irq_count, offset);/work_ctx->irq_count, 0);/' "$build/irq_sim.c"
	# - Debian's modpost, built for a 64-bit host, has the wrong size for a 32-bit target's
	#   device tables; nobody loads this module by alias, so the table is left out.
	sed -i '/^MODULE_DEVICE_TABLE(of/d' "$build/gpio_sim_main.c"
	printf 'obj-m := gpio-sim.o\ngpio-sim-y := gpio_sim_main.o irq_sim.o\n' >"$build/Kbuild"
	# The header package names its other half by an absolute path.
	find "$work/k/usr/src" -maxdepth 2 -name Makefile \
		-exec sed -i -E "s#(^include |[ =(])/usr/src/linux-headers#\1$work/k/usr/src/linux-headers#g" {} +
	# Without the BTF setting make wants pahole.
	make -s -C "$hdr" M="$build" ARCH="$karch" CROSS_COMPILE="$cross" CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$build/log" 2>&1 ||
		{ tail -n 20 "$build/log" >&2; die "gpio-sim does not build for $abi"; }
	"${cross}strip" --strip-debug -o "$out" "$build/gpio-sim.ko"
}
