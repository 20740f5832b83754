# Sourced by the scripts beside it, which set `target`, `packages`, `runner` and `suffix` (of programs). Everything but Debian packages goes to target/.
#
# No Rust target is downloaded: the standard library is built from Debian's sources (`-Zbuild-std`). Its compiler comes
# with them, because both have to be of one version; it conflicts with rustup's when installed, so it is only unpacked.
set -euo pipefail
cd "$(dirname "$0")/../.."
platforms=$PWD/target/platforms
mkdir -p "$platforms"

# Prints the package a package depends on, by the beginning of its name.
dependency() { apt-cache depends "$1" | sed -n "s/^ *Depends: \($2.*\)/\1/p" | head -n 1; }

install() {
    local package missing=()
    for package; do dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package"); done
    [ ${#missing[@]} = 0 ] || apt-get install -qy --no-install-recommends "${missing[@]}" >/dev/null
}

# Once a day: of packages that were updated since, the old ones are gone.
if ! [ "$(find "$platforms/apt-updated" -mtime -1 2>/dev/null)" ]; then
    apt-get update -q >/dev/null && touch "$platforms/apt-updated"
fi
apt-cache show rustc-web >/dev/null || { echo 'no package rustc-web here: Debian 12 or newer carries it' >&2; exit 1; }
install $packages

std=$(dependency libstd-rust-web-dev libstd-rust-web-)
llvm=$(dependency "$std" libllvm)
version=$(apt-cache policy rustc-web | sed -n 's/ *Candidate: //p')
compiler=$platforms/rustc-$version
if ! [ -e "$compiler" ]; then
    rm -rf "$compiler.part"
    mkdir "$compiler.part"
    (
        cd "$compiler.part"
        apt-get download -q -o APT::Sandbox::User=root rustc-web rust-web-src libstd-rust-web-dev "$std" "$llvm" >/dev/null
        for deb in *.deb; do dpkg -x "$deb" .; done
        rm ./*.deb
    )
    mv "$compiler.part" "$compiler"
fi
export LD_LIBRARY_PATH=$compiler/usr/lib/x86_64-linux-gnu:$compiler/usr/lib/llvm-${llvm#libllvm}/lib
# Tests that need `openssl` are skipped where it is not found; in CI it is required, but Windows finds none under wine.
unset CI
# The fault matrix is shorter.
export EMULATED=1
# Panics name their line all the same.
export CARGO_PROFILE_DEV_DEBUG=false
export RUSTC=$compiler/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TERM_COLOR=never

# Builds and runs every test for the target, with the features given, and prints what came of them. The arguments of the
# script go to the test binaries: `tests/platforms/windows rotation` runs the tests of that name.
run_tests() {
    local features=$1 status=0 log start=$SECONDS
    log=$platforms/$target${features// /}.log
    # With the examples, of which the main job of the README is run.
    cargo test --locked --quiet --no-run --target "$target" -Zbuild-std=std,panic_unwind $features || return
    local built=$SECONDS
    # An emulator can hang, and then it may not end at any other signal; the log names the test.
    timeout --signal KILL 900 cargo test --locked --no-fail-fast --lib --bins --tests --target "$target" \
        -Zbuild-std=std,panic_unwind $features -- "${@:2}" >"$log" 2>&1 || status=$?
    [ $status != 137 ] || { echo "$target: not done after 900 s"; grep 'has been running' "$log" || true; }
    grep -E '^error|^test .* FAILED$' "$log" || true
    grep -A 3 'panicked at' "$log" || true
    timeout --signal KILL 60 $runner "target/$target/debug/examples/quickstart$suffix" >"$log.quickstart" 2>&1 || {
        status=$?
        echo "$target: the quickstart failed: $log.quickstart"
    }
    local counts
    counts=$(awk '/^test result:/ { passed += $4; failed += $6 } END { print passed + 0 " passed, " failed + 0 " failed" }' "$log")
    echo "$target ${features:-default features}: $counts" \
        "(built in $((built - start)) s, ran in $((SECONDS - built)) s; $log)"
    return $status
}

# With each backend, or with the one that BACKEND names; arguments are those of the script.
run_backends() {
    local status=0
    [ "${BACKEND:-rust}" != rust ] || run_tests --no-default-features "$@" || status=$?
    [ "${BACKEND:-aws-lc}" != aws-lc ] || run_tests '' "$@" || status=$?
    return $status
}
