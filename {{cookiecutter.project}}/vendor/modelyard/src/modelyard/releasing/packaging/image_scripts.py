"""The scripts with which the Dockerfile makes layers that have the same bytes whenever and wherever they are built.

No file has the time of the build. A directory that is the target of a COPY gets the time of the copy, and the engine
touches /etc, so what is copied lies in /image. The scripts stay in the stages that build, which no image has.
"""

from __future__ import annotations

TIME = "@315532800"  # 1980, the first time that a zip file can hold

# Give files the one time; bytecode that Python writes afterwards holds that of its source
STAMP = f"""\
find "$@" -exec touch -hd {TIME} {{}} +
"""

# Add directories to /image without the scripts of installed packages: only Python and the one command are left
FINISH = """\
set -eu
if [ "$1" = --compile ]; then
  # -f, because some were compiled when a package was imported at the start of Python; and some files of packages are
  # for other versions of Python, which this one does not compile
  /opt/venv/bin/python -m compileall -q -f --invalidation-mode unchecked-hash /opt/venv/lib || true
  shift
fi
command=$1
shift
find /opt/venv/bin ! -type d ! -name 'python*' ! -name "$command" -delete
sh stamp.sh "$@"
cp -a "$@" /image
"""

# The base's files in /image, without what installs packages, caches, logs, and setuid and setgid
TRIM = f"""\
set -eu
touch /mark
mkdir /image
cp -a /bin /etc /home /lib* /root /run /sbin /tmp /usr /var /image
cd /image
# the engine mounts the first two
rm -rf etc/hosts etc/resolv.conf \\
  usr/local/lib/python3*/ensurepip usr/local/lib/python3*/site-packages/* usr/local/bin/pip* \\
  usr/lib/python3*/ensurepip usr/lib/python3/dist-packages/pip* usr/lib/python3/dist-packages/setuptools* \\
  usr/lib/python3/dist-packages/wheel* usr/share/python-wheels usr/bin/pip* \\
  var/lib/apt/lists/* var/cache/* var/log/*
find . ! -type l -perm /6000 -exec chmod ug-s {{}} +
find . -newer /mark -exec touch -hd {TIME} {{}} +
"""

SCRIPTS = {"stamp.sh": STAMP, "finish.sh": FINISH, "trim.sh": TRIM}
