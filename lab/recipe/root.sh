# A small root with systemd, unpacked without running any package's script: no chroot, no
# emulation, half a minute. It takes root, for the owners of the files.

root_packages="base-files base-passwd bash coreutils dash debianutils diffutils dpkg findutils grep gzip
 hostname init-system-helpers libc-bin login passwd mount sed sysvinit-utils tar util-linux
 systemd systemd-sysv udev dbus kmod iproute2 procps netbase"

# Units that cost emulated seconds and that no trial needs.
root_masked="systemd-firstboot.service getty@tty1.service getty.target systemd-update-utmp.service
 systemd-update-utmp-runlevel.service systemd-binfmt.service systemd-sysusers.service systemd-machine-id-commit.service
 systemd-hwdb-update.service ldconfig.service systemd-journal-catalog-update.service systemd-update-done.service
 fstrim.timer e2scrub_all.timer e2scrub_reap.service dpkg-db-backup.timer sys-fs-fuse-connections.mount
 dev-hugepages.mount dev-mqueue.mount sys-kernel-tracing.mount proc-sys-fs-binfmt_misc.automount systemd-logind.service
 modprobe@.service systemd-random-seed.service systemd-ask-password-console.path systemd-ask-password-wall.path
 systemd-journald-audit.socket systemd-initctl.socket systemd-modules-load.service systemd-user-sessions.service
 systemd-tmpfiles-clean.timer cryptsetup.target veritysetup.target integritysetup.target systemd-remount-fs.service"

# build_root WORK IMAGE
build_root() {
	local work=$1 image=$2 r=$1/root
	say "building the root with systemd"
	mkdir -p "$work/rootdebs/partial"
	# shellcheck disable=SC2086
	apt-get install -y -qq --download-only -o Dir::Cache::archives="$work/rootdebs" $root_packages ${LAB_ROOT_PACKAGES:-} >/dev/null ||
		cannot "the packages of the guest's root cannot be fetched"
	rm -rf "$r" && mkdir -p "$r"
	root_unpack "$r" "$work"/rootdebs/*.deb
	root_accounts "$r"
	root_settings "$r"
	root_units "$r"
	rm -f "$image.new" && truncate -s 768M "$image.new"
	mke2fs -q -t ext4 -E lazy_itable_init=1,nodiscard -d "$r" "$image.new"
	mv "$image.new" "$image"
	rm -rf "$r"
}

# root_unpack ROOT DEB...: a merged /usr, so links are kept where packages have folders.
root_unpack() {
	local r=$1 d
	shift
	for d in bin sbin lib; do mkdir -p "$r/usr/$d" && ln -s "usr/$d" "$r/$d"; done
	mkdir -p "$r"/{dev,proc,sys,run,tmp,root,etc,mnt,srv,home,opt,boot,usr/local/bin,usr/local/sbin,usr/local/lib,var/lib/dpkg/info}
	for d in "$@"; do
		dpkg-deb --fsys-tarfile "$d" | tar -x -p --keep-directory-symlink -C "$r" \
			--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/info/*' \
			--exclude='./usr/share/locale/*' --exclude='./usr/share/lintian/*'
		# dpkg in the guest knows what is there, so that a package of ours can be installed.
		{ dpkg-deb -f "$d" | sed '/^Package:/a Status: install ok installed' && echo; } >>"$r/var/lib/dpkg/status"
		: >"$r/var/lib/dpkg/info/$(dpkg-deb -f "$d" Package).list"
	done
	: >"$r/var/lib/dpkg/available"
	chmod 1777 "$r/tmp" && chmod 700 "$r/root"
}

# root_accounts ROOT: what the packages' scripts would have added.
root_accounts() {
	local r=$1 n u=990
	sed 's/^root:[^:]*:/root::/' "$r/usr/share/base-passwd/passwd.master" >"$r/etc/passwd"
	cp "$r/usr/share/base-passwd/group.master" "$r/etc/group"
	for n in systemd-network systemd-resolve systemd-timesync messagebus; do
		echo "$n:x:$u:$u:$n:/nonexistent:/usr/sbin/nologin" >>"$r/etc/passwd"
		echo "$n:x:$u:" >>"$r/etc/group"
		u=$((u - 1))
	done
	# gpio, i2c and spi: as on Raspberry Pi OS.
	for n in systemd-journal systemd-coredump input sgx kvm render gpio i2c spi; do
		echo "$n:x:$u:" >>"$r/etc/group"
		u=$((u - 1))
	done
}

# root_settings ROOT: /etc. QEMU's user network wants these addresses.
root_settings() {
	local r=$1
	mkdir -p "$r"/etc/udev/rules.d "$r"/etc/systemd/network
	echo 'SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"' >"$r/etc/udev/rules.d/60-gpio.rules"
	[ ! -e "$r/usr/share/libc-bin/nsswitch.conf" ] || cp "$r/usr/share/libc-bin/nsswitch.conf" "$r/etc/nsswitch.conf"
	echo lab >"$r/etc/hostname"
	printf '127.0.0.1 localhost lab\n10.0.2.2 host\n' >"$r/etc/hosts"
	echo 'nameserver 10.0.2.3' >"$r/etc/resolv.conf"
	echo 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1' >"$r/etc/machine-id"
	: >"$r/etc/fstab"
	: >"$r/etc/.updated"
	: >"$r/var/.updated"
	printf '%s\n' '[Match]' 'Name=eth0' '[Network]' 'Address=10.0.2.15/24' 'Gateway=10.0.2.2' 'DNS=10.0.2.3' \
		'LinkLocalAddressing=no' 'IPv6AcceptRA=no' >"$r/etc/systemd/network/eth0.network"
}

root_units() {
	local units=$1/etc/systemd/system u
	mkdir -p "$units"/{multi-user.target.wants,network-online.target.wants,systemd-udev-trigger.service.d}
	ln -sf /lib/systemd/system/multi-user.target "$units/default.target"
	ln -sf /lib/systemd/system/systemd-networkd.service "$units/multi-user.target.wants/"
	ln -sf /lib/systemd/system/systemd-networkd-wait-online.service "$units/network-online.target.wants/"
	for u in $root_masked; do ln -sf /dev/null "$units/$u"; done
	# Plug cold only what a trial looks at; the 64 virtual terminals alone cost seconds.
	cat >"$units/systemd-udev-trigger.service.d/lab.conf" <<-'EOU'
		[Service]
		ExecStart=
		ExecStart=-udevadm trigger --type=devices --action=add --subsystem-match=gpio --subsystem-match=block --subsystem-match=net --subsystem-match=watchdog --subsystem-match=usb --subsystem-match=usb-serial
		ExecStart=-udevadm trigger --type=devices --action=add --sysname-match=ttyUSB* --sysname-match=ttyAMA* --sysname-match=ttyACM* --sysname-match=ttyS0
	EOU
}
