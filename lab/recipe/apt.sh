# A private APT state for the guest's packages: the host's own package lists, architectures
# and sources stay as they are.

# apt_setup DIR ARCH: afterwards APT_CONFIG=DIR/apt.conf serves Debian architecture ARCH from
# the host's mirrors.
apt_setup() {
	local d=$1 arch=$2
	command -v apt-get >/dev/null || cannot "the guest is made of Debian packages, and there is no apt-get"
	mkdir -p "$d"/{lists/partial,cache/archives/partial,etc,state}
	: >"$d/state/status"
	cat >"$d/apt.conf" <<-EOC
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; "$(dpkg --print-architecture)"; };
		APT::Sandbox::User "root";
		APT::Install-Recommends "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		Dir::State "$d/state";
		Dir::State::Lists "$d/lists";
		Dir::State::status "$d/state/status";
		Dir::Cache "$d/cache";
		Dir::Etc::SourceList "$d/etc/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
	EOC
	debian_sources >"$d/etc/sources.list"
	if [ ! -s "$d/etc/sources.list" ]; then # the host has no package lists yet
		apt-get update -qq || true
		debian_sources >"$d/etc/sources.list"
	fi
	[ -s "$d/etc/sources.list" ] || cannot "it is made of Debian packages, and this host has no list of them"
	# A mirror may be out of step for one suite and architecture; what matters is whether
	# the packages are found.
	APT_CONFIG=$d/apt.conf apt-get update -qq 2>"$d/update.log" || say "some package lists cannot be read; going on"
}

# debian_sources: the host's Debian sources, in whatever form they are written.
debian_sources() {
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk '$1=="Debian" && $4=="main" {print "deb", $2, $3, $4}' | sort -u
}

# meta_dep PACKAGE PREFIX: what a metapackage stands for now, nothing if there is none.
# Versions cannot be pinned, since mirrors drop old ones; versions.txt records what was got.
meta_dep() { apt-cache depends "$1" 2>/dev/null | sed -n "s/^ *Depends: \($2.*\)/\1/p" | head -n 1 || true; }

# fetch DIR PACKAGE...
fetch() { (cd "$1" && shift && apt-get download -qq "$@") || cannot "these packages cannot be fetched: ${*:2}"; }
