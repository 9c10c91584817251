#!/usr/bin/env bash
# Installs the judges into DIR, from PyPI and Maven Central by their own clients. A stamp of the pins makes a second
# run cost nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: install.sh DIR}

missing=()
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || missing+=("python3 (3.11 or later, with venv)")
command -v java >/dev/null || missing+=("java (a JDK or JRE, 17 or later, for Spark)")
command -v mvn >/dev/null || missing+=("mvn (Apache Maven 3.8 or later, which fetches Delta Lake's jars)")
if [ ${#missing[@]} -gt 0 ]; then
	echo "make interop: this machine lacks:" >&2
	printf '  %s\n' "${missing[@]}" >&2
	exit 1
fi

pins=$(cat "$here/requirements.txt" "$here/pom.xml" "$here/install.sh" <(python3 --version) | cksum | tr -d ' ')
[ -e "$dir/stamp.$pins" ] && exit 0

echo "make interop: installing the judges into $dir (1.2 GB, some minutes; once)" >&2
rm -rf "$dir"
mkdir -p "$dir"
python3 -m venv "$dir/venv" || {
	echo "make interop: python3 cannot make a virtual environment; install its venv module (python3-venv)" >&2
	exit 1
}
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
mvn --quiet --batch-mode -f "$here/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
	-DexcludeTransitive=true -DoutputDirectory="$dir/jars"
touch "$dir/stamp.$pins"
