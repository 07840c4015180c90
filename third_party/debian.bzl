"""Repositories made from Debian's packages, so that a build needs nothing but apt."""

_RULES_CC = "/usr/share/bazel/rules/cc"

def _rules_cc_impl(ctx):
    result = ctx.execute(["cp", "-rL", _RULES_CC + "/.", "."])
    if result.return_code:
        fail("rules_cc: %s\nInstall Debian's package bazel-rules-cc (tools/check does)." % result.stderr)

    # Bazel 4.2.3 has no use_cpp_toolchain; a plain toolchain type is what it expects there.
    for name in ["compiler_flag", "cc_flags_supplier"]:
        path = "cc/private/rules_impl/%s.bzl" % name
        text = ctx.read(path)
        text = text.replace(', "use_cpp_toolchain")', ")")
        text = text.replace("use_cpp_toolchain()", '["@bazel_tools//tools/cpp:toolchain_type"]')
        ctx.file(path, text)

rules_cc_for_bazel_4 = repository_rule(
    implementation = _rules_cc_impl,
    doc = "Debian's rules_cc, changed in two lines so that it loads under Debian's Bazel 4.2.3.",
    local = False,
)

# A private apt state, so that neither root nor a deb-src line in the system's own configuration is needed.
_FETCH_SOURCE = """
set -eu
package=$1
mkdir -p apt/parts apt/lists/partial apt/cache/archives/partial
for file in /etc/apt/sources.list.d/*.sources; do
  [ -e "$file" ] || continue
  grep -q debian-archive-keyring "$file" || continue
  sed 's/^Types:.*/Types: deb-src/' "$file" >"apt/parts/$(basename "$file")"
done
if [ -s /etc/apt/sources.list ]; then
  sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >apt/parts/system.list
fi
set -- -q -o Dir::Etc::sourcelist=/nonexistent -o Dir::Etc::sourceparts="$PWD/apt/parts" \
  -o Dir::State::lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt/cache" -o APT::Sandbox::User=root \
  -o Acquire::Retries=3
apt-get "$@" update
apt-get "$@" source --download-only "$package"
dpkg-source --no-check -x ./*.dsc source
cp -r source/. .
rm -rf apt source ./*.dsc ./*.tar.*
"""

def _boringssl_impl(ctx):
    ctx.file("fetch_source.sh", _FETCH_SOURCE)
    result = ctx.execute(["sh", "fetch_source.sh", "android-platform-external-boringssl"], timeout = 900)
    if result.return_code:
        fail("boringssl: the source package could not be had:\n%s\n%s" % (result.stdout, result.stderr))

boringssl_source = repository_rule(
    implementation = _boringssl_impl,
    doc = "BoringSSL as in Debian's source package android-platform-external-boringssl, with its own Bazel files.",
)

def _no_coverage_impl(ctx):
    ctx.file("WORKSPACE", "")
    ctx.file("BUILD", """
package(default_visibility = ["//visibility:public"])
filegroup(name = "coverage_report_generator")
""")

no_coverage_tools = repository_rule(
    implementation = _no_coverage_impl,
    doc = "Stands where Bazel would download its coverage report generator, which every cc_test names.",
)
